//! Owns a task as the ECS API shows it; what is not known yet is absent.

use serde_json::{Value, json};

use super::record::{Container, Status, Task};
use super::told::{ToldContainer, told, told_container};
use crate::core::Core;
use crate::wire::Fields;

/// Whether the caller asked for tags (`include: [TAGS]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tags {
    Shown,
    Hidden,
}

pub(crate) fn view(core: &Core, task: &Task, tags: Tags) -> Value {
    let identity = &task.identity;
    let times = &task.times;
    let request = &task.request;
    let now = core.clock.now();
    let end = told(task, core.faults.told_stop(&task.details), now);
    let ends: Vec<ToldContainer> = task
        .containers
        .iter()
        .map(|container| {
            let fault = core.faults.told_exit(&task.details, &container.name);
            told_container(container, fault, now)
        })
        .collect();
    let news = end.news + ends.iter().map(|end| end.news).sum::<u32>();
    let containers: Vec<Value> = task
        .containers
        .iter()
        .zip(ends)
        .map(|(container, end)| container_view(task, container, end))
        .collect();
    let connectivity = times.connectivity_at.map(|_| "CONNECTED");
    let shown_tags = match tags {
        Tags::Shown => request.tags.clone(),
        Tags::Hidden => json!([]),
    };
    Fields::default()
        .set("taskArn", identity.arn.clone())
        .set("clusterArn", core.identity.cluster(&identity.cluster))
        .set("taskDefinitionArn", task.revision.arn.clone())
        .set("availabilityZone", format!("{}a", core.identity.region))
        .set("attachments", attachments(task))
        .set("attributes", json!([{"name": "ecs.cpu-architecture", "value": "x86_64"}]))
        .set("containers", containers)
        .set("overrides", request.overrides.clone())
        .maybe("capacityProviderName", request.capacity_provider.clone())
        .set("launchType", request.launch_type.clone())
        .set("platformVersion", "1.4.0")
        .set("platformFamily", "Linux")
        .maybe("cpu", request.cpu.clone())
        .maybe("memory", request.memory.clone())
        .set("ephemeralStorage", json!({"sizeInGiB": 20}))
        .set("enableExecuteCommand", false)
        .set("group", request.group.clone())
        .maybe("startedBy", request.started_by.clone())
        .set("healthStatus", "UNKNOWN")
        .set("lastStatus", task.status.name())
        .set("desiredStatus", task.desired.name())
        .set("version", task.version + news)
        .maybe("connectivity", connectivity)
        .set("createdAt", times.created_at.seconds())
        .maybe("connectivityAt", times.connectivity_at.map(super::super::clock::Timestamp::seconds))
        .maybe("pullStartedAt", times.pull_started_at.map(super::super::clock::Timestamp::seconds))
        .maybe("pullStoppedAt", times.pull_stopped_at.map(super::super::clock::Timestamp::seconds))
        .maybe("startedAt", times.started_at.map(super::super::clock::Timestamp::seconds))
        .maybe("stoppingAt", times.stopping_at.map(super::super::clock::Timestamp::seconds))
        .maybe(
            "executionStoppedAt",
            times.execution_stopped_at.map(super::super::clock::Timestamp::seconds),
        )
        .maybe("stoppedAt", times.stopped_at.map(super::super::clock::Timestamp::seconds))
        .maybe("stopCode", end.stop_code)
        .maybe("stoppedReason", end.stopped_reason)
        .set("tags", shown_tags)
        .into()
}

fn container_view(task: &Task, container: &Container, end: ToldContainer) -> Value {
    let interfaces = if attached(task) {
        json!([{
            "attachmentId": task.identity.attachment_id,
            "privateIpv4Address": PRIVATE_ADDRESS,
        }])
    } else {
        json!([])
    };
    Fields::default()
        .set("containerArn", container.arn.clone())
        .set("taskArn", task.identity.arn.clone())
        .set("name", container.name.clone())
        .set("image", container.image.clone())
        .maybe("imageDigest", container.image_digest.clone())
        .maybe("runtimeId", container.started_at.map(|_| container.runtime_id.clone()))
        .set("lastStatus", container.status_name())
        .maybe("exitCode", end.exit_code)
        .maybe("reason", end.reason)
        .set("networkInterfaces", interfaces)
        .set("healthStatus", "UNKNOWN")
        .set("managedAgents", json!([]))
        .set("cpu", "0")
        .into()
}

/// The one address every task has: nothing connects to it.
const PRIVATE_ADDRESS: &str = "10.0.1.23";

fn attached(task: &Task) -> bool {
    task.request.subnet.is_some()
        && task.times.connectivity_at.is_some()
        && task.status != Status::Stopped
}

fn attachments(task: &Task) -> Value {
    let Some(subnet) = &task.request.subnet else {
        return json!([]);
    };
    let status = match (task.status, task.times.connectivity_at) {
        (Status::Provisioning, _) => "PRECREATED",
        (Status::Pending | Status::Running, _) => "ATTACHED",
        (Status::Deprovisioning, Some(_)) => "DETACHING",
        (Status::Deprovisioning | Status::Stopped, _) => "DELETED",
    };
    let mut details = vec![json!({"name": "subnetId", "value": subnet})];
    if task.times.connectivity_at.is_some() {
        let interface = format!("eni-{:.17}", task.identity.attachment_id.replace('-', ""));
        details.push(json!({"name": "networkInterfaceId", "value": interface}));
        details.push(json!({"name": "privateIPv4Address", "value": PRIVATE_ADDRESS}));
    }
    json!([{
        "id": task.identity.attachment_id,
        "type": "ElasticNetworkInterface",
        "status": status,
        "details": details,
    }])
}
