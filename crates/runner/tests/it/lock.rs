//! One at a time.

use crate::support::{World, finish};
use protocol::Event;

#[tokio::test]
async fn a_held_lock_is_waited_for_and_its_holder_named() {
    for key in [123_456_789_i64, 72_707_369] {
        let world = World::new().await;
        world.migration("20260101000000_a", "CREATE TABLE a(id int);");
        world
            .sql(&format!(
                "SET application_name = 'a stray deploy'; SELECT pg_advisory_lock({key})"
            ))
            .await;
        let red = world.run(&["--lock-wait", "300ms"]).await;
        let failure = red.failed(20);
        assert_eq!(failure.prisma_code.as_deref(), Some("P1002"));
        assert!(failure.message.contains("application `a stray deploy`"), "{failure:?}");
        assert!(
            red.has(|event| matches!(event, Event::LockWaiting(waiting) if waiting.key == key))
        );
        assert!(!world.exists("_prisma_migrations").await);

        let child = world.command(&["deploy"]).spawn().unwrap();
        world.until("EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'ecs-migrate%' AND datname = current_database())").await;
        world.sql(&format!("SELECT pg_advisory_unlock({key})")).await;
        assert_eq!(finish(child).await.succeeded().applied, 1);
    }
}

#[tokio::test]
async fn a_key_of_its_own_and_prismas_switch() {
    let world = World::new().await;
    world.sql("SELECT pg_advisory_lock(123456789), pg_advisory_lock(72707369)").await;
    let mut command = world.command(&["--lock-key", "-5"]);
    command.env("PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK", "false");
    let ended = finish(command.spawn().unwrap()).await;
    ended.succeeded();
    assert!(
        ended.has(|event| matches!(event, Event::LockAcquired(acquired) if acquired.keys == [-5]))
    );
}

#[tokio::test]
async fn of_twenty_runners_one_applies() {
    let world = World::new().await;
    world.migration("20260101000000_a", "CREATE TABLE a(id int); INSERT INTO a VALUES (1);");
    world.migration("20260102000000_b", "CREATE INDEX CONCURRENTLY i ON a(id);");
    let children: Vec<_> = (0..20).map(|_| world.command(&["deploy"]).spawn().unwrap()).collect();
    let mut applied = Vec::new();
    for child in children {
        applied.push(finish(child).await.succeeded().applied);
    }
    applied.sort_unstable();
    assert_eq!((applied[18], applied[19]), (0, 2), "{applied:?}");
    assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
    world.lock_is_free().await;
}

#[tokio::test]
async fn a_lock_that_a_script_lets_go_is_taken_again() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int); SELECT pg_advisory_unlock_all();");
    world.migration("2_b", "CREATE TABLE b AS SELECT count(*) AS held FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objid = 123456789;");
    world.deploy().await.succeeded();
    assert_eq!(world.value("SELECT held FROM b").await, "1");
    world.lock_is_free().await;
}

#[tokio::test]
async fn a_lock_that_somebody_else_took_meanwhile_rolls_back() {
    let world = World::new().await;
    world.migration(
        "1_a",
        "CREATE TABLE a(id int); SELECT pg_advisory_unlock_all(); SELECT pg_sleep(0.5);",
    );
    let child = world.command(&["deploy"]).spawn().unwrap();
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(0.5)%' AND datname = current_database())").await;
    world.sql("SELECT pg_advisory_lock(123456789)").await;
    let red = finish(child).await;
    assert!(red.failed(20).message.contains("not ours any more"), "{}", red.stdout);
    assert!(!world.exists("a").await);
    assert_eq!(world.history().await, ["1_a rolled-back 0"]);
}
