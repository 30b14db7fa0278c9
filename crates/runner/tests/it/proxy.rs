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
}

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
                        _ended = relay(client, port, swallow) => {}
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

async fn relay(mut client: TcpStream, port: u16, swallow: bool) -> std::io::Result<()> {
    let mut first = [0; 8];
    client.read_exact(&mut first).await?;
    if swallow && first == CANCEL {
        return Ok(());
    }
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    server.write_all(&first).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
