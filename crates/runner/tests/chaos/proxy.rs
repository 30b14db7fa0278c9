//! A TCP proxy that cuts the connection at a COMMIT, or at a statement about the journal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Where to cut: at the n-th such message of all connections, from 1.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// The server never sees it.
    BeforeCommit(usize),
    /// The server commits, and the client never hears of it.
    AfterCommit(usize),
    /// The server never sees what was to be written into the journal.
    BeforeJournal(usize),
    /// It is written, and the client never hears of it.
    AfterJournal(usize),
}

impl Cut {
    /// What the message has in it.
    fn pattern(self) -> &'static [u8] {
        match self {
            Self::BeforeCommit(_) | Self::AfterCommit(_) => COMMIT,
            Self::BeforeJournal(_) | Self::AfterJournal(_) => JOURNAL,
        }
    }
}

pub(crate) struct Proxy {
    pub(crate) url: String,
}

/// A COMMIT, alone in its message or with what goes with it.
const COMMIT: &[u8] = b"COMMIT";

/// A change of the journal.
const JOURNAL: &[u8] = b" ecs_migrate.journal ";

impl Proxy {
    pub(crate) async fn start(url: &str, cut: Cut) -> Self {
        let address = url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(AtomicUsize::new(0));
        let url = url.replace(&address, &own);
        tokio::spawn(async move {
            while let Ok((client, _peer)) = listener.accept().await {
                let (address, seen) = (address.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(&address).await {
                        // Either end may go away at any moment.
                        let _ended = relay(client, server, cut, &seen).await;
                    }
                });
            }
        });
        Self { url }
    }
}

async fn relay(
    mut client: TcpStream,
    mut server: TcpStream,
    cut: Cut,
    seen: &AtomicUsize,
) -> std::io::Result<()> {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let count = read?;
                if count == 0 {
                    return Ok(());
                }
                let data = &up[..count];
                let pattern = cut.pattern();
                let commits = data.windows(pattern.len()).filter(|window| *window == pattern).count();
                let before = seen.fetch_add(commits, Ordering::SeqCst);
                let reached = |number: usize| before < number && number <= before + commits;
                match cut {
                    Cut::BeforeCommit(number) | Cut::BeforeJournal(number) if reached(number) => {
                        return Ok(());
                    }
                    Cut::AfterCommit(number) | Cut::AfterJournal(number) if reached(number) => {
                        server.write_all(data).await?;
                        let _answer = server.read(&mut down).await?;
                        return Ok(());
                    }
                    Cut::BeforeCommit(_)
                    | Cut::AfterCommit(_)
                    | Cut::BeforeJournal(_)
                    | Cut::AfterJournal(_) => server.write_all(data).await?,
                }
            }
            read = server.read(&mut down) => {
                let count = read?;
                if count == 0 {
                    return Ok(());
                }
                client.write_all(&down[..count]).await?;
            }
        }
    }
}
