//! ECS: clusters, task definitions, tasks and services, as its API shows them.

mod check_definition;
mod check_run;
mod client_tokens;
mod clusters;
mod definitions;
mod describe_tasks;
mod echo;
mod list_tasks;
mod not_yet;
mod operations;
mod reference;
mod run_task;
mod service;
mod sizes;
mod spec;
mod stop_task;
mod task_definitions;

pub(crate) use self::client_tokens::ClientTokens;
pub(crate) use self::definitions::{Definitions, Revision};
pub(crate) use self::describe_tasks::all_missing as all_tasks_missing;
pub(crate) use self::not_yet::{disguised_throttle, role_not_assumable};
pub(crate) use self::operations::answer;
pub(crate) use self::service::{Services, add_service, all_missing as all_services_missing};
pub(crate) use self::spec::{AwsLogs, ContainerOverride, ContainerSpec};
