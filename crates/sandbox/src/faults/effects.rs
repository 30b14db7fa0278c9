//! Owns what can happen to tasks, in the words of `--faults`.

use serde::{Deserialize, Serialize};

use super::plan::one;

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
    /// What ECS tells of the stop is late or something else; it does stop as it does.
    StopTold {
        /// The literal `stopCode`; absent: the true one.
        #[serde(default)]
        stop_code: Option<String>,
        /// The literal `stoppedReason`; absent: the true one.
        #[serde(default)]
        stopped_reason: Option<String>,
        /// Seconds from `desiredStatus` STOPPED until stop code and reason are there.
        #[serde(default)]
        late_seconds: f64,
    },
    /// What ECS tells of a container's end is late or something else; it does end as it does.
    ExitTold {
        /// Only this container's; absent: every container's.
        #[serde(default)]
        container: Option<String>,
        /// The `exitCode`; absent: the true one, if any. On Windows it may need more than 31 bits.
        #[serde(default)]
        exit_code: Option<i64>,
        /// The literal `reason`; absent: the true one, if any.
        #[serde(default)]
        reason: Option<String>,
        /// Seconds from the container's `lastStatus` STOPPED until exit code and reason are there.
        #[serde(default)]
        late_seconds: f64,
    },
    /// Its containers get SIGTERM so long after it was told to stop.
    StopsLate {
        /// Seconds from StopTask, or whatever else stops it.
        seconds: f64,
    },
    /// It stays in a step of its start for so long, for want of room.
    StaysIn {
        /// Before the step is through.
        #[serde(default)]
        phase: StartPhase,
        /// Seconds more than usual.
        seconds: f64,
    },
    /// It stays in DEPROVISIONING for so long.
    DeprovisionsFor {
        /// Seconds until STOPPED.
        seconds: f64,
    },
    /// ECS does not know it, neither by its ARN nor in a list: not yet, or no more.
    Missing {
        /// Seconds after RunTask.
        #[serde(default)]
        from_seconds: f64,
        /// Seconds after RunTask; absent: for ever.
        #[serde(default)]
        to_seconds: Option<f64>,
    },
    /// Something happens to lines on their way to CloudWatch. Several of these on one line add up.
    LogLines {
        /// Only this container's; absent: every container's.
        #[serde(default)]
        container: Option<String>,
        /// The first line concerned, counted from 1 for each container.
        #[serde(default = "one")]
        from: u64,
        /// The last line concerned; absent: every one after `from`.
        #[serde(default)]
        to: Option<u64>,
        /// Of these every so-manieth: 1 is each of them.
        #[serde(default = "one")]
        every: u64,
        /// What happens to them.
        fate: LineFate,
    },
    /// A log stream is not there when its container starts; what was written before comes with it.
    LogStream {
        /// Only this container's; absent: every container's.
        #[serde(default)]
        container: Option<String>,
        /// Seconds from when it should be there; absent: it never comes, and nor does the log.
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

/// What becomes of a line on its way from a container to a reader.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LineFate {
    /// It never arrives: the driver's buffer was full.
    Lost,
    /// It becomes readable so long after it was written, with its own timestamp: behind the place of a
    /// reader who has seen younger lines.
    Late {
        /// Seconds from writing to reading.
        seconds: f64,
        /// So many seconds more for each line concerned after the first.
        #[serde(default)]
        more_each: f64,
    },
    /// Its timestamp is off by so many seconds; pages are in order of timestamps.
    Timestamp {
        /// Negative: older than it is.
        off_by_seconds: f64,
    },
}
