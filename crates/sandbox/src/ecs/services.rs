//! Owns services: static ones, enough to read a service's network from.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::clusters::cluster_of;
use crate::core::Core;
use crate::identity::short_name;
use crate::wire::{ApiError, Fields, parse};

/// By cluster and name.
#[derive(Debug, Default)]
pub(crate) struct Services(BTreeMap<(String, String), Value>);

impl Services {
    pub(crate) fn count(&self, cluster: &str) -> usize {
        self.0.keys().filter(|(of, _)| of == cluster).count()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateService {
    cluster: Option<String>,
    service_name: String,
    #[serde(default)]
    task_definition: String,
    #[serde(default = "one")]
    desired_count: u32,
    launch_type: Option<String>,
    network_configuration: Option<Value>,
    deployment_configuration: Option<Value>,
}

fn one() -> u32 {
    1
}

/// A service that is there from the start; its cluster and definition need not exist.
pub(crate) fn add_service(core: &Core, input: &Value) {
    if let Ok(input) = parse::<CreateService>(input) {
        let cluster = short_name(input.cluster.as_deref().unwrap_or("default")).to_owned();
        let definition = input.task_definition.clone();
        insert(core, input, cluster, &definition);
    }
}

pub(crate) fn create(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: CreateService = parse(input)?;
    let (cluster, definition) = {
        let state = core.state();
        let cluster = cluster_of(&state, input.cluster.as_deref())?;
        let revision = state.definitions.find(&input.task_definition);
        let revision =
            revision.ok_or_else(|| ApiError::client_exception("TaskDefinition not found."))?;
        (cluster, revision.arn.clone())
    };
    let service = insert(core, input, cluster, &definition);
    Ok(json!({"service": service}))
}

fn insert(core: &Core, input: CreateService, cluster: String, definition: &str) -> Value {
    let now = core.clock.now().seconds();
    let id = core.random().u64(..);
    let count = input.desired_count;
    let launch_type = input.launch_type.unwrap_or_else(|| "FARGATE".to_owned());
    let deployment: Value = Fields::default()
        .set("id", format!("ecs-svc/{id:019}"))
        .set("status", "PRIMARY")
        .set("taskDefinition", definition)
        .set("desiredCount", count)
        .set("pendingCount", 0)
        .set("runningCount", count)
        .set("failedTasks", 0)
        .set("createdAt", now.clone())
        .set("updatedAt", now.clone())
        .set("launchType", launch_type.clone())
        .set("platformVersion", "1.4.0")
        .maybe("networkConfiguration", input.network_configuration.clone())
        .set("rolloutState", "COMPLETED")
        .set("rolloutStateReason", format!("ECS deployment ecs-svc/{id:019} completed."))
        .into();
    let service: Value = Fields::default()
        .set("serviceArn", core.identity.service(&cluster, &input.service_name))
        .set("serviceName", input.service_name.clone())
        .set("clusterArn", core.identity.cluster(&cluster))
        .set("status", "ACTIVE")
        .set("desiredCount", count)
        .set("runningCount", count)
        .set("pendingCount", 0)
        .set("launchType", launch_type)
        .set("platformVersion", "LATEST")
        .set("taskDefinition", definition)
        .set("deployments", json!([deployment]))
        .set("events", json!([]))
        .set("loadBalancers", json!([]))
        .set("createdAt", now)
        .maybe("networkConfiguration", input.network_configuration)
        .maybe("deploymentConfiguration", input.deployment_configuration)
        .set("schedulingStrategy", "REPLICA")
        .set("enableECSManagedTags", false)
        .set("propagateTags", "NONE")
        .into();
    let key = (cluster, input.service_name);
    core.state().services.0.insert(key, service.clone());
    service
}

#[derive(Deserialize)]
struct DescribeServices {
    cluster: Option<String>,
    services: Vec<String>,
}

pub(crate) fn describe(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: DescribeServices = parse(input)?;
    let state = core.state();
    let cluster = cluster_of(&state, input.cluster.as_deref())?;
    let mut services = Vec::new();
    let mut failures = Vec::new();
    for name in input.services.iter().map(|name| short_name(name)) {
        match state.services.0.get(&(cluster.clone(), name.to_owned())) {
            Some(service) => services.push(service.clone()),
            None => failures.push(missing(core, &cluster, name)),
        }
    }
    Ok(json!({"services": services, "failures": failures}))
}

/// A fault: none of the services asked for is there.
pub(crate) fn all_missing(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: DescribeServices = parse(input)?;
    let cluster = cluster_of(&core.state(), input.cluster.as_deref())?;
    let names = input.services.iter().map(|name| short_name(name));
    let failures: Vec<Value> = names.map(|name| missing(core, &cluster, name)).collect();
    Ok(json!({"services": [], "failures": failures}))
}

fn missing(core: &Core, cluster: &str, name: &str) -> Value {
    json!({"arn": core.identity.service(cluster, name), "reason": "MISSING"})
}
