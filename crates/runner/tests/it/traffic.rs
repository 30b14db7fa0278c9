//! Never in traffic's way: short waits, whole transactions tried again, a budget, and then nothing
//! changed.

use crate::support::{Ended, World, finish};
use protocol::event::{AttemptBlocked, MigrationApplied};
use protocol::{DatabaseState, Event};
use rustix::process::{Pid, Signal, kill_process};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

impl Ended {
    /// The attempts that others stopped.
    fn blocked(&self) -> Vec<&AttemptBlocked> {
        let attempts = self.lines.iter().filter_map(|line| match &line.event {
            Event::AttemptBlocked(blocked) => Some(blocked),
            _ => None,
        });
        attempts.collect()
    }

    fn applied(&self, name: &str) -> &MigrationApplied {
        self.lines
            .iter()
            .find_map(|line| match &line.event {
                Event::MigrationApplied(applied) if applied.migration == name => Some(applied),
                _ => None,
            })
            .unwrap_or_else(|| panic!("{name} was not applied: {}", self.stdout))
    }
}

/// Our migration waits for a lock right now.
const WAITS: &str = "EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'ecs-migrate %' \
    AND datname = current_database() AND wait_event_type = 'Lock')";

/// A world with the table `t`, and the migration `2_t` that needs all of it.
async fn busy() -> World {
    let world = World::new().await;
    world.migration("1_t", "CREATE TABLE t(id int); INSERT INTO t VALUES (1);");
    world.deploy().await.succeeded();
    world.migration("2_t", "CREATE TABLE u(id int);\nALTER TABLE t ADD c int;");
    world
}

#[tokio::test]
async fn an_unending_blocker_ends_in_23_with_nothing_changed_while_readers_go_on() {
    let world = busy().await;
    let blocker = world.session("app server").await;
    blocker.batch_execute("BEGIN; SELECT * FROM t WHERE id = 12345").await.unwrap();
    let pid = world.pid_of("app server").await;
    let (stop, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut readers = Vec::new();
    for _ in 0..3 {
        let reader = world.session("reader").await;
        let (stop, reads) = (stop.clone(), reads.clone());
        readers.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                reader.batch_execute("SELECT * FROM t").await.unwrap();
                reads.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    let child = world.command(&["deploy", "--lock-budget", "2s"]).spawn().unwrap();
    world.until(WAITS).await;
    let during = reads.load(Ordering::Relaxed);
    let red = finish(child).await;
    let after = reads.load(Ordering::Relaxed);
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }

    let failure = red.failed(23);
    assert!(after > during + 10, "{during} reads before the end, {after} at it");
    assert_eq!(failure.sqlstate.as_deref(), Some("55P03"));
    assert_eq!(failure.statement.as_ref().unwrap().number, 2);
    let named = &failure.blockers[0];
    assert_eq!((named.pid, named.blocker.as_str()), (pid, "idle in transaction"), "{failure:?}");
    assert_eq!((named.application.as_str(), named.user.as_str()), ("app server", "postgres"));
    assert_eq!(named.query, "BEGIN; SELECT * FROM t WHERE id = ?", "values are not shown");
    assert!(named.since_ms.is_some() && named.depth == 1);
    assert!(failure.message.contains(&format!("pid {pid}, idle in transaction")), "{failure:?}");
    assert!(failure.hint.as_ref().unwrap().contains(&format!("unblock {pid}")), "{failure:?}");
    assert!(red.blocked().len() >= 3, "{}", red.stdout);
    assert_eq!(red.finished().database, DatabaseState::Unchanged);
    assert!(!world.exists("u").await);
    assert_eq!(world.history().await, ["1_t applied 1", "2_t rolled-back 0"]);
    world.lock_is_free().await;

    blocker.batch_execute("COMMIT").await.unwrap();
    world.deploy().await.succeeded();
    assert_eq!(world.history().await[2], "2_t applied 1");
}

#[tokio::test]
async fn once_the_blocker_goes_it_is_applied_exactly_once_and_says_what_it_cost() {
    let world = busy().await;
    world.migration(
        "2_t",
        "CREATE TABLE u(id int);\nINSERT INTO u VALUES (1), (2);\nALTER TABLE t ALTER id TYPE bigint;",
    );
    let blocker = world.session("app server").await;
    blocker.batch_execute("BEGIN; SELECT * FROM t").await.unwrap();
    let child = world.command(&["deploy"]).spawn().unwrap();
    world.until(WAITS).await;
    world.until(&format!("NOT {WAITS}")).await;
    blocker.batch_execute("COMMIT").await.unwrap();
    let green = finish(child).await;
    assert_eq!(green.succeeded().applied, 1);
    assert_eq!(world.value("SELECT count(*) FROM u").await, "2");
    assert_eq!(world.history().await, ["1_t applied 1", "2_t applied 1"]);
    let applied = green.applied("2_t");
    let alter = &applied.statements[2];
    assert_eq!((alter.number, alter.line, applied.ran), (3, 3, 3));
    assert!(alter.attempts >= 2 && alter.lock_wait_ms >= 50, "{applied:?}");
    let lock = alter.lock.as_ref().unwrap();
    assert_eq!((lock.relation.as_str(), lock.mode.as_str()), ("public.t", "AccessExclusiveLock"));
    assert_eq!(alter.rewritten, ["public.t"]);
    assert_eq!(applied.statements[1].rows, 2);
    assert!(applied.statements[1].lock.is_none() && applied.statements[1].rewritten.is_empty());
}

#[tokio::test]
async fn a_signal_during_the_pause_ends_at_once() {
    let world = busy().await;
    let blocker = world.session("app server").await;
    blocker.batch_execute("BEGIN; SELECT * FROM t").await.unwrap();
    let child = world.command(&["deploy"]).spawn().unwrap();
    for _ in 0..4 {
        world.until(WAITS).await;
        world.until(&format!("NOT {WAITS}")).await;
    }
    kill_process(Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap(), Signal::TERM)
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), finish(child)).await.unwrap();
    assert_eq!(ended.code, 30, "{}", ended.stdout);
    assert_eq!(ended.finished().database, DatabaseState::Unchanged);
    assert_eq!(world.history().await[1], "2_t rolled-back 0");
    world.lock_is_free().await;
}

