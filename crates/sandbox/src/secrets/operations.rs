//! Owns the API of Secrets Manager: describe, get, create, put.

use serde::Deserialize;
use serde_json::{Value, json};

use super::describe::describe_secret;
use super::store::{CURRENT, Secret, Version};
use crate::core::Core;
use crate::wire::{ApiError, Fields, parse};

pub(super) const NO_SECRET: &str = "Secrets Manager can't find the specified secret.";

pub(crate) fn answer(
    core: &Core,
    operation: &str,
    input: &Value,
) -> Option<Result<Value, ApiError>> {
    match operation {
        "DescribeSecret" => Some(describe_secret(core, input)),
        "GetSecretValue" => Some(get_secret_value(core, input)),
        "CreateSecret" => Some(create_secret(core, input)),
        "PutSecretValue" => Some(put_secret_value(core, input)),
        _ => None,
    }
}

/// Creates the secret if need be, and gives it a new current value.
pub(crate) fn put(core: &Core, name: &str, value: &str) {
    let arn = core.identity.secret(name, &random_suffix(core));
    let id = version_id(core);
    let mut state = core.state();
    let secret = state.secrets.create(name, arn);
    secret.put(id, value.to_owned(), core.clock.now());
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetSecretValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

fn get_secret_value(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: GetSecretValue = parse(input)?;
    let state = core.state();
    let secret =
        state.secrets.find(&input.secret_id).ok_or_else(|| ApiError::not_found(NO_SECRET))?;
    let stage = input.version_stage.as_deref().unwrap_or(CURRENT);
    let (version, wanted) = match &input.version_id {
        Some(id) => (secret.with_id(id), format!("VersionId: {id}")),
        None => (secret.at_stage(stage), format!("staging label: {stage}")),
    };
    let version = version.ok_or_else(|| {
        ApiError::not_found(format!(
            "Secrets Manager can't find the specified secret value for {wanted}"
        ))
    })?;
    Ok(json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version.id,
        "SecretString": version.value,
        "VersionStages": version.stages,
        "CreatedDate": version.created_at.seconds(),
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateSecret {
    name: String,
    secret_string: Option<String>,
}

fn create_secret(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: CreateSecret = parse(input)?;
    let arn = core.identity.secret(&input.name, &random_suffix(core));
    let id = version_id(core);
    let mut state = core.state();
    if state.secrets.find(&input.name).is_some() {
        return Err(ApiError::client(
            "ResourceExistsException",
            format!("The operation failed because the secret {} already exists.", input.name),
        ));
    }
    let secret = state.secrets.create(&input.name, arn);
    let version = input.secret_string.map(|value| {
        secret.put(id.clone(), value, core.clock.now());
        id
    });
    Ok(named(secret, version).into())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutSecretValue {
    secret_id: String,
    secret_string: Option<String>,
    version_stages: Option<Vec<String>>,
}

fn put_secret_value(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: PutSecretValue = parse(input)?;
    let value = input.secret_string.ok_or_else(|| {
        ApiError::client(
            "InvalidRequestException",
            "You must provide either SecretString or SecretBinary.",
        )
    })?;
    let id = version_id(core);
    let mut state = core.state();
    let secret =
        state.secrets.find_mut(&input.secret_id).ok_or_else(|| ApiError::not_found(NO_SECRET))?;
    let created_at = core.clock.now();
    let stages = input.version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
    if stages.iter().any(|stage| stage == CURRENT) {
        secret.put(id.clone(), value, created_at);
    } else {
        secret.stage(Version { id: id.clone(), value, stages: stages.clone(), created_at });
    }
    Ok(named(secret, Some(id)).set("VersionStages", json!(stages)).into())
}

fn named(secret: &Secret, version: Option<String>) -> Fields {
    Fields::default()
        .set("ARN", secret.arn.clone())
        .set("Name", secret.name.clone())
        .maybe("VersionId", version)
}

/// Six characters that Secrets Manager adds to the name in a secret's ARN.
fn random_suffix(core: &Core) -> String {
    let mut random = core.random();
    (0..6).map(|_| random.alphanumeric()).collect()
}

/// Version ids look like UUIDs.
fn version_id(core: &Core) -> String {
    let id = core.random_id();
    format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..])
}
