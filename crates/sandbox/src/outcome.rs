//! Owns what a test may know of a task without asking the API, which may be throttled or lie.

use crate::task::{Desired, Task};

/// How a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskOutcome {
    /// The task's ARN.
    pub arn: String,
    /// The ARN of its task definition's revision.
    pub definition: String,
    /// The literal stop code, once it stops.
    pub stop_code: Option<String>,
    /// The exit codes of its containers, in the order of the definition.
    pub exit_codes: Vec<Option<i32>>,
    /// Milliseconds since 1970: when RunTask made it.
    pub began: u64,
    /// When none of its containers could run any more.
    pub ended: Option<u64>,
    wanted: Desired,
    over: bool,
}

impl TaskOutcome {
    pub(crate) fn of(task: &Task) -> Self {
        let over = task.containers.iter().all(|container| container.ended_at.is_some());
        Self {
            arn: task.identity.arn.clone(),
            definition: task.revision.arn.clone(),
            stop_code: task.stop.as_ref().map(|stop| stop.code.name().to_owned()),
            exit_codes: task.containers.iter().map(|container| container.exit_code).collect(),
            began: task.times.created_at.millis(),
            ended: task
                .containers
                .iter()
                .map(|container| container.ended_at)
                .max()
                .flatten()
                .map(crate::clock::Timestamp::millis)
                .filter(|_| over),
            wanted: task.desired,
            over,
        }
    }

    /// Whether it runs and nobody asked it to stop.
    pub fn runs(&self) -> bool {
        self.wanted == Desired::Running && !self.over
    }
}