#[tokio::test]
async fn a_script_keeps_its_own_timeout_and_is_tried_again_all_the_same() {
    let world = busy().await;
    world.migration(
        "2_t",
        "SET lock_timeout = '20ms';\nALTER TABLE t ADD c int;\nCREATE TABLE seen AS SELECT current_setting('lock_timeout') AS value;",
    );
    let blocker = world.session("app server").await;
    blocker.batch_execute("BEGIN; SELECT * FROM t").await.unwrap();
    let child = world.command(&["deploy"]).spawn().unwrap();
    world.until(WAITS).await;
    blocker.batch_execute("COMMIT").await.unwrap();
    finish(child).await.succeeded();
    assert_eq!(world.value("SELECT value FROM seen").await, "20ms");
}

#[tokio::test]
async fn each_class_has_its_timeout_and_the_settings_are_taken() {
    let world = World::new().await;
    let seen = |name: &str| {
        format!("INSERT INTO seen VALUES ('{name}', current_setting('lock_timeout'));")
    };
    world.migration("1_t", "CREATE TABLE seen(name text, value text);");
    world.migration(
        "2_t",
        &format!(
            "{}\nALTER TABLE seen ADD c int;\n{}",
            seen("data").replace("seen VALUES", "seen(name, value) VALUES"),
            seen("after").replace("seen VALUES", "seen(name, value) VALUES")
        ),
    );
    world.run(&["deploy", "--lock-timeout", "70ms", "--lock-patience", "3min"]).await.succeeded();
    assert_eq!(world.column("SELECT value FROM seen ORDER BY name").await, ["70ms", "3min"]);
    for (arguments, value) in [
        (vec!["--lock-timeout", "0"], "0"),
        (vec!["--compat", "prisma"], "0"),
        (vec!["--compat", "prisma", "--lock-timeout", "50ms"], "50ms"),
    ] {
        world
            .sql("TRUNCATE seen; DELETE FROM _prisma_migrations WHERE migration_name LIKE '3%'")
            .await;
        world.migration("3_t", "CREATE TEMP TABLE x(id int); INSERT INTO seen(name, value) VALUES ('x', current_setting('lock_timeout'));");
        world.run(&[&["deploy"], arguments.as_slice()].concat()).await.succeeded();
        assert_eq!(world.value("SELECT value FROM seen").await, value, "{arguments:?}");
    }
}

#[tokio::test]
async fn prismas_way_waits_for_as_long_as_it_takes() {
    let world = busy().await;
    let blocker = world.session("app server").await;
    blocker.batch_execute("BEGIN; SELECT * FROM t").await.unwrap();
    let child = world.command(&["deploy", "--compat", "prisma"]).spawn().unwrap();
    // Longer than any of the first attempts would have waited.
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND state_change < now() - interval '1200 ms')").await;
    blocker.batch_execute("COMMIT").await.unwrap();
    let green = finish(child).await;
    green.succeeded();
    assert!(green.blocked().is_empty());
    assert_eq!(green.applied("2_t").statements[1].attempts, 1);
}

