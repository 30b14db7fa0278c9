//! IAM authentication, before a server that asks for the token as RDS does: in clear text, over TLS.

use crate::support::{Ended, World, finish};
use rcgen::{CertificateParams, KeyPair};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// Takes TLS connections, asks for a token, and passes who has one on to a server that trusts.
struct Gate {
    port: u16,
    root: tempfile::NamedTempFile,
    tokens: Arc<Mutex<Vec<String>>>,
}

impl Gate {
    /// Refuses the first `refusals` tokens.
    async fn before(server: u16, refusals: usize) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let root = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(root.path(), certificate.pem()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let tokens = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&tokens);
        tokio::spawn(async move {
            while let Ok((client, _peer)) = listener.accept().await {
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                // The client may go away at any moment.
                tokio::spawn(
                    async move { admit(client, &acceptor, (server, refusals, &seen)).await },
                );
            }
        });
        Self { port, root, tokens }
    }

    async fn deploy(&self, world: &World, query: &str, variables: &[(&str, &str)]) -> Ended {
        let mut command = world.command(&["deploy", "--iam-auth"]);
        let url =
            format!("postgresql://postgres@localhost:{}/{}?{query}", self.port, world.database);
        command
            .env("DATABASE_URL", url)
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "hunter2")
            .env("AWS_SESSION_TOKEN", "session/+=")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        for (name, value) in variables {
            command.env(name, value);
        }
        finish(command.spawn().unwrap()).await
    }

    fn roots(&self) -> String {
        format!("sslrootcert={}", self.root.path().display())
    }
}

/// A message with a length in front, as it came.
async fn message(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> std::io::Result<Vec<u8>> {
    let length = stream.read_u32().await?;
    let mut body = vec![0; length as usize - 4];
    stream.read_exact(&mut body).await?;
    Ok([&length.to_be_bytes()[..], &body].concat())
}

async fn admit(
    mut client: TcpStream,
    acceptor: &TlsAcceptor,
    (server, refusals, seen): (u16, usize, &Mutex<Vec<String>>),
) -> std::io::Result<()> {
    // SSLRequest; whatever else comes without TLS is sent away.
    if message(&mut client).await? != [0, 0, 0, 8, 4, 210, 22, 47] {
        return Ok(());
    }
    client.write_all(b"S").await?;
    let mut client = acceptor.accept(client).await?;
    let startup = message(&mut client).await?;
    // AuthenticationCleartextPassword
    client.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).await?;
    client.read_u8().await?;
    let answer = message(&mut client).await?;
    let token = String::from_utf8(answer[4..answer.len() - 1].to_vec()).unwrap();
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(token);
        seen.len()
    };
    if number <= refusals {
        let refusal =
            b"SFATAL\0VFATAL\0C28000\0MPAM authentication failed for user \"postgres\"\0\0";
        client.write_u8(b'E').await?;
        client.write_u32(u32::try_from(refusal.len()).unwrap() + 4).await?;
        client.write_all(refusal).await?;
        return client.shutdown().await;
    }
    let mut server = TcpStream::connect(("127.0.0.1", server)).await?;
    server.write_all(&startup).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

fn port(world: &World) -> u16 {
    world.url.rsplit_once(':').unwrap().1.split('/').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_connection_has_a_token_over_verified_tls() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let gate = Gate::before(port(&world), 0).await;
    let ended = gate.deploy(&world, &gate.roots(), &[]).await;
    assert_eq!(ended.succeeded().applied, 1);
    assert!(!format!("{}{}", ended.stdout, ended.stderr).contains("X-Amz-Signature"));
    let tokens = gate.tokens.lock().unwrap();
    // The run's own connection, and the one that looks for a pooler.
    assert!(tokens.len() >= 2, "{tokens:?}");
    for token in tokens.iter() {
        let (address, query) = token.split_once("/?").unwrap();
        assert_eq!(address, format!("localhost:{}", gate.port));
        let parameters: BTreeSet<&str> = query.split('&').collect();
        for wanted in [
            "Action=connect",
            "DBUser=postgres",
            "X-Amz-Expires=900",
            "X-Amz-SignedHeaders=host",
            "X-Amz-Security-Token=session%2F%2B%3D",
        ] {
            assert!(parameters.contains(wanted), "{wanted}: {token}");
        }
        assert!(query.contains("%2Feu-west-1%2Frds-db%2Faws4_request"), "{token}");
    }
}

/// Rights in IAM take a moment to arrive.
#[tokio::test]
async fn a_refused_token_is_followed_by_another() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let gate = Gate::before(port(&world), 2).await;
    let ended = gate.deploy(&world, &gate.roots(), &[]).await;
    assert_eq!(ended.succeeded().applied, 1);
    let tokens = gate.tokens.lock().unwrap();
    assert!(tokens.iter().collect::<BTreeSet<_>>().len() >= 2, "{tokens:?}");
}

#[tokio::test]
async fn what_is_missing_is_named_and_no_token_leaves() {
    let world = World::new().await;
    let gate = Gate::before(port(&world), 0).await;
    for (query, variables, code, word) in [
        (gate.roots(), vec![("AWS_REGION", "")], 2, "needs an AWS Region"),
        (gate.roots(), vec![("AWS_ACCESS_KEY_ID", "")], 22, "no AWS credentials"),
        ("sslmode=disable".to_owned(), vec![], 2, "encrypted"),
        // The gate's certificate is from nobody that is trusted.
        (String::new(), vec![], 21, "nobody that we trust"),
    ] {
        let ended = gate.deploy(&world, &query, &variables).await;
        let failure = ended.failed(code);
        assert!(failure.message.contains(word) && failure.hint.is_some(), "{query}: {failure:?}");
        assert!(!failure.message.contains('\n'), "{failure:?}");
    }
    assert!(gate.tokens.lock().unwrap().is_empty());
}
