//! Owns what RunTask refuses, in AWS's words. Pure.

use serde_json::Value;

use super::check_definition::check_size;
use super::definitions::{Revision, RevisionStatus};
use super::echo::compatibilities;
use super::run_task::RunTask;
use super::spec::ContainerOverride;
use crate::wire::ApiError;

/// Characters of `overrides` as JSON (aws-facts 1.6).
const MAXIMUM_OVERRIDES: usize = 8_192;
const MAXIMUM_COUNT: usize = 10;
const MAXIMUM_TOKEN: usize = 64;
const MAXIMUM_STARTED_BY: usize = 128;

pub(crate) fn check(input: &RunTask, revision: &Revision) -> Result<(), ApiError> {
    if revision.status == RevisionStatus::Inactive {
        return Err(ApiError::invalid_parameter("TaskDefinition is inactive"));
    }
    check_members(input)?;
    check_overrides(input.overrides.as_ref(), revision)?;
    check_capacity(input, revision)?;
    check_network(input, revision)
}

fn check_members(input: &RunTask) -> Result<(), ApiError> {
    let refuse = |text: &str| Err(ApiError::invalid_parameter(text));
    if !(1..=MAXIMUM_COUNT).contains(&input.count) {
        return refuse("Count must be between 1 and 10");
    }
    let token = input.client_token.as_deref().unwrap_or("x");
    let printable = |byte: u8| (33..=126).contains(&byte);
    if !(1..=MAXIMUM_TOKEN).contains(&token.len()) || !token.bytes().all(printable) {
        return refuse(
            "clientToken can only contain up to 64 ASCII characters in the range of 33-126",
        );
    }
    let started_by = input.started_by.as_deref().unwrap_or_default();
    // The documented letters, and the space: fabfuel's ecs-deploy has sent `ECS Deploy` for years.
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"_/- ".contains(&byte);
    if started_by.len() > MAXIMUM_STARTED_BY || !started_by.bytes().all(word) {
        return refuse(
            "startedBy can only contain up to 128 letters, numbers, hyphens, underscores and slashes",
        );
    }
    match input.propagate_tags.as_deref() {
        None | Some("TASK_DEFINITION") => Ok(()),
        Some(_) => refuse("Invalid value for propagateTags"),
    }
}

fn check_overrides(overrides: Option<&Value>, revision: &Revision) -> Result<(), ApiError> {
    let Some(overrides) = overrides else {
        return Ok(());
    };
    for given in ContainerOverride::list(overrides) {
        let containers = &revision.spec.container_definitions;
        if !containers.iter().any(|container| container.name == given.name) {
            return Err(ApiError::invalid_parameter(format!(
                "Override for container named {} is not a container in the TaskDefinition.",
                given.name
            )));
        }
    }
    if overrides.to_string().chars().count() > MAXIMUM_OVERRIDES {
        return Err(ApiError::invalid_parameter("Container Overrides length must be at most 8192"));
    }
    check_overridden_size(overrides, revision)
}

fn check_overridden_size(overrides: &Value, revision: &Revision) -> Result<(), ApiError> {
    let [cpu, memory] = ["cpu", "memory"].map(|name| overrides.get(name).and_then(Value::as_str));
    if cpu.is_none() && memory.is_none() {
        return Ok(());
    }
    check_size(cpu.or(revision.spec.cpu.as_deref()), memory.or(revision.spec.memory.as_deref()))
}

fn check_capacity(input: &RunTask, revision: &Revision) -> Result<(), ApiError> {
    let strategy = !input.capacity_provider_strategy.is_empty();
    match input.launch_type.as_deref() {
        Some(_) if strategy => Err(ApiError::invalid_parameter(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        )),
        None if !strategy => Err(no_instances()),
        Some("FARGATE") | None => {
            if compatibilities(&revision.spec).contains(&"FARGATE") {
                Ok(())
            } else {
                Err(ApiError::invalid_parameter(
                    "Task definition does not support launch_type FARGATE.",
                ))
            }
        }
        Some(_) => Err(no_instances()),
    }
}

/// The sandbox is Fargate only; without a launch type ECS looks for instances.
fn no_instances() -> ApiError {
    ApiError::invalid_parameter("No Container Instances were found in your cluster.")
}

fn check_network(input: &RunTask, revision: &Revision) -> Result<(), ApiError> {
    if revision.spec.network_mode.as_deref() != Some("awsvpc") {
        return Ok(());
    }
    let Some(network) = input.network() else {
        return Err(ApiError::invalid_parameter(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ));
    };
    if network.subnets.is_empty() {
        return Err(ApiError::invalid_parameter("subnets can not be empty."));
    }
    Ok(())
}
