//! Owns the Secrets Manager secret, fetched with the task's role. The only module that names the
//! SDK of a service.

use super::said::Said;
use super::{aws, secret_value};
use crate::environment::Environment;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
use engine::error::chain;
use engine::login::{Login, Logins, Pending};
use engine::{Error, Kind};
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
        let said = secret_value::read(&self.id, &text, &self.environment)?;
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
        secret_value::read(&self.id, &text, &self.environment).ok().map(|said| login(&said))
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
