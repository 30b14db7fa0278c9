//! Owns DescribeTasks: looks, and never moves a task on.

use serde::Deserialize;
use serde_json::{Value, json};

use super::clusters::cluster_of;
use crate::core::{Core, State};
use crate::identity::short_name;
use crate::task::{Tags, Task, view};
use crate::wire::{ApiError, parse};

const MAXIMUM_TASKS: usize = 100;

#[derive(Deserialize)]
struct DescribeTasks {
    cluster: Option<String>,
    tasks: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
}

pub(crate) fn describe_tasks(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input = read(input)?;
    let tags =
        if input.include.iter().any(|name| name == "TAGS") { Tags::Shown } else { Tags::Hidden };
    let state = core.state();
    let cluster = cluster_of(&state, input.cluster.as_deref())?;
    let mut tasks = Vec::new();
    let mut failures = Vec::new();
    for id in input.tasks.iter().map(|task| short_name(task)) {
        match find(core, &state, &cluster, id) {
            Some(task) => tasks.push(view(core, task, tags)),
            None => failures.push(missing(core, &cluster, id)),
        }
    }
    Ok(json!({"tasks": tasks, "failures": failures}))
}

/// A fault: none of the tasks asked for is there yet, or any more.
pub(crate) fn all_missing(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input = read(input)?;
    let cluster = cluster_of(&core.state(), input.cluster.as_deref())?;
    let ids = input.tasks.iter().map(|task| short_name(task));
    let failures: Vec<Value> = ids.map(|id| missing(core, &cluster, id)).collect();
    Ok(json!({"tasks": [], "failures": failures}))
}

/// A task of this cluster that ECS has not forgotten yet.
pub(crate) fn find<'state>(
    core: &Core,
    state: &'state State,
    cluster: &str,
    id: &str,
) -> Option<&'state Task> {
    let task = state.tasks.get(id)?;
    (task.identity.cluster == cluster && is_remembered(core, task)).then_some(task)
}

pub(crate) fn is_remembered(core: &Core, task: &Task) -> bool {
    let now = core.clock.now();
    let forgotten = task
        .times
        .stopped_at
        .is_some_and(|stopped_at| now.since(stopped_at) >= core.config.dwell.retention);
    !forgotten && !core.faults.hides(&task.details, now.since(task.times.created_at))
}

fn read(input: &Value) -> Result<DescribeTasks, ApiError> {
    let input: DescribeTasks = parse(input)?;
    if input.tasks.is_empty() {
        return Err(ApiError::invalid_parameter("Tasks cannot be empty."));
    }
    if input.tasks.len() > MAXIMUM_TASKS {
        return Err(ApiError::invalid_parameter(format!(
            "Tasks cannot have more than {MAXIMUM_TASKS} elements."
        )));
    }
    for task in &input.tasks {
        let id = short_name(task);
        if ![32, 36].contains(&id.len()) {
            return Err(ApiError::invalid_parameter("taskId length should be one of [32,36]"));
        }
    }
    Ok(input)
}

fn missing(core: &Core, cluster: &str, id: &str) -> Value {
    json!({"arn": core.identity.task(cluster, id), "reason": "MISSING"})
}
