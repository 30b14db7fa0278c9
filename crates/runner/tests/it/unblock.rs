//! `unblock`: one session, after the evidence.

use crate::support::{World, finish};
use tokio::process::Child;
use tokio_postgres::Client;

/// A migration that waits for a session, which is idle in a transaction.
async fn blocked() -> (World, Client, Child) {
    let world = World::new().await;
    world.migration("1_t", "CREATE TABLE t(id int);");
    world.deploy().await.succeeded();
    world.migration("2_t", "ALTER TABLE t ADD c int;");
    let blocker = world.session("app server").await;
    blocker.batch_execute("BEGIN; SELECT * FROM t WHERE id = 424242424").await.unwrap();
    let child = world.command(&["deploy"]).spawn().unwrap();
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'ecs-migrate %' AND datname = current_database() AND wait_event_type = 'Lock')").await;
    (world, blocker, child)
}

#[tokio::test]
async fn it_shows_the_evidence_ends_that_session_and_the_migration_goes_on() {
    let (world, blocker, child) = blocked().await;
    let bystander = world.session("bystander").await;
    let pid = world.pid_of("app server").await;
    let ended = world.run(&["unblock", &pid.to_string(), "--yes"]).await;
    ended.succeeded();
    let said = &ended.stdout;
    assert!(said.contains("waits for AccessExclusiveLock on public.t"), "{said}");
    assert!(said.contains(&format!("pid {pid}, idle in transaction for")), "{said}");
    assert!(said.contains("WHERE id = ?") && !said.contains("424242424"), "{said}");
    assert!(blocker.batch_execute("SELECT 1").await.is_err());
    bystander.batch_execute("SELECT 1").await.unwrap();
    finish(child).await.succeeded();
}

#[tokio::test]
async fn it_refuses_what_blocks_no_migration() {
    let (world, blocker, child) = blocked().await;
    let us = world.value("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 123456789 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").await;
    for (pid, word) in
        [(us.as_str(), "is the migration itself"), ("1999999999", "there is no session")]
    {
        let red = world.run(&["unblock", pid, "--yes"]).await;
        assert!(red.failed(14).message.contains(word), "{}", red.stdout);
    }
    // Without a terminal it does not guess.
    let pid = world.pid_of("app server").await.to_string();
    assert!(world.run(&["unblock", &pid]).await.failed(2).message.contains("no terminal"));
    assert_eq!(world.run(&["unblock", "0", "--yes"]).await.code, 2);
    blocker.batch_execute("COMMIT").await.unwrap();
    finish(child).await.succeeded();

    let red = world.run(&["unblock", &pid, "--yes"]).await;
    assert!(red.failed(14).message.contains("no migration runs"), "{}", red.stdout);
    blocker.batch_execute("SELECT 1").await.unwrap();
}

#[tokio::test]
async fn without_the_right_the_grant_is_named() {
    let (world, blocker, child) = blocked().await;
    let role = format!("weak_{}", world.database);
    world.sql(&format!("CREATE ROLE {role} LOGIN")).await;
    let pid = world.pid_of("app server").await.to_string();
    let mut command = world.command(&["unblock", &pid, "--yes"]);
    command.env("DATABASE_URL", world.url.replace("postgres@", &format!("{role}@")));
    let red = finish(command.spawn().unwrap()).await;
    world.sql(&format!("DROP ROLE {role}")).await;
    let failure = red.failed(22);
    assert!(failure.hint.as_ref().unwrap().contains("GRANT pg_signal_backend TO"), "{failure:?}");
    blocker.batch_execute("COMMIT").await.unwrap();
    finish(child).await.succeeded();
}
