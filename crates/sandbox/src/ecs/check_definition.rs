//! Owns what RegisterTaskDefinition refuses, in AWS's words. Pure.

use std::collections::BTreeSet;

use super::sizes::{cpu_units, fargate_has, memory_mib};
use super::spec::{ContainerSpec, TaskSpec};
use crate::wire::ApiError;

/// Containers a definition may have (aws-facts 1.8).
const MAXIMUM_CONTAINERS: usize = 10;

pub(crate) fn check(spec: &TaskSpec) -> Result<(), ApiError> {
    check_family(&spec.family)?;
    check_containers(spec)?;
    if spec.requires_compatibilities.iter().any(|name| name == "FARGATE") {
        check_fargate(spec)?;
    }
    Ok(())
}

fn check_family(family: &str) -> Result<(), ApiError> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    if (1..=255).contains(&family.len()) && family.chars().all(allowed) {
        Ok(())
    } else {
        Err(ApiError::client_exception(
            "Family name must contain only letters, numbers, hyphens and underscores, and be at most 255 characters \
             long.",
        ))
    }
}

fn check_containers(spec: &TaskSpec) -> Result<(), ApiError> {
    let containers = &spec.container_definitions;
    if containers.is_empty() {
        return Err(ApiError::client_exception(
            "TaskDefinition must contain at least one container definition.",
        ));
    }
    if containers.len() > MAXIMUM_CONTAINERS {
        return Err(ApiError::client_exception(format!(
            "Task definition can have at most {MAXIMUM_CONTAINERS} containers."
        )));
    }
    let mut names = BTreeSet::new();
    for container in containers {
        if container.name.is_empty() || container.image.is_empty() {
            return Err(ApiError::client_exception("Container.image should not be null or empty."));
        }
        if !names.insert(&container.name) {
            return Err(ApiError::client_exception(format!(
                "Duplicate container name {}.",
                container.name
            )));
        }
        check_variables(container)?;
    }
    if containers.iter().any(ContainerSpec::is_essential) {
        Ok(())
    } else {
        Err(ApiError::client_exception(
            "A task definition must have at least one essential container.",
        ))
    }
}

fn check_variables(container: &ContainerSpec) -> Result<(), ApiError> {
    let variables = container.environment.iter().map(|variable| &variable.name);
    let mut names: BTreeSet<&String> = variables.collect();
    for secret in &container.secrets {
        if !names.insert(&secret.name) {
            return Err(ApiError::client_exception(format!(
                "The secret name must be unique and not shared with any new or existing environment variables set on \
                 the container, such as '{}'.",
                secret.name
            )));
        }
    }
    Ok(())
}

fn check_fargate(spec: &TaskSpec) -> Result<(), ApiError> {
    if spec.network_mode.as_deref() != Some("awsvpc") {
        return Err(ApiError::client_exception("Fargate only supports network mode ‘awsvpc’."));
    }
    check_size(spec.cpu.as_deref(), spec.memory.as_deref())?;
    for container in &spec.container_definitions {
        check_fargate_container(container, spec.execution_role_arn.as_deref())?;
    }
    Ok(())
}

/// aws-facts 1.10.
pub(crate) fn check_size(cpu: Option<&str>, memory: Option<&str>) -> Result<(), ApiError> {
    let refuse = |text: &str| Err(ApiError::client_exception(text));
    let Some(cpu) = cpu else {
        return refuse("Fargate requires that 'cpu' be defined at the task level.");
    };
    let Some(memory) = memory else {
        return refuse("Fargate requires that 'memory' be defined at the task level.");
    };
    let Some(cpu) = cpu_units(cpu) else {
        return refuse(
            "Invalid 'cpu' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.",
        );
    };
    match memory_mib(memory) {
        Some(memory) if fargate_has(cpu, memory) => Ok(()),
        _ => refuse("No Fargate configuration exists for given values."),
    }
}

fn check_fargate_container(
    container: &ContainerSpec,
    execution_role: Option<&str>,
) -> Result<(), ApiError> {
    if execution_role.is_none() {
        if container.awslogs().is_some() {
            return Err(ApiError::client_exception(
                "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
            ));
        }
        if container.image.contains(".dkr.ecr.") {
            return Err(ApiError::client_exception(
                "Fargate requires task definition to have execution role ARN to support ECR images.",
            ));
        }
        if !container.secrets.is_empty() {
            return Err(ApiError::client_exception(
                "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
            ));
        }
    }
    if let Some(logs) = &container.log_configuration
        && logs.log_driver == "awslogs"
    {
        // On Fargate all three are needed (aws-facts 2); the wording is not verified.
        for option in ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"] {
            if logs.options.get(option).is_none_or(String::is_empty) {
                return Err(ApiError::client_exception(format!(
                    "Log driver awslogs requires options: {option}"
                )));
            }
        }
    }
    match container.stop_timeout {
        Some(seconds) if !(2..=120).contains(&seconds) => Err(ApiError::client_exception(
            "Invalid stopTimeout: on Fargate it must be between 2 and 120 seconds.",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize as _;
    use serde_json::{Value, json};

    fn fargate() -> Value {
        json!({
            "family": "migrate",
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "executionRoleArn": "arn:aws:iam::1:role/x",
            "containerDefinitions": [{
                "name": "runner",
                "image": "1.dkr.ecr.eu-west-1.amazonaws.com/app:v1",
                "secrets": [{"name": "PGPASSWORD", "valueFrom": "arn"}],
                "logConfiguration": {"logDriver": "awslogs", "options": {
                    "awslogs-group": "/g", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "m"
                }}
            }]
        })
    }

    fn refusal(pointer: &str, value: &Value) -> Option<String> {
        let mut definition = fargate();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        let object =
            definition.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.to_owned(), value.clone());
        }
        let spec = TaskSpec::deserialize(&definition).expect("a definition");
        check(&spec).err().map(|error| error.message)
    }

    #[test]
    fn refuses_in_the_words_of_aws() {
        let container = "/containerDefinitions/0";
        let table = [
            ("/family", json!("migrate"), None),
            ("/family", json!("mi grate"), Some("Family name")),
            ("/cpu", json!("512"), Some("No Fargate configuration exists for given values.")),
            ("/cpu", json!("lots"), Some("Invalid 'cpu' setting for task.")),
            (
                "/cpu",
                Value::Null,
                Some("Fargate requires that 'cpu' be defined at the task level."),
            ),
            ("/networkMode", json!("bridge"), Some("network mode")),
            ("/containerDefinitions", json!([]), Some("at least one container")),
            (
                "/executionRoleArn",
                Value::Null,
                Some(
                    "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
                ),
            ),
            (
                &format!("{container}/essential"),
                json!(false),
                Some("at least one essential container"),
            ),
            (&format!("{container}/stopTimeout"), json!(300), Some("stopTimeout")),
            (
                &format!("{container}/environment"),
                json!([{"name": "PGPASSWORD", "value": "x"}]),
                Some("such as 'PGPASSWORD'"),
            ),
            (
                &format!("{container}/logConfiguration/options"),
                json!({"awslogs-group": "/g", "awslogs-region": "r"}),
                Some("awslogs-stream-prefix"),
            ),
        ];
        for (pointer, value, expected) in table {
            let refused = refusal(pointer, &value);
            let matches = match (&refused, expected) {
                (None, None) => true,
                (Some(message), Some(text)) => message.contains(text),
                _ => false,
            };
            assert!(matches, "{pointer} = {value}: {refused:?}");
        }
    }
}
