//! The right words: what is red says what it is about, and what the server says is shown.

use crate::support::{Ended, World, finish};
use protocol::Event;
use std::os::unix::fs::PermissionsExt as _;

/// After a first migration, what this script makes of the next deployment.
async fn then(world: &World, script: &str, arguments: &[&str]) -> Ended {
    world.migration("1_a", "CREATE TABLE t(a int);");
    world.deploy().await.succeeded();
    world.migration("2_b", script);
    world.run(arguments).await
}

#[tokio::test]
async fn a_script_that_takes_the_history_away() {
    for (script, word) in [
        ("DELETE FROM _prisma_migrations;", "deletes its own row"),
        ("TRUNCATE _prisma_migrations;", "deletes its own row"),
        ("DO $$ BEGIN DELETE FROM _prisma_migrations; END $$;", "deletes its own row"),
        ("DROP SCHEMA public CASCADE;\nCREATE SCHEMA public;", "cannot be recorded"),
        ("DROP TABLE _prisma_migrations;", "cannot be recorded"),
        ("ALTER TABLE _prisma_migrations RENAME TO x;", "cannot be recorded"),
        ("ALTER TABLE _prisma_migrations DROP COLUMN logs;", "cannot be recorded"),
    ] {
        let world = World::new().await;
        let ended = then(&world, script, &["deploy"]).await;
        let failure = ended.failed(10);
        assert!(failure.message.contains(word), "{script}: {failure:?}");
        assert_eq!(failure.migration.as_deref(), Some("2_b"), "{script}");
        assert_eq!(ended.finished().database, protocol::DatabaseState::Unchanged);
        assert_eq!(world.history().await, ["1_a applied 1", "2_b rolled-back 0"], "{script}");
    }
}

/// What code raises by itself is no traffic, whatever code it gives it, and no usual advice fits.
#[tokio::test]
async fn a_code_that_a_script_raises_itself() {
    for code in ["40001", "40P01", "55P03", "23502", "57P01", "57P03"] {
        let world = World::new().await;
        let script =
            format!("DO $$ BEGIN RAISE EXCEPTION 'bad data' USING ERRCODE = '{code}'; END $$;");
        let ended = then(&world, &script, &["deploy", "--lock-budget", "1m"]).await;
        let failure = ended.failed(10);
        assert_eq!(
            (failure.message.as_str(), failure.sqlstate.as_deref()),
            ("bad data", Some(code))
        );
        assert_eq!(failure.hint, None, "{failure:?}");
        assert!(!ended.has(|event| matches!(event, Event::AttemptBlocked(_))), "{}", ended.stdout);
    }
}

#[tokio::test]
async fn a_history_with_a_column_that_must_be_filled_in() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE t(a int);");
    world.deploy().await.succeeded();
    world
        .sql("ALTER TABLE _prisma_migrations ADD COLUMN env text NOT NULL DEFAULT 'x'; ALTER TABLE _prisma_migrations ALTER env DROP DEFAULT")
        .await;
    world.migration("2_b", "SELECT 1;");
    let ended = world.deploy().await;
    let failure = ended.failed(13);
    assert!(failure.message.contains("cannot be recorded"), "{failure:?}");
    let hint = failure.hint.as_deref().unwrap();
    assert!(hint.contains("_prisma_migrations") && hint.contains("env"), "{hint}");
    assert!(!hint.contains("before this one"), "{hint}");
}

#[tokio::test]
async fn rows_that_row_security_hides() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE t(a int);");
    world.deploy().await.succeeded();
    let role = format!("{}_r", world.database);
    world
        .sql(&format!(
            "CREATE ROLE {role} LOGIN; GRANT ALL ON SCHEMA public TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; \
             ALTER TABLE _prisma_migrations ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON _prisma_migrations FOR INSERT WITH CHECK (true)"
        ))
        .await;
    for arguments in [["deploy"], ["status"]] {
        let mut command = world.command(&arguments);
        command.env("DATABASE_URL", world.url.replace("postgres@", &format!("{role}@")));
        let ended = finish(command.spawn().unwrap()).await;
        let failure = ended.failed(22);
        assert!(failure.message.contains("row security"), "{failure:?}");
    }
    // The owner sees them all.
    assert_eq!(world.deploy().await.succeeded().applied, 0);
}

