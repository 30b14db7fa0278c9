//! A real server with a certificate authority of its own.

use crate::check;
use crate::own_server::OwnServer;
use crate::support::{Ended, World, finish, skip};
use protocol::Event;
use protocol::event::Finding;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::PathBuf;
use tokio_postgres::NoTls;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key, in PEM.
struct Pair {
    certificate: String,
    key: String,
}

fn pair(by: &Authority, names: &[&str], years: (i32, i32)) -> Pair {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "postgres");
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, by).unwrap().pem();
    Pair { certificate, key: key.serialize_pem() }
}

const VALID: (i32, i32) = (2020, 2120);

struct Encrypted {
    server: OwnServer,
    world: World,
    authority: Authority,
    /// What the clients have.
    files: tempfile::TempDir,
}

impl Encrypted {
    /// None if this build of PostgreSQL cannot encrypt.
    async fn start() -> Option<Self> {
        let server = OwnServer::start().await;
        let world = World::at(&server.url).await;
        world.migration("1_a", "CREATE TABLE IF NOT EXISTS a(id int);");
        let authority = authority("test root");
        let files = tempfile::tempdir().unwrap();
        std::fs::write(files.path().join("root.pem"), authority.pem()).unwrap();
        let encrypted = Self { server, world, authority, files };
        encrypted.data("root.crt", &encrypted.authority.pem());
        if encrypted
            .world
            .client
            .batch_execute("ALTER SYSTEM SET ssl_ca_file = 'root.crt'")
            .await
            .is_err()
            || encrypted.world.client.batch_execute("ALTER SYSTEM SET ssl = on").await.is_err()
        {
            skip("this PostgreSQL is built without TLS");
            return None;
        }
        encrypted.serve(&pair(&encrypted.authority, &["localhost"], VALID)).await;
        Some(encrypted)
    }

    /// Writes a file that only the server may read.
    fn data(&self, name: &str, text: &str) {
        let folder = self.server.folder.join("data");
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let owner = std::fs::metadata(&folder).unwrap();
        chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }

    /// The server shows this certificate from now on.
    async fn serve(&self, pair: &Pair) {
        self.data("server.crt", &pair.certificate);
        self.data("server.key", &pair.key);
        self.reload().await;
    }

    /// A backend that is forked after the reload knows when that was.
    async fn reload(&self) {
        const LOADED: &str = "SELECT pg_conf_load_time()::text";
        let before = self.world.value(LOADED).await;
        self.world.sql("SELECT pg_reload_conf()").await;
        loop {
            let (client, connection) =
                tokio_postgres::connect(&self.server.url, NoTls).await.unwrap();
            let driver = tokio::spawn(connection);
            let now: String = client.query_one(LOADED, &[]).await.unwrap().try_get(0).unwrap();
            drop(client);
            driver.await.unwrap().unwrap();
            if now != before {
                return;
            }
        }
    }

    fn file(&self, name: &str) -> String {
        self.files.path().join(name).to_str().unwrap().to_owned()
    }

    fn client_file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    async fn deploy(&self, query: &str) -> Ended {
        self.deploy_with(query, &[]).await
    }

    async fn deploy_with(&self, query: &str, variables: &[(&str, &str)]) -> Ended {
        self.run("deploy", query, variables).await
    }

    async fn run(&self, what: &str, query: &str, variables: &[(&str, &str)]) -> Ended {
        let mut command = self.world.command(&[what]);
        let (port, database) = (self.server.port(), &self.world.database);
        command.env(
            "DATABASE_URL",
            format!("postgresql://postgres@localhost:{port}/{database}?{query}"),
        );
        for (name, value) in variables {
            command.env(name, value);
        }
        finish(command.spawn().unwrap()).await
    }

    async fn refused(&self, query: &str, word: &str) {
        let ended = self.deploy(query).await;
        let failure = ended.failed(21);
        assert!(failure.message.contains(word), "{query}: {failure:?}");
        assert!(failure.hint.is_some(), "{failure:?}");
        assert!(
            !ended.has(|event| matches!(event, Event::ConnectWaiting(_))),
            "waiting does not help: {}",
            ended.stdout
        );
    }
}

fn encrypted(ended: &Ended) -> bool {
    ended.succeeded();
    ended.has(|event| matches!(event, Event::Connected(connected) if connected.tls))
}

#[tokio::test]
async fn the_certificate_is_verified_as_far_as_asked() {
    let Some(server) = Encrypted::start().await else { return };
    let root = server.file("root.pem");
    let full = format!("sslmode=verify-full&sslrootcert={root}");
    assert!(encrypted(&server.deploy(&full).await));
    assert!(encrypted(&server.deploy(&format!("sslaccept=strict&sslcert={root}")).await));
    assert!(encrypted(&server.deploy("").await), "it is encrypted if it can be");
    assert!(!encrypted(&server.deploy("sslmode=disable").await));
    // The system's roots, as its variable names them, instead of a file of ours.
    let variables = [("SSL_CERT_FILE", root.as_str())];
    assert!(encrypted(&server.deploy_with("sslrootcert=system", &variables).await));
    server.refused("sslmode=verify-full", "nobody that we trust signed it").await;
    server.refused("sslrootcert=system", "nobody that we trust signed it").await;

    server.serve(&pair(&server.authority, &["other.example"], VALID)).await;
    server.refused(&full, "it is for other.example").await;
    server.refused(&format!("sslaccept=strict&sslcert={root}"), "it is for other.example").await;
    assert!(encrypted(&server.deploy(&format!("sslmode=verify-ca&sslrootcert={root}")).await));
    assert!(encrypted(&server.deploy(&format!("sslmode=require&sslrootcert={root}")).await));

    for (years, word) in [((2019, 2020), "it has expired"), ((2119, 2120), "it is not valid yet")] {
        server.serve(&pair(&server.authority, &["localhost"], years)).await;
        server.refused(&full, word).await;
        server.refused(&format!("sslmode=verify-ca&sslrootcert={root}"), word).await;
        assert!(encrypted(&server.deploy("sslmode=require").await));
    }

    let stranger = authority("another root");
    server.serve(&pair(&stranger, &["localhost"], VALID)).await;
    server.refused(&full, "nobody that we trust signed it").await;
    server.refused(&format!("sslmode=require&sslrootcert={root}"), "nobody that we trust").await;
    assert!(encrypted(&server.deploy("sslmode=require").await));
}

