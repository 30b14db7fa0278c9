//! `scripts/dev-db-setup.sh`: a development database in one command.

use super::{Checkout, program};
use crate::support::{client, script, search_path};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::process::Command;

/// A developer's project and machine; what was started is stopped with it.
struct Laptop {
    project: Checkout,
    state: TempDir,
    programs: PathBuf,
    with: &'static str,
}

struct Said {
    code: i32,
    url: String,
    stderr: String,
}

impl Laptop {
    fn new(with: &'static str) -> Self {
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        // The server's user has to pass through.
        let state = tempfile::Builder::new().permissions(open).tempdir().unwrap();
        let programs = state.path().join("programs");
        std::fs::create_dir(&programs).unwrap();
        Self { project: Checkout::of("start-up"), state, programs, with }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(script("dev-db-setup.sh"));
        command
            .arg(self.project.path())
            .args(["--with", self.with])
            .args(arguments)
            .env("PATH", format!("{}:{}", self.programs.display(), search_path()))
            .env("DEV_DB_STATE", self.state.path())
            .env("ECS_MIGRATE_RUNNER", env!("CARGO_BIN_EXE_ecs-migrate-runner"))
            // Another project's, which a developer's shell may hold.
            .env("DATABASE_URL", "postgresql://u:p@production.example.com/shop")
            .env("ECS_MIGRATE_SECRET", "production")
            .stdin(Stdio::null());
        command
    }

    async fn run(&self, arguments: &[&str]) -> Said {
        let output = self.command(arguments).output().await.unwrap();
        Said {
            code: output.status.code().unwrap(),
            url: String::from_utf8(output.stdout).unwrap().trim().to_owned(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    async fn ready(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments).await;
        assert_eq!(said.code, 0, "{}", said.stderr);
        said
    }

    fn file(&self) -> PathBuf {
        self.project.path().join(".env")
    }

    fn env(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }
}

impl Drop for Laptop {
    fn drop(&mut self) {
        let mut stop = self.command(&["--stop"]).into_std();
        let stopped = stop.output().unwrap();
        // The one behind the `docker` below.
        let mut behind = Command::new(script("postgres.sh")).into_std();
        let _stopped = behind.arg("stop").arg(self.state.path().join("server")).status();
        assert!(stopped.status.success() || std::thread::panicking(), "{stopped:?}");
    }
}

async fn count(url: &str, sql: &str) -> i64 {
    client(url).await.query_one(sql, &[]).await.unwrap().try_get(0).unwrap()
}

const ACCOUNTS: &str = "SELECT count(*) FROM accounts";
const APPLIED: &str = "SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL";

#[tokio::test]
async fn without_docker_the_machines_own_server_is_set_up_again_and_reset() {
    let laptop = Laptop::new("system");
    let url = laptop.ready(&[]).await.url;
    assert_eq!(count(&url, APPLIED).await, 5);
    assert!(laptop.env().ends_with(&format!("\nDATABASE_URL={url}\n")), "{}", laptop.env());
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&laptop.file().metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    // Again: the data stay, what is new is applied, lines that somebody added stay.
    client(&url)
        .await
        .batch_execute("INSERT INTO accounts (name, slug) VALUES ('mine', 'mine')")
        .await
        .unwrap();
    laptop.project.migration("20260301090000_more", "CREATE TABLE more (id int);");
    std::fs::write(laptop.file(), laptop.env() + "MINE=1\n").unwrap();
    assert_eq!(laptop.ready(&[]).await.url, url);
    assert_eq!((count(&url, ACCOUNTS).await, count(&url, APPLIED).await), (3, 6));
    assert!(laptop.env().ends_with("MINE=1\n"), "{}", laptop.env());

    // After a restart of the machine, on the same port, although its process number is another's.
    laptop.ready(&["--stop"]).await;
    let folders =
        std::fs::read_dir(laptop.state.path()).unwrap().map(|entry| entry.unwrap().path());
    let data = folders.map(|folder| folder.join("data")).find(|data| data.exists()).unwrap();
    std::fs::write(data.join("postmaster.pid"), format!("{}\n", std::process::id())).unwrap();
    assert!(tokio_postgres::connect(&url, tokio_postgres::NoTls).await.is_err());
    assert_eq!(laptop.ready(&[]).await.url, url);
    assert_eq!(count(&url, ACCOUNTS).await, 3);

    // A reset asks; without a terminal somebody has to have said it.
    let refused = laptop.run(&["--reset"]).await;
    assert!(refused.code == 2 && refused.stderr.contains("--yes"), "{}", refused.stderr);
    assert_eq!(count(&url, ACCOUNTS).await, 3);
    let url = laptop.ready(&["--reset", "--yes"]).await.url;
    assert_eq!((count(&url, ACCOUNTS).await, count(&url, APPLIED).await), (2, 6));
}

/// Two projects' scripts may look at a port in the same moment: it is free, and then it is not.
#[tokio::test]
async fn a_port_that_somebody_takes_meanwhile_is_left_to_him() {
    let taken = (54_320..54_400).find_map(|port| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        // Bound, and nobody listens: who connects is refused, as at a free one.
        socket.bind((std::net::Ipv4Addr::LOCALHOST, port).into()).ok().map(|()| (socket, port))
    });
    let (_socket, port) = taken.expect("a free port");
    let laptop = Laptop::new("system");
    let said = laptop.ready(&[]).await;
    assert!(!said.url.contains(&format!(":{port}/")), "{}", said.url);
    assert_eq!(count(&said.url, ACCOUNTS).await, 2);
}

#[tokio::test]
async fn somebodys_file_stays_as_it_is() {
    let laptop = Laptop::new("system");
    let theirs = "DATABASE_URL=postgresql://me@elsewhere/mine\nSECRET=1\n";
    std::fs::write(laptop.file(), theirs).unwrap();
    let said = laptop.ready(&[]).await;
    assert_eq!(laptop.env(), theirs);
    assert!(
        said.stderr.contains("is yours")
            && said.stderr.contains(&format!("DATABASE_URL={}", said.url)),
        "{}",
        said.stderr
    );

    // A migration that fails is said with its code; the file stays as well.
    laptop.project.migration("20260301090000_typo", "ALTER TABLE nope ADD COLUMN x int;");
    let red = laptop.run(&[]).await;
    assert!(red.code == 10 && red.stderr.contains("nope") && red.url.is_empty(), "{}", red.stderr);
    assert_eq!(laptop.env(), theirs);
    laptop.project.migration("20260301090000_typo", "SELECT 1;");

    // Several at once: one server.
    let all = [laptop.ready(&[]), laptop.ready(&[]), laptop.ready(&[])];
    for other in futures_util::future::join_all(all).await {
        assert_eq!(other.url, said.url);
    }
    assert_eq!(count(&said.url, APPLIED).await, 6);
}

#[tokio::test]
async fn what_cannot_be_is_said_before_anything_is_started() {
    let laptop = Laptop::new("system");
    for (arguments, word) in [
        (&["--what"][..], "no option --what"),
        (&["--with", "podman"], "docker or system"),
        (&["--with"], "needs a value"),
        (&["second"], "one folder"),
        (&["--migrations", "/nonexistent"], "no folder /nonexistent"),
    ] {
        let said = laptop.run(arguments).await;
        assert!(said.code == 2 && said.stderr.contains(word), "{arguments:?}: {}", said.stderr);
    }
    let second = laptop.project.path().join("other");
    std::fs::create_dir(&second).unwrap();
    std::fs::write(second.join("migration_lock.toml"), "").unwrap();
    let said = laptop.run(&[]).await;
    assert!(said.code == 2 && said.stderr.contains("several migrations"), "{}", said.stderr);
    assert!(!laptop.file().exists());
    std::fs::remove_dir_all(&second).unwrap();
    let help = laptop.run(&["--help"]).await;
    assert!(help.code == 0 && help.url.starts_with("Usage:"), "{}", help.stderr);
}

/// A `docker` that writes down what compose is asked, and has a real server behind it.
const DOCKER: &str = r#"
[ "$1" != info ] || exit 0
[ "$1" = compose ] || exit 64
[ "$2" != version ] || exit 0
[ "$2 $4" = "--project-name --file" ] && [ -s "$5" ] || exit 64
shift 5
echo "$1" >>"$HERE/asked"
url() { cat "$HERE/url" 2>/dev/null; }
case "$1" in
  up)
    url >/dev/null && exit 0
    "$POSTGRES" start "$HERE/server" >"$HERE/url" || exit 1
    "$PSQL" -qX -P pager=off -d "$(url)" -c "CREATE ROLE dev SUPERUSER LOGIN PASSWORD 'dev'" -c "CREATE DATABASE $DEV_DB_NAME OWNER dev" </dev/null ;;
  port) url | sed -n 's/.*@\(.*\)\/.*/\1/p' ;;
  exec) [ "$2 $3 $4" = "-T db pg_isready" ] || exit 64
    # The first answer of an image that fills its volume.
    [ -e "$HERE/asked-once" ] || { touch "$HERE/asked-once"; exit 1; } ;;
  stop) ;;
  down) "$POSTGRES" stop "$HERE/server"; rm -f "$HERE/url" ;;
  *) exit 64 ;;
