//! Scripts that cannot be one transaction.

use crate::support::World;
use protocol::DatabaseState;
use protocol::Event;
use protocol::event::StatementFinished;

#[tokio::test]
async fn scripts_as_people_write_them() {
    let world = World::new().await;
    world.migration("20260101000000_a", "CREATE TABLE a(id int, v text); CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE m(mood mood);");
    world.migration("20260102000000_index", "-- alone\nCREATE INDEX CONCURRENTLY one ON a(id);");
    world.migration("20260103000000_indexes", "SET search_path = public; CREATE INDEX CONCURRENTLY two ON a(v); CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS three ON public.a(id, v); DROP INDEX CONCURRENTLY one; ALTER TABLE a ADD w int;");
    world.migration(
        "20260104000000_enum",
        "ALTER TYPE mood ADD VALUE 'great'; INSERT INTO m VALUES ('great');",
    );
    world.migration("20260105000000_own", "BEGIN; CREATE TABLE b(id int); COMMIT;");
    world.migration("20260106000000_two", "BEGIN; CREATE TABLE c(id int); COMMIT; BEGIN; CREATE TABLE d(id int); ROLLBACK; CREATE TABLE e(id int);");
    world.migration("20260107000000_off", "-- ecs-migrate: transaction=off\nCREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO b VALUES (1); COMMIT; END $$; CALL p(); VACUUM b;");
    world.migration(
        "20260108000000_modes",
        "BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; INSERT INTO b VALUES (2); COMMIT;",
    );
    let ended = world.deploy().await;
    assert_eq!(ended.succeeded().applied, 8);
    for relation in ["two", "three", "b", "c", "e"] {
        assert!(world.exists(relation).await, "{relation}");
    }
    assert!(!world.exists("one").await && !world.exists("d").await);
    assert_eq!(world.value("SELECT count(*) FROM b").await, "2");
    assert_eq!(world.value("SELECT count(*) FROM ecs_migrate.journal").await, "0");
    assert!(world.history().await.iter().all(|row| row.ends_with("applied 1")));
}

#[tokio::test]
async fn a_failure_part_way_is_resumed_where_it_stopped() {
    let world = World::new().await;
    world.migration("20260101000000_a", "CREATE TABLE a(id int); INSERT INTO a VALUES (1), (1);");
    world.migration(
        "20260102000000_b",
        "INSERT INTO a VALUES (7);\nCREATE UNIQUE INDEX CONCURRENTLY u ON a(id);\nINSERT INTO a VALUES (9);",
    );
    let red = world.deploy().await;
    let failure = red.failed(10);
    assert_eq!(failure.statement.as_ref().unwrap().number, 2);
    assert!(
        failure.hint.as_ref().unwrap().contains("statement 1 is applied and stays"),
        "{failure:?}"
    );
    assert_eq!(red.finished().database, DatabaseState::PartWay);
    assert!(!world.exists("u").await, "no invalid index is left");

    world.sql("DELETE FROM a WHERE id = 1").await;
    let green = world.deploy().await;
    green.succeeded();
    assert!(green.has(|event| matches!(
        event,
        Event::StatementFinished(StatementFinished { number: 1, skipped: true, .. })
    )));
    assert_eq!(world.column("SELECT id FROM a ORDER BY id").await, ["7", "9"]);
    assert_eq!(world.history().await, ["20260101000000_a applied 1", "20260102000000_b applied 1"]);
}

#[tokio::test]
async fn what_is_done_cannot_be_edited() {
    let world = World::new().await;
    world.migration(
        "20260101000000_a",
        "CREATE TABLE a(id int);\nCREATE INDEX CONCURRENTLY i ON nope(id);",
    );
    assert_eq!(world.deploy().await.code, 10);
    world.migration(
        "20260101000000_a",
        "CREATE TABLE a(id bigint);\nCREATE INDEX CONCURRENTLY i ON a(id);",
    );
    let red = world.deploy().await;
    assert!(red.failed(11).message.contains("has changed there since"), "{}", red.stdout);
    world.migration(
        "20260101000000_a",
        "CREATE TABLE a(id int);\nCREATE INDEX CONCURRENTLY i ON a(id);",
    );
    world.deploy().await.succeeded();
    world.deploy().await.succeeded();
}

