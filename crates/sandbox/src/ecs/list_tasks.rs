//! Owns ListTasks: ARNs of a cluster's tasks, RUNNING ones unless asked otherwise.

use serde::Deserialize;
use serde_json::Value;

use super::clusters::cluster_of;
use super::describe_tasks::is_remembered;
use crate::core::Core;
use crate::identity::short_name;
use crate::task::Task;
use crate::wire::{ApiError, Fields, parse};

const MAXIMUM_RESULTS: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListTasks {
    cluster: Option<String>,
    family: Option<String>,
    service_name: Option<String>,
    container_instance: Option<String>,
    started_by: Option<String>,
    desired_status: Option<String>,
    launch_type: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(crate) fn list_tasks(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: ListTasks = parse(input)?;
    // `desiredStatus` beside `startedBy` is accepted (aws-facts 8.2); the wording here is not verified.
    let other_filter = input.family.is_some()
        || input.service_name.is_some()
        || input.container_instance.is_some();
    if input.started_by.is_some() && other_filter {
        return Err(ApiError::invalid_parameter(
            "startedBy must be the only filter when it is given.",
        ));
    }
    let state = core.state();
    let cluster = cluster_of(&state, input.cluster.as_deref())?;
    let mut tasks: Vec<&Task> = state
        .tasks
        .values()
        .filter(|task| task.identity.cluster == cluster)
        .filter(|task| is_remembered(core, task) && input.wants(task))
        .collect();
    tasks.sort_by_key(|task| task.details.ordinal);
    let from: usize = match &input.next_token {
        None => 0,
        Some(token) => token.parse().map_err(|_| ApiError::invalid_parameter("Invalid token"))?,
    };
    let size = input.max_results.unwrap_or(MAXIMUM_RESULTS).clamp(1, MAXIMUM_RESULTS);
    let arns: Vec<Value> =
        tasks.iter().skip(from).take(size).map(|task| task.identity.arn.clone().into()).collect();
    let next = from + size;
    Ok(Fields::default()
        .set("taskArns", arns)
        .maybe("nextToken", (next < tasks.len()).then(|| next.to_string()))
        .into())
}

impl ListTasks {
    fn wants(&self, task: &Task) -> bool {
        let desired = self.desired_status.as_deref().unwrap_or("RUNNING");
        // PENDING is a value of the parameter and never one of a task (aws-facts 0).
        desired == task.desired.name()
            && self.container_instance.is_none()
            && self.of_service(task)
            && matches(self.family.as_deref(), &task.details.family)
            && matches(self.launch_type.as_deref(), &task.request.launch_type)
            && self
                .started_by
                .as_deref()
                .is_none_or(|wanted| task.request.started_by.as_deref() == Some(wanted))
    }
}

impl ListTasks {
    fn of_service(&self, task: &Task) -> bool {
        self.service_name.as_deref().is_none_or(|name| {
            task.request.group.strip_prefix("service:") == Some(short_name(name))
        })
    }
}

fn matches(wanted: Option<&str>, value: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == value)
}
