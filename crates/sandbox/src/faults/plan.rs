//! Owns the words in which faults are asked for: the JSON of `--faults` and of the library.

use serde::{Deserialize, Serialize};

use super::answers::RequestAnswer;
use super::effects::TaskEffect;
use super::service_effects::ServiceEffect;

/// Everything that shall go wrong. `{}` is nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// What requests get instead of an answer; the first entry that applies wins.
    pub requests: Vec<RequestFault>,
    /// What happens to tasks; every entry that applies is carried out.
    pub tasks: Vec<TaskFault>,
    /// What happens to deployments of services; every entry that applies is carried out.
    pub services: Vec<ServiceFault>,
}

/// Calls `from` to `to` of an operation are answered with a fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestFault {
    /// The operation's name, such as `DescribeTasks`; several with `|` between them, or `*` for all, are
    /// counted together.
    pub operation: String,
    /// The first call it applies to, counted from 1.
    #[serde(default = "one")]
    pub from: u64,
    /// The last call it applies to; absent: every one after `from`.
    #[serde(default)]
    pub to: Option<u64>,
    /// What the caller gets.
    pub answer: RequestAnswer,
}

/// Tasks `from` to `to` suffer an effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFault {
    /// Only tasks of this family; absent: all.
    #[serde(default)]
    pub family: Option<String>,
    /// The first task it applies to, counted from 1 over all tasks of the sandbox.
    #[serde(default = "one")]
    pub from: u64,
    /// The last task it applies to; absent: every one after `from`.
    #[serde(default)]
    pub to: Option<u64>,
    /// What happens to it.
    pub effect: TaskEffect,
}

/// Deployments `from` to `to` of a service suffer an effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceFault {
    /// Only of this service; absent: of each.
    #[serde(default)]
    pub service: Option<String>,
    /// The first deployment it applies to, counted from 1 for each service; the one that is there from the
    /// start is none.
    #[serde(default = "one")]
    pub from: u64,
    /// The last deployment it applies to; absent: every one after `from`.
    #[serde(default)]
    pub to: Option<u64>,
    /// What happens to it.
    pub effect: ServiceEffect,
}

/// Counting starts at 1.
pub(super) fn one() -> u64 {
    1
}