esac"#;

fn psql() -> Option<PathBuf> {
    let folders = search_path();
    let mut folders = folders.split(':').map(Path::new);
    folders.find(|folder| folder.join("psql").exists()).map(|folder| folder.join("psql"))
}

#[tokio::test]
async fn with_docker_compose_brings_the_server() {
    let laptop = Laptop::new("docker");
    let Some(psql) = psql() else { return crate::support::skip("psql is not installed") };
    let here = laptop.state.path();
    let text = format!(
        "HERE={} POSTGRES={} PSQL={}{DOCKER}",
        here.display(),
        script("postgres.sh").display(),
        psql.display()
    );
    program(&laptop.programs, "docker", &text);
    let asked = || {
        std::fs::read_to_string(here.join("asked"))
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let url = laptop.ready(&[]).await.url;
    assert_eq!(count(&url, APPLIED).await, 5);
    assert_eq!(asked(), ["port", "up", "port", "exec", "exec"]);
    assert!(laptop.env().contains(&url));
    client(&url)
        .await
        .batch_execute("INSERT INTO accounts (name, slug) VALUES ('mine', 'mine')")
        .await
        .unwrap();
    assert_eq!(laptop.ready(&[]).await.url, url);
    assert_eq!(count(&url, ACCOUNTS).await, 3);

    // A new container on another port: our own file follows.
    let new = laptop.ready(&["--reset", "--yes"]).await.url;
    assert_eq!(count(&new, ACCOUNTS).await, 2);
    assert!(asked().contains(&"down".to_owned()) && laptop.env().contains(&new));
}
