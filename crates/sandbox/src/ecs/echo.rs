//! Owns what RegisterTaskDefinition adds to what it was given: defaults, and fields only answers have. Pure.

use serde_json::{Map, Value, json};

use super::sizes::{cpu_units, fargate_has, memory_mib};
use super::spec::TaskSpec;
use crate::clock::Timestamp;

/// What only the service knows of a revision.
#[derive(Debug)]
pub(crate) struct Registration<'identity> {
    pub(crate) arn: &'identity str,
    pub(crate) number: usize,
    pub(crate) registered_at: Timestamp,
    pub(crate) registered_by: &'identity str,
}

pub(crate) fn echo(
    input: &Value,
    spec: &TaskSpec,
    registration: &Registration<'_>,
) -> Map<String, Value> {
    let mut echo = input.as_object().cloned().unwrap_or_default();
    // Tags are a sibling of the definition in every answer (aws-facts 2).
    echo.remove("tags");
    for (name, size) in [
        ("cpu", spec.cpu.as_deref().and_then(cpu_units)),
        ("memory", spec.memory.as_deref().and_then(memory_mib)),
    ] {
        if let Some(size) = size {
            echo.insert(name.to_owned(), size.to_string().into());
        }
    }
    let awsvpc = spec.network_mode.as_deref() == Some("awsvpc");
    if let Some(Value::Array(containers)) = echo.get_mut("containerDefinitions") {
        for container in containers.iter_mut().filter_map(Value::as_object_mut) {
            complete_container(container, awsvpc.then_some(Network::AwsVpc));
        }
    }
    for name in ["volumes", "placementConstraints"] {
        echo.entry(name).or_insert_with(|| json!([]));
    }
    for (name, value) in [
        ("taskDefinitionArn", json!(registration.arn)),
        ("revision", json!(registration.number)),
        ("status", json!("ACTIVE")),
        ("requiresAttributes", requires_attributes(spec)),
        ("compatibilities", json!(compatibilities(spec))),
        ("registeredAt", registration.registered_at.seconds()),
        ("registeredBy", json!(registration.registered_by)),
    ] {
        echo.insert(name.to_owned(), value);
    }
    echo
}

/// Where a revision can run; Fargate only when it has all that Fargate needs.
pub(crate) fn compatibilities(spec: &TaskSpec) -> Vec<&'static str> {
    let size =
        spec.cpu.as_deref().and_then(cpu_units).zip(spec.memory.as_deref().and_then(memory_mib));
    let fargate = spec.network_mode.as_deref() == Some("awsvpc")
        && size.is_some_and(|(cpu, memory)| fargate_has(cpu, memory));
    if fargate { vec!["EC2", "FARGATE"] } else { vec!["EC2"] }
}

#[derive(Clone, Copy)]
enum Network {
    AwsVpc,
}

fn complete_container(container: &mut Map<String, Value>, network: Option<Network>) {
    for name in ["environment", "mountPoints", "volumesFrom", "portMappings", "systemControls"] {
        container.entry(name).or_insert_with(|| json!([]));
    }
    container.entry("cpu").or_insert(json!(0));
    container.entry("essential").or_insert(json!(true));
    if let Some(Value::Array(mappings)) = container.get_mut("portMappings") {
        for mapping in mappings.iter_mut().filter_map(Value::as_object_mut) {
            let port = mapping.get("containerPort").cloned();
            if let (Some(port), Some(Network::AwsVpc)) = (port, network) {
                mapping.entry("hostPort").or_insert(port);
            }
            mapping.entry("protocol").or_insert(json!("tcp"));
        }
    }
    if let Some(Value::Object(logs)) = container.get_mut("logConfiguration") {
        logs.entry("secretOptions").or_insert_with(|| json!([]));
    }
}

/// A few of the attributes ECS lists: nobody decides by them, but answers have them.
fn requires_attributes(spec: &TaskSpec) -> Value {
    let mut names = vec!["com.amazonaws.ecs.capability.docker-remote-api.1.19"];
    if spec.container_definitions.iter().any(|container| container.awslogs().is_some()) {
        names.push("com.amazonaws.ecs.capability.logging-driver.awslogs");
        names.push("ecs.capability.execution-role-awslogs");
    }
    if spec.task_role_arn.is_some() {
        names.push("com.amazonaws.ecs.capability.task-iam-role");
    }
    if spec.network_mode.as_deref() == Some("awsvpc") {
        names.push("ecs.capability.task-eni");
    }
    names.into_iter().map(|name| json!({"name": name})).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize as _;

    #[test]
    fn defaults_are_injected_and_nothing_is_lost() {
        let input = json!({
            "family": "migrate",
            "networkMode": "awsvpc",
            "cpu": "0.25 vCPU",
            "memory": "512",
            "tags": [{"key": "a", "value": "b"}],
            "containerDefinitions": [{
                "name": "runner",
                "image": "app:v1",
                "readonlyRootFilesystem": true,
                "environment": [{"name": "EMPTY", "value": ""}],
                "portMappings": [{"containerPort": 80}],
                "logConfiguration": {"logDriver": "awslogs", "options": {"mode": "blocking"}}
            }]
        });
        let spec = TaskSpec::deserialize(&input).expect("valid definition");
        let registration = Registration {
            arn: "arn:x:task-definition/migrate:3",
            number: 3,
            registered_at: Timestamp::from_millis(1_500),
            registered_by: "arn:x:user/me",
        };
        let echo = Value::Object(echo(&input, &spec, &registration));
        let expected = json!({
            "family": "migrate",
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [{
                "name": "runner",
                "image": "app:v1",
                "readonlyRootFilesystem": true,
                "environment": [{"name": "EMPTY", "value": ""}],
                "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
                "logConfiguration": {"logDriver": "awslogs", "options": {"mode": "blocking"}, "secretOptions": []},
                "cpu": 0,
                "essential": true,
                "mountPoints": [],
                "volumesFrom": [],
                "systemControls": []
            }],
            "volumes": [],
            "placementConstraints": [],
            "taskDefinitionArn": "arn:x:task-definition/migrate:3",
            "revision": 3,
            "status": "ACTIVE",
            "requiresAttributes": [
                {"name": "com.amazonaws.ecs.capability.docker-remote-api.1.19"},
                {"name": "com.amazonaws.ecs.capability.logging-driver.awslogs"},
                {"name": "ecs.capability.execution-role-awslogs"},
                {"name": "ecs.capability.task-eni"}
            ],
            "compatibilities": ["EC2", "FARGATE"],
            "registeredAt": 1.5,
            "registeredBy": "arn:x:user/me"
        });
        assert_eq!(echo, expected);
    }
}