#[tokio::test]
async fn a_deadlock_is_tried_again_from_the_start() {
    let world = World::new().await;
    world.migration(
        "1_t",
        "CREATE TABLE t(id int); CREATE TABLE u(id int); CREATE TABLE log(id int);",
    );
    world.deploy().await.succeeded();
    // The server looks for deadlocks in whoever has waited for a second: here that is us.
    world.migration(
        "2_t",
        "SET lock_timeout = 0; INSERT INTO log VALUES (1); LOCK TABLE t;\nSELECT pg_sleep(0.2);\nLOCK TABLE u;",
    );
    let other = world.session("other").await;
    other.batch_execute("SET deadlock_timeout = '1min'; BEGIN; LOCK TABLE u").await.unwrap();
    let child = world.command(&["deploy"]).spawn().unwrap();
    world.until("EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.relation = 't'::regclass AND l.granted AND a.datname = current_database())").await;
    let crossing = tokio::spawn(async move {
        other.batch_execute("LOCK TABLE t").await.unwrap();
        other.batch_execute("COMMIT").await.unwrap();
    });
    let green = finish(child).await;
    crossing.await.unwrap();
    green.succeeded();
    assert_eq!(green.blocked()[0].sqlstate, "40P01", "{}", green.stdout);
    assert_eq!(world.value("SELECT count(*) FROM log").await, "1", "exactly once");
}

#[tokio::test]
async fn a_serialization_failure_is_tried_again() {
    let world = World::new().await;
    world.migration("1_t", "CREATE TABLE t(id int, n int); INSERT INTO t VALUES (1, 0);");
    world.deploy().await.succeeded();
    world.migration(
        "2_t",
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;\nSELECT * FROM t;\nSELECT pg_advisory_xact_lock_shared(77);\nUPDATE t SET n = n + 1;",
    );
    let other = world.session("other").await;
    other.batch_execute("SELECT pg_advisory_lock(77)").await.unwrap();
    let child = world.command(&["deploy", "--lock-timeout", "1min"]).spawn().unwrap();
    world.until(WAITS).await;
    other.batch_execute("UPDATE t SET n = n + 10; SELECT pg_advisory_unlock(77)").await.unwrap();
    let green = finish(child).await;
    green.succeeded();
    let codes: Vec<&str> =
        green.blocked().iter().map(|blocked| blocked.sqlstate.as_str()).collect();
    assert!(codes.contains(&"40001"), "{codes:?}");
    assert_eq!(world.value("SELECT n FROM t").await, "11");
}

#[tokio::test]
async fn a_statement_that_runs_by_itself_is_tried_again_by_itself() {
    let world = busy().await;
    world.migration(
        "2_t",
        "-- ecs-migrate: transaction=off\nCREATE TABLE u(id int);\nALTER TABLE t ADD c int;\nBEGIN; INSERT INTO u VALUES (1); ALTER TABLE t ADD d int; COMMIT;",
    );
    let blocker = world.session("app server").await;
    blocker.batch_execute("BEGIN; SELECT * FROM t").await.unwrap();
    let red = world.run(&["deploy", "--lock-budget", "300ms"]).await;
    let failure = red.failed(23);
    assert_eq!(failure.statement.as_ref().unwrap().number, 2);
    assert!(
        failure.hint.as_ref().unwrap().contains("statement 1 is applied and stays"),
        "{failure:?}"
    );
    assert_eq!(red.finished().database, DatabaseState::PartWay);
    assert!(red.lines.last().unwrap().msg.contains("part-way, the next run resumes"));
    assert!(world.exists("u").await);

    let child = world.command(&["deploy"]).spawn().unwrap();
    world.until(WAITS).await;
    world.until(&format!("NOT {WAITS}")).await;
    blocker.batch_execute("COMMIT").await.unwrap();
    let green = finish(child).await;
    green.succeeded();
    assert!(!green.blocked().is_empty());
    assert_eq!(world.value("SELECT count(*) FROM u").await, "1");
    assert_eq!(world.history().await, ["1_t applied 1", "2_t applied 1"]);
}

