//! Owns RunTask: one request, so many new tasks, each driven from here on by itself.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::check_run::check;
use super::client_tokens::TokenAnswer;
use super::clusters::cluster_of;
use super::definitions::Revision;
use crate::core::{Core, State};
use crate::credentials::TaskCredentials;
use crate::faults::TaskDetails;
use crate::task::{Container, NewTask, RunRequest, Tags, Task, TaskIdentity, drive, view};
use crate::wire::{ApiError, parse};

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunTask {
    pub(crate) cluster: Option<String>,
    pub(crate) task_definition: String,
    #[serde(default = "one")]
    pub(crate) count: usize,
    pub(crate) launch_type: Option<String>,
    #[serde(default)]
    pub(crate) capacity_provider_strategy: Vec<CapacityProvider>,
    pub(crate) network_configuration: Option<NetworkConfiguration>,
    pub(crate) overrides: Option<Value>,
    pub(crate) started_by: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) tags: Option<Value>,
    pub(crate) client_token: Option<String>,
    pub(crate) propagate_tags: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CapacityProvider {
    capacity_provider: String,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NetworkConfiguration {
    awsvpc_configuration: Option<AwsVpc>,
}

#[derive(Clone, Deserialize)]
pub(crate) struct AwsVpc {
    #[serde(default)]
    pub(crate) subnets: Vec<String>,
}

fn one() -> usize {
    1
}

impl RunTask {
    pub(crate) fn network(&self) -> Option<&AwsVpc> {
        self.network_configuration.as_ref()?.awsvpc_configuration.as_ref()
    }
}

pub(crate) fn run_task(core: &Arc<Core>, input: &Value) -> Result<Value, ApiError> {
    let request: RunTask = parse(input)?;
    let mut state = core.state();
    let cluster = cluster_of(&state, request.cluster.as_deref())?;
    let revision = state
        .definitions
        .find(&request.task_definition)
        .map(Arc::clone)
        .ok_or_else(|| ApiError::client_exception("TaskDefinition not found."))?;
    let token = request.client_token.clone().unwrap_or_default();
    let fingerprint = without_token(input);
    if !token.is_empty() {
        let now = core.clock.now();
        match state.client_tokens.look_up((&cluster, &token), &fingerprint, now) {
            TokenAnswer::New => {}
            TokenAnswer::Same(ids) => return Ok(answer(core, &state, &ids)),
            TokenAnswer::Conflict(ids) => return Err(conflict(core, &cluster, &ids)),
        }
    }
    check(&request, &revision)?;
    let ids: Vec<String> = (0..request.count)
        .map(|_| start(core, &mut state, &request, (&cluster, &revision)))
        .collect();
    if !token.is_empty() {
        let started = (core.clock.now(), ids.clone());
        let key = (cluster.as_str(), token.as_str());
        state.client_tokens.remember(key, fingerprint, started);
    }
    let answer = answer(core, &state, &ids);
    drop(state);
    for id in ids {
        core.spawn(drive(Arc::clone(core), id));
    }
    Ok(answer)
}

fn without_token(input: &Value) -> Value {
    let mut request = input.clone();
    if let Some(members) = request.as_object_mut() {
        members.remove("clientToken");
    }
    request
}

fn answer(core: &Core, state: &State, ids: &[String]) -> Value {
    let tasks: Vec<Value> = ids
        .iter()
        .filter_map(|id| state.tasks.get(id))
        .map(|task| view(core, task, Tags::Shown))
        .collect();
    json!({"tasks": tasks, "failures": []})
}

fn conflict(core: &Core, cluster: &str, ids: &[String]) -> ApiError {
    let mut error = ApiError::client("ConflictException", "The clientToken is already in use");
    error.resource_ids = ids.iter().map(|id| core.identity.task(cluster, id)).collect();
    error
}

pub(crate) fn start(
    core: &Core,
    state: &mut State,
    request: &RunTask,
    (cluster, revision): (&str, &Arc<Revision>),
) -> String {
    let id = core.random_id();
    state.tasks_started += 1;
    let task = Task::new(NewTask {
        identity: TaskIdentity {
            arn: core.identity.task(cluster, &id),
            cluster: cluster.to_owned(),
            attachment_id: core.random_id(),
        },
        details: TaskDetails { family: revision.spec.family.clone(), ordinal: state.tasks_started },
        containers: containers(core, (cluster, &id), revision),
        credentials: credentials(core, request, revision),
        request: run_request(request, revision),
        revision: Arc::clone(revision),
        created_at: core.clock.now(),
    });
    state.tasks.insert(id.clone(), task);
    id
}

fn containers(core: &Core, (cluster, task): (&str, &str), revision: &Revision) -> Vec<Container> {
    let specs = revision.spec.container_definitions.iter();
    specs
        .enumerate()
        .map(|(index, spec)| Container {
            arn: core.identity.container(cluster, task, &core.random_id()),
            name: spec.name.clone(),
            image: spec.image.clone(),
            essential: spec.is_essential(),
            runtime_id: format!("{task}-{index:010}"),
            image_digest: None,
            log_stream: None,
            started_at: None,
            ended_at: None,
            exit_code: None,
            reason: None,
        })
        .collect()
}

fn credentials(core: &Core, request: &RunTask, revision: &Revision) -> Option<TaskCredentials> {
    let overridden = override_text(request, "taskRoleArn");
    let role_arn = overridden.or_else(|| revision.spec.task_role_arn.clone())?;
    Some(TaskCredentials { id: core.random_id(), token: core.random_id(), role_arn })
}

fn run_request(request: &RunTask, revision: &Revision) -> RunRequest {
    let definition = |name: &str| {
        let value = revision.echo.get(name)?.as_str()?;
        Some(value.to_owned())
    };
    let no_overrides = || json!({"containerOverrides": [], "inferenceAcceleratorOverrides": []});
    RunRequest {
        started_by: request.started_by.clone(),
        group: request.group.clone().unwrap_or_else(|| format!("family:{}", revision.spec.family)),
        overrides: completed_overrides(request.overrides.clone().unwrap_or_else(no_overrides)),
        tags: request.tags.clone().unwrap_or_else(|| json!([])),
        launch_type: "FARGATE".to_owned(),
        capacity_provider: request
            .capacity_provider_strategy
            .first()
            .map(|provider| provider.capacity_provider.clone()),
        subnet: request.network().and_then(|network| network.subnets.first().cloned()),
        cpu: override_text(request, "cpu").or_else(|| definition("cpu")),
        memory: override_text(request, "memory").or_else(|| definition("memory")),
    }
}

fn override_text(request: &RunTask, name: &str) -> Option<String> {
    let text = request.overrides.as_ref()?.get(name)?.as_str()?;
    Some(text.to_owned())
}

fn completed_overrides(mut overrides: Value) -> Value {
    if let Some(members) = overrides.as_object_mut() {
        complete(members);
    }
    overrides
}

fn complete(overrides: &mut Map<String, Value>) {
    for name in ["containerOverrides", "inferenceAcceleratorOverrides"] {
        overrides.entry(name).or_insert_with(|| json!([]));
    }
}
