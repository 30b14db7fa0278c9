//! Owns what was said about a connection, and what follows from it: Prisma's and libpq's words for
//! TLS mean different things, and some contradict each other.

use super::{SignIn, wrong};
use engine::{
    ChannelBinding, ClientCertificate, ConnectionSettings, Error, Kind, PasswordPlace, Roots,
    Second, TlsMode,
};
use std::path::PathBuf;
use std::time::Duration;

/// What was said; nothing is decided about TLS.
#[derive(Debug)]
pub(super) struct Said {
    /// Everything but TLS.
    pub(super) settings: ConnectionSettings,
    /// `sslmode`.
    pub(super) mode: Option<TlsMode>,
    /// Prisma's `sslaccept`.
    pub(super) accept: Option<Accept>,
    /// `sslrootcert`.
    pub(super) roots: Option<String>,
    /// `sslcert`: Prisma's root, or libpq's client certificate.
    pub(super) certificate: Option<PathBuf>,
    /// `sslkey`.
    pub(super) key: Option<PathBuf>,
}

/// Prisma's `sslaccept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accept {
    /// Verify.
    Strict,
    /// Do not.
    Anything,
}

impl Default for Said {
    /// Prisma's defaults.
    fn default() -> Self {
        let settings = ConnectionSettings {
            host: "localhost".into(),
            port: 5432,
            user: String::new(),
            password: None,
            logins: None,
            database: "postgres".into(),
            schema: None,
            stands_for: None,
            unnamed: engine::Unnamed::Remembered,
            tls: TlsMode::Prefer,
            root_certificates: Roots::ByHost,
            client_certificate: None,
            channel_binding: ChannelBinding::Prefer,
            connect_timeout: Some(Duration::from_secs(5)),
            connect_wait: Duration::ZERO,
            reconnect_wait: Duration::ZERO,
            application_name: String::new(),
            second: Second::default(),
            password_place: PasswordPlace::Elsewhere,
            environment: None,
            options: None,
        };
        Self { settings, mode: None, accept: None, roots: None, certificate: None, key: None }
    }
}

impl Said {
    /// What follows.
    pub(super) fn decide(self, sign_in: SignIn) -> Result<ConnectionSettings, Error> {
        let refuse = |message: &str, hint: &str| {
            Err(Error::new(Kind::Configuration, message.to_owned()).hint(hint))
        };
        let iam = sign_in == SignIn::Iam;
        if iam && self.settings.password.is_some() {
            return refuse(
                "both a password and IAM authentication are asked for",
                "leave out the password or --iam-auth",
            );
        }
        // libpq: a file named by sslrootcert makes `require` verify; Prisma's sslcert does not.
        let own_roots = self.roots.is_some();
        let (root_certificates, client_certificate) = match (self.roots, self.certificate, self.key)
        {
            (roots, Some(certificate), Some(key)) => {
                (named(roots.as_deref()), Some(ClientCertificate { certificate, key }))
            }
            (None, Some(prismas_root), None) => (Roots::File(prismas_root), None),
            (roots, None, None) => (named(roots.as_deref()), None),
            (Some(_), Some(_), None) => {
                return refuse(
                    "sslcert is set without sslkey",
                    "name the key of the client certificate",
                );
            }
            (_, None, Some(_)) => {
                return refuse("sslkey is set without sslcert", "name the client certificate");
            }
        };
        let host = self.settings.host_kind();
        let verified = host.is_rds() || iam || root_certificates == Roots::System;
        let tls = match (self.mode, self.accept) {
            // libpq: sslmode is ignored for sockets.
            _ if self.settings.host.starts_with('/') => TlsMode::Disable,
            (Some(TlsMode::Disable), _) => TlsMode::Disable,
            (_, Some(Accept::Strict)) => TlsMode::VerifyFull,
            (Some(TlsMode::Require), _) if own_roots && root_certificates != Roots::System => {
                TlsMode::VerifyCa
            }
            (Some(mode), _) => mode,
            (None, Some(Accept::Anything)) if host.is_rds() || iam => TlsMode::Require,
            (None, Some(Accept::Anything)) => TlsMode::Prefer,
            (None, None) if verified => TlsMode::VerifyFull,
            (None, None) => TlsMode::Prefer,
        };
        if iam && matches!(tls, TlsMode::Disable | TlsMode::Prefer) {
            return refuse(
                "IAM authentication sends its token in clear text, so it needs an encrypted connection",
                "use sslmode=verify-full, which is the default with --iam-auth",
            );
        }
        if root_certificates == Roots::System && tls != TlsMode::VerifyFull {
            // libpq refuses it too: a public root signs certificates for everybody.
            return refuse(
                "sslrootcert=system trusts the roots of the public, so it needs sslmode=verify-full",
                "leave sslmode out, or set it to verify-full",
            );
        }
        Ok(ConnectionSettings { tls, root_certificates, client_certificate, ..self.settings })
    }
}

fn named(roots: Option<&str>) -> Roots {
    match roots {
        None => Roots::ByHost,
        Some("system") => Roots::System,
        Some(path) => Roots::File(path.into()),
    }
}

/// A TLS mode by name.
pub(super) fn tls_mode(name: &str, place: &str) -> Result<TlsMode, Error> {
    TlsMode::from_name(name).ok_or_else(|| {
        wrong(place, name, "no TLS mode")
            .hint("it takes disable, prefer, require, verify-ca or verify-full")
    })
}

