//! Owns a service as DescribeServices shows it.

use serde_json::{Value, json};

use super::record::{Deployment, Service};
use super::schedule::counts;
use crate::core::{Core, State};
use crate::wire::Fields;

/// As readers see it, who may be behind.
pub(super) fn seen(core: &Core, state: &State, service: &Service) -> Value {
    match &service.stale {
        Some((until, before)) if core.clock.now() < *until => before.clone(),
        Some(_) | None => view(core, state, service),
    }
}

pub(super) fn view(core: &Core, state: &State, service: &Service) -> Value {
    let all: Vec<_> =
        (0..service.deployments.len()).map(|index| counts(state, service, (core, index))).collect();
    let sum = |part: fn(&super::schedule::Counts) -> u32| all.iter().map(part).sum::<u32>();
    let running = sum(|counts| counts.running);
    let deployments: Vec<Value> = service
        .deployments
        .iter()
        .enumerate()
        .map(|(index, deployment)| deployment_view(service, (index, deployment), all[index]))
        .collect();
    let revisions: Vec<Value> = service
        .deployments
        .iter()
        .zip(&all)
        .map(|(deployment, counts)| {
            json!({
                "arn": deployment.revision_arn,
                "requestedTaskCount": counts.live,
                "runningTaskCount": counts.running,
                "pendingTaskCount": counts.live - counts.running,
            })
        })
        .collect();
    let primary = service.deployments.first();
    let launch_type = service.input.launch_type.clone().unwrap_or_else(|| "FARGATE".to_owned());
    let current =
        service.history.iter().rfind(|told| primary.is_some_and(|primary| primary.id == told.of));
    Fields::default()
        .set("serviceArn", service.arn.clone())
        .set("serviceName", service.name())
        .set("clusterArn", core.identity.cluster(&service.cluster))
        .set("status", service.status.clone())
        .set("desiredCount", service.desired)
        .set("runningCount", running)
        .set("pendingCount", sum(|counts| counts.live) - running)
        .set("launchType", launch_type)
        .set("platformVersion", "LATEST")
        .maybe("taskDefinition", primary.map(|primary| primary.definition.clone()))
        .set("deployments", deployments)
        .set("events", service.events.iter().cloned().collect::<Vec<_>>())
        .set("loadBalancers", service.input.load_balancers.clone().unwrap_or_else(|| json!([])))
        .set("createdAt", service.created_at.seconds())
        .maybe("networkConfiguration", service.input.network_configuration.clone())
        .set("deploymentConfiguration", service.input.shown_configuration())
        .set(
            "deploymentController",
            service.input.deployment_controller.clone().unwrap_or_else(|| json!({"type": "ECS"})),
        )
        .set("currentServiceRevisions", revisions)
        .maybe("currentServiceDeployment", current.map(|told| told.arn.clone()))
        .set("schedulingStrategy", "REPLICA")
        .set("enableECSManagedTags", false)
        .set("propagateTags", "NONE")
        .into()
}

fn deployment_view(
    service: &Service,
    (index, deployment): (usize, &Deployment),
    counts: super::schedule::Counts,
) -> Value {
    let desired = if index == 0 { service.desired } else { 0 };
    let launch_type = service.input.launch_type.clone().unwrap_or_else(|| "FARGATE".to_owned());
    Fields::default()
        .set("id", deployment.id.clone())
        .set("status", if index == 0 { "PRIMARY" } else { "ACTIVE" })
        .set("taskDefinition", deployment.definition.clone())
        .set("desiredCount", desired)
        .set("pendingCount", counts.live - counts.running)
        .set("runningCount", counts.running)
        .set("failedTasks", deployment.failed)
        .set("createdAt", deployment.created_at.seconds())
        .set("updatedAt", deployment.updated_at.seconds())
        .set("launchType", launch_type)
        .set("platformVersion", "1.4.0")
        .maybe("networkConfiguration", service.input.network_configuration.clone())
        .set("rolloutState", deployment.rollout.name())
        .set("rolloutStateReason", deployment.reason.clone())
        .into()
}
