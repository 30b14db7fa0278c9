//! Owns what it means that a connection was refused: whether to try again, and with what.

use crate::certificate;
use crate::error::{Error, Kind, chain, unsendable};
use crate::settings::{ConnectionSettings, PasswordPlace};
use std::error::Error as StdError;
use tokio_postgres::error::DbError;

/// What helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Time: it is starting, failing over, full, or not there yet.
    Time,
    /// Another login, if there is one.
    Login,
    /// Nothing but a person.
    Person,
}

/// Why there is no connection, and what helps.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: Error,
    pub(crate) remedy: Remedy,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, remedy: Remedy::Person }
    }
}

/// What helps against a SQLSTATE of the server, or of a pooler that speaks for it.
pub(crate) fn remedy(sqlstate: &str) -> Remedy {
    match sqlstate {
        "28P01" | "28000" => Remedy::Login,
        // Shutting down, crashed, starting up or recovering, idle too long; a session that was
        // demoted under us.
        "57P01" | "57P02" | "57P03" | "57P05" | "25006" => Remedy::Time,
        // 08: a pooler does not reach its server; 53: too many connections, out of memory.
        code if code.starts_with("08") || code.starts_with("53") => Remedy::Time,
        _ => Remedy::Person,
    }
}

/// Nobody answered, or not in time.
pub(crate) fn unreachable(settings: &ConnectionSettings, cause: &str) -> Refusal {
    let ConnectionSettings { host, port, .. } = settings;
    let hint = match host.as_str() {
        "localhost" | "127.0.0.1" | "::1" => {
            "is the database, or the port forward to it, up? in a container this is the container itself"
        }
        _ => {
            "check host and port, that the database is running, and that its security group lets this task in"
        }
    };
    let message = format!("cannot reach the database at {host}:{port}: {cause}");
    let error = Error::new(Kind::Unreachable, message).hint(hint).prisma("P1001");
    Refusal { error, remedy: Remedy::Time }
}

/// The host's name leads to no address.
pub(crate) fn unresolved(settings: &ConnectionSettings, cause: &str) -> Refusal {
    let Refusal { error, remedy } = unreachable(settings, cause);
    let hint = "check the host's spelling, and that the network of this task resolves it: a private name only inside its VPC, with DNS support on";
    Refusal { error: error.hint(hint), remedy }
}

/// What an attempt ended with.
pub(crate) fn of(
    settings: &ConnectionSettings,
    user: &str,
    error: &tokio_postgres::Error,
) -> Refusal {
    if let Some(db) = error.as_db_error() {
        let remedy = remedy(db.code().code());
        return Refusal { error: by_server(settings, user, db), remedy };
    }
    let text = chain(error);
    if of_kind(error, std::io::ErrorKind::InvalidData) {
        let ConnectionSettings { host, port, .. } = settings;
        let message = format!("{host}:{port}: {text}");
        return Error::new(Kind::Unreachable, message)
            .hint("is it the port of a PostgreSQL server?")
            .prisma("P1001")
            .into();
    }
    if unsendable(error) {
        let message = format!("the database's address cannot be sent to a server: {text}");
        return Error::new(Kind::Configuration, message)
            .hint("a role, a database or a password has a NUL character: look for %00")
            .into();
    }
    if let Some(tls) = tls_error(error) {
        return certificate::refused(settings, tls).into();
    }
    if text.contains("password missing") {
        let message = format!("the server wants a password for `{user}`, and none is set");
        return Error::new(Kind::AccessDenied, message)
            .hint("put it into DATABASE_URL, PGPASSWORD, the file of PGPASSFILE or the secret")
            .prisma("P1000")
            .into();
    }
    let ConnectionSettings { host, port, .. } = settings;
    if text.contains("does not support TLS") {
        let message = format!("the server at {host}:{port} does not encrypt connections");
        return Error::new(Kind::Unreachable, message)
            .hint("switch TLS on there, or allow plain text with sslmode=disable")
            .prisma("P1011")
            .into();
    }
    if text.contains("channel binding") {
        let message = format!("the server at {host}:{port} did not bind the login to the channel");
        return Error::new(Kind::AccessDenied, message)
            .hint("channel_binding=require needs TLS and a scram-sha-256 password; leave it out")
            .prisma("P1010")
            .into();
    }
    unreachable(settings, &text)
}

/// Whether an input or output error of this kind is behind it.
fn of_kind(error: &tokio_postgres::Error, kind: std::io::ErrorKind) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        let io = cause.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| {
            io.kind() == kind && io.get_ref().is_none_or(|inner| !inner.is::<rustls::Error>())
        }) {
            return true;
        }
        source = cause.source();
    }
    false
}

/// The TLS library's own error, which the driver wraps into others.
fn tls_error(error: &tokio_postgres::Error) -> Option<&rustls::Error> {
    let mut source = error.source();
    while let Some(cause) = source {
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(tls) = inner.and_then(|inner| inner.downcast_ref()) {
            return Some(tls);
        }
        source = cause.source();
    }
    None
}

fn by_server(settings: &ConnectionSettings, user: &str, db: &DbError) -> Error {
    let ConnectionSettings { host, port, database, .. } = settings;
    let code = db.code().code();
    let error = match code {
        "28P01" => Error::new(
            Kind::AccessDenied,
            format!("the server at {host}:{port} refused the password of `{user}`"),
        )
        .hint(match settings.password_place {
            PasswordPlace::Url => {
                "check the password; in a URL the characters # / ? % @ : must be percent-encoded"
            }
            PasswordPlace::Elsewhere => {
                "check the password; it is taken as it is, nothing is decoded"
            }
        })
        .prisma("P1000"),
        "28000" if db.message().contains("no encryption") || db.message().contains("SSL off") => {
            Error::new(
                Kind::AccessDenied,
                format!("the server refused the connection: {}", db.message()),
            )
            .hint("it wants encryption: use sslmode=require or stricter")
            .prisma("P1010")
        }
        "28000" | "42501" => {
            Error::new(Kind::AccessDenied, format!("the server refused `{user}`: {}", db.message()))
                .hint("check the role and its right to CONNECT")
                .prisma("P1010")
        }
        "3D000" => Error::new(
            Kind::Unreachable,
            format!("there is no database `{database}` at {host}:{port}"),
        )
        .hint("check the name; `--create-database` creates it")
        .prisma("P1003"),
        _ => {
            let error = Error::new(
                Kind::Unreachable,
                format!("the server at {host}:{port} refused the connection: {}", db.message()),
            );
            match code {
                "53300" => error.hint("end connections, or raise max_connections"),
                "57P03" => error.hint("wait until it has started, or raise --connect-wait"),
                _ => error,
            }
        }
    };
    Error { sqlstate: Some(code.to_owned()), ..error }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn what_helps_against_a_sqlstate() {
        for (code, wanted) in [
            ("57P01", Remedy::Time),
            ("57P02", Remedy::Time),
            ("57P03", Remedy::Time),
            ("53300", Remedy::Time),
            ("53200", Remedy::Time),
            ("08006", Remedy::Time),
            ("08P01", Remedy::Time),
            ("25006", Remedy::Time),
            ("28P01", Remedy::Login),
            ("28000", Remedy::Login),
            ("3D000", Remedy::Person),
            ("42501", Remedy::Person),
            ("57014", Remedy::Person),
            ("57P04", Remedy::Person),
            ("XX000", Remedy::Person),
            ("", Remedy::Person),
        ] {
            assert_eq!(remedy(code), wanted, "{code}");
        }
    }
}
