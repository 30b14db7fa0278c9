//! Owns DescribeSecret: everything about a secret but its value.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::core::Core;
use crate::wire::{ApiError, parse};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeSecret {
    secret_id: String,
}

pub(super) fn describe_secret(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: DescribeSecret = parse(input)?;
    let state = core.state();
    let secret = state
        .secrets
        .find(&input.secret_id)
        .ok_or_else(|| ApiError::not_found(super::operations::NO_SECRET))?;
    let stages: Map<String, Value> = secret
        .versions()
        .iter()
        .map(|version| (version.id.clone(), json!(version.stages)))
        .collect();
    let created = secret.versions().first().map(|version| version.created_at.seconds());
    Ok(json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionIdsToStages": stages,
        "CreatedDate": created,
    }))
}
