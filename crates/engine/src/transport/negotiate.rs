//! Owns whether a connection is encrypted. The driver could ask for that too, but then nothing of ours
//! would see what the server says inside.

use super::{Raw, Wire};
use crate::settings::{ConnectionSettings, TlsMode};
use crate::tls::Tls;
use std::io;
use std::pin::Pin;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};

/// An SSLRequest: its length and its code (PostgreSQL documentation, "Message Formats").
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// What to agree on with a server.
#[derive(Clone)]
pub(crate) struct Negotiate {
    mode: TlsMode,
    host: String,
    tls: Tls,
}

impl Negotiate {
    pub(crate) fn new(settings: &ConnectionSettings, tls: Tls) -> Self {
        Self { mode: settings.tls, host: settings.host.clone(), tls }
    }

    async fn agree(mut self, mut raw: Raw) -> io::Result<Wire> {
        if self.mode == TlsMode::Disable {
            return Ok(Wire::plain(raw));
        }
        raw.write_all(&SSL_REQUEST).await?;
        raw.flush().await?;
        match (raw.read_u8().await?, self.mode) {
            (b'S', _) => {
                let connecting =
                    match MakeTlsConnect::<Raw>::make_tls_connect(&mut self.tls, &self.host) {
                        Ok(connecting) => connecting,
                        Err(never) => match never {},
                    };
                Ok(Wire::encrypted(connecting.connect(raw).await?))
            }
            (b'N', TlsMode::Prefer) => Ok(Wire::plain(raw)),
            (b'N', _) => Err(io::Error::other(NoEncryption)),
            (_, _) => Err(super::trim::not_postgres()),
        }
    }
}

impl TlsConnect<Raw> for Negotiate {
    type Stream = Wire;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Wire>> + Send>>;

    fn connect(self, raw: Raw) -> Self::Future {
        Box::pin(self.agree(raw))
    }
}

/// The server does not encrypt, and the mode wants it to.
#[derive(Debug)]
pub(crate) struct NoEncryption;

impl std::fmt::Display for NoEncryption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("server does not support TLS")
    }
}

impl std::error::Error for NoEncryption {}
