//! The primary is lost in the middle of a migration, and another server takes its place.

use crate::follow::Follow;
use crate::own_server::OwnServer;
use crate::proxy::Proxy;
use crate::support::World;
use protocol::Event;
use protocol::event::Outcome;
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn one(client: &Client, sql: &str) -> String {
    client.query_one(sql, &[]).await.unwrap().try_get(0).unwrap()
}

/// Waits for an answer; before that the table may not even be there.
async fn until(client: &Client, sql: &str, wanted: &str) {
    let waiting = async {
        loop {
            let row = client.query_one(sql, &[]).await;
            let answer = row.map(|row| row.try_get::<_, Option<String>>(0).unwrap());
            if answer.is_ok_and(|answer| answer.as_deref() == Some(wanted)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect(wanted);
}

const NUMBERS: &str = "SELECT string_agg(n::text, ',' ORDER BY n) FROM done";
const HISTORY: &str = "SELECT string_agg(migration_name || CASE WHEN rolled_back_at IS NOT NULL THEN ' rolled-back' \
    WHEN finished_at IS NULL THEN ' unfinished' ELSE ' applied' END, ',' ORDER BY started_at) FROM _prisma_migrations";

#[tokio::test]
async fn a_standby_is_promoted_in_the_middle_of_a_migration() {
    let primary = OwnServer::start().await;
    let world = World::at(&primary.url).await;
    let standby = primary.standby().await;
    let watch = client(&standby.database(&world.database)).await;
    let old = client(&primary.database(&world.database)).await;
    world.migration("1_a", "CREATE TABLE done(n int); INSERT INTO done VALUES (1);");
    // It takes its time on the old primary only.
    let slow = format!(
        "INSERT INTO done VALUES (2);\nSELECT CASE current_setting('port') WHEN '{}' THEN pg_sleep(60) END;\nINSERT INTO done VALUES (2);",
        primary.port()
    );
    world.migration("2_b", &slow);
    world.migration(
        "3_c",
        "CREATE INDEX CONCURRENTLY by_n ON done(n);\nINSERT INTO done VALUES (3);",
    );
    let endpoint = Proxy::to(primary.port()).await;
    let mut command = world.command(&["deploy"]);
    command.env("DATABASE_URL", endpoint.url(&world.database));
    let mut run = Follow::spawn(command);
    run.until(
        |event| matches!(event, Event::MigrationStarted(started) if started.migration == "2_b"),
    )
    .await;
    // The replica has what the primary had committed.
    until(&watch, HISTORY, "1_a applied,2_b unfinished").await;
    let sleeping = "SELECT count(*)::text FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    until(&old, sleeping, "1").await;
    primary.halt().await;
    endpoint.move_to(standby.port());
    // For a while the endpoint names a server that is not promoted yet.
    run.until_waiting("is a replica").await;
    standby.promote().await;
    let ended = run.finish().await;
    assert_eq!(ended.succeeded().applied, 3, "{}", ended.stdout);
    assert!(ended.notice("connection_lost"), "{}", ended.stdout);
    assert!(ended.has(|event| matches!(event, Event::Settled(_))), "{}", ended.stdout);
    assert_eq!(one(&watch, NUMBERS).await, "1,2,2,3");
    assert_eq!(one(&watch, HISTORY).await, "1_a applied,2_b rolled-back,2_b applied,3_c applied");
}

#[tokio::test]
async fn a_demoted_server_is_waited_out() {
    let server = OwnServer::start().await;
    let world = World::at(&server.url).await;
    let admin =
        client(&format!("{}?options=-c%20default_transaction_read_only%3Doff", server.url)).await;
    // The migration ends when the lock is free; meanwhile the server turns read-only.
    world.sql("SELECT pg_advisory_lock(7)").await;
    world.migration(
        "1_a",
        "CREATE TABLE done(n int); SELECT pg_advisory_xact_lock(7); INSERT INTO done VALUES (1);",
    );
    world.migration("2_b", "INSERT INTO done VALUES (2);");
    let mut run = Follow::spawn(world.command(&["deploy"]));
    run.until(|event| matches!(event, Event::MigrationStarted(_))).await;
    world.until("EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)").await;
    admin.batch_execute("ALTER SYSTEM SET default_transaction_read_only = on").await.unwrap();
    admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    world.until("current_setting('default_transaction_read_only') = 'on'").await;
    world.sql("SELECT pg_advisory_unlock(7)").await;
    run.until_waiting("read-only").await;
    admin.batch_execute("ALTER SYSTEM RESET default_transaction_read_only").await.unwrap();
    admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let ended = run.finish().await;
    assert_eq!(ended.succeeded().applied, 2, "{}", ended.stdout);
    assert_eq!(world.value(NUMBERS).await, "1,2");
    assert_eq!(world.value(HISTORY).await, "1_a applied,2_b applied");
}

#[tokio::test]
async fn a_replica_stays_one() {
    let primary = OwnServer::start().await;
    let world = World::at(&primary.url).await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let standby = primary.standby().await;
    let at = |command: &str, wait: &str| {
        let mut command = world.command(&[command, "--connect-wait", wait]);
        command.env("DATABASE_URL", standby.database(&world.database));
        Follow::spawn(command)
    };
    let ended = at("deploy", "1s").finish().await;
    let failure = ended.failed(21);
    let named = format!("127.0.0.1:{} is a replica", standby.port());
    assert!(failure.message.contains(&named), "{failure:?}");
    assert!(failure.hint.as_deref().unwrap().contains("primary"));
    // Reading needs no primary.
    at("status", "1s").finish().await.succeeded();
}

#[tokio::test]
async fn a_database_that_does_not_come_back_is_left_in_doubt() {
    let server = OwnServer::start().await;
    let world = World::at(&server.url).await;
    world.migration("1_a", "CREATE TABLE a(id int); SELECT pg_sleep(60);");
    let mut run = Follow::spawn(world.command(&["deploy", "--connect-wait", "300ms"]));
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')").await;
    server.halt().await;
    run.until_waiting("onnection refused").await;
    let ended = run.finish().await;
    let failure = ended.failed(21).clone();
    assert!(failure.message.contains("lost while applying `1_a`"), "{failure:?}");
    assert!(failure.message.contains("cannot reach the database"), "{failure:?}");
    assert_eq!(ended.finished().database, protocol::DatabaseState::Unknown);
    assert_eq!(ended.finished().outcome, Outcome::Failed);
    server.resume().await;
}

/// Prisma's words are there once, though the run connects twice.
#[tokio::test]
async fn a_cut_connection_in_prismas_words() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int); SELECT pg_advisory_xact_lock(7);");
    world.sql("SELECT pg_advisory_lock(7)").await;
    let endpoint = Proxy::to(port_of(&world)).await;
    let mut command = world.command(&["deploy", "--compat", "prisma"]);
    command.env("DATABASE_URL", endpoint.url(&world.database)).env_remove("ECS_MIGRATE_LOG_FORMAT");
    let run = Follow::spawn(command);
    world.until("EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))").await;
    endpoint.cut();
    world.sql("SELECT pg_advisory_unlock(7)").await;
    let ended = run.finish().await;
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.stdout.matches("Datasource").count(), 1, "{}", ended.stdout);
    assert_eq!(ended.stdout.matches("1 migration found").count(), 1, "{}", ended.stdout);
    assert!(ended.stdout.ends_with("All migrations have been successfully applied.\n"));
    assert_eq!(world.history().await, ["1_a rolled-back 0", "1_a applied 1"]);
}