#[tokio::test]
async fn a_script_that_is_sent_whole_is_tried_again_only_if_nothing_of_it_is_left() {
    let world = busy().await;
    // The server knows SET LOCAL NAMES; the parser does not.
    let whole = "SET LOCAL NAMES 'utf8'; SET lock_timeout = '50ms'; INSERT INTO t VALUES (2);";
    let blocker = world.session("app server").await;
    blocker.batch_execute("BEGIN; SELECT * FROM t").await.unwrap();
    for (script, code, rows) in [
        (format!("{whole} ALTER TABLE t ADD c int;"), 23, "1"),
        (format!("{whole} COMMIT; ALTER TABLE t ADD c int;"), 11, "2"),
    ] {
        world.migration("2_t", &script);
        let red = world.run(&["deploy", "--lock-budget", "400ms"]).await;
        assert!(red.notice("sent_whole"), "{}", red.stdout);
        assert_eq!(red.code, code, "{}", red.stdout);
        assert_eq!(red.blocked().is_empty(), code == 11, "{}", red.stdout);
        assert_eq!(world.value("SELECT count(*) FROM t").await, rows);
    }
}

#[tokio::test]
async fn an_index_build_waits_for_old_transactions_before_it_begins() {
    let world = busy().await;
    world.migration("2_t", "CREATE INDEX CONCURRENTLY i ON t(id);");
    world.sql("CREATE TABLE elsewhere(id int)").await;
    let old = world.session("nightly report").await;
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM elsewhere")
        .await
        .unwrap();
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'nightly report' AND xact_start < clock_timestamp() - interval '1100 ms')").await;
    let red = world.run(&["deploy", "--lock-budget", "500ms"]).await;
    let failure = red.failed(23);
    let named: Vec<&str> =
        failure.blockers.iter().map(|blocker| blocker.application.as_str()).collect();
    assert_eq!(named, ["nightly report"], "{}", red.stdout);
    assert!(!world.exists("i").await, "nothing was begun");
    assert_eq!(red.finished().database, DatabaseState::Unchanged);

    let child = world.command(&["deploy"]).spawn().unwrap();
    world.until("EXISTS (SELECT FROM _prisma_migrations WHERE migration_name = '2_t' AND finished_at IS NULL AND rolled_back_at IS NULL)").await;
    old.batch_execute("COMMIT").await.unwrap();
    finish(child).await.succeeded();
    assert_eq!(
        world.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass").await,
        "t"
    );
}

#[tokio::test]
async fn an_index_build_is_never_under_a_short_timeout() {
    let world = busy().await;
    world.migration("2_t", "CREATE INDEX CONCURRENTLY i ON t(id);");
    world.sql("CREATE TABLE elsewhere(id int)").await;
    // Too young to be waited for beforehand, and it outlives every short timeout.
    let writer = world.session("writer").await;
    let child = {
        writer.batch_execute("BEGIN; INSERT INTO t VALUES (9)").await.unwrap();
        world.command(&["deploy", "--lock-timeout", "50ms"]).spawn().unwrap()
    };
    world.until("EXISTS (SELECT FROM pg_stat_progress_create_index p JOIN pg_stat_activity a USING (pid) WHERE a.datname = current_database() AND a.wait_event_type = 'Lock' AND a.query_start < clock_timestamp() - interval '700 ms')").await;
    writer.batch_execute("COMMIT").await.unwrap();
    let green = finish(child).await;
    green.succeeded();
    assert!(green.blocked().is_empty(), "{}", green.stdout);
    let cost = &green.applied("2_t").statements[0];
    assert!(cost.attempts == 1 && cost.lock_wait_ms >= 400, "{cost:?}");
    assert_eq!(cost.lock.as_ref().unwrap().mode, "ShareUpdateExclusiveLock");
}

#[tokio::test]
async fn an_index_build_that_lost_its_patience_leaves_no_invalid_index() {
    let world = busy().await;
    world.migration("2_t", "CREATE INDEX CONCURRENTLY i ON t(id);");
    world.sql("CREATE TABLE elsewhere(id int)").await;
    let old = world.session("old").await;
    let child = world.command(&["deploy", "--lock-patience", "200ms", "--lock-budget", "1s"]);
    let mut child = child;
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM elsewhere")
        .await
        .unwrap();
    let red = finish(child.spawn().unwrap()).await;
    assert_eq!(red.failed(23).sqlstate.as_deref().unwrap_or("55P03"), "55P03");
    assert!(!red.blocked().is_empty(), "{}", red.stdout);
    assert!(!world.exists("i").await);
    assert_eq!(world.history().await[1], "2_t rolled-back 0");
}

#[tokio::test]
async fn nothing_is_retried_that_is_the_scripts_own_fault() {
    let world = busy().await;
    world.migration("2_t", "ALTER TABLE nope ADD c int;");
    let red = world.deploy().await;
    red.failed(10);
    assert!(red.blocked().is_empty());
}
