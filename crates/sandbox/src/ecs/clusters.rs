//! Owns the API of clusters, and which cluster a call means.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::core::{Core, State};
use crate::identity::short_name;
use crate::task::Status;
use crate::wire::{ApiError, parse};

/// The cluster a call names, `default` when it names none.
pub(crate) fn cluster_of(state: &State, name_or_arn: Option<&str>) -> Result<String, ApiError> {
    let name = short_name(name_or_arn.unwrap_or("default"));
    if state.clusters.contains(name) {
        Ok(name.to_owned())
    } else {
        Err(ApiError::client("ClusterNotFoundException", "Cluster not found."))
    }
}

#[derive(Deserialize)]
struct DescribeClusters {
    clusters: Option<Vec<String>>,
}

pub(crate) fn describe(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: DescribeClusters = parse(input)?;
    let wanted = input.clusters.unwrap_or_else(|| vec!["default".to_owned()]);
    let state = core.state();
    let (found, missing): (Vec<&str>, Vec<&str>) =
        wanted.iter().map(|name| short_name(name)).partition(|name| state.clusters.contains(*name));
    let clusters: Vec<Value> = found.into_iter().map(|name| view(core, &state, name)).collect();
    let failures: Vec<Value> = missing
        .into_iter()
        .map(|name| json!({"arn": core.identity.cluster(name), "reason": "MISSING"}))
        .collect();
    Ok(json!({"clusters": clusters, "failures": failures}))
}

fn view(core: &Core, state: &State, name: &str) -> Value {
    let count = |statuses: &[Status]| {
        let tasks = state.tasks.values();
        tasks
            .filter(|task| task.identity.cluster == name && statuses.contains(&task.status))
            .count()
    };
    json!({
        "clusterArn": core.identity.cluster(name),
        "clusterName": name,
        "status": "ACTIVE",
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": count(&[Status::Running]),
        "pendingTasksCount": count(&[Status::Provisioning, Status::Pending]),
        "activeServicesCount": state.services.count(name),
        "statistics": [],
        "tags": [],
        "settings": [],
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [],
    })
}
