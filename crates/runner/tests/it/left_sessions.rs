//! The lock is free when the work has ended: also in the server, and also what left the group.

use crate::support::{World, finish, search_path, send};
use rustix::process::Signal;
use std::path::Path;
use tokio::process::Command;

/// A statement that commits by itself when it is done, in a session of this name.
const WORKS: &str = "EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database())";

fn psql() -> &'static str {
    ["/usr/bin/psql", "/usr/local/bin/psql"]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .unwrap_or("psql")
}

/// What a command is started as, and what `pg_stat_activity` calls its session.
fn ways() -> [(String, &'static str); 4] {
    let statement = "INSERT INTO done SELECT 1 FROM pg_sleep(3)";
    let psql = psql();
    [
        (format!("exec {psql} -qXc '{statement}'"), "ecs-migrate-exec"),
        (format!("PGAPPNAME=other exec {psql} -qXc '{statement}'"), "other"),
        (format!("PGAPPNAME=other setsid {psql} -qXc '{statement}' & wait"), "other"),
        (format!("trap '' TERM; PGAPPNAME=other setsid {psql} -qXc '{statement}'"), "other"),
    ]
}

impl World {
    fn command_of(&self, script: &str) -> Command {
        let mut command = self.command(&["exec", "--child-url", "libpq", "--", "sh", "-c", script]);
        command.env("PATH", search_path()).env("ECS_MIGRATE_GRACE", "300ms");
        command
    }
}

#[tokio::test]
async fn after_a_signal_nothing_commits_any_more() {
    for (script, application) in ways() {
        let world = World::new().await;
        world.sql("CREATE TABLE done(n int)").await;
        let child = world.command_of(&script).spawn().unwrap();
        world.until(WORKS).await;
        send(&child, Signal::TERM);
        let ended = finish(child).await;
        ended.finished();
        // By the time that the run has ended its sessions have, too.
        let sessions = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '{application}%' AND datname = current_database()"
        );
        assert_eq!(world.value(&sessions).await, "0", "{script}: {}", ended.stdout);
        world.lock_is_free().await;
        assert_eq!(world.value("SELECT count(*) FROM done").await, "0", "{script}");
    }
}

/// The same where the command ends by itself and leaves one behind that works on.
#[tokio::test]
async fn what_a_command_leaves_behind_ends_with_it() {
    let world = World::new().await;
    world.sql("CREATE TABLE done(n int)").await;
    let script = format!(
        "PGAPPNAME=other setsid {} -qXc 'INSERT INTO done SELECT 1 FROM pg_sleep(3)' >/dev/null 2>&1 & \
         while ! [ \"$({} -qXAtc \"SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()\")\" = 1 ]; do :; done",
        psql(),
        psql()
    );
    let ended = finish(world.command_of(&script).spawn().unwrap()).await;
    ended.succeeded();
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'other' AND datname = current_database()";
    assert_eq!(world.value(sessions).await, "0", "{}", ended.stdout);
    assert_eq!(world.value("SELECT count(*) FROM done").await, "0");
}

/// A killed run's scratch databases are the next one's to drop.
#[tokio::test]
async fn scratch_databases_of_a_killed_run() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);\nSELECT pg_sleep(60);");
    // Of this test alone: others rehearse on the same server.
    let role = format!("{}_r", world.database);
    world.sql(&format!("CREATE ROLE {role} LOGIN CREATEDB")).await;
    let url = world.url.replace("postgres@", &format!("{role}@"));
    let scratch = format!(
        "SELECT count(*) FROM pg_database WHERE datname LIKE 'ecs_migrate_scratch_%' AND datdba = '{role}'::regrole"
    );
    let mut command = world.command(&["replay"]);
    command.env("DATABASE_URL", &url);
    let mut child = command.spawn().unwrap();
    world.until(&format!("({scratch}) = 1 AND EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND usename = '{role}')")).await;
    // One that lives is left alone.
    let other = world
        .migration("1_a", "CREATE TABLE a(id int);")
        .command(&["replay"])
        .env("DATABASE_URL", &url)
        .spawn()
        .unwrap();
    finish(other).await.succeeded();
    assert_eq!(world.value(&scratch).await, "1");
    child.kill().await.unwrap();
    // Before PostgreSQL 14 a server does not miss its client while a statement runs.
    world
        .sql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"
        ))
        .await;
    world
        .until(&format!("NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = '{role}')"))
        .await;
    let next = world.command(&["replay"]).env("DATABASE_URL", &url).spawn().unwrap();
    finish(next).await.succeeded();
    assert_eq!(world.value(&scratch).await, "0");
}
