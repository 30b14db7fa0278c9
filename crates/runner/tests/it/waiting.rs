//! A database that is not there yet, or full: tried again in a budget, and every attempt is told.

use crate::follow::Follow;
use crate::own_server::OwnServer;
use crate::support::{World, ended, finish};
use protocol::Event;
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;
use tokio_postgres::NoTls;

#[tokio::test]
async fn it_starts_while_we_wait() {
    let server = OwnServer::start().await;
    let world = World::at(&server.url).await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    server.halt().await;
    let mut run = Follow::spawn(world.command(&["deploy"]));
    run.until_waiting("onnection refused").await;
    server.resume().await;
    let ended = run.finish().await;
    assert_eq!(ended.succeeded().applied, 1);
}

/// A replica that takes no connections says so with 57P03, as a server that starts does.
#[tokio::test]
async fn a_server_that_is_starting_up() {
    let server = OwnServer::start().await;
    let world = World::at(&server.url).await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.sql("ALTER SYSTEM SET hot_standby = off").await;
    let standby = server.standby().await;
    let mut command = world.command(&["deploy"]);
    command.env("DATABASE_URL", standby.database(&world.database));
    let mut run = Follow::spawn(command);
    run.until_waiting("refused the connection: ").await;
    standby.promote().await;
    let ended = run.finish().await;
    assert_eq!(ended.succeeded().applied, 1);
}

#[tokio::test]
async fn a_role_with_no_connection_left() {
    let world = World::new().await;
    let role = format!("limited_{}", world.database);
    world
        .sql(&format!(
            "CREATE ROLE {role} LOGIN CONNECTION LIMIT 2; GRANT ALL ON DATABASE {} TO {role}; GRANT ALL ON SCHEMA public TO {role}",
            world.database
        ))
        .await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let url = world.url.replace("postgres@", &format!("{role}@"));
    let held = [
        tokio_postgres::connect(&url, NoTls).await.unwrap(),
        tokio_postgres::connect(&url, NoTls).await.unwrap(),
    ];
    let mut command = world.command(&["deploy"]);
    command.env("DATABASE_URL", &url);
    let mut run = Follow::spawn(command);
    run.until_waiting("too many connections for role").await;
    drop(held);
    let ended = run.finish().await;
    assert_eq!(ended.succeeded().applied, 1);
    world.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
async fn the_budget_ends() {
    let world = World::new().await;
    let mut command = world.command(&["deploy", "--connect-wait", "1s"]);
    command.env("DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:1/shop");
    let ended = finish(command.spawn().unwrap()).await;
    let failure = ended.failed(21);
    assert!(failure.message.contains("attempts in 1 s"), "{failure:?}");
    assert!(failure.hint.is_some());
    let waits: Vec<u32> = ended
        .lines
        .iter()
        .filter_map(|line| match &line.event {
            Event::ConnectWaiting(waiting) => Some(waiting.attempt),
            _ => None,
        })
        .collect();
    assert!(waits.len() >= 2 && waits.iter().copied().eq(1..=u32::try_from(waits.len()).unwrap()));
    assert!(!ended.stdout.contains("hunter2"));
}

#[tokio::test]
async fn a_signal_ends_the_waiting() {
    let world = World::new().await;
    for command in ["deploy", "status"] {
        let mut command = world.command(&[command, "--connect-wait", "1h"]);
        command.env("DATABASE_URL", "postgresql://u@127.0.0.1:1/shop");
        let mut run = Follow::spawn(command);
        run.until_waiting("onnection refused").await;
        let pid = Pid::from_raw(i32::try_from(run.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        assert_eq!(run.finish().await.code, 30);
    }
}

/// Prisma gives up at once, and says nothing of attempts.
#[tokio::test]
async fn prisma_does_not_wait() {
    let world = World::new().await;
    let mut command = world.command(&["deploy", "--compat", "prisma"]);
    command
        .env("DATABASE_URL", "postgresql://u@127.0.0.1:1/shop")
        .env_remove("ECS_MIGRATE_LOG_FORMAT");
    let output = tokio::time::timeout(Duration::from_secs(30), command.output()).await.unwrap();
    let output = output.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let ended = ended(output.status.code().unwrap(), text(output.stdout), text(output.stderr));
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.starts_with("Error: P1001: "), "{}", ended.stderr);
    assert!(!ended.stdout.contains("attempt"), "{}", ended.stdout);
}

#[tokio::test]
async fn a_reader_endpoint_is_refused_by_its_name() {
    let world = World::new().await;
    let mut command = world.command(&["deploy"]);
    let host = "db.cluster-ro-c1.eu-west-1.rds.amazonaws.com";
    command.env("DATABASE_URL", format!("postgresql://u@{host}/shop"));
    let ended = finish(command.spawn().unwrap()).await;
    let failure = ended.failed(2);
    assert!(failure.message.contains("reader endpoint"), "{failure:?}");
    let hint = failure.hint.as_deref().unwrap();
    assert!(hint.contains("db.cluster-c1.eu-west-1.rds.amazonaws.com"), "{hint}");
}
