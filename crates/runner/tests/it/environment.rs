//! The environment's name: written once, and a run for another one changes nothing.

use crate::check::says;
use crate::support::{Ended, World, finish};
use protocol::DatabaseState;
use protocol::Event;
use protocol::event::Finding;

const NAME: &str = "SELECT name FROM ecs_migrate.environment";

/// A database that a run for `production` has named.
async fn production() -> World {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let first = world.run(&["deploy", "--environment", "production"]).await;
    assert_eq!(first.succeeded().applied, 1);
    assert!(first.notice("environment_named"), "{}", first.stdout);
    world
}

/// What the first line about the database says of whose it is.
fn bears(ended: &Ended) -> Option<&str> {
    ended.lines.iter().find_map(|line| match &line.event {
        Event::Connected(connected) => connected.environment.as_deref(),
        _ => None,
    })
}

#[tokio::test]
async fn the_first_run_names_the_database_and_a_run_for_another_one_is_refused() {
    let world = production().await;
    assert_eq!(world.value(NAME).await, "production");
    assert_eq!(
        world.value("SELECT written_by LIKE 'ecs-migrate %' FROM ecs_migrate.environment").await,
        "t"
    );
    world.migration("2_b", "CREATE TABLE b(id int);");
    for arguments in [
        &["deploy"][..],
        &["start", "--", "true"],
        &["exec", "--", "true"],
        &["resolve", "--applied", "2_b"],
        &["status"],
        &["unblock", "1", "--yes"],
    ] {
        let mut command = world.command(arguments);
        command
            .env("ECS_MIGRATE_ENVIRONMENT", "staging")
            .env("PATH", crate::support::search_path());
        let red = finish(command.spawn().unwrap()).await;
        let failure = red.failed(14);
        assert!(
            failure
                .message
                .starts_with("this run is for the environment `staging`, but the database `test_")
                && failure.message.ends_with("belongs to `production`"),
            "{failure:?}"
        );
        assert_eq!(red.finished().database, DatabaseState::Unchanged, "{arguments:?}");
    }
    assert!(!world.exists("b").await);
    world.lock_is_free().await;
    // Who says nothing goes on, and sees where.
    let green = world.deploy().await;
    assert_eq!(green.succeeded().applied, 1);
    assert_eq!(bears(&green), Some("production"));
    let again = world.run(&["deploy", "--environment", "production"]).await;
    again.succeeded();
    assert!(!again.notice("environment_named"));
}

#[tokio::test]
async fn a_blank_name_and_nonsense_are_refused() {
    let world = World::new().await;
    world.migration("1_a", "SELECT 1;");
    for blank in ["", " ", "\t\r\n"] {
        let mut command = world.command(&["deploy"]);
        let red = finish(command.env("ECS_MIGRATE_ENVIRONMENT", blank).spawn().unwrap()).await;
        assert_eq!(red.code, 2, "{blank:?}");
        assert!(red.stderr.contains("env ECS_MIGRATE_ENVIRONMENT is blank"), "{}", red.stderr);
        assert_eq!(world.run(&["deploy", "--environment", blank]).await.code, 2, "{blank:?}");
    }
    assert!(!world.exists("_prisma_migrations").await);
    // Nobody who says nothing is asked.
    world.deploy().await.succeeded();
    assert!(!world.exists("ecs_migrate.environment").await);
    assert_eq!(world.run(&["deploy", "--environment", "a\nb"]).await.code, 2);
    assert_eq!(world.run(&["resolve", "--rename-environment", " "]).await.code, 2);
}

#[tokio::test]
async fn a_history_that_does_not_fit_claims_nothing() {
    let world = World::new().await;
    world.migration("1_a", "SELECT 1;").sql("CREATE TABLE theirs(id int)").await;
    world.run(&["deploy", "--environment", "staging"]).await.failed(13);
    assert!(!world.exists("ecs_migrate.environment").await);
}