/// NOTICE and WARNING come while the script runs, and no more than a person reads.
#[tokio::test]
async fn what_the_server_says_of_a_script_is_shown() {
    let world = World::new().await;
    let ended = then(
        &world,
        "CREATE TABLE IF NOT EXISTS t(a int);\nDO $$ BEGIN RAISE WARNING 'careful: %', 7; END $$;\n\
         DO $$ BEGIN FOR i IN 1..5000 LOOP RAISE NOTICE 'row % of many', i; END LOOP; END $$;",
        &["deploy"],
    )
    .await;
    ended.succeeded();
    let said = |code: &str| -> Vec<String> {
        let notices = ended.lines.iter().filter_map(|line| match &line.event {
            Event::Notice(notice) if notice.code == code => Some(notice.text.clone()),
            _ => None,
        });
        notices.collect()
    };
    assert_eq!(said("server_warning"), ["`2_b`, statement 2: WARNING: careful: 7"]);
    let notices = said("server_notice");
    assert!(notices[0].contains("already exists, skipping"), "{notices:?}");
    assert!(notices[1].ends_with("row 1 of many") && notices.len() == 21, "{notices:?}");
    assert!(said("server_notices_not_shown")[0].contains("4980 more"), "{}", ended.stdout);
}

/// A cancel of a statement of the run's own is somebody's wish, not a failure nobody expected.
#[tokio::test]
async fn a_statement_of_our_own_that_is_cancelled() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.deploy().await.succeeded();
    world.migration("2_b", "CREATE TABLE b(id int);");
    // Writing the row of the next attempt has to wait.
    let holder = world.session("holder").await;
    holder.batch_execute("BEGIN; LOCK TABLE _prisma_migrations IN SHARE MODE").await.unwrap();
    let child = world.command(&["deploy"]).spawn().unwrap();
    let waits = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%INSERT INTO%' AND wait_event_type = 'Lock' AND datname = current_database()";
    world.until(&format!("EXISTS ({waits})")).await;
    world.sql(&format!("SELECT pg_cancel_backend(pid) FROM ({waits}) AS waiting")).await;
    holder.batch_execute("COMMIT").await.unwrap();
    let ended = finish(child).await;
    let failure = ended.failed(30);
    assert!(failure.message.contains("cancel"), "{failure:?}");
    assert_eq!(failure.migration.as_deref(), Some("2_b"));
    world.deploy().await.succeeded();
}

#[tokio::test]
async fn a_service_and_a_password_file() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let folder = tempfile::tempdir().unwrap();
    let (services, passwords) = (folder.path().join("services"), folder.path().join("passwords"));
    let (port, database) = (world.port(), &world.database);
    std::fs::write(
        &services,
        format!("[shop]\nhost=127.0.0.1\nport={port}\ndbname={database}\nuser=with_password\nsslmode=disable\n"),
    )
    .unwrap();
    let run = async |password: &str| {
        std::fs::write(&passwords, format!("127.0.0.1:{port}:*:with_password:{password}\n"))
            .unwrap();
        std::fs::set_permissions(&passwords, std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut command = world.command(&["status"]);
        command.env_remove("DATABASE_URL").env("PGSERVICEFILE", &services).env("PGSERVICE", "shop");
        command.env("PGPASSFILE", &passwords);
        finish(command.spawn().unwrap()).await
    };
    world.sql("DO $$ BEGIN CREATE ROLE with_password LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$").await;
    // The password of the other tests that sign in as it, at the same time.
    let _set = world
        .client
        .batch_execute("ALTER ROLE with_password PASSWORD 'p#a/s?s%40@:wo rd+!^&='")
        .await;
    assert_eq!(run("p#a/s?s%40@\\:wo rd+!^&=").await.succeeded().pending, 1);
    let ended = run("hunter2").await;
    let failure = ended.failed(22);
    // There is no URL to encode anything in.
    assert!(!failure.hint.as_deref().unwrap().contains("encoded"), "{failure:?}");
    assert!(!ended.stdout.contains("hunter2"));
}