#[tokio::test]
async fn check_says_how_far_it_is_encrypted() {
    let Some(server) = Encrypted::start().await else { return };
    let root = format!("sslrootcert={}", server.file("root.pem"));
    for (query, sentence) in [
        ("sslmode=disable".to_owned(), "not encrypted"),
        ("sslmode=require".to_owned(), "the certificate is not verified"),
        (format!("sslmode=verify-ca&{root}"), "whatever host it is for"),
        (format!("sslmode=verify-full&{root}"), "verified for this host"),
    ] {
        let ended = server.run("check", &query, &[]).await;
        ended.succeeded();
        check::says(&ended, "tls", Finding::Ok, &[sentence]);
        check::says(&ended, "dns", Finding::Ok, &["`localhost` is"]);
    }
    let ended = server.run("check", "sslmode=verify-full", &[]).await;
    ended.failed(14);
    assert_eq!(check::blocking(&ended), ["tls"], "{}", ended.stdout);
    check::says(&ended, "tls", Finding::No, &["nobody that we trust signed it"]);
    let ended = server.run("check", "sslmode=verify-full&sslrootcert=/nonexistent.pem", &[]).await;
    ended.failed(14);
    check::says(&ended, "tls", Finding::No, &["/nonexistent.pem"]);
}

#[tokio::test]
async fn roots_that_cannot_be_read() {
    let Some(server) = Encrypted::start().await else { return };
    let empty = server.client_file("empty.pem", "");
    for (path, word) in
        [(PathBuf::from("/nonexistent.pem"), "nonexistent"), (empty, "no certificate")]
    {
        let query = format!("sslmode=verify-full&sslrootcert={}", path.display());
        let ended = server.deploy(&query).await;
        let failure = ended.failed(2);
        assert!(failure.message.contains(word) && failure.hint.is_some(), "{failure:?}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_encrypt() {
    let world = World::new().await;
    let mut command = world.command(&["deploy"]);
    command.env("DATABASE_URL", format!("{}?sslmode=require", world.url));
    let ended = finish(command.spawn().unwrap()).await;
    let failure = ended.failed(21);
    assert!(failure.message.contains("does not encrypt"), "{failure:?}");
    assert!(failure.hint.as_deref().unwrap().contains("sslmode=disable"));
}

#[tokio::test]
async fn certificates_of_clients() {
    let Some(server) = Encrypted::start().await else { return };
    let hba =
        "local all all trust\nhostnossl all all 127.0.0.1/32 trust\nhostssl all all all cert\n";
    std::fs::write(server.server.folder.join("data/pg_hba.conf"), hba).unwrap();
    server.reload().await;
    let full = format!("sslmode=verify-full&sslrootcert={}", server.file("root.pem"));
    let ours = pair(&server.authority, &["client"], VALID);
    let both = server.client_file("client.pem", &format!("{}{}", ours.certificate, ours.key));
    let with = |path: &PathBuf| format!("{full}&sslcert={0}&sslkey={0}", path.display());
    assert!(encrypted(&server.deploy(&with(&both)).await));

    let ended = server.deploy(&full).await;
    let failure = ended.failed(22);
    assert!(failure.message.contains("client certificate"), "{failure:?}");

    let foreign = pair(&authority("another root"), &["client"], VALID);
    let foreign =
        server.client_file("foreign.pem", &format!("{}{}", foreign.certificate, foreign.key));
    let ended = server.deploy(&with(&foreign)).await;
    let failure = ended.failed(21);
    let said = format!("{} {}", failure.message, failure.hint.as_deref().unwrap());
    assert!(
        said.contains("ended the TLS handshake") && said.contains("client certificate"),
        "{said}"
    );
}

#[tokio::test]
async fn the_login_is_bound_to_the_channel() {
    let Some(server) = Encrypted::start().await else { return };
    server.world.sql("CREATE ROLE with_password LOGIN SUPERUSER PASSWORD 'hunter2'").await;
    let (port, database) = (server.server.port(), &server.world.database);
    let deploy = async |query: &str| {
        let mut command = server.world.command(&["deploy"]);
        let url = format!("postgresql://with_password:hunter2@127.0.0.1:{port}/{database}?{query}");
        command.env("DATABASE_URL", url);
        finish(command.spawn().unwrap()).await
    };
    assert!(encrypted(&deploy("sslmode=require&channel_binding=require").await));
    let ended = deploy("sslmode=disable&channel_binding=require").await;
    let failure = ended.failed(22);
    assert!(failure.message.contains("channel"), "{failure:?}");
}
