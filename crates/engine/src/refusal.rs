//! Owns what it means that a connection was refused: whether to try again, and with what.

use crate::error::{Error, Kind, chain};
use crate::host::Host;
use crate::roots;
use crate::settings::{ConnectionSettings, Roots};
use rustls::CertificateError;
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
        "localhost" | "127.0.0.1" | "::1" => "is the database, or the port forward to it, up?",
        _ => {
            "check host and port, that the database is running, and that its security group lets this task in"
        }
    };
    let message = format!("cannot reach the database at {host}:{port}: {cause}");
    let error = Error::new(Kind::Unreachable, message).hint(hint).prisma("P1001");
    Refusal { error, remedy: Remedy::Time }
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
    if let Some(tls) = tls_error(error) {
        return by_certificate(settings, tls).into();
    }
    if text.contains("password missing") {
        let message = format!("the server wants a password for `{user}`, and none is set");
        return Error::new(Kind::AccessDenied, message)
            .hint("put it into DATABASE_URL, PGPASSWORD or the secret")
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

fn by_certificate(settings: &ConnectionSettings, error: &rustls::Error) -> Error {
    let ConnectionSettings { host, port, .. } = settings;
    #[expect(clippy::wildcard_enum_match_arm, reason = "non-exhaustive")]
    let (message, hint) = match error {
        rustls::Error::InvalidCertificate(cause) => {
            let (cause, hint) = certificate(settings, cause);
            (format!("the certificate of {host}:{port} is not accepted: {cause}"), hint)
        }
        rustls::Error::AlertReceived(alert) => (
            format!("the server at {host}:{port} ended the TLS handshake: {alert:?}"),
            "if it asks for a client certificate, name one that it trusts with sslcert and sslkey"
                .to_owned(),
        ),
        other => (
            format!("TLS with {host}:{port} failed: {other}"),
            "is it a PostgreSQL with TLS 1.2 or newer?".to_owned(),
        ),
    };
    Error::new(Kind::Unreachable, message).hint(hint).prisma("P1011")
}

/// What is wrong with a certificate, and what to do.
fn certificate(settings: &ConnectionSettings, error: &CertificateError) -> (String, String) {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the rest is for experts, and non-exhaustive"
    )]
    match error {
        CertificateError::NotValidForName => {
            ("it is for another name".to_owned(), "connect by the name that it is for".to_owned())
        }
        CertificateError::NotValidForNameContext { presented, .. } => (
            match presented.as_slice() {
                [] => "it is for no name at all".to_owned(),
                names => format!(
                    "it is for {}",
                    names.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ")
                ),
            },
            "connect by the name that it is for, not by an alias or an address".to_owned(),
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("it has expired".to_owned(), "renew it; is this machine's clock right?".to_owned())
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("it is not valid yet".to_owned(), "is this machine's clock right?".to_owned())
        }
        CertificateError::UnknownIssuer => {
            ("nobody that we trust signed it".to_owned(), unknown_issuer(settings))
        }
        other => (other.to_string(), "name its roots with sslrootcert".to_owned()),
    }
}

/// The library shows names as `DnsName("db.internal")`.
fn plain(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

fn unknown_issuer(settings: &ConnectionSettings) -> String {
    let host = settings.host_kind();
    match (&settings.root_certificates, host.region()) {
        (Roots::File(path), _) => {
            format!("its root is not in `{}`, which sslrootcert names", path.display())
        }
        (Roots::ByHost, Some(region))
            if !matches!(host, Host::RdsProxy(_)) && !roots::cover(region) =>
        {
            format!(
                "the embedded roots of RDS do not have {region}: put AWS's bundle of that Region into the image and name it with sslrootcert"
            )
        }
        (Roots::ByHost | Roots::System, _) => {
            "name a file with its roots with sslrootcert".to_owned()
        }
    }
}

fn by_server(settings: &ConnectionSettings, user: &str, db: &DbError) -> Error {
    let ConnectionSettings { host, port, database, .. } = settings;
    let code = db.code().code();
    let error = match code {
        "28P01" => Error::new(
            Kind::AccessDenied,
            format!("the server at {host}:{port} refused the password of `{user}`"),
        )
        .hint("check the password; in a URL the characters # / ? % @ : must be percent-encoded")
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
    use crate::settings::{ChannelBinding, TlsMode};

    fn at(host: &str) -> ConnectionSettings {
        ConnectionSettings {
            host: host.to_owned(),
            port: 5432,
            user: "u".to_owned(),
            password: None,
            logins: None,
            database: "d".to_owned(),
            schema: None,
            tls: TlsMode::VerifyFull,
            root_certificates: Roots::ByHost,
            client_certificate: None,
            channel_binding: ChannelBinding::Prefer,
            connect_timeout: None,
            connect_wait: std::time::Duration::ZERO,
            reconnect_wait: std::time::Duration::ZERO,
            application_name: String::new(),
            options: None,
        }
    }

    #[test]
    fn an_unknown_issuer_of_a_region_without_embedded_roots() {
        for (host, word) in [
            ("db.c1.il-central-1.rds.amazonaws.com", "do not have il-central-1"),
            ("db.c1.rds.cn-north-1.amazonaws.com.cn", "do not have cn-north-1"),
            ("db.c1.eu-west-1.rds.amazonaws.com", "sslrootcert"),
            ("p.proxy-c1.il-central-1.rds.amazonaws.com", "name a file"),
            ("db.internal", "name a file"),
        ] {
            let (_, hint) = certificate(&at(host), &CertificateError::UnknownIssuer);
            assert!(hint.contains(word), "{host}: {hint}");
        }
        let file = ConnectionSettings {
            root_certificates: Roots::File("ca.pem".into()),
            ..at("db.internal")
        };
        assert!(unknown_issuer(&file).contains("ca.pem"));
        assert_eq!(plain("DnsName(\"a.b\")"), "a.b");
        assert_eq!(plain("IpAddress(127.0.0.1)"), "127.0.0.1");
        assert_eq!(plain("other"), "other");
    }

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
