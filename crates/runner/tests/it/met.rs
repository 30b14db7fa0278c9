//! Which database a run met, and whose it was: the last line says it, whatever the address is called.

use crate::support::{Ended, World, client, finish, search_path};
use protocol::Event;

/// What PostgreSQL itself says of the database.
const IDENTITY: &str = "SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' \
    || lpad(to_hex((SELECT timeline_id FROM pg_control_checkpoint())), 8, '0') || '/' || oid \
    FROM pg_database WHERE datname = current_database()";

/// Environment and identity.
fn said(ended: &Ended) -> (&str, &str) {
    let finished = ended.finished();
    (&finished.environment, &finished.identity)
}

async fn run(world: &World, arguments: &[&str], environment: Option<&str>) -> Ended {
    let mut command = world.command(arguments);
    command.env("PATH", search_path());
    if let Some(environment) = environment {
        command.env("ECS_MIGRATE_ENVIRONMENT", environment);
    }
    finish(command.spawn().unwrap()).await
}

#[tokio::test]
async fn whatever_met_the_database_says_which_it_was_in_its_last_line() {
    let world = World::new().await;
    let identity = world.value(IDENTITY).await;
    assert_eq!(identity.split('/').count(), 3, "{identity}");
    world.migration("1_a", "CREATE TABLE a(id int);");
    for (arguments, code) in [
        (&["status"][..], 0),
        (&["deploy"], 0),
        (&["deploy"], 0),
        (&["exec", "--", "true"], 0),
        (&["exec", "--", "sh", "-c", "exit 7"], 7),
        (&["resolve", "--applied", "1_a"], 2),
    ] {
        let ended = run(&world, arguments, None).await;
        // Whether there was anything to resolve is not what this is about.
        assert!(ended.code == code || arguments[0] == "resolve", "{arguments:?}: {}", ended.stdout);
        assert_eq!(said(&ended), ("", identity.as_str()), "{arguments:?}: {}", ended.stdout);
    }
    // Red ones as well.
    world.migration("2_b", "CREATE TABLE a(id int);");
    let red = run(&world, &["deploy"], None).await;
    red.failed(10);
    assert_eq!(said(&red), ("", identity.as_str()));
}

#[tokio::test]
async fn the_environment_is_the_one_it_was_for_else_the_one_that_the_database_bears() {
    let world = World::new().await;
    let identity = world.value(IDENTITY).await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    for (arguments, environment, code, expected) in [
        (&["deploy"][..], None, 0, ""),
        // It gets its name.
        (&["deploy"], Some("production"), 0, "production"),
        (&["deploy"], Some("production"), 0, "production"),
        // Who says none learns it from the database.
        (&["deploy"], None, 0, "production"),
        (&["status"], None, 0, "production"),
        (&["exec", "--", "true"], None, 0, "production"),
    ] {
        let ended = run(&world, arguments, environment).await;
        assert_eq!(ended.code, code, "{arguments:?} {environment:?}: {}", ended.stdout);
        let expected = (expected, identity.as_str());
        assert_eq!(said(&ended), expected, "{arguments:?} {environment:?}: {}", ended.stdout);
    }
}

/// What one refuses is not one's own database: its identity is not said for the environment's.
#[tokio::test]
async fn who_is_refused_by_anothers_database_says_whose_it_was_for_and_no_identity() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    run(&world, &["deploy"], Some("production")).await.succeeded();
    for arguments in [&["deploy"][..], &["status"], &["exec", "--", "true"]] {
        let red = run(&world, arguments, Some("staging")).await;
        red.failed(14);
        assert_eq!(said(&red), ("staging", ""), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_database_of_the_same_name_is_another_one() {
    let mut world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let first = world.deploy().await.succeeded().identity.clone();
    let other = World::new().await;
    let elsewhere = other.run(&["status"]).await.succeeded().identity.clone();
    assert_ne!(first, elsewhere, "another database of the same server");
    // Dropped and made again: the same server, timeline and name.
    let server = format!("{}/postgres", world.url.rsplit_once('/').unwrap().0);
    let admin = client(&server).await;
    let name = world.database.clone();
    for sql in [format!("DROP DATABASE {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")] {
        admin.batch_execute(&sql).await.unwrap();
    }
    world.client = client(&world.url).await;
    let again = world.deploy().await.succeeded().identity.clone();
    let server = |identity: &str| identity.rsplit_once('/').unwrap().0.to_owned();
    assert_eq!(server(&first), server(&again));
    assert_ne!(first, again);
    assert_eq!(again, world.value(IDENTITY).await);
}

#[tokio::test]
async fn who_met_none_says_none() {
    let world = World::new().await;
    let mut command = world.command(&["deploy", "--connect-wait", "0s"]);
    let port = "postgres://u:p@127.0.0.1:1/d";
    let red = finish(command.env("DATABASE_URL", port).spawn().unwrap()).await;
    assert_eq!(red.code, 21, "{}", red.stdout);
    assert_eq!(said(&red), ("", ""));
    assert!(!red.has(|event| matches!(event, Event::Connected(_))));
}
