//! Exactly once, whatever dies and whenever: runner, backend, server or connection.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

mod oracle;
mod proxy;
mod scripts;

use protocol::{Event, Line};
use proxy::{Cut, Proxy};
use rustix::process::{Pid, Signal, kill_process};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio_postgres::{Client, NoTls};

/// What goes wrong in a round.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Kill(Duration),
    Terminate(Duration),
    Backend(Duration),
    Server(Duration),
    Connection(Cut),
}

/// A server of our own, because we crash it.
struct Server {
    folder: PathBuf,
    url: String,
    /// Who runs migrations.
    login: Cell<&'static str>,
}

impl Server {
    async fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("chaos-{}", uuid::Uuid::new_v4().simple()));
        let url = script(&["start", folder.to_str().unwrap()]).await;
        Self { folder, url, login: Cell::new("postgres") }
    }

    /// As whoever runs migrations.
    fn as_login(&self, name: &str) -> String {
        self.database(name).replace("postgres@", &format!("{}@", self.login.get()))
    }

    fn database(&self, name: &str) -> String {
        format!("{}/{name}", self.url.rsplit_once('/').unwrap().0)
    }
}

async fn script(arguments: &[&str]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres.sh");
    let output = Command::new(path).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn connect(url: &str) -> Client {
    let connecting = async {
        loop {
            if let Ok((client, connection)) = tokio_postgres::connect(url, NoTls).await {
                tokio::spawn(connection);
                return client;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), connecting).await.unwrap()
}

fn runner(url: &str, migrations: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_ecs-migrate-runner"))
        .env_clear()
        .env("DATABASE_URL", url)
        .env("ECS_MIGRATE_MIGRATIONS", migrations)
        .env("ECS_MIGRATE_LOG_FORMAT", "json")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

fn signal(child: &Child, signal: Signal) {
    if let Some(pid) = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).unwrap())) {
        // It may have ended just before.
        let _sent = kill_process(pid, signal);
    }
}

fn choose(random: &mut fastrand::Rng) -> Fault {
    let delay = Duration::from_micros(random.u64(0..700_000));
    match random.u8(0..15) {
        0..=2 => Fault::Kill(delay),
        3..=4 => Fault::Terminate(delay),
        5..=6 => Fault::Backend(delay),
        7 => Fault::Server(delay),
        8 => Fault::Connection(Cut::BeforeCommit(random.usize(1..60))),
        9 => Fault::Connection(Cut::AfterCommit(random.usize(1..60))),
        10..=12 => Fault::Connection(Cut::BeforeJournal(random.usize(1..100))),
        _ => Fault::Connection(Cut::AfterJournal(random.usize(1..100))),
    }
}

/// Runs once with the fault. A cut connection is mended by the run itself; else the exit code may be
/// anything, what counts comes after.
async fn disturb(server: &Server, database: &str, migrations: &Path, fault: Fault) {
    let url = server.database(database);
    let run_url = server.as_login(database);
    let child = match fault {
        Fault::Connection(cut) => {
            let proxy = Proxy::start(&run_url, cut).await;
            let output = runner(&proxy.url, migrations).wait_with_output().await.unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "a run whose connection was cut once: {text}");
            return;
        }
        Fault::Kill(_) | Fault::Terminate(_) | Fault::Backend(_) | Fault::Server(_) => {
            runner(&run_url, migrations)
        }
    };
    match fault {
        Fault::Kill(delay) => {
            tokio::time::sleep(delay).await;
            signal(&child, Signal::KILL);
        }
        Fault::Terminate(delay) => {
            tokio::time::sleep(delay).await;
            signal(&child, Signal::TERM);
        }
        Fault::Backend(delay) => {
            let client = connect(&url).await;
            tokio::time::sleep(delay).await;
            client
                .batch_execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
                .await
                .unwrap();
        }
        Fault::Server(delay) => {
            tokio::time::sleep(delay).await;
            script(&["crash", server.folder.to_str().unwrap()]).await;
        }
        Fault::Connection(_) => {}
    }
    let ended = tokio::time::timeout(Duration::from_mins(1), child.wait_with_output()).await;
    let output = ended.expect("a run that does not end").unwrap();
    if let Some(code) = output.status.code() {
        last_word(&output.stdout, code);
    }
}

/// The last line says how the run ended, and agrees with the exit code.
fn last_word(stdout: &[u8], code: i32) {
    let text = String::from_utf8_lossy(stdout);
    let last = text.lines().rev().find_map(|line| match Line::decode(line) {
        Line::Event(line) => Some(line.event),
        Line::Text(_) => None,
    });
    let Some(Event::RunFinished(finished)) = last else { panic!("no last word: {text}") };
    assert_eq!(i32::from(finished.exit_code), code, "{text}");
    assert_ne!(code, 11, "a person is asked: {text}");
}

