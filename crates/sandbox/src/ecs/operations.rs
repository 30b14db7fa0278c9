//! Owns which operation is answered where.

use std::sync::Arc;

use serde_json::Value;

use super::{clusters, describe_tasks, list_tasks, run_task, service, stop_task, task_definitions};
use crate::core::Core;
use crate::wire::ApiError;

pub(crate) fn answer(
    core: &Arc<Core>,
    operation: &str,
    input: &Value,
) -> Option<Result<Value, ApiError>> {
    match operation {
        "RunTask" => Some(run_task::run_task(core, input)),
        "DescribeTasks" => Some(describe_tasks::describe_tasks(core, input)),
        "ListTasks" => Some(list_tasks::list_tasks(core, input)),
        "StopTask" => Some(stop_task::stop_task(core, input)),
        "RegisterTaskDefinition" => Some(task_definitions::register(core, input)),
        "DeregisterTaskDefinition" => Some(task_definitions::deregister(core, input)),
        "DescribeTaskDefinition" => Some(task_definitions::describe(core, input)),
        "CreateService" => Some(service::create(core, input)),
        "UpdateService" => Some(service::update(core, input)),
        "DescribeServices" => Some(service::describe(core, input)),
        "ListServiceDeployments" => Some(service::list_deployments(core, input)),
        "DescribeServiceDeployments" => Some(service::describe_deployments(core, input)),
        "DescribeServiceRevisions" => Some(service::describe_revisions(core, input)),
        "StopServiceDeployment" => Some(service::stop(core, input)),
        "DescribeClusters" => Some(clusters::describe(core, input)),
        _ => None,
    }
}
