//! Owns who a registry is asked as.

use super::address::Address;
use crate::aws::Aws;
use crate::error::{Error, Kind};
use crate::task_definition::EcrImage;
use docker_credential::{CredentialRetrievalError, DockerCredential};
use std::fmt;
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

/// A name and a password; it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Login {
    Anonymous,
    As { user: String, password: String },
}

impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => formatter.write_str("Anonymous"),
            Self::As { .. } => formatter.write_str("As(…)"),
        }
    }
}

/// What was given counts; in ECR a token of AWS does; elsewhere what `docker login` left behind.
pub(crate) async fn credentials(
    address: &Address,
    given: &Login,
    (aws, docker): (Option<&Aws>, &Path),
) -> Result<Login, Error> {
    if let Login::As { .. } = given {
        return Ok(given.clone());
    }
    if let (Some(image), Some(aws)) = (EcrImage::parse(&address.name), aws) {
        let (user, password) = aws.registry_login(&image).await?;
        return Ok(Login::As { user, password });
    }
    let host = address.name.split('/').next().unwrap_or_default().to_owned();
    let file = match File::open(docker) {
        Ok(file) => BufReader::new(file),
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Login::Anonymous),
        Err(cause) => return Err(unreadable(&cause.to_string())),
    };
    // A helper is a program that is waited for.
    let asked = move || docker_credential::get_credential_from_reader(file, &host);
    let found = tokio::task::spawn_blocking(asked).await;
    let found = found.map_err(|cause| {
        Error::new(Kind::Unexpected, "the credential helper could not be run").caused_by(cause)
    })?;
    match found {
        Ok(DockerCredential::UsernamePassword(user, password)) => Ok(Login::As { user, password }),
        // The name that stands for a token (Docker credential helpers, "<token>").
        Ok(DockerCredential::IdentityToken(password)) => {
            Ok(Login::As { user: "<token>".to_owned(), password })
        }
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(Login::Anonymous),
        // A helper's own words may hold what it was asked for.
        Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
            Err(unreadable(&format!("the credential helper {helper} failed")))
        }
        Err(other) => Err(unreadable(&other.to_string())),
    }
}

fn unreadable(why: &str) -> Error {
    Error::usage(format!("docker's config.json gives no credentials: {why}"))
        .hinted("docker login; or --username NAME --password-stdin")
}
