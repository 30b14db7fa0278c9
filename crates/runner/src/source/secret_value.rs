//! Owns what the text of a secret says, in any of its shapes.

use super::said::Said;
use super::{pg, port, url};
use crate::environment::Environment;
use engine::{Error, Kind, Secret};
use protocol::env;
use serde_json::{Map, Value};

/// Both shapes: the whole address, or only `username` and `password`, as RDS manages them; then the
/// rest comes from `PGHOST` and its kin. A bare URL is taken as one.
pub(super) fn read(id: &str, text: &str, environment: &Environment) -> Result<Said, Error> {
    let place = format!("the secret `{id}`");
    if text.trim_start().starts_with("postgres") {
        return url::parse(text, &place);
    }
    // The parser's message could show a part of the secret.
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
        return Err(Error::new(
            Kind::AccessDenied,
            format!("{place} is neither a JSON object nor a URL"),
        )
        .hint(r#"it looks like {"host":…,"port":…,"username":…,"password":…,"dbname":…}"#));
    };
    let field = |name: &str| text_of(&fields, name);
    let missing = |name: &str, hint: String| {
        Error::new(Kind::AccessDenied, format!("{place} has no `{name}`")).hint(hint)
    };
    let required =
        |name: &str| field(name).ok_or_else(|| missing(name, format!("it has {}", names(&fields))));
    let elsewhere = |name: &str, variable: &str| {
        field(name).or_else(|| environment.get(variable).map(str::to_owned)).ok_or_else(|| {
            missing(
                name,
                format!("secrets that RDS manages hold only username and password: set {variable}"),
            )
        })
    };
    if let Some(engine) = field("engine").filter(|engine| !engine.contains("postgres")) {
        return Err(Error::new(
            Kind::Configuration,
            format!("{place} is for `{engine}`, not for PostgreSQL"),
        ));
    }
    let mut said = Said::default();
    let settings = &mut said.settings;
    settings.user = required("username")?;
    settings.password = Some(Secret::new(required("password")?));
    settings.host = elsewhere("host", env::PGHOST)?;
    settings.database = elsewhere("dbname", env::PGDATABASE)?;
    if let Some(digits) = field("port").or_else(|| environment.get(env::PGPORT).map(str::to_owned))
    {
        settings.port = port(&digits, &format!("port in {place}"))?;
    }
    pg::extras(&mut said, environment)?;
    Ok(said)
}

/// A port may be a number or a text.
fn text_of(fields: &Map<String, Value>, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}

fn names(fields: &Map<String, Value>) -> String {
    fields.keys().cloned().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn both_shapes_are_read() {
        let whole = r#"{"engine":"postgres","host":"db","port":"6432","username":"u","password":"p#/ %","dbname":"shop"}"#;
        let settings = read("s", whole, &Environment::default()).unwrap().settings;
        assert_eq!(
            (settings.host.as_str(), settings.port, settings.database.as_str()),
            ("db", 6432, "shop")
        );
        assert_eq!(settings.password.unwrap().expose(), "p#/ %");

        let managed = r#"{"username":"u","password":"p"}"#;
        let rest =
            environment(&[("PGHOST", "db"), ("PGDATABASE", "shop"), ("PGSSLMODE", "require")]);
        let said = read("s", managed, &rest).unwrap();
        assert_eq!((said.settings.host.as_str(), said.settings.port), ("db", 5432));
        assert_eq!(said.mode, Some(engine::TlsMode::Require));

        let settings = read("s", "postgresql://u:p@db/shop\n", &Environment::default()).unwrap();
        assert_eq!(settings.settings.database, "shop");
    }

    #[test]
    fn what_is_missing_is_named_and_nothing_is_shown() {
        for (text, word) in [
            (r#"{"username":"u","password":"hunter2"}"#, "`host`"),
            (r#"{"user":"u","password":"hunter2"}"#, "`username`"),
            (r#"{"username":"u","host":"db"}"#, "`password`"),
            (r#""hunter2""#, "neither"),
            ("{hunter2", "neither"),
            (r#"{"engine":"mysql","username":"u","password":"hunter2"}"#, "mysql"),
        ] {
            let error = read("s", text, &Environment::default()).unwrap_err();
            assert!(error.message.contains(word), "{text}: {error}");
            assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
        }
    }
}
