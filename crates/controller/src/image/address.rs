//! Owns how a repository is named, and where its registry is reached. PURE.

use crate::error::Error;
use std::net::IpAddr;

/// Whether a registry may be asked without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Only where nobody else can listen: on this machine.
    Safe,
    /// Somebody said so.
    Insecure,
}

/// How the registry is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// A repository: how it is named, and where it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// `HOST/PATH`, as a task definition names it.
    pub(crate) name: String,
    /// Where it answers: host and perhaps port.
    pub(crate) host: String,
    pub(crate) repository: String,
    pub(crate) scheme: Scheme,
}

impl Address {
    /// `HOST/PATH`. `endpoint`, where there is one, is asked instead of the host: an emulator's
    /// registry, or a way through a proxy.
    pub(crate) fn parse(
        name: &str,
        endpoint: Option<&str>,
        transport: Transport,
    ) -> Result<Self, Error> {
        let wrong = |why: &str| {
            Error::usage(format!("`{name}` is no repository: {why}"))
                .hinted("such as 111122223333.dkr.ecr.eu-west-1.amazonaws.com/app-migrate")
        };
        // Said before the rest is looked at, and not repeated: a URL may hold a password.
        if name.contains("://") {
            return Err(Error::usage("a repository has no `http://` or `https://` in front")
                .hinted(
                    "only HOST/NAME; plain http is used on this machine, elsewhere with --insecure",
                ));
        }
        let (host, repository) =
            name.split_once('/').ok_or_else(|| wrong("the registry is missing"))?;
        if !is_host(host) {
            return Err(wrong("the registry is missing"));
        }
        if repository.contains([':', '@']) {
            return Err(wrong("it has a tag or a digest").hinted("the tag is said with --tag"));
        }
        let good = |letter: char| {
            letter.is_ascii_lowercase() || letter.is_ascii_digit() || "._-/".contains(letter)
        };
        // The distribution specification's grammar, but for where separators may stand.
        if repository.is_empty() || !repository.chars().all(good) {
            return Err(wrong("its path may have a-z, 0-9, and . _ - / between them"));
        }
        let (scheme, reached) = reach(host, endpoint, transport)?;
        Ok(Self { name: name.to_owned(), host: reached, repository: repository.to_owned(), scheme })
    }

    /// A repository as Docker and ECS read it: without a registry it is in Docker Hub, where the owner of what
    /// names none is `library` (Docker, "docker image pull").
    pub(crate) fn pulled(name: &str) -> Result<Self, Error> {
        let path = match name.split_once('/') {
            Some((HUB, path)) => path,
            Some((host, _)) if is_host(host) => return Self::parse(name, None, Transport::Safe),
            Some(_) | None => name,
        };
        let owner = if path.is_empty() || path.contains('/') { "" } else { "library/" };
        Self::parse(&format!("{HUB}/{owner}{path}"), None, Transport::Safe)
    }

    /// `HOST/PATH[:TAG][@DIGEST]` as the repository and what is wanted of it.
    pub(crate) fn split(image: &str) -> (&str, &str) {
        if let Some((named, digest)) = image.split_once('@') {
            return (Self::split(named).0, digest);
        }
        let path = image.rfind('/').unwrap_or_default();
        match image[path..].find(':') {
            Some(colon) => (&image[..path + colon], &image[path + colon + 1..]),
            None => (image, "latest"),
        }
    }

    /// The image by its digest.
    pub(crate) fn pinned(&self, digest: &str) -> String {
        format!("{}@{digest}", self.name)
    }
}

/// Docker Hub.
const HUB: &str = "docker.io";

/// Whether the first part of a name is a registry, and not an owner in Docker Hub.
fn is_host(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost"
}

/// Scheme and host.
fn reach(
    host: &str,
    endpoint: Option<&str>,
    transport: Transport,
) -> Result<(Scheme, String), Error> {
    let (scheme, reached) = match endpoint {
        None => {
            let plain = is_loopback(host) || transport == Transport::Insecure;
            return Ok((if plain { Scheme::Http } else { Scheme::Https }, host.to_owned()));
        }
        Some(endpoint) => match endpoint.split_once("://") {
            Some(("https", reached)) => (Scheme::Https, reached),
            Some(("http", reached)) => (Scheme::Http, reached),
            Some(_) | None => {
                return Err(Error::usage("the registry's endpoint is no http or https address"));
            }
        },
    };
    let reached = reached.trim_end_matches('/');
    if reached.is_empty() || reached.contains(['/', '@', '?']) {
        return Err(Error::usage("the registry's endpoint is more than a host and a port"));
    }
    if scheme == Scheme::Http && !is_loopback(reached) && transport == Transport::Safe {
        return Err(Error::usage("the registry's endpoint is not on this machine and has no TLS")
            .hinted("https://…; or --insecure, if nobody can listen on the way"));
    }
    Ok((scheme, reached.to_owned()))
}

