//! The real Prisma CLI and dbmate under the lock.

use crate::prisma::engine;
use crate::support::{Ended, World, finish, npm, search_path, send};
use protocol::Event;
use rustix::process::Signal;
use std::path::PathBuf;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// Their folder, installed once; none where npm cannot.
pub(crate) async fn tools() -> Option<&'static PathBuf> {
    static FOLDER: OnceCell<Option<PathBuf>> = OnceCell::const_new();
    let install = || npm("wrapped", "the Prisma CLI and dbmate cannot be installed with npm");
    FOLDER.get_or_init(install).await.as_ref()
}

impl World {
    /// `prisma migrate deploy` under the lock. The CLI is the real one; its engine's native binary
    /// is not in npm, so the WebAssembly one stands in.
    async fn wrapped_prisma(&self) -> Option<Command> {
        let (tools, engine) = (tools().await?, engine().await?);
        let mut command = self.command(&[
            "exec",
            "--",
            "node",
            "node_modules/prisma/build/index.js",
            "migrate",
            "deploy",
        ]);
        command
            .current_dir(tools)
            .env("PATH", search_path())
            .env("PRISMA_SCHEMA_ENGINE_BINARY", engine.join("schema-engine.mjs"))
            .env("CHECKPOINT_DISABLE", "1")
            .env("NO_COLOR", "1");
        Some(command)
    }

    async fn wrapped_dbmate(&self) -> Option<Command> {
        let tools = tools().await?;
        let mut command = self.command(&[
            "exec",
            "--",
            "node_modules/.bin/dbmate",
            "--no-dump-schema",
            "migrate",
        ]);
        command
            .current_dir(tools)
            .env("PATH", search_path())
            .env("DATABASE_URL", format!("{}?sslmode=disable", self.url))
            .env("DBMATE_MIGRATIONS_DIR", self.directory.path());
        Some(command)
    }
}

async fn run(mut command: Command) -> Ended {
    finish(command.spawn().unwrap()).await
}

#[tokio::test]
async fn prisma_deploys_and_its_sessions_can_be_told() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a AS SELECT current_setting('application_name') AS name;");
    let Some(command) = world.wrapped_prisma().await else { return };
    let ended = run(command).await;
    ended.succeeded();
    let output = ended.output("stdout");
    assert!(output.contains("All migrations have been successfully applied."), "{}", ended.stdout);
    assert_eq!(world.history().await, ["1_a applied 1"]);
    assert!(world.value("SELECT name FROM a").await.starts_with("ecs-migrate-exec "));
    // And its rows are ours to go on with.
    world.migration("2_b", "CREATE TABLE b(id int);");
    assert_eq!(world.deploy().await.succeeded().applied, 1);

    world.migration("3_c", "SELECT * FROM nope;");
    let ended = run(world.wrapped_prisma().await.unwrap()).await;
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert!(ended.output("stderr").contains("3_c"), "{}", ended.stdout);
    world.lock_is_free().await;
}

#[tokio::test]
async fn of_many_prismas_one_applies() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int); INSERT INTO a VALUES (1);");
    let mut children = Vec::new();
    for _ in 0..3 {
        let Some(mut command) = world.wrapped_prisma().await else { return };
        children.push(command.spawn().unwrap());
    }
    let mut idle = 0;
    for child in children {
        let ended = finish(child).await;
        ended.succeeded();
        idle += usize::from(ended.output("stdout").contains("No pending migrations to apply."));
    }
    assert_eq!(idle, 2);
    assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
}

#[tokio::test]
async fn a_signal_ends_prisma_and_its_engine() {
    let world = World::new().await;
    world.migration("1_a", "SELECT pg_sleep(60);");
    let Some(mut command) = world.wrapped_prisma().await else { return };
    let child = command.spawn().unwrap();
    let theirs = "application_name LIKE 'ecs-migrate-exec %' AND datname = current_database()";
    world.until(&format!("EXISTS (SELECT FROM pg_stat_activity WHERE {theirs} AND query LIKE '%pg_sleep(60)%' AND state = 'active')")).await;
    send(&child, Signal::TERM);
    let ended = finish(child).await;
    assert_eq!(ended.code, 143, "{}", ended.stdout);
    assert!(ended.has(|event| matches!(event, Event::Interrupted(_))));
    // The server notices by itself only when the statement ends: Prisma does not ask it to look.
    world
        .sql(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {theirs}"))
        .await;
    world.lock_is_free().await;
}

#[tokio::test]
async fn dbmate_migrates() {
    let world = World::new().await;
    let file = |name: &str, sql: &str| {
        let text = format!("-- migrate:up\n{sql}\n-- migrate:down\n");
        std::fs::write(world.directory.path().join(name), text).unwrap();
    };
    file("1_a.sql", "CREATE TABLE a AS SELECT current_setting('application_name') AS name;");
    let Some(command) = world.wrapped_dbmate().await else { return };
    let ended = run(command).await;
    ended.succeeded();
    assert!(ended.stdout.contains("Applied: 1_a.sql"), "{}", ended.stdout);
    assert!(world.value("SELECT name FROM a").await.starts_with("ecs-migrate-exec "));
    file("2_b.sql", "SELECT * FROM nope;");
    let mut command = world.wrapped_dbmate().await.unwrap();
    command.env("ECS_MIGRATE_CHILD_URL", "libpq");
    let ended = run(command).await;
    assert!(ended.code != 0 && ended.stdout.contains("nope"), "{}", ended.stdout);
    world.lock_is_free().await;
}