#[tokio::test]
async fn an_invalid_index_is_built_again() {
    let world = World::new().await;
    world.migration("20260101000000_a", "CREATE TABLE a(id int); INSERT INTO a VALUES (1), (1);");
    world.deploy().await.succeeded();
    let refused = world.client.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY u ON a(id)").await;
    assert!(refused.is_err() && world.exists("u").await);
    world.sql("DELETE FROM a").await;
    world.migration(
        "20260102000000_u",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS u ON a(id);",
    );
    let ended = world.deploy().await;
    ended.succeeded();
    assert!(ended.notice("invalid_index_dropped"));
    assert_eq!(
        world.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'u'::regclass").await,
        "t"
    );
}

#[tokio::test]
async fn what_must_not_run_is_refused_and_leaves_no_row() {
    let world = World::new().await;
    for (script, word) in [
        ("CREATE TABLE a(id int);\nBEGIN;\nCREATE TABLE b(id int);", "never commits"),
        ("COPY a FROM STDIN;", "COPY FROM STDIN"),
        ("\\set x 1\nSELECT 1;", "psql"),
        ("SET TRANSACTION READ ONLY;\nSELECT 1;", "read-only"),
    ] {
        world.migration("20260101000000_a", script);
        let red = world.deploy().await;
        let failure = red.failed(10);
        assert!(failure.message.contains(word) && failure.hint.is_some(), "{failure:?}");
    }
    assert!(world.history().await.is_empty());
    assert!(!world.exists("a").await);
}

#[tokio::test]
async fn what_fails_only_because_of_the_transaction_is_rolled_back_and_explained() {
    let world = World::new().await;
    world.migration(
        "20260101000000_a",
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;\nCALL p();",
    );
    let red = world.deploy().await;
    let failure = red.failed(10);
    assert_eq!(failure.sqlstate.as_deref(), Some("2D000"));
    assert!(failure.hint.as_ref().unwrap().contains("transaction=off"), "{failure:?}");
    assert_eq!(world.value("SELECT count(*) FROM pg_proc WHERE proname = 'p'").await, "0");
}

#[tokio::test]
async fn without_the_right_to_a_journal_the_grant_is_named() {
    let world = World::new().await;
    let role = format!("weak_{}", world.database);
    world.sql(&format!("CREATE ROLE {role} LOGIN; GRANT ALL ON SCHEMA public TO {role}")).await;
    world.migration("20260101000000_a", "CREATE TABLE a(id int); VACUUM;");
    let mut command = world.command(&["deploy"]);
    command.env("DATABASE_URL", world.url.replace("postgres@", &format!("{role}@")));
    let ended = crate::support::finish(command.spawn().unwrap()).await;
    let hint = ended.failed(22).hint.clone().unwrap();
    assert!(
        hint.contains(&format!("GRANT CREATE ON DATABASE {} TO {role}", world.database)),
        "{hint}"
    );
    assert!(!world.exists("a").await);
    world.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
async fn an_index_alone_needs_no_journal_and_is_resumed_from_the_catalog() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.migration("2_i", "SET lock_timeout = 0;\nCREATE INDEX CONCURRENTLY i ON a(id);");
    world.deploy().await.succeeded();
    assert!(!world.exists("ecs_migrate.journal").await);
    // As if the run had died between the build and the finished mark.
    world
        .sql("UPDATE _prisma_migrations SET finished_at = NULL, logs = 'ecs-migrate: mode=statements backend=1 run=r' WHERE migration_name = '2_i'")
        .await;
    world.deploy().await.succeeded();
    assert_eq!(world.history().await, ["1_a applied 1", "2_i applied 1"]);
}

#[tokio::test]
async fn after_a_reset_an_old_journal_is_ignored() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);\nVACUUM nope;");
    assert_eq!(world.deploy().await.code, 10);
    assert_eq!(world.value("SELECT count(*) FROM ecs_migrate.journal").await, "1");
    world.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    world.migration("1_a", "CREATE TABLE a(id int);\nVACUUM a;");
    world.deploy().await.succeeded();
    assert!(world.exists("a").await);
}

#[tokio::test]
async fn a_byte_order_mark_and_windows_line_ends_are_no_matter() {
    let world = World::new().await;
    world.migration("1_a", "\u{feff}CREATE TABLE a(id int);\r\n\r\nINSERT INTO a VALUES (1);\r\n");
    world.deploy().await.succeeded();
    assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
}
