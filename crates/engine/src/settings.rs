//! How to reach the database. Decided before the engine is called: nothing is optional that
//! matters.

use crate::error::Error;
use crate::host::Host;
use crate::login::{Login, Logins};
use crate::meant::Unnamed;
use crate::secret::Secret;
use crate::stand_in::StandIn;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Everything that a connection needs.
#[derive(Debug, Clone)]
pub struct ConnectionSettings {
    /// Host name, address, or the directory of a socket.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Role.
    pub user: String,
    /// Its password; none for `trust` and `peer`.
    pub password: Option<Secret>,
    /// Where that was said.
    pub password_place: PasswordPlace,
    /// Asked for each connection, if role and password do not stay the same.
    pub logins: Option<Arc<dyn Logins>>,
    /// Database.
    pub database: String,
    /// Prisma's `?schema=`: where the history lives and unqualified names resolve. Without it the
    /// role's own `search_path` holds.
    pub schema: Option<String>,
    /// What is meant without it.
    pub unnamed: Unnamed,
    /// Encryption.
    pub tls: TlsMode,
    /// Trusted roots.
    pub root_certificates: Roots,
    /// Our own certificate, if the server wants one.
    pub client_certificate: Option<ClientCertificate>,
    /// Whether the password exchange must be bound to the encrypted channel.
    pub channel_binding: ChannelBinding,
    /// For one attempt at one address; none waits for ever.
    pub connect_timeout: Option<Duration>,
    /// How long a database that does not answer is tried again.
    pub connect_wait: Duration,
    /// The same after a connection was lost: it was there, so it will come back. AWS: a failover of
    /// RDS takes one to two minutes.
    pub reconnect_wait: Duration,
    /// What `pg_stat_activity` shows.
    pub application_name: String,
    /// Whether there can be a second connection, for what only looks on.
    pub second: Second,
    /// The database for which this one stands, if it is a scratch database.
    pub stands_for: Option<Arc<StandIn>>,
    /// The environment that this run is for: a database that bears another name is refused.
    pub environment: Option<String>,
    /// Command-line options for the backend, e.g. `-c statement_timeout=1h`.
    pub options: Option<String>,
}

impl ConnectionSettings {
    /// The login for a new connection, after the server `refused` one, if it did.
    pub async fn login(&self, refused: Option<&Login>) -> Result<Login, Error> {
        match &self.logins {
            Some(logins) => logins.login(refused).await,
            None => Ok(Login { user: self.user.clone(), password: self.password.clone() }),
        }
    }

    /// What the host's name tells.
    pub fn host_kind(&self) -> Host {
        Host::of(&self.host, self.port, &self.user)
    }
}

/// Where a password was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordPlace {
    /// In the URL itself, before the host, where some characters mean something else.
    Url,
    /// Anywhere else.
    Elsewhere,
}

/// Whether the server lets us have a second connection beside the first one: known when it was tried.
/// A role may have one connection only, a pool too. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Second(Arc<OnceLock<String>>);

impl Second {
    /// Why there is none, if that is known.
    pub(crate) fn refused(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// There is none.
    pub(crate) fn refuse(&self, cause: &str) {
        // Whoever found out first has said so.
        let _known = self.0.set(cause.to_owned());
    }
}

/// Which roots a server's certificate must come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// The embedded ones for RDS and RDS Proxy, the system's for everything else.
    ByHost,
    /// The system's; Mozilla's, if it has none.
    System,
    /// These, in PEM.
    File(PathBuf),
}

impl Roots {
    /// The file, if one was named.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::ByHost | Self::System => None,
        }
    }
}

/// Our own certificate and its key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// File of the certificate, and what is between it and the root.
    pub certificate: PathBuf,
    /// File of its key.
    pub key: PathBuf,
}

/// libpq's `channel_binding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// If the server can.
    Prefer,
    /// Or there is no connection.
    Require,
}

/// libpq's `sslmode`; `allow` counts as `prefer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Never encrypt.
    Disable,
    /// Encrypt if the server can; trust any certificate.
    Prefer,
    /// Encrypt; trust any certificate.
    Require,
    /// Encrypt; the certificate must come from a trusted root.
    VerifyCa,
    /// Encrypt; it must also be for this host.
    VerifyFull,
}

impl TlsMode {
    /// The mode of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "disable" => Self::Disable,
            "allow" | "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}
