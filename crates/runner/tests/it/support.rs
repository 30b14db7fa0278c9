//! A database, a directory of migrations, and the runner as a process.
#![expect(clippy::disallowed_methods, reason = "tests read their own environment")]

use protocol::event::RunFinished;
use protocol::sequence::Sequences;
use protocol::{Event, EventLine, Line};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// Where the server is.
fn server() -> String {
    std::env::var("ECS_MIGRATE_TEST_DATABASE").expect(
        "the tests need a PostgreSQL: run scripts/test.sh, or \
         export ECS_MIGRATE_TEST_DATABASE=$(scripts/postgres.sh start \"$(mktemp -d)\")",
    )
}

/// A database and a directory of migrations.
pub(crate) struct World {
    pub(crate) database: String,
    pub(crate) url: String,
    pub(crate) directory: TempDir,
    pub(crate) client: Client,
}

/// A server of its own, for tests that change its settings.
pub(crate) struct Server {
    folder: TempDir,
    pub(crate) url: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The server's user has to pass through.
        std::fs::set_permissions(
            folder.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .unwrap();
        let output = Command::new(POSTGRES).arg("start").arg(folder.path().join("data")).output();
        let output = output.await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { folder, url: String::from_utf8(output.stdout).unwrap().trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let folder = self.folder.path().join("data");
        // The folder goes in any case, and the server with it.
        let _stopped = std::process::Command::new(POSTGRES).arg("stop").arg(folder).output();
    }
}

/// The script that starts and stops servers.
const POSTGRES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/postgres.sh");

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) lines: Vec<EventLine>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::at(&server()).await
    }

    /// On another server.
    pub(crate) async fn at(server: &str) -> Self {
        let database = format!("test_{}", uuid::Uuid::new_v4().simple());
        client(server).await.batch_execute(&format!("CREATE DATABASE {database}")).await.unwrap();
        let url = format!("{}/{database}", server.rsplit_once('/').unwrap().0);
        let client = client(&url).await;
        Self { database, url, directory: tempfile::tempdir().unwrap(), client }
    }

    /// The server's port.
    pub(crate) fn port(&self) -> u16 {
        self.url.rsplit_once(':').unwrap().1.split('/').next().unwrap().parse().unwrap()
    }

    /// A session of its own, under a name.
    pub(crate) async fn session(&self, application: &str) -> Client {
        let session = client(&self.url).await;
        session.batch_execute(&format!("SET application_name = '{application}'")).await.unwrap();
        session
    }

    /// The process of a session.
    pub(crate) async fn pid_of(&self, application: &str) -> i32 {
        let sql = format!(
            "SELECT pid FROM pg_stat_activity WHERE application_name = '{application}' AND datname = current_database()"
        );
        self.value(&sql).await.parse().unwrap()
    }

    /// Writes, or overwrites, a migration.
    pub(crate) fn migration(&self, name: &str, script: &str) -> &Self {
        let folder = self.directory.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("migration.sql"), script).unwrap();
        self
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_dir_all(self.directory.path().join(name)).unwrap();
    }

    /// The runner with its arguments, its environment nothing but the database.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecs-migrate-runner"));
        command
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", &self.url)
            .env("ECS_MIGRATE_MIGRATIONS", self.directory.path())
            .env("ECS_MIGRATE_LOG_FORMAT", "json")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        finish(self.command(arguments).spawn().unwrap()).await
    }

    pub(crate) async fn deploy(&self) -> Ended {
        self.run(&["deploy"]).await
    }

    pub(crate) async fn sql(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap();
    }

    /// The first column of every row, as text; NULL is `-`.
    pub(crate) async fn column(&self, sql: &str) -> Vec<String> {
        let messages = self.client.simple_query(sql).await.unwrap();
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("-").to_owned()),
            _ => None,
        });
        rows.collect()
    }

    pub(crate) async fn value(&self, sql: &str) -> String {
        self.column(sql).await.into_iter().next().unwrap_or_default()
    }

    pub(crate) async fn exists(&self, relation: &str) -> bool {
        self.value(&format!("SELECT to_regclass('{relation}') IS NOT NULL")).await == "t"
    }

    /// `name state steps` of every row, in the order of their start.
    pub(crate) async fn history(&self) -> Vec<String> {
        self.column(
            "SELECT migration_name || CASE WHEN rolled_back_at IS NOT NULL THEN ' rolled-back ' \
             WHEN finished_at IS NULL THEN ' unfinished ' ELSE ' applied ' END || applied_steps_count \
             FROM _prisma_migrations ORDER BY started_at, id",
        )
        .await
    }

    /// Waits until the query's answer is `true`.
    pub(crate) async fn until(&self, condition: &str) {
        let waiting = async {
            while self.value(&format!("SELECT {condition}")).await != "t" {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect(condition);
    }

    /// Nobody holds an advisory lock in this database.
    pub(crate) async fn lock_is_free(&self) {
        self.until(
            "NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = \
             (SELECT oid FROM pg_database WHERE datname = current_database()))",
        )
        .await;
    }
}

/// Waits for a runner, and checks what every run must keep to.
pub(crate) async fn finish(child: Child) -> Ended {
    let output = tokio::time::timeout(Duration::from_mins(1), child.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    ended(output.status.code().unwrap_or(-1), stdout, stderr)
}

/// What a runner left behind.
pub(crate) fn ended(code: i32, stdout: String, stderr: String) -> Ended {
    assert!(!stderr.contains("panicked"), "{stderr}");
    Ended { code, lines: Ended::decode(&stdout), stdout, stderr }
}

/// Sends a signal to a runner.
pub(crate) fn send(child: &Child, signal: Signal) {
    send_to(i32::try_from(child.id().unwrap()).unwrap(), signal);
}

/// Sends a signal to any process.
pub(crate) fn send_to(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// One of the project's scripts.
pub(crate) fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scripts").join(name)
}

/// What `scripts/static.sh` built, if it could.
pub(crate) fn static_binary() -> Option<PathBuf> {
    std::env::var_os("ECS_MIGRATE_TEST_STATIC").map(PathBuf::from).filter(|path| path.exists())
}

/// Where programs are.
pub(crate) fn search_path() -> String {
    std::env::var("PATH").unwrap()
}

impl Ended {
    /// The event lines of a text.
    pub(crate) fn decode(text: &str) -> Vec<EventLine> {
        let lines = text.lines().filter_map(|line| match Line::decode(line) {
            Line::Event(line) => Some(*line),
            Line::Text(_) => None,
        });
        lines.collect()
    }

    /// The last line, which must agree with the exit code; no line may be missing.
    pub(crate) fn finished(&self) -> &RunFinished {
        let mut sequences = Sequences::default();
        for line in &self.lines {
            assert!(sequences.note(&line.process, line.seq), "repeated: {line:?}");
        }
        let last =
            self.lines.last().unwrap_or_else(|| panic!("no lines: {}{}", self.stdout, self.stderr));
        sequences.finish(&last.process, last.seq);
        assert!(sequences.complete(), "{}", self.stdout);
        let finished = last.event.terminal().unwrap_or_else(|| panic!("no end: {}", self.stdout));
        assert_eq!(i32::from(finished.exit_code), self.code, "{}", self.stdout);
        finished
    }

    /// The failure of a run that ended with `code`.
    pub(crate) fn failed(&self, code: i32) -> &protocol::Failure {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        self.finished().failure.as_ref().unwrap()
    }

    pub(crate) fn succeeded(&self) -> &RunFinished {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self.finished()
    }

    pub(crate) fn has(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.lines.iter().any(|line| wanted(&line.event))
    }

    pub(crate) fn notice(&self, code: &str) -> bool {
        self.has(|event| matches!(event, Event::Notice(notice) if notice.code == code))
    }
}

/// A file that does not exist.
pub(crate) fn nowhere() -> PathBuf {
    PathBuf::from("/nonexistent/migrations")
}

/// Whether `pg_dump` refused the server as newer than itself: a skip that is counted.
pub(crate) fn is_too_old(said: &str) -> bool {
    let refused = said.contains("server version mismatch");
    if refused {
        skip("pg_dump is older than the server");
    }
    refused
}

/// Says that a test cannot be done on this machine; `scripts/test.sh` counts these lines.
pub(crate) fn skip(why: &str) {
    use std::io::Write as _;
    println!("skipped: {why}");
    if let Ok(path) = std::env::var("ECS_MIGRATE_TEST_SKIPS") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{why}").unwrap();
    }
}

/// Installs the packages of a folder beside this one, once for all runs; none, and a skip for this
/// reason, where npm cannot.
pub(crate) async fn npm(name: &str, why_not: &str) -> Option<PathBuf> {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    npm_of(&source, &format!("npm-{name}"), why_not).await
}

/// The same for any folder, which stays as it is: its files are copied under this name first.
pub(crate) async fn npm_of(source: &Path, name: &str, why_not: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
        }
    }
    // Written when everything is there, with what was asked for.
    let (wanted, ready) = (folder.join("package.json"), folder.join("node_modules/.ready"));
    let wanted = std::fs::read(wanted).unwrap();
    if std::fs::read(&ready).ok().as_ref() != Some(&wanted) {
        let install = Command::new("npm")
            .args([
                "install",
                "--omit=dev",
                "--ignore-scripts",
                "--no-package-lock",
                "--no-audit",
                "--no-fund",
            ])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .output();
        let installed = tokio::time::timeout(Duration::from_mins(3), install).await;
        if !matches!(installed, Ok(Ok(output)) if output.status.success()) {
            skip(why_not);
            return None;
        }
        std::fs::write(ready, wanted).unwrap();
    }
    Some(folder)
}
