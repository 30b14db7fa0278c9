//! Runs that do not come to their end.

use crate::support::{World, finish, send};
use protocol::DatabaseState;
use protocol::event::Outcome;
use rustix::process::Signal;
use tokio::process::Child;

/// A run that is in the middle of its second migration.
async fn in_the_middle(world: &World) -> Child {
    world.migration("20260101000000_a", "CREATE TABLE a(id int);");
    world.migration(
        "20260102000000_b",
        "CREATE TABLE b(id int); SELECT pg_sleep(60); CREATE TABLE c(id int);",
    );
    let child = world.command(&["deploy"]).spawn().unwrap();
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND datname = current_database() AND state = 'active')").await;
    child
}

#[tokio::test]
async fn a_signal_rolls_back_and_the_next_run_goes_on() {
    for signal in [Signal::TERM, Signal::INT] {
        let world = World::new().await;
        let child = in_the_middle(&world).await;
        send(&child, signal);
        let ended = finish(child).await;
        assert_eq!(ended.code, 30, "{}", ended.stdout);
        assert_eq!(ended.finished().outcome, Outcome::Interrupted);
        assert_eq!(ended.finished().database, DatabaseState::Changed);
        assert!(!world.exists("b").await);
        assert_eq!(
            world.history().await,
            ["20260101000000_a applied 1", "20260102000000_b rolled-back 0"]
        );
        world.lock_is_free().await;
        world.migration("20260102000000_b", "CREATE TABLE b(id int);");
        world.deploy().await.succeeded();
    }
}

#[tokio::test]
async fn after_sigkill_the_next_run_settles_and_applies_exactly_once() {
    let world = World::new().await;
    let mut child = in_the_middle(&world).await;
    send(&child, Signal::KILL);
    child.wait().await.unwrap();
    assert_eq!(world.history().await[1], "20260102000000_b unfinished 0");
    // Before PostgreSQL 14 a server does not notice that its client is gone until the statement ends.
    world.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE current_setting('server_version_num')::int < 140000 AND query LIKE 'SELECT pg_sleep(60)%' AND pid <> pg_backend_pid() AND datname = current_database()").await;
    world.migration("20260102000000_b", "CREATE TABLE b(id int); CREATE TABLE c(id int);");
    let ended = world.run(&["status"]).await;
    assert_eq!(ended.succeeded().pending, 1, "the next run goes on with it: {}", ended.stdout);
    let ended = world.deploy().await;
    assert_eq!(ended.succeeded().applied, 1);
    assert!(ended.has(|event| matches!(event, protocol::Event::Settled(_))), "{}", ended.stdout);
    assert_eq!(
        world.history().await,
        [
            "20260101000000_a applied 1",
            "20260102000000_b rolled-back 0",
            "20260102000000_b applied 1"
        ]
    );
    assert!(world.exists("c").await);
}

#[tokio::test]
async fn a_terminated_backend_is_said_and_settled() {
    let world = World::new().await;
    let child = in_the_middle(&world).await;
    world.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND datname = current_database()").await;
    let ended = finish(child).await;
    let failure = ended.failed(21);
    assert!(failure.message.contains("connection was lost"), "{failure:?}");
    assert_eq!(world.history().await[1], "20260102000000_b rolled-back 0");
    world.lock_is_free().await;
}

#[tokio::test]
async fn a_statement_that_ends_well_in_spite_of_the_cancel_is_remembered() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.migration(
        "2_b",
        "-- ecs-migrate: transaction=off\nDO $$ BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN INSERT INTO a VALUES (1); END $$;\nINSERT INTO a VALUES (2);",
    );
    let child = world.command(&["deploy"]).spawn().unwrap();
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'DO $$%' AND datname = current_database() AND wait_event = 'PgSleep')").await;
    send(&child, Signal::TERM);
    let ended = finish(child).await;
    assert_eq!(ended.code, 31, "{}", ended.stdout);
    assert_eq!(ended.finished().database, DatabaseState::PartWay);
    assert_eq!(world.history().await[1], "2_b unfinished 0");
    world.deploy().await.succeeded();
    assert_eq!(world.column("SELECT id FROM a ORDER BY id").await, ["1", "2"]);
    world.lock_is_free().await;
}

#[tokio::test]
async fn an_index_that_the_last_attempt_dropped_is_done() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int); CREATE INDEX i ON a(id);");
    world.deploy().await.succeeded();
    world.migration("2_b", "INSERT INTO a VALUES (1);\nDROP INDEX CONCURRENTLY i;\nCREATE INDEX CONCURRENTLY j ON nope(id);");
    assert_eq!(world.deploy().await.code, 10);
    // As if the run had died between the drop and its end in the journal.
    world.sql("UPDATE ecs_migrate.journal SET finished_at = NULL WHERE unit = 1").await;
    world.migration("2_b", "INSERT INTO a VALUES (1);\nDROP INDEX CONCURRENTLY i;\nCREATE INDEX CONCURRENTLY j ON a(id);");
    world.deploy().await.succeeded();
    assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
}