#[tokio::test]
async fn of_two_first_runs_one_names_it_and_the_other_is_refused() {
    let world = World::new().await;
    world.migration("1_a", "SELECT 1;");
    let run = async |name: &str| world.run(&["deploy", "--environment", name]).await;
    let (one, other) = tokio::join!(run("production"), run("staging"));
    let mut codes = [one.code, other.code];
    codes.sort_unstable();
    assert_eq!(codes, [0, 14], "{}{}", one.stdout, other.stdout);
    let winner = if one.code == 0 { "production" } else { "staging" };
    assert_eq!(world.value(NAME).await, winner);
}

#[tokio::test]
async fn a_wrapped_command_names_it_too() {
    let world = World::new().await;
    let mut command = world.command(&["exec", "--environment", "production", "--", "true"]);
    let green = finish(command.env("PATH", crate::support::search_path()).spawn().unwrap()).await;
    green.succeeded();
    assert_eq!(world.value(NAME).await, "production");
}

#[tokio::test]
async fn without_the_right_to_keep_it_the_run_says_so_and_goes_on() {
    let world = World::new().await;
    let role = format!("r_{}", world.database);
    world.sql(&format!("CREATE ROLE {role} LOGIN; CREATE SCHEMA own AUTHORIZATION {role}")).await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let url = world.url.replace("postgres@", &format!("{role}@")) + "?schema=own";
    let mut command = world.command(&["deploy", "--environment", "production"]);
    let green = finish(command.env("DATABASE_URL", &url).spawn().unwrap()).await;
    assert_eq!(green.succeeded().applied, 1);
    assert!(green.notice("environment_not_named"), "{}", green.stdout);
    assert!(green.stdout.contains("GRANT CREATE ON DATABASE"), "{}", green.stdout);
    // A name that somebody else wrote is read by everybody.
    let rename = ["resolve", "--schema", "own", "--rename-environment", "production"];
    world.run(&rename).await.succeeded();
    let mut command = world.command(&["deploy", "--environment", "staging"]);
    let red = finish(command.env("DATABASE_URL", &url).spawn().unwrap()).await;
    red.failed(14);
    // Unless its owner took that away: then nobody can say.
    world.sql("REVOKE USAGE ON SCHEMA ecs_migrate FROM PUBLIC").await;
    let mut command = world.command(&["deploy", "--environment", "staging"]);
    let hidden = finish(command.env("DATABASE_URL", &url).spawn().unwrap()).await;
    hidden.succeeded();
    assert!(hidden.stdout.contains("may not read"), "{}", hidden.stdout);
    world.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
async fn a_copy_of_productions_database_is_renamed_by_who_knows_its_name() {
    let world = production().await;
    let red = world.run(&["resolve", "--rename-environment", "staging"]).await;
    let failure = red.failed(14);
    assert!(failure.hint.as_ref().unwrap().contains("--environment production"), "{failure:?}");
    let wrong = ["resolve", "--environment", "qa", "--rename-environment", "staging"];
    world.run(&wrong).await.failed(14);
    let both = ["resolve", "--applied", "1_a", "--rename-environment", "staging"];
    assert_eq!(world.run(&both).await.code, 2);
    let mut command = world.command(&[
        "resolve",
        "--environment",
        "production",
        "--rename-environment",
        "staging",
    ]);
    // It needs no migrations.
    command.env("ECS_MIGRATE_MIGRATIONS", crate::support::nowhere());
    finish(command.spawn().unwrap()).await.succeeded();
    world.run(&["deploy", "--environment", "staging"]).await.succeeded();
    world.run(&["deploy", "--environment", "production"]).await.failed(14);
}

#[tokio::test]
async fn check_says_whose_it_is() {
    let world = production().await;
    let ended = world.run(&["check", "--environment", "staging"]).await;
    ended.failed(14);
    says(&ended, "environment", Finding::No, &["belongs to `production`", "--rename-environment"]);
    says(&ended, "history", Finding::Ok, &["agrees"]);
    let ended = world.run(&["check", "--environment", "production"]).await;
    ended.succeeded();
    says(&ended, "environment", Finding::Ok, &["belongs to `production`"]);
    let ended = world.run(&["check"]).await;
    says(&ended, "environment", Finding::Skip, &["belongs to `production`"]);
}