/// Whether nothing leaves this machine.
fn is_loopback(host: &str) -> bool {
    let bare = host.rsplit_once(':').map_or(host, |(bare, _)| bare);
    let address = bare.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    bare == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_a_repository_and_a_tag_or_digest() {
        for (image, expected) in [
            ("127.0.0.1:5000/app", ("127.0.0.1:5000/app", "latest")),
            ("127.0.0.1:5000/app:v1", ("127.0.0.1:5000/app", "v1")),
            ("ghcr.io/a/b@sha256:0", ("ghcr.io/a/b", "sha256:0")),
            ("ghcr.io/a/b:v1@sha256:0", ("ghcr.io/a/b", "sha256:0")),
            ("app:v1", ("app", "v1")),
        ] {
            assert_eq!(Address::split(image), expected);
        }
    }

    #[test]
    fn what_names_no_registry_is_pulled_from_docker_hub() {
        for (name, expected) in [
            ("app", "Https docker.io library/app"),
            ("team/app", "Https docker.io team/app"),
            ("team/part/app", "Https docker.io team/part/app"),
            ("docker.io/app", "Https docker.io library/app"),
            ("docker.io/team/app", "Https docker.io team/app"),
            ("ghcr.io/team/app", "Https ghcr.io team/app"),
            ("localhost/app", "Http localhost app"),
            ("127.0.0.1:5000/app", "Http 127.0.0.1:5000 app"),
        ] {
            let at = Address::pulled(name).unwrap();
            assert_eq!(
                format!("{:?} {} {}", at.scheme, at.host, at.repository),
                expected,
                "{name}"
            );
        }
        for name in ["", "App", "team/App", "https://ghcr.io/app", "a b"] {
            assert!(Address::pulled(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_repository_has_a_registry_and_no_tag() {
        const ECR: &str = "1.dkr.ecr.eu-west-1.amazonaws.com/team/app";
        for (name, endpoint, transport, expected) in [
            (ECR, None, Transport::Safe, Ok("Https 1.dkr.ecr.eu-west-1.amazonaws.com team/app")),
            (
                ECR,
                Some("http://127.0.0.1:5000/"),
                Transport::Safe,
                Ok("Http 127.0.0.1:5000 team/app"),
            ),
            (ECR, Some("https://proxy"), Transport::Safe, Ok("Https proxy team/app")),
            ("127.0.0.1:5000/app", None, Transport::Safe, Ok("Http 127.0.0.1:5000 app")),
            ("[::1]:5000/app", None, Transport::Safe, Ok("Http [::1]:5000 app")),
            ("localhost/app", None, Transport::Safe, Ok("Http localhost app")),
            ("registry.local/app", None, Transport::Safe, Ok("Https registry.local app")),
            ("registry.local/app", None, Transport::Insecure, Ok("Http registry.local app")),
            (
                "127.0.0.1.example.com/app",
                None,
                Transport::Safe,
                Ok("Https 127.0.0.1.example.com app"),
            ),
            (
                ECR,
                Some("http://registry.local"),
                Transport::Insecure,
                Ok("Http registry.local team/app"),
            ),
            (ECR, Some("http://registry.local"), Transport::Safe, Err("has no TLS")),
            (ECR, Some("ftp://x"), Transport::Safe, Err("no http or https")),
            (ECR, Some("https://x/y"), Transport::Safe, Err("more than a host")),
            ("http://127.0.0.1:5000/app", None, Transport::Safe, Err("no `http://`")),
            ("https://ghcr.io/app:v1", None, Transport::Safe, Err("no `http://`")),
            ("app", None, Transport::Safe, Err("the registry is missing")),
            ("team/app", None, Transport::Safe, Err("the registry is missing")),
            ("ghcr.io/app:v1", None, Transport::Safe, Err("has a tag")),
            ("ghcr.io/app@sha256:0", None, Transport::Safe, Err("has a tag or a digest")),
            ("ghcr.io/App", None, Transport::Safe, Err("its path")),
            ("ghcr.io/", None, Transport::Safe, Err("its path")),
            ("ghcr.io/a b", None, Transport::Safe, Err("its path")),
        ] {
            let found = Address::parse(name, endpoint, transport);
            let found = found.map(|at| format!("{:?} {} {}", at.scheme, at.host, at.repository));
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(expected)) => {
                    assert!(found.to_string().contains(expected), "{found}");
                }
                (found, expected) => panic!("{name}: {found:?} instead of {expected:?}"),
            }
        }
    }
}
