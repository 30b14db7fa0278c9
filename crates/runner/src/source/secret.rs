//! A Secrets Manager secret, fetched with the task's role. The only module that names the SDK.

use super::{defaults, pg, port, url};
use crate::environment::Environment;
use aws_config::BehaviorVersion;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
use engine::error::chain;
use engine::{ConnectionSettings, Error, Kind, Secret};
use protocol::env;
use serde_json::{Map, Value};
use std::time::Duration;

/// Fetches the secret and reads it.
pub(super) async fn find(id: &str, environment: &Environment) -> Result<ConnectionSettings, Error> {
    let text = fetch(id).await?;
    read(id, &text, environment)
}

async fn fetch(id: &str) -> Result<String, Error> {
    // The SDK has no time limit of its own for an answer.
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(45))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts);
    // An ARN names its own region.
    if let Some(region) = id.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2)) {
        loader = loader.region(aws_config::Region::new(region.to_owned()));
    }
    let config = loader.load().await;
    let refused = |cause: String, hint: &str| {
        Error::new(Kind::AccessDenied, format!("cannot read the secret `{id}`: {cause}")).hint(hint)
    };
    if config.region().is_none_or(|region| region.as_ref().is_empty()) {
        return Err(refused(
            "no AWS region is set".into(),
            "set AWS_REGION, or name the secret by its ARN",
        ));
    }
    let client = aws_sdk_secretsmanager::Client::new(&config);
    match client.get_secret_value().secret_id(id).send().await {
        Ok(answer) => answer
            .secret_string()
            .map(str::to_owned)
            .ok_or_else(|| refused("it is binary".into(), "store it as text")),
        Err(error) => {
            let code = error.code().unwrap_or_default().to_owned();
            let hint = match code.as_str() {
                "ResourceNotFoundException" => {
                    "check its name or ARN, its region, and that it has a value"
                }
                "AccessDeniedException" => {
                    "the task role needs secretsmanager:GetSecretValue on it, and kms:Decrypt on its key if that is your own"
                }
                "InvalidRequestException" => "is it scheduled for deletion?",
                _ => "check the task role, and the route to Secrets Manager (NAT or VPC endpoint)",
            };
            let cause = match error.message() {
                Some(message) => format!("{code}: {message}"),
                None => chain(&error),
            };
            Err(refused(cause, hint))
        }
    }
}

/// Both shapes: the whole address, or only `username` and `password`, as RDS manages them; then the
/// rest comes from `PGHOST` and its kin. A bare URL is taken as one.
fn read(id: &str, text: &str, environment: &Environment) -> Result<ConnectionSettings, Error> {
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
    let mut settings = defaults();
    settings.user = required("username")?;
    settings.password = Some(Secret::new(required("password")?));
    settings.host = elsewhere("host", env::PGHOST)?;
    settings.database = elsewhere("dbname", env::PGDATABASE)?;
    if let Some(digits) = field("port").or_else(|| environment.get(env::PGPORT).map(str::to_owned))
    {
        settings.port = port(&digits, &format!("port in {place}"))?;
    }
    pg::extras(&mut settings, environment)?;
    Ok(settings)
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
        let settings = read("s", whole, &Environment::default()).unwrap();
        assert_eq!(
            (settings.host.as_str(), settings.port, settings.database.as_str()),
            ("db", 6432, "shop")
        );
        assert_eq!(settings.password.unwrap().expose(), "p#/ %");

        let managed = r#"{"username":"u","password":"p"}"#;
        let rest =
            environment(&[("PGHOST", "db"), ("PGDATABASE", "shop"), ("PGSSLMODE", "require")]);
        let settings = read("s", managed, &rest).unwrap();
        assert_eq!((settings.host.as_str(), settings.port), ("db", 5432));
        assert_eq!(settings.tls, engine::TlsMode::Require);

        let settings = read("s", "postgresql://u:p@db/shop\n", &Environment::default()).unwrap();
        assert_eq!(settings.database, "shop");
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
