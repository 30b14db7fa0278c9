//! Owns StopTask: says that a task shall stop; its containers learn it from its driver.

use serde::Deserialize;
use serde_json::{Value, json};

use super::clusters::cluster_of;
use super::describe_tasks::find;
use crate::core::Core;
use crate::identity::short_name;
use crate::task::{Stop, StopCode, Tags, view};
use crate::wire::{ApiError, parse};

#[derive(Deserialize)]
struct StopTask {
    cluster: Option<String>,
    task: String,
    reason: Option<String>,
}

/// Idempotent: a task that is stopping or stopped stays as it is.
pub(crate) fn stop_task(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: StopTask = parse(input)?;
    let now = core.clock.now();
    let mut state = core.state();
    let cluster = cluster_of(&state, input.cluster.as_deref())?;
    let id = short_name(&input.task);
    let known = find(core, &state, &cluster, id).is_some();
    let task = state
        .tasks
        .get_mut(id)
        .filter(|_| known)
        .ok_or_else(|| ApiError::invalid_parameter("The referenced task was not found."))?;
    let reason = input
        .reason
        .filter(|reason| !reason.is_empty())
        .unwrap_or_else(|| "Task stopped by user".to_owned());
    // The service model: stopping a task deletes its tags (aws-facts 0).
    task.request.tags = json!([]);
    task.begin_stop(Stop { code: StopCode::UserInitiated, reason: Some(reason) }, now);
    Ok(json!({"task": view(core, task, Tags::Shown)}))
}
