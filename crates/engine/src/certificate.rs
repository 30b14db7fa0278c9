//! Owns what is said when TLS fails: what is wrong with a certificate, and what to do.

use crate::error::{Error, Kind};
use crate::host::Host;
use crate::roots;
use crate::settings::{ConnectionSettings, Roots};
use rustls::CertificateError;

/// The TLS library's error as ours.
pub(crate) fn refused(settings: &ConnectionSettings, error: &rustls::Error) -> Error {
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
            stands_for: None,
            unnamed: crate::meant::Unnamed::Remembered,
            tls: TlsMode::VerifyFull,
            root_certificates: Roots::ByHost,
            client_certificate: None,
            channel_binding: ChannelBinding::Prefer,
            connect_timeout: None,
            connect_wait: std::time::Duration::ZERO,
            reconnect_wait: std::time::Duration::ZERO,
            application_name: String::new(),
            second: crate::settings::Second::default(),
            password_place: crate::settings::PasswordPlace::Elsewhere,
            environment: None,
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
}
