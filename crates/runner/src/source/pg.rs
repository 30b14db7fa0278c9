//! libpq's variables, as ECS `secrets` inject them.

use super::said::{Said, channel_binding, tls_mode};
use super::{port, seconds};
use crate::environment::Environment;
use engine::{Error, Kind, Secret};
use protocol::env;

/// Reads the variables; the password may have any character, nothing is decoded.
pub(super) fn read(environment: &Environment) -> Result<Said, Error> {
    let mut said = defaults(environment)?;
    let settings = &mut said.settings;
    if settings.user.is_empty() {
        return Err(
            Error::new(Kind::Configuration, "PGHOST is set, but PGUSER is not").hint("set PGUSER")
        );
    }
    // libpq: the database is named like the role unless said.
    settings.database = environment.get(env::PGDATABASE).unwrap_or(&settings.user).to_owned();
    Ok(said)
}

/// What the variables say of a connection that may be named elsewhere.
pub(super) fn defaults(environment: &Environment) -> Result<Said, Error> {
    let mut said = Said::default();
    let settings = &mut said.settings;
    if let Some(host) = environment.get(env::PGHOST) {
        settings.host = host.to_owned();
    }
    if let Some(digits) = environment.get(env::PGPORT) {
        settings.port = port(digits, env::PGPORT)?;
    }
    if let Some(user) = environment.get(env::PGUSER) {
        settings.user = user.to_owned();
    }
    settings.password = environment.get(env::PGPASSWORD).map(Secret::new);
    extras(&mut said, environment)?;
    Ok(said)
}

/// What also goes with a secret: TLS and timeouts.
pub(super) fn extras(said: &mut Said, environment: &Environment) -> Result<(), Error> {
    if let Some(mode) = environment.get(env::PGSSLMODE) {
        said.mode = Some(tls_mode(mode, env::PGSSLMODE)?);
    }
    said.roots = environment.get(env::PGSSLROOTCERT).map(str::to_owned);
    said.certificate = environment.get(env::PGSSLCERT).map(Into::into);
    said.key = environment.get(env::PGSSLKEY).map(Into::into);
    if said.certificate.is_some() && said.key.is_none() {
        return Err(Error::new(Kind::Configuration, "PGSSLCERT is set without PGSSLKEY")
            .hint("name the key of the client certificate"));
    }
    let settings = &mut said.settings;
    if let Some(name) = environment.get(env::PGCHANNELBINDING) {
        settings.channel_binding = channel_binding(name, env::PGCHANNELBINDING)?;
    }
    if let Some(name) = environment.get(env::PGAPPNAME) {
        name.clone_into(&mut settings.application_name);
    }
    if let Some(options) = environment.get(env::PGOPTIONS) {
        settings.options = Some(options.to_owned());
    }
    if let Some(digits) = environment.get(env::PGCONNECT_TIMEOUT) {
        settings.connect_timeout = seconds(digits, env::PGCONNECT_TIMEOUT)?;
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
        .unwrap()
        .settings;
        assert_eq!(settings.password.unwrap().expose(), password);
        assert_eq!((settings.port, settings.database.as_str()), (6432, "u"));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (pairs, word) in [
            (vec![("PGHOST", "db")], "PGUSER"),
            (vec![("PGHOST", "db"), ("PGUSER", "u"), ("PGPORT", "x")], "PGPORT"),
            (vec![("PGHOST", "db"), ("PGUSER", "u"), ("PGSSLMODE", "x")], "PGSSLMODE"),
            (vec![("PGHOST", "db"), ("PGUSER", "u"), ("PGSSLCERT", "x")], "PGSSLKEY"),
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