/// A way of channel binding by name.
pub(super) fn channel_binding(name: &str, place: &str) -> Result<ChannelBinding, Error> {
    match name {
        "disable" => Ok(ChannelBinding::Disable),
        "prefer" => Ok(ChannelBinding::Prefer),
        "require" => Ok(ChannelBinding::Require),
        _ => Err(wrong(place, name, "no way of channel binding")
            .hint("it takes disable, prefer or require")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{pg, url};
    use super::*;
    use crate::environment::Environment;

    const RDS: &str = "db.c1.eu-west-1.rds.amazonaws.com";

    fn decided(host: &str, query: &str, sign_in: SignIn) -> Result<ConnectionSettings, Error> {
        url::parse(&format!("postgresql://u@{host}/d?{query}"), "DATABASE_URL")?.decide(sign_in)
    }

    #[test]
    fn prismas_and_libpqs_words_for_tls() {
        let file = |path: &str| Roots::File(path.into());
        for (host, query, tls, roots) in [
            ("db", "", TlsMode::Prefer, Roots::ByHost),
            ("db", "sslmode=allow", TlsMode::Prefer, Roots::ByHost),
            ("db", "sslmode=require", TlsMode::Require, Roots::ByHost),
            ("db", "sslaccept=strict", TlsMode::VerifyFull, Roots::ByHost),
            ("db", "sslaccept=strict&sslmode=require", TlsMode::VerifyFull, Roots::ByHost),
            ("db", "sslmode=require&sslaccept=strict", TlsMode::VerifyFull, Roots::ByHost),
            ("db", "sslmode=disable&sslaccept=strict", TlsMode::Disable, Roots::ByHost),
            ("db", "sslaccept=accept_invalid_certs", TlsMode::Prefer, Roots::ByHost),
            // Prisma's root, and libpq's.
            ("db", "sslmode=require&sslcert=ca.pem", TlsMode::Require, file("ca.pem")),
            ("db", "sslaccept=strict&sslcert=ca.pem", TlsMode::VerifyFull, file("ca.pem")),
            ("db", "sslmode=require&sslrootcert=ca.pem", TlsMode::VerifyCa, file("ca.pem")),
            ("db", "sslmode=verify-ca&sslrootcert=ca.pem", TlsMode::VerifyCa, file("ca.pem")),
            ("db", "sslrootcert=system", TlsMode::VerifyFull, Roots::System),
            (RDS, "", TlsMode::VerifyFull, Roots::ByHost),
            (RDS, "sslmode=require", TlsMode::Require, Roots::ByHost),
            (RDS, "sslmode=disable", TlsMode::Disable, Roots::ByHost),
            (RDS, "sslaccept=accept_invalid_certs", TlsMode::Require, Roots::ByHost),
            (RDS, "sslrootcert=ca.pem", TlsMode::VerifyFull, file("ca.pem")),
            ("x", "host=/var/run/postgresql&sslmode=require", TlsMode::Disable, Roots::ByHost),
        ] {
            let settings = decided(host, query, SignIn::Password).unwrap();
            assert_eq!((settings.tls, settings.root_certificates), (tls, roots), "{host} {query}");
        }
        let both = decided("db", "sslcert=c.pem&sslkey=k.pem&sslrootcert=ca.pem", SignIn::Password);
        let both = both.unwrap();
        let ours = ClientCertificate { certificate: "c.pem".into(), key: "k.pem".into() };
        assert_eq!((both.client_certificate, both.root_certificates), (Some(ours), file("ca.pem")));
        let libpq: Environment =
            [("PGHOST", "db"), ("PGUSER", "u"), ("PGSSLMODE", "require"), ("PGSSLROOTCERT", "r")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into_iter()
                .collect();
        let settings = pg::read(&libpq).unwrap().decide(SignIn::Password).unwrap();
        assert_eq!(settings.tls, TlsMode::VerifyCa);
    }

    #[test]
    fn iam_is_encrypted_and_has_no_password() {
        for (host, query, tls) in [
            ("db", "", TlsMode::VerifyFull),
            (RDS, "", TlsMode::VerifyFull),
            (RDS, "sslmode=require", TlsMode::Require),
        ] {
            assert_eq!(decided(host, query, SignIn::Iam).unwrap().tls, tls, "{host} {query}");
        }
        for (host, query) in
            [("db", "sslmode=disable"), (RDS, "sslmode=prefer"), ("x", "host=/tmp")]
        {
            let error = decided(host, query, SignIn::Iam).unwrap_err();
            assert!(error.message.contains("encrypted"), "{host} {query}: {error}");
        }
        let error = url::parse("postgresql://u:hunter2@db/d", "X").unwrap().decide(SignIn::Iam);
        assert!(error.unwrap_err().message.contains("both a password"));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for (query, word) in [
            ("sslkey=k.pem", "without sslcert"),
            ("sslrootcert=ca.pem&sslcert=c.pem", "without sslkey"),
            ("sslrootcert=system&sslmode=require", "verify-full"),
        ] {
            let error = decided("db", query, SignIn::Password).unwrap_err();
            assert!(error.message.contains(word) && error.hint.is_some(), "{query}: {error}");
            assert_eq!(error.kind, Kind::Configuration);
        }
    }
}
