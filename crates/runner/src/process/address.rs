//! Owns the database's address as a child gets it: `DATABASE_URL`, and `PG*` for whatever speaks
//! libpq. PURE.

use crate::cli::ChildUrl;
use engine::{ConnectionSettings, Secret, TlsMode};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use protocol::env;
use std::collections::BTreeSet;

/// What RFC 3986 calls unreserved stays as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Prisma's engine takes a database's name from the path without decoding it.
const PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'?').add(b'#').add(b'/');

/// The database for a child.
pub(crate) struct Address {
    /// How it is reached, with the login that the child gets.
    settings: ConnectionSettings,
    /// File of roots, where there is one.
    roots: Option<String>,
    /// Who reads it.
    dialect: ChildUrl,
    /// What `pg_stat_activity` shows of the child's sessions.
    pub(crate) application_name: String,
}

impl Address {
    /// For a child of the run. Its sessions are named apart from ours, so that an observer can tell
    /// whose they are; the run comes last, because the server cuts the name at 63 bytes.
    pub(crate) fn new(
        settings: ConnectionSettings,
        roots: Option<String>,
        (dialect, run): (ChildUrl, &str),
    ) -> Self {
        Self { settings, roots, dialect, application_name: format!("ecs-migrate-exec {run}") }
    }

