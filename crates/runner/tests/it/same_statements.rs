//! A resume is of the statements that were begun, in the journal that was kept.

use crate::follow::Follow;
use crate::support::World;
use protocol::{DatabaseState, Event};

const OFF: &str = "-- ecs-migrate: transaction=off\n";

async fn world() -> World {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.deploy().await.succeeded();
    world
}

/// The parser does not know SET NAMES, so nobody sees the statements.
#[tokio::test]
async fn a_text_that_the_parser_does_not_know_is_applied_once() {
    // It ends no transaction, so it is one.
    let world = world().await;
    let text = |last: &str| format!("{OFF}SET NAMES 'utf8';\nINSERT INTO a VALUES (1);\n{last};\n");
    world.migration("2_b", &text("SELECT nope()"));
    assert_eq!(world.deploy().await.failed(10).sqlstate.as_deref(), Some("42883"));
    assert_eq!(world.value("SELECT count(*) FROM a").await, "0");
    world.migration("2_b", &text("SELECT 1"));
    world.deploy().await.succeeded();
    assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
}

#[tokio::test]
async fn what_may_be_committed_of_such_a_text_is_not_begun_again() {
    for last in ["SELECT nope()", "SELECT 1/0"] {
        let world = world().await;
        let text = |last: &str| {
            format!("{OFF}SET NAMES 'utf8';\nINSERT INTO a VALUES (1);\nCOMMIT;\n{last};\n")
        };
        world.migration("2_b", &text(last));
        world.deploy().await;
        assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
        for repaired in [last, "SELECT 1"] {
            world.migration("2_b", &text(repaired));
            let red = world.deploy().await;
            assert!(red.failed(11).message.contains("`2_b`"), "{last}: {}", red.stdout);
            assert_eq!(red.finished().database, DatabaseState::NeedsAttention);
            assert_eq!(world.value("SELECT count(*) FROM a").await, "1", "{last} {repaired}");
        }
        world.migration("2_b", "INSERT INTO a VALUES (1);");
        world.deploy().await.failed(11);
        world.run(&["resolve", "--applied", "2_b", "--force"]).await.succeeded();
        world.deploy().await.succeeded();
        assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
    }
}

/// A query that changes data is one transaction with its end in the journal.
#[tokio::test]
async fn a_query_that_changes_data_is_applied_once() {
    let world = world().await;
    let text = |last: &str| {
        format!(
            "{OFF}WITH x AS (INSERT INTO a VALUES (1) RETURNING id) SELECT * FROM x;\n{last};\n"
        )
    };
    world.migration("2_b", &text("SELECT nope()"));
    world.deploy().await.failed(10);
    let alone = "SELECT alone FROM ecs_migrate.journal WHERE unit = 0 AND finished_at IS NOT NULL";
    assert_eq!(world.value(alone).await, "f");
    world.migration("2_b", &text("SELECT 1"));
    world.deploy().await.succeeded();
    assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
}

#[tokio::test]
async fn a_database_that_was_restored_without_its_journal_does_not_begin_again() {
    for edited in [false, true] {
        // As a dump of the application's schema leaves it; and with another journal in its place.
        for loss in [
            "DROP SCHEMA ecs_migrate CASCADE",
            "CREATE TABLE j (LIKE ecs_migrate.journal INCLUDING ALL); DROP TABLE ecs_migrate.journal; ALTER TABLE j RENAME TO journal; ALTER TABLE journal SET SCHEMA ecs_migrate",
        ] {
            let world = world().await;
            let text = |last: &str| format!("{OFF}INSERT INTO a VALUES (1);\n{last};\n");
            world.migration("2_b", &text("SELECT nope()"));
            world.deploy().await.failed(10);
            world.sql(loss).await;
            if edited {
                world.migration("2_b", &text("SELECT 1"));
            }
            for _again in 0..2 {
                let red = world.deploy().await;
                let failure = red.failed(11);
                assert!(failure.message.contains("journal"), "{failure:?}");
                assert_eq!(red.finished().database, DatabaseState::NeedsAttention);
            }
            assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
        }
    }
    // With its rows it is the journal, whatever number its table has.
    let world = world().await;
    let text = |last: &str| format!("{OFF}INSERT INTO a VALUES (1);\n{last};\n");
    world.migration("2_b", &text("SELECT nope()"));
    world.deploy().await.failed(10);
    world.sql("CREATE TABLE j (LIKE ecs_migrate.journal INCLUDING ALL); INSERT INTO j SELECT * FROM ecs_migrate.journal; \
               DROP TABLE ecs_migrate.journal; ALTER TABLE j RENAME TO journal; ALTER TABLE journal SET SCHEMA ecs_migrate").await;
    world.migration("2_b", &text("SELECT 1"));
    world.deploy().await.succeeded();
    assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
}

/// An editor, or git on another system, changes them.
#[tokio::test]
async fn line_endings_and_comments_may_change_between_attempts() {
    let world = world().await;
    let text = |last: &str| {
        format!("{OFF}SET lock_timeout\n = '5s';\nINSERT INTO a\n VALUES (1);\n{last};\n")
    };
    world.migration("2_b", &text("SELECT nope()"));
    world.deploy().await.failed(10);
    let repaired = text("SELECT 1").replace("INSERT INTO a", "INSERT /* one */ INTO a  -- row");
    world.migration("2_b", &repaired.replace('\n', "\r\n"));
    world.deploy().await.succeeded();
    assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
}

/// No transaction takes a PREPARE back.
#[tokio::test]
async fn a_prepare_is_not_in_the_way_of_the_next_attempt() {
    for script in [
        "PREPARE p AS SELECT 1;\nALTER TABLE a ADD COLUMN b int;\nDEALLOCATE p;",
        "VACUUM a;\nBEGIN;\nPREPARE p AS SELECT 1;\nALTER TABLE a ADD COLUMN b int;\nDEALLOCATE p;\nCOMMIT;",
    ] {
        let world = world().await;
        world.migration("2_b", script);
        let reader = world.session("reader").await;
        reader.batch_execute("BEGIN; SELECT * FROM a").await.unwrap();
        let mut run = Follow::spawn(world.command(&["deploy", "--lock-timeout", "100ms"]));
        run.until(|event| matches!(event, Event::AttemptBlocked(blocked) if blocked.attempt == 2))
            .await;
        reader.batch_execute("COMMIT").await.unwrap();
        run.finish().await.succeeded();
    }
}
