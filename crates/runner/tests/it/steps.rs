//! Steps after the migrations.

use crate::support::{Ended, World, finish, search_path, send, send_to};
use protocol::DatabaseState;
use protocol::event::Outcome;
use rustix::process::Signal;

impl World {
    async fn deploy_then(&self, steps: &str, arguments: &[&str]) -> Ended {
        let mut command = self.command(&[&["deploy"], arguments].concat());
        command.env("ECS_MIGRATE_THEN", steps).env("PATH", search_path());
        finish(command.spawn().unwrap()).await
    }

    /// `name attempts state` of every step.
    async fn steps(&self) -> Vec<String> {
        self.column(
            "SELECT name || ' ' || attempts || CASE WHEN finished_at IS NOT NULL THEN ' finished' \
             WHEN exit_code IS NOT NULL THEN ' failed ' || exit_code ELSE ' started' END FROM ecs_migrate.steps ORDER BY name",
        )
        .await
    }
}

#[tokio::test]
async fn a_step_runs_once_after_the_migrations_under_the_lock() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let seed = "psql -X -q -c \"INSERT INTO a SELECT DISTINCT objid::int FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())\"";
    let both = format!("{seed}\n\n echo   second  \n");
    let ended = world.deploy_then(&both, &[]).await;
    assert_eq!(ended.succeeded().outcome, Outcome::Applied);
    // Prisma's own key is free for a step that needs it.
    assert_eq!(world.column("SELECT id FROM a").await, ["123456789"]);
    assert_eq!(ended.output("stdout"), "second\n");
    assert_eq!(world.steps().await[0], "echo second 1 finished");

    let ended = world.deploy_then(&both, &[]).await;
    assert_eq!(ended.succeeded().outcome, Outcome::NothingToDo);
    assert!(ended.notice("step_done"));
    let ended = world.deploy_then("echo third", &[]).await;
    assert_eq!(
        (ended.succeeded().outcome, ended.finished().database),
        (Outcome::Done, DatabaseState::Changed)
    );
    assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
    let ended = world.deploy_then(&both, &["--then-again"]).await;
    ended.succeeded();
    assert_eq!(world.value("SELECT count(*) FROM a").await, "2");
    assert_eq!(world.steps().await[0], "echo second 2 finished");
    world.lock_is_free().await;
}

#[tokio::test]
async fn a_step_that_fails_fails_the_deployment_with_its_own_code_and_runs_again() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let step = format!("sh -c 'test -e {0} || exit 4'\necho after", world.path("ok"));
    let ended = world.deploy_then(&step, &[]).await;
    assert_eq!(ended.code, 4, "{}", ended.stdout);
    let finished = ended.finished();
    assert_eq!((finished.applied, finished.database), (1, DatabaseState::Changed));
    assert!(
        finished.failure.as_ref().unwrap().message.contains("the schema is migrated"),
        "{finished:?}"
    );
    assert!(!ended.output("stdout").contains("after"));
    assert!(world.steps().await[0].ends_with(" 1 failed 4"), "{:?}", world.steps().await);
    std::fs::write(world.path("ok"), "").unwrap();
    let ended = world.deploy_then(&step, &[]).await;
    assert!(ended.notice("step_repeated"), "{}", ended.stdout);
    assert_eq!(ended.succeeded().applied, 0);
    assert_eq!(ended.output("stdout"), "after\n");
}

#[tokio::test]
async fn a_step_that_nobody_saw_the_end_of_runs_again() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let step = format!(
        "sh -c 'echo $$ >>{0}; test $(wc -l <{0}) -gt 1 || exec sleep 300'",
        world.path("runs")
    );
    let mut command = world.command(&["deploy", "--then", &step]);
    let mut child = command.env("PATH", search_path()).spawn().unwrap();
    let pid = world.file("runs").await;
    send(&child, Signal::KILL);
    child.wait().await.unwrap();
    send_to(pid.parse().unwrap(), Signal::KILL);
    assert!(world.steps().await[0].ends_with(" 1 started"));
    let mut command = world.command(&["deploy", "--then", &step]);
    let ended = finish(command.env("PATH", search_path()).spawn().unwrap()).await;
    ended.succeeded();
    assert!(ended.notice("step_repeated"), "{}", ended.stdout);
    assert!(world.steps().await[0].ends_with(" 2 finished"));
}

/// What an earlier step wrote is not denied.
#[tokio::test]
async fn a_step_that_fails_leaves_what_is_not_known() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    for (applied, database) in [(1, DatabaseState::Changed), (0, DatabaseState::Unknown)] {
        let mut command = world.command(&["deploy", "--then", "true", "--then", "sh -c 'exit 7'"]);
        let ended = finish(command.env("PATH", search_path()).spawn().unwrap()).await;
        assert_eq!(ended.code, 7, "{}", ended.stdout);
        let finished = ended.finished();
        assert_eq!((finished.applied, finished.database), (applied, database), "{}", ended.stdout);
    }
}

#[tokio::test]
async fn without_the_right_to_remember_steps_nothing_is_applied() {
    let world = World::new().await;
    let role = format!("r_{}", world.database);
    world.sql(&format!("CREATE ROLE {role} LOGIN; CREATE SCHEMA own AUTHORIZATION {role}")).await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let mut command = world.command(&["deploy", "--then", "true"]);
    let url = world.url.replace("postgres@", &format!("{role}@")) + "?schema=own";
    command.env("DATABASE_URL", url).env("PATH", search_path());
    let ended = finish(command.spawn().unwrap()).await;
    let failure = ended.failed(22);
    assert!(failure.hint.as_ref().unwrap().contains("GRANT CREATE ON DATABASE"), "{failure:?}");
    assert!(!world.exists("own.a").await);
}