    /// The variables to set.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        if self.dialect == ChildUrl::Keep {
            return Vec::new();
        }
        let ConnectionSettings { host, port, user, password, database, .. } = &self.settings;
        let mut variables = vec![
            (env::DATABASE_URL, self.url()),
            (env::PGHOST, host.clone()),
            (env::PGPORT, port.to_string()),
            (env::PGUSER, user.clone()),
            (env::PGDATABASE, database.clone()),
            (env::PGAPPNAME, self.application_name.clone()),
        ];
        let password = password.as_ref().map(|secret| secret.expose().to_owned());
        variables.extend(password.map(|password| (env::PGPASSWORD, password)));
        // Go's lib/pq knows no `prefer`, not even as a variable; for libpq it is the default.
        if self.settings.tls != TlsMode::Prefer {
            variables.push((env::PGSSLMODE, libpq_mode(self.settings.tls).to_owned()));
        }
        variables.extend(self.trusted().map(|path| (env::PGSSLROOTCERT, path)));
        if let Some(own) = &self.settings.client_certificate {
            variables.push((env::PGSSLCERT, own.certificate.display().to_string()));
            variables.push((env::PGSSLKEY, own.key.display().to_string()));
        }
        // What reads these variables and no URL is libpq, or does as it does.
        variables.extend(self.options_with_schema().map(|options| (env::PGOPTIONS, options)));
        variables
    }

    /// Every text that holds the password.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let Some(password) = &self.settings.password else { return Vec::new() };
        spellings(password.expose()).into_iter().map(Secret::new).collect()
    }

    fn url(&self) -> String {
        let ConnectionSettings { host, port, user, password, database, .. } = &self.settings;
        let socket = host.starts_with('/');
        let authority = match host.as_str() {
            _ if socket => "localhost".to_owned(),
            address if address.contains(':') => format!("[{address}]"),
            name => name.to_owned(),
        };
        let password = password
            .as_ref()
            .map_or(String::new(), |secret| format!(":{}", encoded(secret.expose())));
        let database = match self.dialect {
            ChildUrl::Prisma | ChildUrl::Keep => utf8_percent_encode(database, PATH).to_string(),
            ChildUrl::Libpq => encoded(database),
        };
        let mut parameters = self.tls();
        if socket {
            parameters.push(("host", host.clone()));
        }
        parameters.extend(self.schema());
        let timeout = self.settings.connect_timeout.map_or(0, |limit| limit.as_secs());
        parameters.push(("connect_timeout", timeout.to_string()));
        parameters.push(("application_name", self.application_name.clone()));
        let parameters: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        format!(
            "postgresql://{}{password}@{authority}:{port}/{database}?{}",
            encoded(user),
            parameters.join("&")
        )
    }

    /// Prisma takes an `sslmode` that it does not know, `verify-full` among them, for `prefer`, and
    /// verifies only with `sslaccept=strict`; its name for a file of roots is `sslcert`
    /// (prisma-engines, quaint's PostgreSQL connector). It has no `verify-ca`: the host counts too.
    fn tls(&self) -> Vec<(&'static str, String)> {
        let text = str::to_owned;
        match (self.dialect, self.settings.tls) {
            // The default everywhere.
            (_, TlsMode::Prefer) => Vec::new(),
            (ChildUrl::Prisma | ChildUrl::Keep, TlsMode::VerifyCa | TlsMode::VerifyFull) => {
                let mut parameters =
                    vec![("sslmode", text("require")), ("sslaccept", text("strict"))];
                parameters.extend(self.roots.clone().map(|path| ("sslcert", path)));
                parameters
            }
            (_, mode) => {
                let mut parameters = vec![("sslmode", text(libpq_mode(mode)))];
                if self.dialect == ChildUrl::Libpq {
                    parameters.extend(self.trusted().map(|path| ("sslrootcert", path)));
                }
                parameters
            }
        }
    }

    /// libpq has no schema; the server's option does the same. None where there is nothing to say.
    fn options_with_schema(&self) -> Option<String> {
        let ConnectionSettings { schema, options, .. } = &self.settings;
        let Some(schema) = schema else { return options.clone() };
        let quoted = format!("\"{}\"", schema.replace('"', "\"\""));
        // In `options` a backslash keeps the next character from ending the word.
        let escaped = quoted.replace('\\', "\\\\").replace(' ', "\\ ");
        let before = options.clone().unwrap_or_default();
        Some(format!("{before} -c search_path={escaped}").trim_start().to_owned())
    }

    fn schema(&self) -> Vec<(&'static str, String)> {
        let ConnectionSettings { schema, options, .. } = &self.settings;
        let mut parameters = Vec::new();
        let options = match self.dialect {
            ChildUrl::Libpq => self.options_with_schema(),
            ChildUrl::Prisma | ChildUrl::Keep => {
                parameters.extend(schema.clone().map(|schema| ("schema", schema)));
                options.clone()
            }
        };
        parameters.extend(options.filter(|all| !all.is_empty()).map(|all| ("options", all)));
        parameters
    }

    /// libpq looks for roots only in the home directory unless told; `system` since version 16.
    fn trusted(&self) -> Option<String> {
        match self.settings.tls {
            TlsMode::VerifyFull => Some(self.roots.clone().unwrap_or_else(|| "system".to_owned())),
            TlsMode::VerifyCa => self.roots.clone(),
            TlsMode::Disable | TlsMode::Prefer | TlsMode::Require => None,
        }
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

const fn libpq_mode(mode: TlsMode) -> &'static str {
    match mode {
        TlsMode::Disable => "disable",
        TlsMode::Prefer => "prefer",
        TlsMode::Require => "require",
        TlsMode::VerifyCa => "verify-ca",
        TlsMode::VerifyFull => "verify-full",
    }
}

/// The password as programs write it: bare, in a URL (with either case of the digits, a slash left
/// as it is, a form's plus sign), in JSON, in SQL.
fn spellings(password: &str) -> BTreeSet<String> {
    let in_url = encoded(password);
    let with_slash = in_url.replace("%2F", "/");
    let of_form = in_url.replace("%20", "+");
    let in_json = serde_json::Value::from(password).to_string();
    let mut found: BTreeSet<String> = [&in_url, &with_slash, &of_form]
        .into_iter()
        .flat_map(|spelling| [spelling.clone(), lower_digits(spelling)])
        .collect();
    found.insert(in_json[1..in_json.len() - 1].to_owned());
    found.insert(password.replace('\'', "''"));
    found.insert(password.to_owned());
    found
}

