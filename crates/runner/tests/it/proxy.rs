//! What a cluster's endpoint is to its clients: an address behind which the server changes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    server: Arc<AtomicU16>,
    swallow_cancels: Arc<AtomicBool>,
    cut: Arc<Notify>,
    arrivals: Arc<Mutex<VecDeque<Arrival>>>,
}

/// What becomes of a connection when it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It is passed on.
    Pass,
    /// It is closed without a word.
    Reset,
    /// It is accepted, and nothing is ever said.
    Hang,
    /// It is signed in, and closed at its first question.
    ResetSignedIn,
    /// It is signed in, and told at its first question that the server goes.
    Goodbye,
    /// Its password is not the right one any more.
    Rotated,
}

/// What a server says that ends a session at the first question.
const GOODBYE: &[u8] = b"E\0\0\0\x23SFATAL\0C57P01\0Mgoing away now\0\0";

/// And one that refuses a password.
const WRONG_PASSWORD: &[u8] = b"E\0\0\0\x23SFATAL\0C28P01\0Mwrong password\0\0";

/// The server is ready for the first question.
const READY: &[u8] = b"Z\0\0\0\x05I";

/// A CancelRequest: its length and its code (PostgreSQL documentation, "Message Formats").
const CANCEL: [u8; 8] = [0, 0, 0, 16, 4, 210, 22, 46];

impl Proxy {
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Arc::new(AtomicU16::new(server));
        let swallow_cancels = Arc::new(AtomicBool::new(false));
        let cut = Arc::new(Notify::new());
        let arrivals = Arc::new(Mutex::new(VecDeque::new()));
        let coming = Arc::clone(&arrivals);
        let (target, swallow) = (Arc::clone(&server), Arc::clone(&swallow_cancels));
        let cutting = Arc::clone(&cut);
        tokio::spawn(async move {
            while let Ok((client, _peer)) = listener.accept().await {
                let port = target.load(Ordering::SeqCst);
                let swallow = swallow.load(Ordering::SeqCst);
                let cutting = Arc::clone(&cutting);
                let arrival = coming.lock().unwrap().pop_front().unwrap_or(Arrival::Pass);
                if arrival == Arrival::Reset {
                    continue;
                }
                tokio::spawn(async move {
                    if arrival == Arrival::Hang {
                        cutting.notified().await;
                        drop(client);
                        return;
                    }
                    tokio::select! {
                        // Either end may go away at any moment.
                        _ended = relay(client, port, (swallow, arrival)) => {}
                        () = cutting.notified() => {}
                    }
                });
            }
        });
        Self { port, server, swallow_cancels, cut, arrivals }
    }

    /// New connections go to another server.
    pub(crate) fn move_to(&self, server: u16) {
        self.server.store(server, Ordering::SeqCst);
    }

    /// What becomes of the next connections, in order; those after them are passed on.
    pub(crate) fn arrivals(&self, coming: &[Arrival]) {
        self.arrivals.lock().unwrap().extend(coming);
    }

    /// Cuts every connection there is.
    pub(crate) fn cut(&self) {
        self.cut.notify_waiters();
    }

    /// As RDS Proxy does.
    pub(crate) fn swallow_cancels(&self) {
        self.swallow_cancels.store(true, Ordering::SeqCst);
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }
}

async fn relay(
    mut client: TcpStream,
    port: u16,
    (swallow, arrival): (bool, Arrival),
) -> std::io::Result<()> {
    let mut first = [0; 8];
    client.read_exact(&mut first).await?;
    if swallow && first == CANCEL {
        return Ok(());
    }
    if arrival == Arrival::Rotated {
        return client.write_all(WRONG_PASSWORD).await;
    }
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    server.write_all(&first).await?;
    if matches!(arrival, Arrival::ResetSignedIn | Arrival::Goodbye) {
        return sign_in_only((client, server), arrival).await;
    }
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// Passes on what signs in, and ends it at the first question.
async fn sign_in_only(
    (mut client, mut server): (TcpStream, TcpStream),
    arrival: Arrival,
) -> std::io::Result<()> {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    let mut ready = false;
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let count = read?;
                if ready || count == 0 {
                    break;
                }
                server.write_all(&up[..count]).await?;
            }
            read = server.read(&mut down) => {
                let count = read?;
                ready |= down[..count].ends_with(READY);
                client.write_all(&down[..count]).await?;
            }
        }
    }
    if arrival == Arrival::Goodbye {
        client.write_all(GOODBYE).await?;
    }
    Ok(())
}
