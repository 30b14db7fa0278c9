//! The static binary in an image that holds nothing else: no libc, no certificates, no /proc.

use crate::support::{Ended, client, finish, script, search_path, skip, static_binary};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::net::UdpSocket;
use tokio::process::Command;
use tokio::task::JoinHandle;

const HOST: &str = "db.example.internal";

/// The image as a folder, what a container runtime puts into it, and a server with a certificate.
struct Image {
    root: TempDir,
    server: PathBuf,
    port: String,
    names: JoinHandle<()>,
}

impl Drop for Image {
    fn drop(&mut self) {
        self.names.abort();
        let mut stop = Command::new(script("postgres.sh")).into_std();
        assert!(stop.arg("stop").arg(&self.server).status().unwrap().success());
    }
}

/// None where this machine cannot have one.
async fn image() -> Option<Image> {
    let Some(binary) = static_binary() else {
        skip("the static binary was not built");
        return None;
    };
    if !rustix::process::geteuid().is_root() {
        skip("chroot needs root");
        return None;
    }
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    std::fs::copy(binary, at("runner")).unwrap();
    let (address, names) = name_server().await;
    std::fs::create_dir(at("etc")).unwrap();
    std::fs::write(at("etc/resolv.conf"), format!("nameserver {address}\n")).unwrap();
    std::fs::create_dir_all(at("migrations/1_a")).unwrap();
    std::fs::write(at("migrations/1_a/migration.sql"), "CREATE TABLE a(id int);").unwrap();

    let folder = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()
        .unwrap();
    let server = folder.keep().join("postgres");
    let start =
        Command::new(script("postgres.sh")).arg("start").arg(&server).output().await.unwrap();
    let url = String::from_utf8(start.stdout).unwrap().trim().to_owned();
    let port = url.rsplit_once(':').unwrap().1.split('/').next().unwrap().to_owned();
    encrypt(&url, &server.join("data"), root.path()).await;
    Some(Image { root, server, port, names })
}

/// Gives the server a certificate for [`HOST`], and the image the root it comes from.
async fn encrypt(url: &str, data: &Path, image: &Path) {
    let authority = |name: &str| {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
    };
    let (ours, other) = (authority("ours"), authority("other"));
    std::fs::write(image.join("ca.pem"), ours.pem()).unwrap();
    std::fs::write(image.join("other.pem"), other.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec![HOST.to_owned()]).unwrap().signed_by(&key, &ours).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(data).unwrap());
    for (name, text) in [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())] {
        let path = data.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        std::os::unix::fs::chown(&path, Some(owner), None).unwrap();
    }
    let client = client(url).await;
    client.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    while client.query_one("SHOW ssl", &[]).await.unwrap().try_get::<_, String>(0).unwrap() != "on"
    {
        tokio::task::yield_now().await;
    }
}

/// A name server on a loopback address of its own. It knows two names.
async fn name_server() -> (Ipv4Addr, JoinHandle<()>) {
    let (socket, address) = loop {
        let address =
            Ipv4Addr::new(127, fastrand::u8(1..255), fastrand::u8(..), fastrand::u8(1..255));
        if let Ok(socket) = UdpSocket::bind((address, 53)).await {
            break (socket, address);
        }
    };
    let serving = async move {
        let mut query = [0; 512];
        loop {
            let (length, from) = socket.recv_from(&mut query).await.unwrap();
            socket.send_to(&answer(&query[..length]), from).await.unwrap();
        }
    };
    (address, tokio::spawn(serving))
}

/// 127.0.0.1 for what ends in `.internal`, and no such name for everything else (RFC 1035).
fn answer(query: &[u8]) -> Vec<u8> {
    let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap();
    let known = query[12..end].ends_with(b"\x08internal");
    let wanted = u16::from_be_bytes([query[end + 1], query[end + 2]]);
    let found = known && wanted == 1;
    let mut answer = query[..end + 5].to_vec();
    answer[2..12].copy_from_slice(&[
        0x81,
        if known { 0x80 } else { 0x83 },
        0,
        1,
        0,
        u8::from(found),
        0,
        0,
        0,
        0,
    ]);
    if found {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    answer
}

impl Image {
    async fn run(&self, host: &str, parameters: &str, arguments: &[&str]) -> Ended {
        let child = Command::new("chroot")
            .arg(self.root.path())
            .arg("/runner")
            .args(arguments)
            .env_clear()
            .env("PATH", search_path())
            .env("ECS_MIGRATE_MIGRATIONS", "/migrations")
            .env("ECS_MIGRATE_LOG_FORMAT", "json")
            // A name that does not exist is said at once.
            .env("ECS_MIGRATE_CONNECT_WAIT", "0s")
            .env(
                "DATABASE_URL",
                format!("postgresql://postgres@{host}:{}/postgres?{parameters}", self.port),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        finish(child).await
    }
}

#[tokio::test]
async fn names_are_resolved_and_certificates_verified_with_nothing_else_in_the_image() {
    let Some(image) = image().await else { return };
    let verified = "sslmode=verify-full&sslrootcert=/ca.pem";
    let ended = image.run(HOST, verified, &["deploy"]).await;
    assert_eq!(ended.succeeded().applied, 1);
    assert!(
        ended.stdout.contains(r#""tls":true"#) && ended.stdout.contains(HOST),
        "{}",
        ended.stdout
    );
    let ended = image.run(HOST, "sslmode=require", &["start", "--", "/runner", "--version"]).await;
    assert!(
        ended.stdout.ends_with(&format!("ecs-migrate-runner {}\n", env!("CARGO_PKG_VERSION"))),
        "{}",
        ended.stdout
    );

    for (host, parameters, word) in [
        (HOST, "sslmode=verify-full&sslrootcert=/other.pem", "certificate"),
        ("other.example.internal", verified, "certificate"),
        ("db.example.invalid", verified, "db.example.invalid"),
    ] {
        let ended = image.run(host, parameters, &["deploy"]).await;
        assert!(ended.failed(21).message.contains(word), "{host}: {}", ended.stdout);
    }
}

#[tokio::test]
async fn the_static_binary_is_static_and_small() {
    let Some(binary) = static_binary() else { return skip("the static binary was not built") };
    let bytes = std::fs::read(binary).unwrap();
    // A dynamic one names its loader in a PT_INTERP header.
    assert!(!bytes.windows(8).any(|window| window == b"/ld-musl" || window == b"ld-linux"));
    // Some 8.8 MB, of which the SQL parser is 0.7 and rustls with aws-lc 0.9: an image pulls it before every migration.
    assert!(bytes.len() <= 9_300_000, "{} bytes", bytes.len());
}