/// `%2F` as `%2f`; letters of the password keep their case.
fn lower_digits(encoded: &str) -> String {
    let mut pieces = encoded.split('%');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).unwrap_or((piece, ""));
        text.push('%');
        text.push_str(&digits.to_ascii_lowercase());
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_in_every_usual_spelling() {
        let found = spellings("Aé/ '\"%");
        for wanted in [
            "Aé/ '\"%",
            "A%C3%A9%2F%20%27%22%25",
            "A%c3%a9%2f%20%27%22%25",
            "A%C3%A9/%20%27%22%25",
            "A%C3%A9%2F+%27%22%25",
            "Aé/ '\\\"%",
            "Aé/ ''\"%",
        ] {
            assert!(found.contains(wanted), "{wanted} in {found:?}");
        }
    }
    use crate::source::settings_of_url;

    fn settings(source: &str) -> ConnectionSettings {
        settings_of_url(source).unwrap()
    }

    fn variables(source: &str, dialect: ChildUrl) -> Vec<(&'static str, String)> {
        let settings = settings(source);
        let roots = settings.root_certificates.file().map(|path| path.display().to_string());
        Address::new(settings, roots, (dialect, "r1")).variables()
    }

    fn value(source: &str, dialect: ChildUrl, name: &str) -> Option<String> {
        variables(source, dialect)
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    #[test]
    fn the_url_speaks_the_childs_dialect() {
        let rest = "connect_timeout=5&application_name=ecs-migrate-exec%20r1";
        for (source, prisma, libpq) in [
            (
                "postgresql://u%40x:p%23a%2Fs%3Fs%40%3A%25@db/shop",
                format!("postgresql://u%40x:p%23a%2Fs%3Fs%40%3A%25@db:5432/shop?{rest}"),
                format!("postgresql://u%40x:p%23a%2Fs%3Fs%40%3A%25@db:5432/shop?{rest}"),
            ),
            (
                "postgresql://u@[::1]:6543/shop?schema=my%20app&sslmode=require",
                format!("postgresql://u@[::1]:6543/shop?sslmode=require&schema=my%20app&{rest}"),
                format!(
                    "postgresql://u@[::1]:6543/shop?sslmode=require&options=-c%20search_path%3D%22my%5C%20app%22&{rest}"
                ),
            ),
            (
                "postgresql://u@db/shop?sslmode=verify-full&sslrootcert=/ca.pem",
                format!(
                    "postgresql://u@db:5432/shop?sslmode=require&sslaccept=strict&sslcert=%2Fca.pem&{rest}"
                ),
                format!(
                    "postgresql://u@db:5432/shop?sslmode=verify-full&sslrootcert=%2Fca.pem&{rest}"
                ),
            ),
            (
                "postgresql://u@localhost/shop?host=/run/pg&options=-c%20a=b",
                format!(
                    "postgresql://u@localhost:5432/shop?sslmode=disable&host=%2Frun%2Fpg&options=-c%20a%3Db&{rest}"
                ),
                format!(
                    "postgresql://u@localhost:5432/shop?sslmode=disable&host=%2Frun%2Fpg&options=-c%20a%3Db&{rest}"
                ),
            ),
        ] {
            let url = |dialect| value(source, dialect, "DATABASE_URL").unwrap();
            assert_eq!(url(ChildUrl::Prisma), prisma);
            assert_eq!(url(ChildUrl::Libpq), libpq);
            // Read again it is the same database.
            let (before, after) = (settings(source), settings(&prisma));
            assert_eq!(
                (before.user, before.host, before.port),
                (after.user, after.host, after.port)
            );
            assert_eq!((before.password, before.tls), (after.password, after.tls));
            assert_eq!((before.database, before.schema), (after.database, after.schema));
            assert!(variables(source, ChildUrl::Keep).is_empty());
        }
    }

    #[test]
    fn libpq_finds_it_without_a_url() {
        let source = "postgresql://u:p%23@db/shop?sslmode=verify-full";
        let found = |name| value(source, ChildUrl::Prisma, name);
        assert_eq!(found("PGPASSWORD").as_deref(), Some("p#"));
        assert_eq!(found("PGSSLMODE").as_deref(), Some("verify-full"));
        assert_eq!(found("PGSSLROOTCERT").as_deref(), Some("system"));
        assert_eq!(found("PGAPPNAME").as_deref(), Some("ecs-migrate-exec r1"));
        assert_eq!(value("postgresql://u@db/shop", ChildUrl::Prisma, "PGSSLMODE"), None);
    }
}
