//! How to reach the database. Decided before the engine is called: nothing is optional that
//! matters.

use crate::secret::Secret;
use std::path::PathBuf;
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
    /// Database.
    pub database: String,
    /// Prisma's `?schema=`: where the history lives and unqualified names resolve. Without it the
    /// role's own `search_path` holds.
    pub schema: Option<String>,
    /// Encryption.
    pub tls: TlsMode,
    /// Trusted roots in PEM, instead of the system's.
    pub root_certificates: Option<PathBuf>,
    /// For the whole of connecting; none waits for ever.
    pub connect_timeout: Option<Duration>,
    /// What `pg_stat_activity` shows.
    pub application_name: String,
    /// Command-line options for the backend, e.g. `-c statement_timeout=1h`.
    pub options: Option<String>,
}

/// libpq's `sslmode`, without `allow`.
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
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}