#[tokio::test]
async fn of_many_containers_one_takes_the_step_and_all_start() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let children: Vec<_> = (0..5)
        .map(|_| {
            let mut command = world.command(&[
                "start",
                "--then",
                "psql -X -q -c 'INSERT INTO a VALUES (1)'",
                "--",
                "echo",
                "started",
            ]);
            command.env("PATH", search_path()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let ended = finish(child).await;
        assert!(ended.stdout.ends_with("started\n"), "{}", ended.stdout);
    }
    assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
}

/// The same words after another history are another step.
#[tokio::test]
async fn each_history_has_its_own_steps() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    for schema in ["one", "two; \"quoted\" schema"] {
        for taken in [true, false] {
            let mut command =
                world.command(&["deploy", "--schema", schema, "--then", "echo taken"]);
            command.env("PATH", search_path());
            let ended = finish(command.spawn().unwrap()).await;
            ended.succeeded();
            assert_eq!(ended.notice("step_done"), !taken, "{schema}: {}", ended.stdout);
            assert_eq!(ended.output("stdout") == "taken\n", taken, "{schema}");
        }
    }
    assert_eq!(world.value("SELECT count(*) FROM ecs_migrate.steps").await, "2");
}

#[tokio::test]
async fn a_history_that_was_dropped_and_made_anew_has_taken_no_step() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let seed = "psql -X -q -c 'INSERT INTO a VALUES (1)'";
    world.deploy_then(seed, &[]).await.succeeded();
    world.sql("DROP TABLE a, _prisma_migrations").await;
    for starts in [true, false] {
        // By the way that looks without the lock as well.
        let mut command = world.command(&["start", "--then", seed, "--", "true"]);
        let ended = finish(command.env("PATH", search_path()).spawn().unwrap()).await;
        assert_eq!(ended.code, 0, "{}", ended.stdout);
        assert_eq!(ended.finished().outcome == Outcome::Applied, starts, "{}", ended.stdout);
        assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
    }
    // A restored dump is another table with the same rows.
    world
        .sql("CREATE TABLE copy (LIKE _prisma_migrations INCLUDING ALL); INSERT INTO copy SELECT * FROM _prisma_migrations; \
              DROP TABLE _prisma_migrations; ALTER TABLE copy RENAME TO _prisma_migrations")
        .await;
    assert!(world.deploy_then(seed, &[]).await.notice("step_done"));
    assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
}

/// A table of an older version knows no histories.
#[tokio::test]
async fn a_step_of_an_older_version_is_of_the_only_history_unless_that_is_younger() {
    for (at, other, taken) in
        [("now()", false, false), ("now() - interval '1 day'", false, true), ("now()", true, true)]
    {
        let world = World::new().await;
        world.migration("1_a", "CREATE TABLE a(id int);");
        world.deploy().await.succeeded();
        world
            .sql(&format!(
                "CREATE SCHEMA ecs_migrate; CREATE TABLE ecs_migrate.steps (name text PRIMARY KEY, run text NOT NULL, \
                 attempts integer NOT NULL, started_at timestamptz NOT NULL, finished_at timestamptz, exit_code integer); \
                 INSERT INTO ecs_migrate.steps VALUES ('echo taken', 'r', 1, {at}, {at}, 0)"
            ))
            .await;
        if other {
            world.sql("CREATE SCHEMA two; CREATE TABLE two._prisma_migrations (LIKE _prisma_migrations)").await;
        }
        let ended = world.deploy_then("echo taken", &[]).await;
        ended.succeeded();
        assert_eq!(ended.output("stdout") == "taken\n", taken, "{at} {other}: {}", ended.stdout);
        let ended = world.deploy_then("echo taken", &[]).await;
        assert!(ended.notice("step_done"), "{}", ended.stdout);
    }
}

#[tokio::test]
async fn who_may_not_change_an_older_versions_table_is_told_before_anything_is_applied() {
    let world = World::new().await;
    let role = format!("r_{}", world.database);
    world
        .sql(&format!(
            "CREATE ROLE {role} LOGIN; CREATE SCHEMA own AUTHORIZATION {role}; CREATE SCHEMA ecs_migrate; \
             CREATE TABLE ecs_migrate.steps (name text PRIMARY KEY, run text NOT NULL, attempts integer NOT NULL, \
             started_at timestamptz NOT NULL, finished_at timestamptz, exit_code integer); \
             GRANT USAGE ON SCHEMA ecs_migrate TO {role}; GRANT ALL ON ecs_migrate.steps TO {role}"
        ))
        .await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let mut command = world.command(&["deploy", "--then", "true"]);
    let url = world.url.replace("postgres@", &format!("{role}@")) + "?schema=own";
    command.env("DATABASE_URL", url).env("PATH", search_path());
    let ended = finish(command.spawn().unwrap()).await;
    let hint = ended.failed(22).hint.clone().unwrap();
    assert!(hint.contains("ALTER TABLE ecs_migrate.steps"), "{hint}");
    assert!(!world.exists("own.a").await);
    world.sql(&hint[hint.find("ALTER").unwrap()..]).await;
    let mut command = world.command(&["deploy", "--then", "true"]);
    let url = world.url.replace("postgres@", &format!("{role}@")) + "?schema=own";
    command.env("DATABASE_URL", url).env("PATH", search_path());
    finish(command.spawn().unwrap()).await.succeeded();
}
