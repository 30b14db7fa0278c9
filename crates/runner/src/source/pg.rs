//! libpq's variables, as ECS `secrets` inject them.

use super::{defaults, port, tls_mode};
use crate::environment::Environment;
use engine::{ConnectionSettings, Error, Kind, Secret};
use protocol::env;
use std::time::Duration;

/// Reads the variables; the password may have any character, nothing is decoded.
pub(super) fn read(environment: &Environment) -> Result<ConnectionSettings, Error> {
    let mut settings = defaults();
    if let Some(host) = environment.get(env::PGHOST) {
        settings.host = host.to_owned();
    }
    if let Some(digits) = environment.get(env::PGPORT) {
        settings.port = port(digits, env::PGPORT)?;
    }
    settings.user = environment
        .get(env::PGUSER)
        .ok_or_else(|| {
            Error::new(Kind::Configuration, "PGHOST is set, but PGUSER is not").hint("set PGUSER")
        })?
        .to_owned();
    settings.password = environment.get(env::PGPASSWORD).map(Secret::new);
    // libpq: the database is named like the role unless said.
    settings.database = environment.get(env::PGDATABASE).unwrap_or(&settings.user).to_owned();
    extras(&mut settings, environment)?;
    Ok(settings)
}

/// What also goes with a secret: TLS and timeouts.
pub(super) fn extras(
    settings: &mut ConnectionSettings,
    environment: &Environment,
) -> Result<(), Error> {
    if let Some(mode) = environment.get(env::PGSSLMODE) {
        settings.tls = tls_mode(mode, env::PGSSLMODE)?;
    }
    if let Some(path) = environment.get(env::PGSSLROOTCERT) {
        settings.root_certificates = Some(path.into());
    }
    if let Some(options) = environment.get(env::PGOPTIONS) {
        settings.options = Some(options.to_owned());
    }
    if let Some(seconds) = environment.get(env::PGCONNECT_TIMEOUT) {
        let seconds: u64 = seconds.trim().parse().map_err(|_| {
            Error::new(
                Kind::Configuration,
                format!("PGCONNECT_TIMEOUT is `{seconds}`, which is no number of seconds"),
            )
        })?;
        settings.connect_timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn any_password_is_taken_as_it_is() {
        let password = "p#a/s?s%40@:wo rd+!^";
        let settings = read(&environment(&[
            ("PGHOST", "db"),
            ("PGUSER", "u"),
            ("PGPASSWORD", password),
            ("PGPORT", "6432"),
        ]))
        .unwrap();
        assert_eq!(settings.password.unwrap().expose(), password);
        assert_eq!((settings.port, settings.database.as_str()), (6432, "u"));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (pairs, word) in [
            (vec![("PGHOST", "db")], "PGUSER"),
            (vec![("PGHOST", "db"), ("PGUSER", "u"), ("PGPORT", "x")], "PGPORT"),
            (vec![("PGHOST", "db"), ("PGUSER", "u"), ("PGSSLMODE", "x")], "PGSSLMODE"),
            (
                vec![("PGHOST", "db"), ("PGUSER", "u"), ("PGCONNECT_TIMEOUT", "x")],
                "PGCONNECT_TIMEOUT",
            ),
        ] {
            let error = read(&environment(&pairs)).unwrap_err();
            assert_eq!(error.kind, Kind::Configuration);
            assert!(error.message.contains(word), "{error}");
        }
    }
}
