//! Owns the errors of RunTask that look like the caller's and mean "try again", in AWS's words.

use serde::Deserialize as _;
use serde_json::Value;

use super::run_task::RunTask;
use crate::core::Core;
use crate::wire::ApiError;

/// A role that IAM has not yet told ECS about (aws-facts 1.6): the same text as one that is wrong for good.
pub(crate) fn role_not_assumable(core: &Core, input: &Value) -> ApiError {
    ApiError::client_exception(format!(
        "ECS was unable to assume the role '{}' that was provided for this task. Please verify that the role being \
         passed has the proper trust relationship and permissions and that your IAM user has permissions to pass \
         this role.",
        role(core, input).unwrap_or_default()
    ))
}

/// ECS was throttled by EC2 (aws-facts 1.6), and hands it on as a wrong parameter.
pub(crate) fn disguised_throttle(input: &Value) -> ApiError {
    let request = RunTask::deserialize(input).ok();
    let subnets = request.as_ref().and_then(RunTask::network).map(|network| &network.subnets);
    ApiError::invalid_parameter(format!(
        "Error retrieving subnet information for [{}]: Rate exceeded (ErrorCode: Throttling)",
        subnets.map(|subnets| subnets.join(", ")).unwrap_or_default()
    ))
}

fn role(core: &Core, input: &Value) -> Option<String> {
    let request = RunTask::deserialize(input).ok()?;
    let overridden = request.overrides.as_ref().and_then(|overrides| {
        ["executionRoleArn", "taskRoleArn"].iter().find_map(|name| overrides.get(name)?.as_str())
    });
    if let Some(role) = overridden {
        return Some(role.to_owned());
    }
    let state = core.state();
    let spec = &state.definitions.find(&request.task_definition)?.spec;
    spec.execution_role_arn.clone().or_else(|| spec.task_role_arn.clone())
}
