//! A real PgBouncer in transaction mode: refused before any lock is taken.

use crate::check;
use crate::support::{World, finish, skip};
use protocol::event::Finding;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// How it lends its connections, and how many it has for a database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mode<'a> {
    pub(crate) name: &'a str,
    pub(crate) size: u32,
}

/// PgBouncer in front of the world's server; its port.
pub(crate) async fn pooler(
    world: &World,
    folder: &Path,
    Mode { name: mode, size }: Mode<'_>,
) -> Option<(Child, u16)> {
    let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"]
        .into_iter()
        .find(|path| Path::new(path).exists())?;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = world.url.split('@').nth(1).unwrap().split('/').next().unwrap();
    let (host, server_port) = address.split_once(':').unwrap();
    let settings = format!(
        "[databases]\n* = host={host} port={server_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = any\npool_mode = {mode}\ndefault_pool_size = {size}\n"
    );
    // It does not run as root, and its other user has to read the file.
    let file = folder.join("pgbouncer.ini");
    std::fs::write(
        &file,
        settings.replace("auth_type = any", "auth_type = trust\nauth_file = /dev/null"),
    )
    .unwrap();
    std::fs::write(folder.join("users.txt"), "\"postgres\" \"\"\n").unwrap();
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replace("/dev/null", folder.join("users.txt").to_str().unwrap());
    std::fs::write(&file, text).unwrap();
    let mut permissions = std::fs::metadata(folder).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(folder, permissions).unwrap();
    let mut command = Command::new(program);
    if rustix::process::geteuid().is_root() {
        command.args(["-u", "postgres"]);
    }
    let child = command
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let listening = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), listening).await.expect("pgbouncer listens");
    Some((child, port))
}

async fn through(mode: &str, what: &str) -> Option<(World, crate::support::Ended)> {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let folder = tempfile::tempdir().unwrap();
    let Some((_pooler, port)) = pooler(&world, folder.path(), Mode { name: mode, size: 5 }).await
    else {
        skip("pgbouncer is not installed");
        return None;
    };
    let mut command = world.command(&[what]);
    command
        .env("DATABASE_URL", format!("postgresql://postgres@127.0.0.1:{port}/{}", world.database));
    let ended = finish(command.spawn().unwrap()).await;
    Some((world, ended))
}

#[tokio::test]
async fn transaction_mode_is_refused_and_nothing_leaks() {
    let Some((world, ended)) = through("transaction", "deploy").await else { return };
    let failure = ended.failed(2);
    assert!(failure.message.contains("transaction pooler"), "{failure:?}");
    assert!(!world.exists("_prisma_migrations").await);
    world.lock_is_free().await;
}

#[tokio::test]
async fn session_mode_is_fine() {
    let Some((world, ended)) = through("session", "deploy").await else { return };
    assert_eq!(ended.succeeded().applied, 1);
    world.lock_is_free().await;
}

#[tokio::test]
async fn check_names_it_and_leaves_nothing_behind() {
    let Some((world, ended)) = through("transaction", "check").await else { return };
    ended.failed(14);
    assert_eq!(check::blocking(&ended), ["pooler"], "{}", ended.stdout);
    check::says(
        &ended,
        "pooler",
        Finding::No,
        &["transaction pooler", "connect to the database directly"],
    );
    world.lock_is_free().await;
    let Some((_world, ended)) = through("session", "check").await else { return };
    check::says(&ended, "pooler", Finding::Ok, &["no transaction pooler"]);
}
