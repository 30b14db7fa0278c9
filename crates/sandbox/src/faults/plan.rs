//! Owns the words in which faults are asked for: the JSON of `--faults` and of the library.

use serde::{Deserialize, Serialize};

/// Everything that shall go wrong. `{}` is nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// What requests get instead of an answer; the first entry that applies wins.
    pub requests: Vec<RequestFault>,
    /// What happens to tasks; every entry that applies is carried out.
    pub tasks: Vec<TaskFault>,
}

/// Calls `from` to `to` of an operation are answered with a fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestFault {
    /// The operation's name, such as `DescribeTasks`.
    pub operation: String,
    /// The first call it applies to, counted from 1 for each operation.
    #[serde(default = "one")]
    pub from: u64,
    /// The last call it applies to; absent: every one after `from`.
    #[serde(default)]
    pub to: Option<u64>,
    /// What the caller gets.
    pub answer: RequestAnswer,
}

/// What a caller gets instead of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RequestAnswer {
    /// HTTP 400, `ThrottlingException`, `Rate exceeded`.
    Throttle,
    /// A `ServerException` with this HTTP status.
    ServerError {
        /// 500, 502, 503 or 504.
        status: u16,
    },
    /// Any AWS error.
    Error {
        /// The error's `__type`, such as `AccessDeniedException`.
        kind: String,
        /// The error's message.
        message: String,
        /// The HTTP status, 400 unless given.
        #[serde(default = "bad_request")]
        status: u16,
    },
    /// DescribeTasks and DescribeServices: every one asked for is `MISSING`.
    Missing,
    /// RunTask: no task, and these in `failures`.
    Failures(Vec<FailureFault>),
}

/// One entry of RunTask's `failures`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureFault {
    /// Such as `Capacity is unavailable at this time. Please try again later or in a different availability zone`.
    pub reason: String,
    /// Absent on the wire when absent here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
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

/// What happens to a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TaskEffect {
    /// It stops before its containers start, with `TaskFailedToStart` and this reason.
    NeverStarts {
        /// How far it gets: `provisioning` (network faults), `pending` (secrets, logs), `pulling` (images).
        #[serde(default)]
        phase: StartPhase,
        /// The literal `stoppedReason`.
        stopped_reason: String,
        /// The literal `reason` of every container, absent when absent.
        #[serde(default)]
        container_reason: Option<String>,
    },
    /// Somebody else stops it: Spot, maintenance, the service scheduler.
    StoppedFromOutside {
        /// Seconds after it became RUNNING.
        after_seconds: f64,
        /// The literal `stopCode`.
        stop_code: String,
        /// The literal `stoppedReason`, absent when absent.
        #[serde(default)]
        stopped_reason: Option<String>,
    },
    /// Its containers' exit codes never arrive.
    ExitCodeAbsent {
        /// Only this container's; absent: every container's.
        #[serde(default)]
        container: Option<String>,
    },
    /// A container runs out of memory: `OutOfMemoryError: container killed due to memory usage`.
    OutOfMemory {
        /// Which container; absent: every one.
        #[serde(default)]
        container: Option<String>,
        /// Killed this many seconds after its start; absent: it keeps its own exit code (a child of it was
        /// killed), and only the reason says so.
        #[serde(default)]
        after_seconds: Option<f64>,
    },
}

/// A step of a task at which its start can fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartPhase {
    /// While the network interface is made.
    Provisioning,
    /// While secrets and log streams are prepared, before any image is pulled.
    #[default]
    Pending,
    /// While images are pulled.
    Pulling,
}

fn one() -> u64 {
    1
}

fn bad_request() -> u16 {
    400
}