#[tokio::test]
async fn a_signal_while_the_database_is_gone() {
    let server = OwnServer::start().await;
    let world = World::at(&server.url).await;
    world.migration("1_a", "CREATE TABLE a(id int); SELECT pg_sleep(60);");
    let mut run = Follow::spawn(world.command(&["deploy", "--connect-wait", "1h"]));
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')").await;
    server.halt().await;
    run.until_waiting("onnection refused").await;
    let pid = Pid::from_raw(i32::try_from(run.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let ended = run.finish().await;
    // Nobody can say that it is rolled back.
    let failure = ended.failed(21);
    assert!(failure.message.contains("interrupted while connecting"), "{failure:?}");
    assert_eq!(ended.finished().database, protocol::DatabaseState::Unknown);
    server.resume().await;
}

/// A script that takes its server down with it is not tried for ever.
#[tokio::test]
async fn a_connection_that_is_cut_again_and_again() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int); SELECT pg_sleep(60);");
    let endpoint = Proxy::to(port_of(&world)).await;
    let mut command = world.command(&["deploy"]);
    command.env("DATABASE_URL", endpoint.url(&world.database));
    let mut run = Follow::spawn(command);
    for _ in 0..2 {
        run.until(|event| matches!(event, Event::MigrationStarted(_))).await;
        world.until("EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database())").await;
        endpoint.cut();
    }
    let ended = run.finish().await;
    let failure = ended.failed(21);
    assert!(failure.message.contains("lost while applying `1_a`"), "{failure:?}");
    assert_eq!(ended.finished().database, protocol::DatabaseState::Unchanged);
    assert_eq!(world.history().await, ["1_a rolled-back 0", "1_a rolled-back 0"]);
    world.lock_is_free().await;
}

