//! Where the database is: a secret, a URL, or libpq's variables, in this order.

mod pg;
mod secret;
pub(crate) mod url;

use crate::environment::Environment;
use engine::{ConnectionSettings, Error, Kind, Secret, TlsMode};
use protocol::env;
use std::time::Duration;

/// A database that was found.
#[derive(Debug)]
pub struct Found {
    /// How to reach it.
    pub settings: ConnectionSettings,
    /// Where that was said, without anything secret.
    pub source: String,
}

/// Finds the database.
pub(crate) async fn find(
    secret: Option<&str>,
    environment: &Environment,
    run: &str,
) -> Result<Found, Error> {
    let (mut settings, source) = if let Some(id) = secret {
        (secret::find(id, environment).await?, format!("secret {id}"))
    } else if let Some(text) = environment.get(env::DATABASE_URL) {
        (url::parse(text, env::DATABASE_URL)?, env::DATABASE_URL.to_owned())
    } else if environment.get(env::PGHOST).is_some() {
        (pg::read(environment)?, env::PGHOST.to_owned())
    } else {
        return Err(Error::new(Kind::Configuration, "no database is named")
            .hint("set DATABASE_URL, or PGHOST and its kin, or --secret"));
    };
    if settings.application_name.is_empty() {
        settings.application_name = format!("ecs-migrate {run}");
    }
    Ok(Found { settings, source })
}

/// What holds where nothing is said: Prisma's defaults.
fn defaults() -> ConnectionSettings {
    ConnectionSettings {
        host: "localhost".into(),
        port: 5432,
        user: String::new(),
        password: None::<Secret>,
        database: "postgres".into(),
        schema: None,
        tls: TlsMode::Prefer,
        root_certificates: None,
        connect_timeout: Some(Duration::from_secs(5)),
        application_name: String::new(),
        options: None,
    }
}

/// A TLS mode by name.
fn tls_mode(name: &str, place: &str) -> Result<TlsMode, Error> {
    TlsMode::from_name(name).ok_or_else(|| {
        Error::new(Kind::Configuration, format!("{place} is `{name}`, which is no TLS mode"))
            .hint("it takes disable, prefer, require, verify-ca or verify-full")
    })
}

/// A port by its digits.
fn port(digits: &str, place: &str) -> Result<u16, Error> {
    digits.trim().parse().map_err(|_| {
        Error::new(Kind::Configuration, format!("{place} is `{digits}`, which is no TCP port"))
    })
}
