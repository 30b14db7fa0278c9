//! Owns the Secrets Manager secret, fetched with the task's role. The only module that names the
//! SDK of a service.

use super::said::Said;
use super::{aws, pg, port, url};
use crate::environment::Environment;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
use engine::error::chain;
use engine::login::{Login, Logins, Pending};
use engine::{Error, Kind, Secret};
use protocol::env;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Mutex;

/// A secret that may be rotated while we run.
pub(super) struct Stored {
    id: String,
    environment: Environment,
    client: Client,
    /// What it held when it was read last.
    login: Mutex<Option<Login>>,
}

/// Which version of a secret. A rotation makes the pending one, sets it in the database, and only
/// then calls it the current one (AWS: "Secrets Manager rotation", the four steps).
#[derive(Debug, Clone, Copy)]
enum Stage {
    Current,
    Pending,
}

impl Stored {
    pub(super) async fn new(id: &str, environment: &Environment) -> Result<Self, Error> {
        // An ARN names its own region.
        let region = id.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2));
        let config = aws::config(region).await;
        if aws::region(&config).is_none() {
            return Err(refused(
                id,
                "no AWS region is set",
                "set AWS_REGION, or name the secret by its ARN",
            ));
        }
        Ok(Self {
            id: id.to_owned(),
            environment: environment.clone(),
            client: Client::new(&config),
            login: Mutex::new(None),
        })
    }

    /// What it says now.
    pub(super) async fn read(&self) -> Result<Said, Error> {
        let text = self.fetch(Stage::Current).await?;
        let said = read(&self.id, &text, &self.environment)?;
        self.remember(login(&said));
        Ok(said)
    }

    fn remember(&self, login: Login) -> Login {
        *self.login.lock().expect("invariant: nobody panics while holding it") =
            Some(login.clone());
        login
    }

    fn remembered(&self) -> Option<Login> {
        self.login.lock().expect("invariant: nobody panics while holding it").clone()
    }

    async fn current(&self) -> Result<Login, Error> {
        self.read().await.map(|said| login(&said))
    }

    /// The version that a rotation is about to make the current one, if there is one.
    async fn pending(&self) -> Option<Login> {
        let text = self.fetch(Stage::Pending).await.ok()?;
        read(&self.id, &text, &self.environment).ok().map(|said| login(&said))
    }

    async fn fetch(&self, stage: Stage) -> Result<String, Error> {
        let id = self.id.as_str();
        let mut request = self.client.get_secret_value().secret_id(id);
        if let Stage::Pending = stage {
            request = request.version_stage("AWSPENDING");
        }
        match request.send().await {
            Ok(answer) => answer
                .secret_string()
                .map(str::to_owned)
                .ok_or_else(|| refused(id, "it is binary", "store it as text")),
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
                    _ => {
                        "check the task role, and the route to Secrets Manager (NAT or VPC endpoint)"
                    }
                };
                let cause = match error.message() {
                    Some(message) => format!("{code}: {message}"),
                    None => chain(&error),
                };
                Err(refused(id, &cause, hint))
            }
        }
    }
}

impl Logins for Stored {
    fn login(&self, refused: Option<&Login>) -> Pending<'_> {
        let refused = refused.cloned();
        Box::pin(async move {
            let Some(refused) = refused else {
                return match self.remembered() {
                    Some(login) => Ok(login),
                    None => self.current().await,
                };
            };
            let current = self.current().await?;
            if current != refused {
                return Ok(current);
            }
            match self.pending().await {
                Some(pending) if pending != refused => Ok(self.remember(pending)),
                _ => Ok(current),
            }
        })
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stored").field(&self.id).finish()
    }
}

fn login(said: &Said) -> Login {
    Login { user: said.settings.user.clone(), password: said.settings.password.clone() }
}

fn refused(id: &str, cause: &str, hint: &str) -> Error {
    Error::new(Kind::AccessDenied, format!("cannot read the secret `{id}`: {cause}")).hint(hint)
}

/// Both shapes: the whole address, or only `username` and `password`, as RDS manages them; then the
/// rest comes from `PGHOST` and its kin. A bare URL is taken as one.
fn read(id: &str, text: &str, environment: &Environment) -> Result<Said, Error> {
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
