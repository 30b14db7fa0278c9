//! Owns where the database is: a secret, a URL, or libpq's service or variables, in this order.

pub(crate) mod aws;
mod iam;
mod parameters;
mod pg;
mod said;
mod secret;
mod secret_value;
mod service;
mod url;

use crate::environment::Environment;
use engine::{ConnectionSettings, Error, Kind};
use protocol::env;
use std::sync::Arc;
use std::time::Duration;

/// What the command line says about it.
pub(crate) struct Ask<'a> {
    /// Id or ARN of a secret.
    pub(crate) secret: Option<&'a str>,
    /// How to sign in.
    pub(crate) sign_in: SignIn,
    /// How long a database that does not answer is tried again.
    pub(crate) connect_wait: Duration,
    /// The same after a connection was lost.
    pub(crate) reconnect_wait: Duration,
    /// The run, for `pg_stat_activity`.
    pub(crate) run: &'a str,
}

/// How to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// With the password that was found with the address, if any.
    Password,
    /// With a token of AWS IAM.
    Iam,
}

/// A database that was found.
#[derive(Debug)]
pub struct Found {
    /// How to reach it.
    pub settings: ConnectionSettings,
    /// Where that was said, without anything secret.
    pub source: String,
}

/// Finds the database.
pub(crate) async fn find(ask: &Ask<'_>, environment: &Environment) -> Result<Found, Error> {
    let (said, source) = if let Some(id) = ask.secret {
        let secret = secret::Stored::new(id, environment).await?;
        let mut said = secret.read().await?;
        match ask.sign_in {
            SignIn::Password => said.settings.logins = Some(Arc::new(secret)),
            // Its password is for others.
            SignIn::Iam => said.settings.password = None,
        }
        (said, format!("secret {id}"))
    } else if let Some(text) = environment.get(env::DATABASE_URL) {
        (url::parse(text, env::DATABASE_URL)?, env::DATABASE_URL.to_owned())
    } else if let Some(name) = environment.get(env::PGSERVICE) {
        (service::read(name, environment)?, env::PGSERVICE.to_owned())
    } else if environment.get(env::PGHOST).is_some() {
        (pg::read(environment)?, env::PGHOST.to_owned())
    } else {
        return Err(Error::new(Kind::Configuration, "no database is named")
            .hint("set DATABASE_URL, or PGHOST and its kin, or PGSERVICE, or --secret"));
    };
    let mut settings = said.decide(ask.sign_in)?;
    let without = settings.password.is_none() && settings.logins.is_none();
    if without && ask.sign_in == SignIn::Password {
        settings.password = service::password(&settings, environment)?;
    }
    settings.connect_wait = ask.connect_wait;
    settings.reconnect_wait = ask.reconnect_wait;
    if settings.application_name.is_empty() {
        settings.application_name = format!("ecs-migrate {}", ask.run);
    }
    if ask.sign_in == SignIn::Iam {
        settings.logins = Some(Arc::new(iam::Tokens::new(&settings).await?));
    }
    Ok(Found { settings, source })
}

/// A server that a URL names beside the database.
pub(crate) fn of_url(text: &str, place: &str, run: &str) -> Result<ConnectionSettings, Error> {
    let mut settings = url::parse(text, place)?.decide(SignIn::Password)?;
    if settings.application_name.is_empty() {
        settings.application_name = format!("ecs-migrate {run}");
    }
    Ok(settings)
}

/// A port by its digits.
fn port(digits: &str, place: &str) -> Result<u16, Error> {
    digits.trim().parse().map_err(|_| wrong(place, digits, "no TCP port"))
}

/// A time limit in seconds; 0 is none.
fn seconds(digits: &str, place: &str) -> Result<Option<Duration>, Error> {
    let seconds: u64 =
        digits.trim().parse().map_err(|_| wrong(place, digits, "no number of seconds"))?;
    Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
}

fn wrong(place: &str, value: &str, what: &str) -> Error {
    Error::new(Kind::Configuration, format!("{place} is `{value}`, which is {what}"))
}

/// What a URL says, for tests of others.
#[cfg(test)]
pub(crate) fn settings_of_url(text: &str) -> Result<ConnectionSettings, Error> {
    url::parse(text, env::DATABASE_URL)?.decide(SignIn::Password)
}
