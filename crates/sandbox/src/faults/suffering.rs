//! Owns what a task suffers, as its driver and whoever asks for it are told.

use std::time::Duration;

/// What a fault may look at in a task.
#[derive(Clone, Debug)]
pub(crate) struct TaskDetails {
    pub(crate) family: String,
    pub(crate) ordinal: u64,
}

/// A start that fails.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FailedStart {
    pub(crate) stopped_reason: String,
    pub(crate) container_reason: Option<String>,
}

impl FailedStart {
    /// Fargate puts the cause in `stoppedReason` and nothing in the containers (aws-facts 1.4).
    pub(crate) fn because(stopped_reason: String) -> Self {
        Self { stopped_reason, container_reason: None }
    }
}

/// A stop that nobody of ours asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OutsideStop {
    pub(crate) after: Duration,
    pub(crate) code: String,
    pub(crate) reason: Option<String>,
}

/// What running out of memory looks like for one container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutOfMemory {
    KilledAfter(Duration),
    OnlyTheReason,
}

/// What is told of a stop instead of the truth; `None` is the truth.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ToldStop {
    pub(crate) late: Duration,
    pub(crate) code: Option<String>,
    pub(crate) reason: Option<String>,
}

/// What is told of a container's end instead of the truth; `None` is the truth.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ToldExit {
    pub(crate) late: Duration,
    pub(crate) code: Option<i64>,
    pub(crate) reason: Option<String>,
}
