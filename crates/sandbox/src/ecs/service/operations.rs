//! Owns CreateService, UpdateService, DescribeServices, and services that are there from the start.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::configuration::ServiceInput;
use super::deploy::{NUMBERS, begin};
use super::drive::drive;
use super::record::{Deployment, Key, Rollout, Service};
use super::view::{seen, view};
use crate::core::{Core, State};
use crate::ecs::Revision;
use crate::ecs::clusters::cluster_of;
use crate::ecs::definitions::RevisionStatus;
use crate::identity::short_name;
use crate::wire::{ApiError, parse};

/// A service that is there from the start; its cluster and definition need not exist, and its tasks are
/// only counted.
pub(crate) fn add_service(core: &Core, input: &Value) {
    let Ok(input) = parse::<ServiceInput>(input) else {
        return;
    };
    let cluster = short_name(input.cluster.as_deref().unwrap_or("default")).to_owned();
    let mut service = empty(core, input, cluster);
    let now = core.clock.now();
    let number = core.random().u64(NUMBERS);
    let id = format!("ecs-svc/{number:019}");
    let path = format!("{}/{}", service.cluster, service.name());
    service.deployments.push(Deployment {
        reason: format!("ECS deployment {id} completed."),
        id,
        definition: service.input.task_definition.clone(),
        revision: None,
        revision_arn: core.identity.part_of_service(
            "service-revision",
            &path,
            &format!("{number:019}"),
        ),
        created_at: now,
        updated_at: now,
        rollout: Rollout::Completed,
        failed: 0,
        imagined: service.desired,
        tasks: Vec::new(),
        effects: Vec::new(),
        pause_until: now,
        stuck: false,
    });
    core.state().services.put(service);
}

fn empty(core: &Core, input: ServiceInput, cluster: String) -> Service {
    Service {
        arn: core.identity.service(&cluster, &input.service_name),
        cluster,
        status: input.status.clone().unwrap_or_else(|| "ACTIVE".to_owned()),
        desired: input.desired_count,
        input,
        created_at: core.clock.now(),
        deployments: Vec::new(),
        history: Vec::new(),
        events: VecDeque::new(),
        ordinal: 0,
        stale: None,
    }
}

fn active(state: &State, reference: &str) -> Result<Arc<Revision>, ApiError> {
    let revision = state.definitions.find(reference);
    let revision =
        revision.ok_or_else(|| ApiError::client_exception("TaskDefinition not found."))?;
    if revision.status == RevisionStatus::Inactive {
        // aws-facts 9, Q07.
        return Err(ApiError::client_exception("TaskDefinition is inactive"));
    }
    Ok(Arc::clone(revision))
}

pub(crate) fn create(core: &Arc<Core>, input: &Value) -> Result<Value, ApiError> {
    let input: ServiceInput = parse(input)?;
    let mut state = core.state();
    let cluster = cluster_of(&state, input.cluster.as_deref())?;
    let revision = active(&state, &input.task_definition)?;
    let key = (cluster.clone(), input.service_name.clone());
    if state.services.find(&key).is_some_and(|known| known.status == "ACTIVE") {
        // The wording is not verified.
        return Err(ApiError::invalid_parameter("Creation of service was not idempotent."));
    }
    let mut service = empty(core, input, cluster);
    begin(core, &state, &mut service, (&revision.arn.clone(), Some(revision)));
    let shown = view(core, &state, &service);
    state.services.put(service);
    drop(state);
    core.spawn(drive(Arc::clone(core), key));
    Ok(json!({"service": shown}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateService {
    cluster: Option<String>,
    service: String,
    task_definition: Option<String>,
    desired_count: Option<u32>,
    network_configuration: Option<Value>,
    deployment_configuration: Option<Value>,
    #[serde(default)]
    force_new_deployment: bool,
}

/// A deployment begins only where something changes that tasks are made of (aws-facts 4.1).
pub(crate) fn update(core: &Arc<Core>, input: &Value) -> Result<Value, ApiError> {
    let input: UpdateService = parse(input)?;
    let mut state = core.state();
    let cluster = cluster_of(&state, input.cluster.as_deref())?;
    let key: Key = (cluster, short_name(&input.service).to_owned());
    let known = state.services.find(&key);
    let known =
        known.ok_or_else(|| ApiError::client("ServiceNotFoundException", "Service not found."))?;
    if known.status != "ACTIVE" {
        return Err(ApiError::client("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    let wanted = input.task_definition.as_deref().map(|name| active(&state, name)).transpose()?;
    let current = known.deployments.first();
    let definition = match (&wanted, current) {
        (Some(revision), _) => revision.arn.clone(),
        (None, Some(primary)) => primary.definition.clone(),
        (None, None) => String::new(),
    };
    let other = current.is_none_or(|primary| primary.definition != definition);
    let driven = known.ordinal > 0;
    let begins = other || input.force_new_deployment || input.network_configuration.is_some();
    let Some(mut service) = state.services.take(&key) else {
        return Err(ApiError::client("ServiceNotFoundException", "Service not found."));
    };
    service.desired = input.desired_count.unwrap_or(service.desired);
    if input.network_configuration.is_some() {
        service.input.network_configuration = input.network_configuration;
    }
    if input.deployment_configuration.is_some() {
        service.input.deployment_configuration = input.deployment_configuration;
    }
    if begins {
        let revision = wanted.or_else(|| state.definitions.find(&definition).map(Arc::clone));
        begin(core, &state, &mut service, (&definition, revision));
    }
    let shown = view(core, &state, &service);
    state.services.put(service);
    drop(state);
    if begins && !driven {
        core.spawn(drive(Arc::clone(core), key));
    }
    Ok(json!({"service": shown}))
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
        match state.services.find(&(cluster.clone(), name.to_owned())) {
            Some(service) => services.push(seen(core, &state, service)),
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
