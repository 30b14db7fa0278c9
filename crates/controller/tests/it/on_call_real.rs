//! The commands for the one on call with the real runner and a real PostgreSQL.

use crate::support::binary::{Ended, Invocation};
use crate::support::real::runner;
use crate::support::story::container;
use crate::support::tools;
use sandbox::{Config, HostEnvironment, Program, Sandbox, Server, Speed, WallClock};
use serde_json::{Value, json};
use tokio::process::Command;

/// The runner of this workspace, and a database of its own.
struct Team {
    _sandbox: Sandbox,
    server: Server,
    migrations: tempfile::TempDir,
    definition: String,
}

async fn psql(url: &str, sql: &str) {
    let status = Command::new("psql").args(["-q", "-d", url, "-c", sql]).status().await.unwrap();
    assert!(status.success(), "{sql}");
}

#[expect(clippy::disallowed_methods, reason = "tests read the environment where they need it")]
fn server() -> Option<String> {
    std::env::var("ECS_MIGRATE_TEST_DATABASE").ok()
}

impl Team {
    async fn new(server: &str) -> Self {
        Self::behind(server, "").await
    }

    /// Behind an image whose ENTRYPOINT has these words after the runner.
    async fn behind(server: &str, entry_point: &str) -> Self {
        let name = format!("on_call_{}", uuid());
        psql(server, &format!("CREATE DATABASE {name}")).await;
        let (base, _) = server.rsplit_once('/').unwrap();
        let url = format!("{base}/{name}");
        let migrations = tempfile::tempdir().unwrap();
        let path = migrations.path().display();
        let program = format!("{} {entry_point}", runner().await.display());
        let config = Config::new(Speed::Fast)
            .wall_clock(WallClock::System)
            .log_group("/ecs/app")
            .host(HostEnvironment { path: Some("/usr/bin:/bin".to_owned()), home: None })
            .image("app:1", Program::command(&program).unwrap());
        let sandbox = Sandbox::new(config);
        let server = sandbox.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let mut container = container("migrate", "app:1");
        container["environment"] = json!([
            {"name": "DATABASE_URL", "value": url},
            {"name": "ECS_MIGRATE_MIGRATIONS", "value": path.to_string()}
        ]);
        let definition = json!({
            "family": "app-migrate", "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "executionRoleArn": "arn:aws:iam::111122223333:role/exec",
            "containerDefinitions": [container]
        });
        Self { _sandbox: sandbox, server, migrations, definition: definition.to_string() }
    }

    fn migration(&self, name: &str, sql: &str) {
        let directory = self.migrations.path().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("migration.sql"), sql).unwrap();
    }

    /// With a settings file, as a team has one.
    async fn invoke(&self, arguments: &[&str]) -> Ended {
        let invocation = Invocation::new(&self.server.endpoint(), arguments)
            .with("GITHUB_RUN_ID", "77")
            .with("GITHUB_SHA", "4f2c9ab0")
            .with("GITHUB_ACTOR", "alice");
        let write = |name: &str, text: &str| {
            std::fs::write(invocation.directory().join(name), text).unwrap();
        };
        write("task.json", &self.definition);
        let settings = "template = \"task.json\"\ncontainer = \"migrate\"\nsubnets = [\"subnet-a\"]\nsecurity-groups = [\"sg-a\"]\n";
        write("ecs-migrate.toml", settings);
        invocation.run().await
    }
}

fn uuid() -> String {
    let mut name = String::new();
    for _ in 0..12 {
        name.push(fastrand::alphanumeric().to_ascii_lowercase());
    }
    name
}

fn says(ended: &Ended, code: i32, texts: &[&str]) {
    assert_eq!(ended.code, code, "{}", ended.everything());
    for text in texts {
        assert!(ended.out.contains(text), "no {text:?} in {}", ended.everything());
    }
}

/// A red pipeline, from the first look to the mended history.
#[tokio::test]
async fn from_a_red_run_to_a_green_one() {
    let Some(server) = server() else {
        tools::skip("no PostgreSQL for the commands of the one on call");
        return;
    };
    let team = Team::new(&server).await;
    team.migration("20260101000000_init", "CREATE TABLE orders (id int);");
    says(&team.invoke(&["run", "--image", "app:1"]).await, 0, &["1 migration applied"]);
    team.migration("20260102000000_again", "CREATE TABLE orders (id int);");
    says(&team.invoke(&["run", "--image", "app:1", "--run-key", "2"]).await, 10, &["42P07"]);
    let cause: &[&str] = &[
        "NOT GREEN: migration `20260102000000_again` failed",
        "relation \"orders\" already exists",
        "unchanged: nothing was written, or it is rolled back",
        "alice 4f2c9ab",
        "20260102000000_again",
    ];
    says(&team.invoke(&["explain"]).await, 0, cause);
    says(&team.invoke(&["logs", "--grep", "already exists"]).await, 0, &["orders"]);
    let runs = team.invoke(&["runs", "--output", "json"]).await;
    let mut rows: Vec<Value> =
        runs.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.pop().unwrap()["type"], "result");
    assert_eq!(rows.len(), 2, "{}", runs.everything());
    let names: Vec<&Value> = rows.iter().map(|row| &row["outcome"]).collect();
    assert_eq!(names, ["failed", "applied"]);
    assert_eq!(rows[1]["migrations"], json!(["20260101000000_init"]));
    assert_eq!(rows[1]["origin"]["workflow_run"], "77");
    let status = team.invoke(&["status"]).await;
    says(&status, 0, &["applied  20260101000000_init", "pending  20260102000000_again"]);
    let run = team.invoke(&["exec", "--", "sh", "-c", "echo seeded; exit 5"]).await;
    says(&run, 5, &["seeded", "container_exit"]);
    let resolve = ["resolve", "--applied", "20260102000000_again"];
    let resolved = team.invoke(&resolve).await;
    says(&resolved, 0, &["everything that the script makes is there: orders", "OK: done"]);
    let status = team.invoke(&["status"]).await;
    says(&status, 0, &["applied  20260102000000_again"]);
    let list = team.invoke(&["runs"]).await;
    says(&list, 0, &["status: done", "exec: failed", "resolve: done"]);
}

/// RunTask overrides a command and never an ENTRYPOINT: what is asked arrives all the same.
#[tokio::test]
async fn what_is_asked_is_what_runs_whatever_the_entry_point() {
    let Some(server) = server() else {
        tools::skip("no PostgreSQL for the commands of the one on call");
        return;
    };
    for entry_point in ["start -- sh -c true", "exec -- sh -c true"] {
        let team = Team::behind(&server, entry_point).await;
        team.migration("20260101000000_init", "CREATE TABLE orders (id int);");
        let register = ["register", "--image", "app:1"];
        says(&team.invoke(&register).await, 0, &["app-migrate:1"]);
        let status = team.invoke(&["status"]).await;
        says(&status, 0, &["pending  20260101000000_init", "OK: done"]);
        let resolved = team.invoke(&["resolve", "--applied", "20260101000000_init"]).await;
        assert_eq!(resolved.code, 14, "{}", resolved.everything());
        let exec = team.invoke(&["exec", "--", "sh", "-c", "echo asked; exit 5"]).await;
        says(&exec, 5, &["asked", "container_exit"]);
        let run = team.invoke(&["run", "--image", "app:1", "--", "--phase", "all"]).await;
        says(&run, 0, &["1 migration applied"]);
        says(&team.invoke(&["status"]).await, 0, &["applied  20260101000000_init"]);
    }
}
