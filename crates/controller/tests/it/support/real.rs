//! The real runner, and a database of its own on the tests' PostgreSQL.

use super::tools;
use std::path::PathBuf;
use tokio::process::Command;

/// A database that nobody else uses.
pub(crate) struct Database {
    pub(crate) url: String,
}

/// The runner of this workspace; built, unless scripts/test.sh has done that.
#[expect(clippy::disallowed_methods, reason = "tests read the environment where they need it")]
pub(crate) async fn runner() -> PathBuf {
    let runner =
        PathBuf::from(env!("CARGO_BIN_EXE_ecs-migrate")).with_file_name("ecs-migrate-runner");
    if std::env::var_os("ECS_MIGRATE_BUILT").is_some() {
        return runner;
    }
    let build = ["build", "--locked", "--quiet", "-p", "ecs-migrate-runner"];
    let built = Command::new(env!("CARGO")).args(build).current_dir(tools::root()).status().await;
    assert!(built.unwrap().success());
    runner
}

impl Database {
    /// `None`, and a counted skip, where no PostgreSQL was named.
    #[expect(clippy::disallowed_methods, reason = "tests read the environment where they need it")]
    pub(crate) async fn fresh() -> Option<Self> {
        let Ok(server) = std::env::var("ECS_MIGRATE_TEST_DATABASE") else {
            tools::skip("no PostgreSQL for the controller's tests");
            return None;
        };
        let name: String = (0..12).map(|_| fastrand::alphanumeric().to_ascii_lowercase()).collect();
        let server = Self { url: server };
        server.ask(&format!("CREATE DATABASE it_{name}")).await;
        let (base, _) = server.url.rsplit_once('/').unwrap();
        Some(Self { url: format!("{base}/it_{name}") })
    }

    /// What psql answers, without any decoration.
    pub(crate) async fn ask(&self, sql: &str) -> String {
        let asked = ["-X", "-q", "-A", "-t", "-P", "pager=off", "-d", &self.url, "-c", sql];
        let output = Command::new("psql").args(asked).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// As RDS keeps it in Secrets Manager.
    pub(crate) fn secret(&self) -> String {
        let rest = self.url.split_once("://").unwrap().1;
        let (login, place) = rest.rsplit_once('@').unwrap();
        let (user, password) = login.split_once(':').unwrap_or((login, "none"));
        let (host, name) = place.split_once('/').unwrap();
        let (host, port) = host.split_once(':').unwrap();
        serde_json::json!({"engine": "postgres", "host": host, "port": port.parse::<u16>().unwrap(),
            "username": user, "password": password, "dbname": name})
        .to_string()
    }
}
