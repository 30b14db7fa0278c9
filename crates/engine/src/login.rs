//! Owns who we are to the server: a login that may be another one for the next connection.

use crate::error::Error;
use crate::secret::Secret;
use std::fmt;
use std::pin::Pin;

/// A role and its password; none for `trust`, `peer` and client certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Role.
    pub user: String,
    /// Its password or token.
    pub password: Option<Secret>,
}

/// A login that is on its way.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<Login, Error>> + Send + 'a>>;

/// Where logins come from that do not stay the same: a secret that is rotated, a token that expires.
pub trait Logins: fmt::Debug + Send + Sync {
    /// The login for a new connection. After the server refused one, another one, or the same
    /// again if there is none: a rotation may be on its way.
    fn login(&self, refused: Option<&Login>) -> Pending<'_>;
}
