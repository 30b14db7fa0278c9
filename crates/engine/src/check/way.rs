//! Owns the way to the server: its name, whether it answers, encryption, signing in.

use super::{Finding, Verdict};
use crate::error::{Error, Kind};
use crate::settings::{ConnectionSettings, TlsMode};
use std::net::IpAddr;
use std::time::Duration;

/// A resolver that does not answer is asked again by itself; this is longer than its patience with
/// one server (resolv.conf(5), `timeout`).
const NAME_TIMEOUT: Duration = Duration::from_secs(10);

/// What the host's name stands for.
pub(super) async fn name(settings: &ConnectionSettings) -> Finding {
    let ConnectionSettings { host, port, .. } = settings;
    if host.starts_with('/') {
        return Finding::skip("dns", format!("`{host}` is a socket on this machine"));
    }
    if host.parse::<IpAddr>().is_ok() {
        return Finding::skip(
            "dns",
            format!("`{host}` is an address, there is no name to look up"),
        );
    }
    let fix = "check its spelling; a private name is known only in its VPC, with DNS support on, or \
               in a VPC that its hosted zone is associated with";
    let looked = tokio::net::lookup_host((host.as_str(), *port));
    let cause = match tokio::time::timeout(NAME_TIMEOUT, looked).await {
        Ok(Ok(found)) => {
            let mut addresses: Vec<String> = found.map(|found| found.ip().to_string()).collect();
            addresses.sort_unstable();
            addresses.dedup();
            if !addresses.is_empty() {
                return Finding::ok("dns", format!("`{host}` is {}", addresses.join(", ")));
            }
            "it has no address".to_owned()
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", NAME_TIMEOUT.as_secs()),
    };
    Finding::no("dns", format!("`{host}` cannot be looked up: {cause}")).fix(fix)
}

/// The three steps to a session, when there is one.
pub(super) fn open(settings: &ConnectionSettings, encrypted: bool) -> [Finding; 3] {
    let ConnectionSettings { host, port, user, database, .. } = settings;
    [
        Finding::ok("reachable", format!("{host}:{port} answers")),
        encryption(settings, encrypted),
        Finding::ok("sign_in", format!("signed in to `{database}` as `{user}`")),
    ]
}

fn encryption(settings: &ConnectionSettings, encrypted: bool) -> Finding {
    let verify = "set sslmode=verify-full, and sslrootcert where the roots are your own";
    match (encrypted, settings.tls) {
        _ if settings.host.starts_with('/') => Finding::skip("tls", "a socket is not encrypted"),
        (false, _) => Finding::ok("tls", "the connection is not encrypted").fix(verify),
        (true, TlsMode::VerifyFull) => {
            Finding::ok("tls", "encrypted, and the certificate is verified for this host")
        }
        (true, TlsMode::VerifyCa) => {
            Finding::ok("tls", "encrypted; the certificate is trusted, whatever host it is for")
                .fix("set sslmode=verify-full")
        }
        (true, TlsMode::Disable | TlsMode::Prefer | TlsMode::Require) => {
            Finding::ok("tls", "encrypted, but the certificate is not verified").fix(verify)
        }
    }
}

/// The same steps, when one of them was refused: those before it are good, those after it unknown.
pub(super) fn refused(settings: &ConnectionSettings, error: &Error, name: Verdict) -> [Finding; 3] {
    let ConnectionSettings { host, port, .. } = settings;
    let answers = || Finding::ok("reachable", format!("{host}:{port} answers"));
    let later = |name| Finding::skip(name, "not looked at: it comes later");
    match failed_step(error) {
        Step::Reach if name == Verdict::No => {
            let unknown = "not looked at, because its name is not known";
            [Finding::skip("reachable", unknown), later("tls"), later("sign_in")]
        }
        Step::Reach => [Finding::blocked_by("reachable", error), later("tls"), later("sign_in")],
        Step::Encrypt => [answers(), Finding::blocked_by("tls", error), later("sign_in")],
        Step::SignIn => {
            let tls = Finding::skip("tls", "not known: the server refused the login");
            [answers(), tls, Finding::blocked_by("sign_in", error)]
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Reach,
    Encrypt,
    SignIn,
}

/// Which step an error of connecting belongs to. Prisma's codes tell them apart: P1001 is silence,
/// P1011 a handshake, and the rest is the server's own word.
fn failed_step(error: &Error) -> Step {
    match (error.prisma_code, error.kind) {
        (Some("P1011"), _) => Step::Encrypt,
        (Some("P1001"), _) => Step::Reach,
        (_, Kind::AccessDenied) | (Some("P1000" | "P1003" | "P1010"), _) => Step::SignIn,
        (_, Kind::Configuration) => Step::Encrypt,
        _ => Step::Reach,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_belongs_to_its_step() {
        let error =
            |kind, code: Option<&'static str>| Error { prisma_code: code, ..Error::new(kind, "x") };
        for (error, step) in [
            (error(Kind::Unreachable, Some("P1001")), Step::Reach),
            (error(Kind::Unreachable, Some("P1011")), Step::Encrypt),
            (error(Kind::Configuration, None), Step::Encrypt),
            (error(Kind::AccessDenied, Some("P1000")), Step::SignIn),
            (error(Kind::AccessDenied, None), Step::SignIn),
            (error(Kind::Unreachable, Some("P1003")), Step::SignIn),
            (error(Kind::Unreachable, None), Step::Reach),
        ] {
            assert_eq!(failed_step(&error), step, "{error:?}");
        }
    }
}