/// RDS Proxy does not pass a CancelRequest on.
#[tokio::test]
async fn a_cancel_that_is_swallowed_arrives_another_way() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int); SELECT pg_sleep(60);");
    let endpoint = Proxy::to(port_of(&world)).await;
    endpoint.swallow_cancels();
    let mut command = world.command(&["deploy"]);
    command.env("DATABASE_URL", endpoint.url(&world.database));
    let run = Follow::spawn(command);
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database())").await;
    let pid = Pid::from_raw(i32::try_from(run.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let ended = run.finish().await;
    assert_eq!(ended.code, 30, "{}", ended.stdout);
    assert_eq!(ended.finished().database, protocol::DatabaseState::Unchanged);
    assert_eq!(world.history().await, ["1_a rolled-back 0"]);
}

fn port_of(world: &World) -> u16 {
    world.url.rsplit_once(':').unwrap().1.split('/').next().unwrap().parse().unwrap()
}

const QUEUES_FOR_SEVEN: &str = "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 7 \
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";

/// Until somebody has looked, nobody knows what became of it.
#[tokio::test]
async fn who_loses_the_connection_and_then_the_lock_denies_nothing() {
    let world = World::new().await;
    world.migration(
        "1_a",
        "CREATE TABLE a(id int);\nSELECT pg_advisory_xact_lock(7);\nCREATE INDEX CONCURRENTLY i ON a(id);",
    );
    world.sql("SELECT pg_advisory_lock(7)").await;
    let endpoint = Proxy::to(port_of(&world)).await;
    let mut command = world.command(&["deploy", "--lock-wait", "1s"]);
    command.env("DATABASE_URL", endpoint.url(&world.database));
    let run = Follow::spawn(command);
    world.until(QUEUES_FOR_SEVEN).await;
    let other = world.session("other").await;
    let taking = tokio::spawn(async move {
        other.batch_execute("SELECT pg_advisory_lock(123456789)").await.unwrap();
        other
    });
    world.until("EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 123456789 \
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))").await;
    endpoint.cut();
    let ended = run.finish().await;
    let failure = ended.failed(20);
    assert!(failure.message.contains("what became of `1_a` is not known"), "{failure:?}");
    assert_eq!(ended.finished().database, protocol::DatabaseState::Unknown);
    assert!(world.exists("a").await);
    drop(taking.await.unwrap());
    world.sql("SELECT pg_advisory_unlock(7)").await;
    world.lock_is_free().await;
    world.deploy().await.succeeded();
}

/// What was checked before the first change is not checked in the middle, where it looks different.
#[tokio::test]
async fn the_check_is_not_repeated_after_a_lost_connection() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.deploy().await.succeeded();
    world.migration("2_b", "INSERT INTO a SELECT generate_series(1, 2000000);\nANALYZE a;");
    world.migration("3_c", "CREATE INDEX i ON a(id);\nSELECT pg_advisory_xact_lock(7);");
    world.sql("SELECT pg_advisory_lock(7)").await;
    let endpoint = Proxy::to(port_of(&world)).await;
    let mut command = world.command(&["deploy", "--check"]);
    command.env("DATABASE_URL", endpoint.url(&world.database));
    let run = Follow::spawn(command);
    world.until(QUEUES_FOR_SEVEN).await;
    endpoint.cut();
    world.sql("SELECT pg_advisory_unlock(7)").await;
    let ended = run.finish().await;
    assert_eq!(ended.succeeded().applied, 2, "{}", ended.stdout);
}
