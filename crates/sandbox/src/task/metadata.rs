//! Owns the task metadata endpoint, version 4, as far as a migration looks at it.

use serde_json::{Value, json};

use super::record::{Container, Task};
use crate::core::{Core, State};
use crate::wire::Fields;

/// `GET ${ECS_CONTAINER_METADATA_URI_V4}`.
pub(crate) fn container_metadata(core: &Core, runtime_id: &str) -> Option<Value> {
    let state = core.state();
    let (task, container) = find(&state, runtime_id)?;
    Some(container_document(task, container))
}

/// `GET ${ECS_CONTAINER_METADATA_URI_V4}/task`.
pub(crate) fn task_metadata(core: &Core, runtime_id: &str) -> Option<Value> {
    let state = core.state();
    let (task, _) = find(&state, runtime_id)?;
    let containers: Vec<Value> =
        task.containers.iter().map(|container| container_document(task, container)).collect();
    let number = |text: &Option<String>, divisor: f64| {
        text.as_ref().and_then(|text| text.parse::<f64>().ok()).map(|number| number / divisor)
    };
    let limits = Fields::default()
        .maybe("CPU", number(&task.request.cpu, 1024.0))
        .maybe("Memory", number(&task.request.memory, 1.0));
    let times = &task.times;
    let document = Fields::default()
        .set("Cluster", core.identity.cluster(&task.identity.cluster))
        .set("TaskARN", task.identity.arn.clone())
        .set("Family", task.details.family.clone())
        .set("Revision", task.revision.number.to_string())
        .set("DesiredStatus", task.desired.name())
        .set("KnownStatus", task.status.name())
        .set("Limits", limits)
        .maybe("PullStartedAt", times.pull_started_at.map(super::super::clock::Timestamp::rfc3339))
        .maybe("PullStoppedAt", times.pull_stopped_at.map(super::super::clock::Timestamp::rfc3339))
        .set("AvailabilityZone", format!("{}a", core.identity.region))
        .set("LaunchType", task.request.launch_type.clone())
        .set("Containers", containers);
    Some(document.into())
}

fn find<'state>(
    state: &'state State,
    runtime_id: &str,
) -> Option<(&'state Task, &'state Container)> {
    state.tasks.values().find_map(|task| {
        let mut containers = task.containers.iter();
        let container = containers.find(|container| container.runtime_id == runtime_id)?;
        Some((task, container))
    })
}

fn container_document(task: &Task, container: &Container) -> Value {
    let spec = &task.revision.spec;
    let mut specs = spec.container_definitions.iter();
    let logs =
        specs.find(|spec| spec.name == container.name).and_then(crate::ecs::ContainerSpec::awslogs);
    let log_options = logs.map(|logs| {
        json!({
            "awslogs-group": logs.group,
            "awslogs-region": logs.region,
            "awslogs-stream": container.log_stream,
        })
    });
    Fields::default()
        .set("DockerId", container.runtime_id.clone())
        .set("Name", container.name.clone())
        .set("DockerName", container.name.clone())
        .set("Image", container.image.clone())
        .maybe("ImageID", container.image_digest.clone())
        .set("DesiredStatus", task.desired.name())
        .set("KnownStatus", container.status_name())
        .set("Limits", json!({"CPU": 0}))
        .maybe("CreatedAt", container.started_at.map(super::super::clock::Timestamp::rfc3339))
        .maybe("StartedAt", container.started_at.map(super::super::clock::Timestamp::rfc3339))
        .maybe("FinishedAt", container.ended_at.map(super::super::clock::Timestamp::rfc3339))
        .maybe("ExitCode", container.exit_code)
        .set("Type", "NORMAL")
        .set("ContainerARN", container.arn.clone())
        .maybe("LogDriver", log_options.as_ref().map(|_| "awslogs"))
        .maybe("LogOptions", log_options)
        .into()
}