async fn settle(server: &Server, database: &str, migrations: &Path) {
    let output = runner(&server.as_login(database), migrations).wait_with_output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "the run after the fault: {text}");
}

/// What a round is held against.
struct Expected {
    names: Vec<&'static str>,
    contents: String,
    programs: PathBuf,
}

async fn check(server: &Server, database: &str, expected: &Expected) {
    let url = server.database(database);
    let client = connect(&url).await;
    let one = async |sql: &str| -> String { client.query_one(sql, &[]).await.unwrap().get(0) };
    let history = one(
        "SELECT string_agg(migration_name, ',' ORDER BY started_at) FROM public._prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL",
    );
    assert_eq!(history.await, expected.names.join(","));
    assert_eq!(one("SELECT count(*)::text FROM public._prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL").await, "0");
    assert_eq!(one("SELECT count(*)::text FROM ecs_migrate.journal").await, "0");
    assert_eq!(one("SELECT count(*)::text FROM pg_index WHERE NOT indisvalid").await, "0");
    assert_eq!(
        one("SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").await,
        "0",
        "a lock is left"
    );
    let contents = oracle::contents(&expected.programs, &url).await;
    assert!(contents == expected.contents, "{}", differences(&expected.contents, &contents));
}

fn differences(expected: &str, found: &str) -> String {
    let only = |text: &str, other: &str, sign: char| -> Vec<String> {
        let mut others: Vec<&str> = other.lines().collect();
        let mut only = Vec::new();
        for line in text.lines() {
            match others.iter().position(|known| *known == line) {
                Some(at) => drop(others.swap_remove(at)),
                None => only.push(format!("{sign} {line}")),
            }
        }
        only
    };
    [only(expected, found, '-'), only(found, expected, '+')].concat().join("\n")
}

#[tokio::test]
async fn each_migration_is_applied_exactly_once() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let rounds = number("ECS_MIGRATE_CHAOS_ROUNDS").unwrap_or(30);
    let seed = number("ECS_MIGRATE_CHAOS_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("chaos: {rounds} rounds with seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let server = Server::start().await;
    let migrations = tempfile::tempdir().unwrap();
    let admin_url = server.url.clone();
    let admin = connect(&admin_url).await;
    let version: i32 = admin
        .query_one("SELECT current_setting('server_version_num')::int", &[])
        .await
        .unwrap()
        .get(0);
    let known = scripts::known_to(u32::try_from(version / 10_000).unwrap());
    for (name, script) in &known {
        std::fs::create_dir(migrations.path().join(name)).unwrap();
        std::fs::write(migrations.path().join(name).join("migration.sql"), script).unwrap();
    }
    admin.batch_execute(scripts::ROLES).await.unwrap();
    admin.batch_execute("CREATE DATABASE oracle").await.unwrap();
    for setting in scripts::SETTINGS {
        admin.batch_execute(setting).await.unwrap();
    }
    drop(admin);
    script(&["crash", server.folder.to_str().unwrap()]).await;
    let programs = PathBuf::from(script(&["bin"]).await);
    oracle::apply(&programs, &server.database("oracle"), &known, migrations.path()).await;
    let expected = Expected {
        names: known.iter().map(|(name, _script)| *name).collect(),
        contents: oracle::contents(&programs, &server.database("oracle")).await,
        programs,
    };
    for round in 0..rounds {
        let fault = choose(&mut random);
        let database = format!("round_{round}");
        println!("round {round}: {fault:?}");
        connect(&admin_url)
            .await
            .batch_execute(&format!("CREATE DATABASE {database}"))
            .await
            .unwrap();
        let login = if random.bool() { "chaos_login" } else { "postgres" };
        println!("round {round}: as {login}");
        server.login.set(login);
        disturb(&server, &database, migrations.path(), fault).await;
        if random.bool() {
            let again = choose(&mut random);
            println!("round {round}: then {again:?}");
            disturb(&server, &database, migrations.path(), again).await;
        }
        settle(&server, &database, migrations.path()).await;
        check(&server, &database, &expected).await;
        connect(&admin_url)
            .await
            .batch_execute(&format!("DROP DATABASE {database} WITH (FORCE)"))
            .await
            .unwrap();
    }
    script(&["stop", server.folder.to_str().unwrap()]).await;
}
