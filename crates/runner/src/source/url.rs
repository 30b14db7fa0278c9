//! Connection URLs, with the parameters that Prisma understands.

use super::{defaults, port, tls_mode};
use engine::{ConnectionSettings, Error, Kind, Secret, TlsMode};
use percent_encoding::percent_decode_str;
use std::time::Duration;
use url::Url;

/// Reads a URL; `place` is where it came from. No message repeats any part of it.
pub(crate) fn parse(text: &str, place: &str) -> Result<ConnectionSettings, Error> {
    let invalid = |cause: &str| {
        Error::new(Kind::Configuration, format!("{place} is not a PostgreSQL URL: {cause}"))
            .hint(hint(text))
            .prisma("P1013")
    };
    let url = Url::parse(text.trim()).map_err(|error| invalid(&error.to_string()))?;
    if !matches!(url.scheme(), "postgresql" | "postgres") {
        return Err(invalid("it does not start with postgresql:// or postgres://"));
    }
    let mut settings = defaults();
    if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
        settings.host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    }
    settings.port = url.port().unwrap_or(settings.port);
    settings.user = decoded(url.username());
    settings.password = url.password().map(|password| Secret::new(decoded(password)));
    if let Some(database) = url.path().strip_prefix('/').and_then(|path| path.split('/').next()) {
        settings.database = database.to_owned();
    }
    if settings.user.is_empty() {
        return Err(invalid("it names no role"));
    }
    for (name, value) in url.query_pairs() {
        parameter(&mut settings, &name, &value, place)?;
    }
    Ok(settings)
}

/// One parameter; unknown ones are ignored, as Prisma ignores them.
fn parameter(
    settings: &mut ConnectionSettings,
    name: &str,
    value: &str,
    place: &str,
) -> Result<(), Error> {
    let named = format!("{name} in {place}");
    match name {
        "host" => value.clone_into(&mut settings.host),
        "port" => settings.port = port(value, &named)?,
        "schema" if !value.is_empty() => settings.schema = Some(value.to_owned()),
        "connect_timeout" => {
            let seconds: u64 = value.parse().map_err(|_| {
                Error::new(
                    Kind::Configuration,
                    format!("{named} is `{value}`, which is no number of seconds"),
                )
            })?;
            settings.connect_timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
        }
        "sslmode" => settings.tls = tls_mode(value, &named)?,
        // Prisma's way to ask for verification.
        "sslaccept" if value == "strict" => settings.tls = TlsMode::VerifyFull,
        // Prisma's name for a file of roots, and libpq's.
        "sslcert" | "sslrootcert" => settings.root_certificates = Some(value.into()),
        "application_name" => value.clone_into(&mut settings.application_name),
        "options" => settings.options = Some(value.to_owned()),
        _ => {}
    }
    Ok(())
}

fn decoded(text: &str) -> String {
    percent_decode_str(text)
        .decode_utf8()
        .map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}

/// A `#`, `/` or `?` before the last `@` is a password that was not encoded.
fn hint(text: &str) -> &'static str {
    let authority = text
        .split_once("://")
        .map_or("", |(_, rest)| rest)
        .rsplit_once('@')
        .map_or("", |(before, _)| before);
    if authority.contains(['#', '/', '?', '@']) {
        "the characters # / ? @ : % in the password must be percent-encoded, e.g. %23 for #; PGPASSWORD and secrets need no encoding"
    } else {
        "it looks like postgresql://USER:PASSWORD@HOST:5432/DATABASE"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ConnectionSettings {
        parse(text, "DATABASE_URL").unwrap()
    }

    #[test]
    fn the_parts_are_found_and_have_prismas_defaults() {
        let settings = read(
            "postgresql://u%40x:p%23a%2Fss@db.internal:6543/shop?schema=app&sslmode=require&pgbouncer=true",
        );
        assert_eq!(
            (settings.user.as_str(), settings.host.as_str(), settings.port),
            ("u@x", "db.internal", 6543)
        );
        assert_eq!(settings.password.unwrap().expose(), "p#a/ss");
        assert_eq!((settings.database.as_str(), settings.schema.as_deref()), ("shop", Some("app")));
        assert_eq!(settings.tls, TlsMode::Require);

        let settings = read("postgres://u@[::1]");
        assert_eq!((settings.host.as_str(), settings.port), ("::1", 5432));
        assert_eq!((settings.database.as_str(), settings.password), ("postgres", None));
        assert_eq!(settings.connect_timeout, Some(Duration::from_secs(5)));

        let settings = read(
            "postgresql://u@localhost/db?host=/var/run/postgresql&connect_timeout=0&sslaccept=strict",
        );
        assert_eq!(settings.host, "/var/run/postgresql");
        assert_eq!((settings.connect_timeout, settings.tls), (None, TlsMode::VerifyFull));
    }

    #[test]
    fn what_is_no_url_says_so_without_repeating_it() {
        for (text, word) in [
            ("postgresql://u:hunter#2@db/shop", "percent-encoded"),
            ("mysql://u:hunter2@db/shop", "postgresql://USER"),
            ("hunter2", "postgresql://USER"),
            ("postgresql://db/shop", "postgresql://USER"),
            ("postgresql://u:hunter2@db:port/shop", "postgresql://USER"),
        ] {
            let error = parse(text, "DATABASE_URL").unwrap_err();
            assert_eq!(error.kind, Kind::Configuration, "{text}");
            assert!(error.hint.as_deref().unwrap().contains(word), "{text}: {error:?}");
            assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
        }
        for text in ["postgresql://u@h/d?connect_timeout=soon", "postgresql://u@h/d?sslmode=maybe"]
        {
            assert!(parse(text, "DATABASE_URL").is_err(), "{text}");
        }
    }
}
