//! Where a page's commands are run: `examples/gate` as a repository of a team, an empty database, and
//! a local AWS in which the example's cluster, secret and images are.

use handbook::root;
use sandbox::{Config, HostEnvironment, Program, Sandbox, Script, Server, Speed, WallClock};
use std::path::{Path, PathBuf};
use tokio::process::Command;

const REGISTRY: &str = "111122223333.dkr.ecr.eu-central-1.amazonaws.com";

pub(crate) struct Place {
    folder: tempfile::TempDir,
    binaries: PathBuf,
    url: String,
    _sandbox: Sandbox,
    server: Server,
}

/// The tests' PostgreSQL.
#[expect(clippy::disallowed_methods, reason = "tests read the environment where they need it")]
pub(crate) fn server() -> Option<String> {
    std::env::var("ECS_MIGRATE_TEST_DATABASE").ok()
}

impl Place {
    pub(crate) async fn open(server: &str, binaries: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let team = folder.path().join("team");
        let example = root().join("examples/gate");
        assert!(status(Command::new("cp").arg("-r").arg(example).arg(&team)).await);
        std::os::unix::fs::symlink("apps/api/prisma", team.join("prisma")).unwrap();
        std::fs::create_dir(folder.path().join("home")).unwrap();
        let name: String = (0..12).map(|_| fastrand::alphanumeric().to_ascii_lowercase()).collect();
        let made = format!("CREATE DATABASE book_{name}");
        assert!(status(Command::new("psql").args(["-X", "-q", "-d", server, "-c", &made])).await);
        let (base, _) = server.rsplit_once('/').unwrap();
        let url = format!("{base}/book_{name}");
        let runner = binaries.join("ecs-migrate-runner").display().to_string();
        let migrations = team.join("prisma/migrations").display().to_string();
        let words = [runner, "--migrations".to_owned(), migrations];
        let config = Config::new(Speed::Fast)
            .region("eu-central-1")
            .wall_clock(WallClock::System)
            .host(HostEnvironment { path: Some("/usr/bin:/bin".to_owned()), home: None })
            .cluster("shop")
            .log_group("/ecs/shop-migrate")
            .log_group("/ecs/shop")
            .secret("shop/database", secret(&url))
            .secret("shop/url", &url)
            .image("*/shop-migrate@*", Program::Command(words.to_vec()))
            .image("*/shop-api@*", Program::script(Script::new()));
        let sandbox = Sandbox::new(config);
        let server = sandbox.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        Self { folder, binaries: binaries.to_owned(), url, _sandbox: sandbox, server }
    }

    /// The team's repository.
    pub(crate) fn team(&self) -> PathBuf {
        self.folder.path().join("team")
    }

    /// bash there, with what a person on call has in the environment.
    pub(crate) fn shell(&self, script: &str) -> Command {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.binaries.display());
        let image =
            |part: &str, digit: &str| format!("{REGISTRY}/shop-{part}@sha256:{}", digit.repeat(64));
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-c", script])
            .current_dir(self.team())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.folder.path().join("home"))
            .env("LANG", "C.UTF-8")
            .env("DATABASE_URL", &self.url)
            .env("ECS_MIGRATE_LOG_FORMAT", "text")
            .env("IMAGE", image("migrate", "a"))
            .env("API_IMAGE", image("api", "b"))
            .env("GITHUB_SHA", "4f2c9ab04f2c9ab04f2c9ab04f2c9ab04f2c9ab0")
            .env("AWS_ENDPOINT_URL", self.server.endpoint())
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .kill_on_drop(true);
        command
    }
}

async fn status(command: &mut Command) -> bool {
    command.status().await.unwrap().success()
}

/// As RDS keeps it in Secrets Manager.
fn secret(url: &str) -> String {
    let rest = url.split_once("://").unwrap().1;
    let (login, place) = rest.rsplit_once('@').unwrap();
    let (user, password) = login.split_once(':').unwrap_or((login, "none"));
    let (host, name) = place.split_once('/').unwrap();
    let (host, port) = host.split_once(':').unwrap();
    serde_json::json!({"engine": "postgres", "host": host, "port": port.parse::<u16>().unwrap(),
        "username": user, "password": password, "dbname": name})
    .to_string()
}
