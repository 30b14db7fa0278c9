//! Somebody holds the history's table against writing, as a dump of it or a REINDEX does: a run waits with
//! words, tries again where it was refused, and stops when it is asked to.

use crate::follow::Follow;
use crate::support::{Ended, World, send_to};
use protocol::{DatabaseState, Event};
use rustix::process::Signal;
use tokio_postgres::Client;

/// One transaction, and statement by statement.
const SCRIPTS: [&str; 2] = ["CREATE TABLE b(id int);", "CREATE TABLE b(id int);\nVACUUM b;"];

async fn applied_once() -> World {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.deploy().await.succeeded();
    world
}

async fn hold(world: &World) -> Client {
    let holder = world.session("somebody").await;
    holder.batch_execute("BEGIN; LOCK TABLE _prisma_migrations IN SHARE MODE").await.unwrap();
    holder
}

fn waits(doing: &'static str) -> impl Fn(&Event) -> bool {
    move |event| {
        matches!(event, Event::Heartbeat(beat) if beat.doing == doing
            && beat.blockers.iter().any(|blocker| blocker.application == "somebody"))
    }
}

async fn stop(run: Follow) -> Ended {
    send_to(i32::try_from(run.id()).unwrap(), Signal::TERM);
    run.finish().await
}

#[tokio::test]
async fn a_row_that_could_not_be_written_is_written_by_the_next_attempt() {
    for script in SCRIPTS {
        let world = applied_once().await;
        world.sql(&format!("ALTER DATABASE {} SET lock_timeout = '200ms'", world.database)).await;
        world.migration("2_b", script);
        let holder = hold(&world).await;
        let mut run = Follow::spawn(world.command(&["deploy"]));
        run.until(|event| matches!(event, Event::AttemptBlocked(_))).await;
        holder.batch_execute("COMMIT").await.unwrap();
        assert_eq!(run.finish().await.succeeded().applied, 1, "{script}");
        assert_eq!(world.history().await, ["1_a applied 1", "2_b applied 1"], "{script}");
    }
}

#[tokio::test]
async fn a_signal_ends_the_wait_for_the_row() {
    for script in SCRIPTS {
        let world = applied_once().await;
        world.migration("2_b", script);
        let holder = hold(&world).await;
        let mut run = Follow::spawn(world.command(&["deploy"]));
        run.until(waits("recording that `2_b` begins")).await;
        let ended = stop(run).await;
        ended.failed(30);
        assert_eq!(ended.finished().database, DatabaseState::Unchanged, "{}", ended.stdout);
        holder.batch_execute("COMMIT").await.unwrap();
        assert_eq!(world.history().await, ["1_a applied 1"], "{script}");
        assert_eq!(world.deploy().await.succeeded().applied, 1);
    }
}

/// What became of a migration cannot be recorded: the next run settles it.
#[tokio::test]
async fn a_signal_ends_the_wait_to_record_what_is_left() {
    for (is_failing, code) in [(true, 10), (false, 30)] {
        let world = applied_once().await;
        world.migration("2_b", "CREATE TABLE b AS SELECT 1 / a FROM (SELECT count(*) - 1 AS a FROM pg_advisory_xact_lock(99)) AS z;");
        world.sql("SELECT pg_advisory_lock(99)").await;
        let mut run = Follow::spawn(world.command(&["deploy"]));
        world.until("EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 99 AND NOT granted)").await;
        let holder = hold(&world).await;
        if is_failing {
            world.sql("SELECT pg_advisory_unlock(99)").await;
            run.until(waits("recording what is left of the migration")).await;
        }
        let ended = stop(run).await;
        ended.failed(code);
        holder.batch_execute("COMMIT").await.unwrap();
        world.sql("SELECT pg_advisory_unlock_all()").await;
        world.lock_is_free().await;
        world.migration("2_b", SCRIPTS[0]);
        assert_eq!(world.deploy().await.succeeded().applied, 1);
        assert_eq!(world.history().await, ["1_a applied 1", "2_b rolled-back 0", "2_b applied 1"]);
    }
}

/// An earlier run was killed; what it left is to be settled first.
#[tokio::test]
async fn a_signal_ends_the_wait_to_settle() {
    let world = applied_once().await;
    world.migration("2_b", SCRIPTS[0]);
    world
        .sql(
            "INSERT INTO _prisma_migrations (id, checksum, migration_name, logs) \
             VALUES ('x', 'x', '2_b', 'ecs-migrate: mode=transaction backend=1 run=r')",
        )
        .await;
    let unfinished = ["1_a applied 1", "2_b unfinished 0"];
    assert_eq!(world.history().await, unfinished);
    let holder = hold(&world).await;
    let mut run = Follow::spawn(world.command(&["deploy"]));
    run.until(waits("settling what an earlier run left")).await;
    stop(run).await.failed(30);
    holder.batch_execute("COMMIT").await.unwrap();
    assert_eq!(world.history().await, unfinished);
    assert_eq!(world.deploy().await.succeeded().applied, 1);
}

/// A time limit that the database gives its sessions is for scripts: what is read is waited for.
#[tokio::test]
async fn a_limit_of_the_role_does_not_end_a_read() {
    for command in ["deploy", "status", "check"] {
        let world = applied_once().await;
        world.sql(&format!("ALTER DATABASE {} SET lock_timeout = '20ms'", world.database)).await;
        let holder = world.session("somebody").await;
        holder
            .batch_execute("BEGIN; LOCK TABLE _prisma_migrations IN ACCESS EXCLUSIVE MODE")
            .await
            .unwrap();
        let mut run = Follow::spawn(world.command(&[command]));
        run.until(|event| {
            matches!(event, Event::Heartbeat(beat)
                if beat.blockers.iter().any(|blocker| blocker.application == "somebody"))
        })
        .await;
        holder.batch_execute("COMMIT").await.unwrap();
        let ended = run.finish().await;
        assert_eq!(ended.code, 0, "{command}: {}", ended.stdout);
    }
}
