//! Owns looking at a secret: whether it is there and has a value, and which keys that has. The value
//! itself does not leave this file.

use super::access::Aws;
use super::error::AwsError;
use super::signed::{Host, Service};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SECRETS_MANAGER: Service = Service {
    id: "secrets_manager",
    signing_name: "secretsmanager",
    host: Host::Regional("secretsmanager"),
    target: "secretsmanager",
};

/// A secret without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundSecret {
    /// Whether it is scheduled for deletion: then nobody can read it.
    pub(crate) deleted: bool,
    /// Staging labels of its versions, such as `AWSCURRENT`.
    pub(crate) stages: BTreeSet<String>,
}

impl Aws {
    /// A secret by name or ARN, without its value; none if there is no such secret.
    pub(crate) async fn find_secret(&self, id: &str) -> Result<Option<FoundSecret>, AwsError> {
        let answer = match self.ask_secrets_manager(id, ("DescribeSecret", None)).await {
            Err(error) if error.code == "ResourceNotFoundException" => return Ok(None),
            answer => answer?,
        };
        let versions = answer["VersionIdsToStages"].as_object();
        let stages = versions.into_iter().flat_map(|versions| versions.values());
        let stages = stages.flat_map(|stages| stages.as_array().cloned().unwrap_or_default());
        Ok(Some(FoundSecret {
            deleted: !answer["DeletedDate"].is_null(),
            stages: stages.filter_map(|stage| stage.as_str().map(str::to_owned)).collect(),
        }))
    }

    /// The keys of a secret whose value is a JSON object; none if it is anything else.
    pub(crate) async fn keys_of_secret(
        &self,
        id: &str,
        stage: &str,
    ) -> Result<Option<BTreeSet<String>>, AwsError> {
        let answer = self.ask_secrets_manager(id, ("GetSecretValue", Some(stage))).await?;
        let value: Value =
            serde_json::from_str(answer["SecretString"].as_str().unwrap_or_default())
                .unwrap_or_default();
        Ok(value.as_object().map(|fields| fields.keys().cloned().collect()))
    }

    async fn ask_secrets_manager(
        &self,
        id: &str,
        (operation, stage): (&'static str, Option<&str>),
    ) -> Result<Value, AwsError> {
        let mut body = json!({"SecretId": id});
        if let Some(stage) = stage {
            body["VersionStage"] = json!(stage);
        }
        // An ARN names its Region.
        let region = id.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2));
        let there = self.in_region(region.unwrap_or(self.region()));
        let answer = there.post(SECRETS_MANAGER, operation, &body.to_string()).await?;
        Ok(serde_json::from_str(&answer).unwrap_or_default())
    }
}
