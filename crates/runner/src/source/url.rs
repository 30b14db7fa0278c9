//! Connection URLs, with the parameters that Prisma understands.

use super::parameters;
use super::port;
use super::said::Said;
use engine::{Error, Kind, PasswordPlace, Secret};
use percent_encoding::percent_decode_str;
use url::Url;

/// Reads a URL; `place` is where it came from. No message repeats any part of it.
pub(super) fn parse(text: &str, place: &str) -> Result<Said, Error> {
    let text = text.trim();
    let invalid = |cause: &str| {
        Error::new(Kind::Configuration, format!("{place} is not a PostgreSQL URL: {cause}"))
            .hint(hint(text))
            .prisma("P1013")
    };
    if hosts(text).contains(',') {
        return Err(invalid("it names several hosts").hint(
            "name the one that migrations are written to: the primary, or the cluster's endpoint",
        ));
    }
    let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
    if !matches!(url.scheme(), "postgresql" | "postgres") {
        return Err(invalid("it does not start with postgresql:// or postgres://"));
    }
    let mut said = Said::default();
    let settings = &mut said.settings;
    if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
        settings.host = socket(host)
            .unwrap_or_else(|| host.trim_start_matches('[').trim_end_matches(']').to_owned());
    }
    if let Some(digits) = url.port() {
        settings.port = port(&digits.to_string(), place)?;
    }
    settings.user = decoded(url.username());
    settings.password = url.password().map(|password| Secret::new(decoded(password)));
    if settings.password.is_some() {
        settings.password_place = PasswordPlace::Url;
    }
    if let Some(database) = url.path().strip_prefix('/').and_then(|path| path.split('/').next()) {
        settings.database = database.to_owned();
    }
    for (name, value) in url.query_pairs() {
        parameters::take(&mut said, &name, &value, place)?;
    }
    if said.settings.user.is_empty() {
        return Err(invalid("it names no role"));
    }
    Ok(said)
}

/// What stands between the login and the path.
fn hosts(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts)
}

/// libpq: a folder of sockets, percent-encoded in the host's place. Prisma decodes no host.
fn socket(host: &str) -> Option<String> {
    host.to_ascii_lowercase().starts_with("%2f").then(|| decoded(host))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text)
        .decode_utf8()
        .map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}

/// Quotes around it are of somebody who thought that a shell reads the file. A `#`, `/` or `?` before
/// the last `@` is a password that was not encoded.
fn hint(text: &str) -> &'static str {
    if text.starts_with(['"', '\'']) {
        return "leave out the quotes around it: Docker's --env-file, ECS and Kubernetes take them as a part of the value";
    }
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
    use super::super::SignIn;
    use super::*;
    use engine::{ConnectionSettings, TlsMode};
    use std::time::Duration;

    fn read(text: &str) -> ConnectionSettings {
        parse(text, "DATABASE_URL").unwrap().decide(SignIn::Password).unwrap()
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
        assert_eq!((settings.connect_timeout, settings.tls), (None, TlsMode::Disable));
    }

    #[test]
    fn hosts_of_every_kind() {
        for (text, host, port) in [
            ("postgresql://u@db/d", "db", 5432),
            ("postgresql://u@10.0.0.5:6000/d", "10.0.0.5", 6000),
            ("postgresql://u@[2001:db8::7]:6000/d", "2001:db8::7", 6000),
            ("postgresql://u@%2Fvar%2Frun%2Fpostgresql/d", "/var/run/postgresql", 5432),
            ("postgresql:///d?host=/tmp&user=u&port=6000", "/tmp", 6000),
            (" postgresql://u@db/d\n", "db", 5432),
        ] {
            let settings = read(text);
            assert_eq!((settings.host.as_str(), settings.port), (host, port), "{text}");
            assert_eq!((settings.user.as_str(), settings.database.as_str()), ("u", "d"), "{text}");
        }
    }

    #[test]
    fn every_parameter_is_understood_ignored_or_refused() {
        let with = |query: &str| {
            let text = format!("postgresql://u@db/d?{query}");
            parse(&text, "DATABASE_URL")?.decide(SignIn::Password)
        };
        let plain = format!("{:?}", with("").unwrap());
        for ignored in [
            "connection_limit=1",
            "pool_timeout=0",
            "socket_timeout=30",
            "statement_cache_size=0",
            "max_connection_lifetime=5",
            "pgbouncer=true",
            "target_session_attrs=read-write",
            "schema=",
            "gssencmode=disable",
            "sslrootcert=&sslcert=&sslkey=",
        ] {
            assert_eq!(format!("{:?}", with(ignored).unwrap()), plain, "{ignored}");
        }
        for understood in [
            "schema=app",
            "connect_timeout=9",
            "connect_timeout=0",
            "channel_binding=require",
            "application_name=x",
            "options=-c%20statement_timeout%3D1h",
            "sslmode=require",
            "sslaccept=strict",
            "sslcert=ca.pem",
            "sslrootcert=ca.pem",
            "port=6000",
            "password=p",
        ] {
            assert_ne!(format!("{:?}", with(understood).unwrap()), plain, "{understood}");
        }
        for (refused, word) in [
            ("sslidentity=client.p12", "PEM"),
            ("sslpassword=hunter2", "PEM"),
            ("target_session_attrs=standby", "primary"),
            ("connect_timeout=soon", "number of seconds"),
            ("connection_limit=many", "no number"),
            ("pgbouncer=maybe", "true nor false"),
            ("sslmode=maybe", "TLS mode"),
            ("channel_binding=maybe", "channel binding"),
            ("port=99999", "TCP port"),
        ] {
            let error = with(refused).unwrap_err();
            let said = format!("{}; {}", error.message, error.hint.as_deref().unwrap_or_default());
            assert!(said.contains(word) && !said.contains("hunter"), "{refused}: {said}");
            assert_eq!(error.kind, Kind::Configuration, "{refused}");
        }
        let options = with("options=-c%20statement_timeout%3D1h").unwrap().options;
        assert_eq!(options.as_deref(), Some("-c statement_timeout=1h"));
    }

    #[test]
    fn what_is_no_url_says_so_without_repeating_it() {
        for (text, word) in [
            ("postgresql://u:hunter#2@db/shop", "percent-encoded"),
            ("mysql://u:hunter2@db/shop", "postgresql://USER"),
            ("hunter2", "postgresql://USER"),
            ("\"postgresql://u:hunter2@db/shop\"", "leave out the quotes"),
            ("'postgresql://u:hunter#2@db/shop'", "leave out the quotes"),
            ("postgresql://db/shop", "postgresql://USER"),
            ("postgresql://u:hunter2@db:port/shop", "postgresql://USER"),
            ("postgresql://u:hunter2@one:5432,two:5432/shop", "primary"),
        ] {
            let error = parse(text, "DATABASE_URL").unwrap_err();
            assert_eq!(error.kind, Kind::Configuration, "{text}");
            assert!(error.hint.as_deref().unwrap().contains(word), "{text}: {error:?}");
            assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
        }
    }
}
