//! Owns the API of log groups.

use serde::Deserialize;
use serde_json::{Value, json};

use super::store::Absent;
use crate::cloudformation::unmake;
use crate::core::Core;
use crate::identity::log_group_name;
use crate::wire::{ApiError, parse};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateLogGroup {
    log_group_name: String,
}

pub(crate) fn create(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: CreateLogGroup = parse(input)?;
    let now = core.clock.now();
    if core.state().logs.create_group(&input.log_group_name, now) {
        Ok(json!({}))
    } else {
        Err(ApiError::client(
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
        ))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeLogGroups {
    #[serde(default)]
    log_group_name_prefix: String,
}

/// Everything in one page: the sandbox holds few groups.
pub(crate) fn describe(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: DescribeLogGroups = parse(input)?;
    let state = core.state();
    let groups: Vec<Value> = state
        .logs
        .groups
        .iter()
        .filter(|(name, _)| name.starts_with(&input.log_group_name_prefix))
        .map(|(name, group)| {
            let arn = core.identity.log_group(name);
            json!({
                "logGroupName": name,
                "creationTime": group.created_at.millis(),
                "metricFilterCount": 0,
                "storedBytes": 0,
                "arn": format!("{arn}:*"),
                "logGroupArn": arn,
                "logGroupClass": "STANDARD",
            })
        })
        .collect();
    Ok(json!({"logGroups": groups}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteLogGroup {
    log_group_name: String,
}

pub(crate) fn delete(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: DeleteLogGroup = parse(input)?;
    let mut state = core.state();
    if !state.logs.groups.contains_key(&input.log_group_name) {
        return Err(Absent::Group.into());
    }
    unmake(&mut state, &("AWS::Logs::LogGroup".to_owned(), input.log_group_name));
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListTagsForResource {
    resource_arn: String,
}

pub(crate) fn tags(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: ListTagsForResource = parse(input)?;
    let name = log_group_name(&input.resource_arn);
    let state = core.state();
    if !state.logs.groups.contains_key(name) {
        return Err(Absent::Group.into());
    }
    Ok(json!({"tags": state.world.tags("AWS::Logs::LogGroup", name)}))
}
