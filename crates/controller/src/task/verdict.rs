//! Owns the gate: one pure, total function from what is known to how it ended.

use super::asked::{Asked, Mismatch};
use super::intent::{Expectation, Intent, Resistance};
use super::launch::Origin;
use super::snapshot::{StopCode, TaskSnapshot};
use protocol::event::RunFinished;
use protocol::{DatabaseState, ExitCode, Ran};

/// Everything that decides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) task: Known<'a>,
    /// The container whose exit code counts; a sidecar's word never does.
    pub(crate) container: &'a str,
    /// The runner's last line, if it arrived.
    pub(crate) finished: Option<&'a RunFinished>,
    pub(crate) intent: Intent,
    pub(crate) log: LogState,
    pub(crate) workload: Workload,
    /// Whether the container wrote any line.
    pub(crate) logged: Logged,
    pub(crate) origin: Origin,
    /// What the container was to do.
    pub(crate) asked: Asked,
    /// What the runner says that it ran.
    pub(crate) ran: Ran,
}

/// What is known of the task.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known<'a> {
    Task(&'a TaskSnapshot),
    /// ECS does not know it, and not just for a moment.
    Missing,
    /// ECS has forgotten it, and who asks only wants to know how it was: its log is the record.
    Forgotten,
    /// Nobody could be asked any more.
    WatchLost,
}

/// What is known of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogState {
    Complete,
    NotProved,
    /// No right, no group, or a driver that cannot be read back.
    Unreadable,
}

/// What the container ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    Runner,
    Plain,
}

/// Whether the container wrote any line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logged {
    Nothing,
    Something,
    /// Lines of our runner, and all of them of another run.
    AnotherRun,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Green(Ground),
    /// The container's own failure.
    Failed {
        code: i32,
    },
    NeverStarted,
    TimedOut(StopProof),
    Cancelled(StopProof),
    Detached,
    /// It was to be stopped, and that brought nothing: it goes on.
    NotStopped(Resistance),
    Unknown(Doubt),
    /// The watch ended, the task did not.
    WatchLost,
}

/// What a green verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// The runner's last word, and no exit code that says otherwise.
    LastWord,
    /// A plain container's exit code.
    ExitCode,
    /// A runner's exit code alone, because its log cannot be read.
    UnreadLog,
    /// The last word of an earlier invocation's runner; ECS has forgotten the task.
    Record,
}

/// What is known of a task that we stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopProof {
    /// The runner said what the database is left with.
    Reported(DatabaseState),
    /// It had not started.
    NothingRan,
    /// The container ended, and nothing says in what state it left the database.
    Ended,
    /// Its end was not seen yet.
    NotSeen,
}

/// Why the outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// ECS has no record of the task.
    Forgotten,
    /// ECS recorded no exit code although the container ran.
    NoExitCode,
    /// Something other than the container's own end stopped the task.
    StoppedFromOutside(StopCode),
    /// A stop code that this version does not know, or none.
    NoKnownStopCode(Option<String>),
    /// Exit code 0 and a task that did not end by its container's end.
    NotTheContainersEnd(StopCode),
    /// Exit code 0, a readable log, and no last word of the runner.
    NoLastWord,
    /// The same, and the runner's lines bear another run's id: its environment was cleared.
    NoWordOfThisRun,
    /// What ended well is not what was asked.
    NotWhatWasAsked(Mismatch),
    /// Exit code 0, and the runner's last word says otherwise.
    LastWordDisagrees,
    /// The task has not ended.
    StillRunning,
}

impl Workload {
    /// What the container is taken for, when its log looks like `seen`.
    pub(crate) fn of(expectation: Expectation, seen: Self) -> Self {
        match expectation {
            Expectation::Runner => Self::Runner,
            Expectation::Plain => Self::Plain,
            Expectation::Auto => seen,
        }
    }
}

/// The gate.
pub(crate) fn judge(case: &Case<'_>) -> Verdict {
    match case.intent {
        Intent::Detach => return Verdict::Detached,
        Intent::NotStopped(why) => return Verdict::NotStopped(why),
        Intent::None | Intent::Cancel | Intent::Timeout => {}
    }
    let task = match case.task {
        Known::WatchLost => return Verdict::WatchLost,
        Known::Forgotten => return remembered_by_its_log(case),
        Known::Missing => {
            return stopped_by_us(case, None).unwrap_or_else(|| recorded(case));
        }
        Known::Task(task) => task,
    };
    if let Some(verdict) = stopped_by_us(case, Some(task)) {
        return verdict;
    }
    if !task.decides(case.container) {
        return Verdict::Unknown(Doubt::StillRunning);
    }
    let code = task.container(case.container).and_then(|container| container.exit_code);
    let Some(code) = code else {
        return if ran(case, task) {
            Verdict::Unknown(Doubt::NoExitCode)
        } else {
            Verdict::NeverStarted
        };
    };
    match &task.stop_code {
        Some(
            outside @ (StopCode::UserInitiated
            | StopCode::ServiceSchedulerInitiated
            | StopCode::SpotInterruption
            | StopCode::TerminationNotice
            | StopCode::InfrastructureHealth),
        ) => Verdict::Unknown(Doubt::StoppedFromOutside(outside.clone())),
        Some(StopCode::Other(name)) => Verdict::Unknown(Doubt::NoKnownStopCode(Some(name.clone()))),
        Some(StopCode::EssentialContainerExited) if code == 0 => green(case),
        Some(StopCode::EssentialContainerExited) => Verdict::Failed { code },
        // A sibling failed to start; the container itself ran.
        Some(other @ StopCode::TaskFailedToStart) if code == 0 => {
            Verdict::Unknown(Doubt::NotTheContainersEnd(other.clone()))
        }
        Some(StopCode::TaskFailedToStart) => Verdict::Failed { code },
        None if code == 0 => Verdict::Unknown(Doubt::NoKnownStopCode(None)),
        None => Verdict::Failed { code },
    }
}

/// The verdict when we asked for the end: always for a cancel, because who cancels does not want
/// the deployment to go on; for a time limit unless the container ended by itself just then.
fn stopped_by_us(case: &Case<'_>, task: Option<&TaskSnapshot>) -> Option<Verdict> {
    let by_itself = task.is_some_and(|task| {
        task.decides(case.container)
            && task.stop_code == Some(StopCode::EssentialContainerExited)
            && task.container(case.container).is_some_and(|container| container.exit_code.is_some())
    });
    match case.intent {
        Intent::Cancel => Some(Verdict::Cancelled(proof(case, task))),
        Intent::Timeout if by_itself => None,
        Intent::Timeout => Some(Verdict::TimedOut(proof(case, task))),
        Intent::None | Intent::Detach | Intent::NotStopped(_) => None,
    }
}

fn proof(case: &Case<'_>, task: Option<&TaskSnapshot>) -> StopProof {
    if let Some(finished) = case.finished {
        return StopProof::Reported(finished.database);
    }
    let Some(task) = task.filter(|task| task.decides(case.container)) else {
        return StopProof::NotSeen;
    };
    let code = task.container(case.container).and_then(|container| container.exit_code);
    match code.map(|code| ExitCode::from_code(i64::from(code))) {
        None if !ran(case, task) => StopProof::NothingRan,
        Some(Some(ExitCode::InterruptedRolledBack)) if case.workload == Workload::Runner => {
            StopProof::Reported(DatabaseState::Unchanged)
        }
        None | Some(_) => StopProof::Ended,
    }
}

/// Whether the container's process ran: the stop code alone does not say, because a sibling may
/// have failed to start.
fn ran(case: &Case<'_>, task: &TaskSnapshot) -> bool {
    task.started || case.logged != Logged::Nothing || case.finished.is_some()
}

/// What counts of a task that ECS does not know: of one that an earlier invocation of this very run
/// started, the whole log that ends well. It is the record of what this run did.
fn recorded(case: &Case<'_>) -> Verdict {
    let proved = case.origin == Origin::Found && case.log == LogState::Complete;
    match case.finished {
        Some(finished) if proved && finished.is_good() => as_asked(case, Ground::Record),
        Some(_) | None => Verdict::Unknown(Doubt::Forgotten),
    }
}

/// The runner's own word, as long as nothing of ECS's could contradict it any more.
fn remembered_by_its_log(case: &Case<'_>) -> Verdict {
    match case.finished {
        Some(finished) if finished.is_good() => as_asked(case, Ground::LastWord),
        Some(finished) if finished.exit_code == 0 => Verdict::Unknown(Doubt::LastWordDisagrees),
        Some(finished) => Verdict::Failed { code: i32::from(finished.exit_code) },
        None => Verdict::Unknown(Doubt::Forgotten),
    }
}

fn green(case: &Case<'_>) -> Verdict {
    match (case.workload, case.finished) {
        (Workload::Plain, _) => as_asked(case, Ground::ExitCode),
        (Workload::Runner, Some(finished)) if finished.is_good() => {
            as_asked(case, Ground::LastWord)
        }
        (Workload::Runner, Some(_)) => Verdict::Unknown(Doubt::LastWordDisagrees),
        // Nobody but the runner can say that a question was answered.
        (Workload::Runner, None)
            if case.log == LogState::Unreadable && !case.asked.is_a_question() =>
        {
            Verdict::Green(Ground::UnreadLog)
        }
        (Workload::Runner, None) if case.logged == Logged::AnotherRun => {
            Verdict::Unknown(Doubt::NoWordOfThisRun)
        }
        (Workload::Runner, None) => Verdict::Unknown(Doubt::NoLastWord),
    }
}

/// Green, if what ended well is what was asked.
fn as_asked(case: &Case<'_>, ground: Ground) -> Verdict {
    match case.asked.mismatch(case.ran) {
        None => Verdict::Green(ground),
        Some(mismatch) => Verdict::Unknown(Doubt::NotWhatWasAsked(mismatch)),
    }
}

impl Verdict {
    /// The class of the ending, where it is one of ours; a container's own code passes through.
    pub(crate) fn class(&self) -> Option<ExitCode> {
        match self {
            Self::Green(_) => Some(ExitCode::Success),
            Self::Failed { .. } => None,
            Self::NeverStarted => Some(ExitCode::NeverStarted),
            Self::TimedOut(_) => Some(ExitCode::TimedOut),
            Self::Cancelled(_) => Some(ExitCode::Cancelled),
            Self::Detached | Self::NotStopped(_) => Some(ExitCode::Detached),
            Self::Unknown(_) => Some(ExitCode::OutcomeUnknown),
            Self::WatchLost => Some(ExitCode::AwsRefused),
        }
    }

    /// What the process ends with. A container's code that does not fit a byte stays red.
    pub(crate) fn exit_code(&self) -> u8 {
        match (self, self.class()) {
            (_, Some(class)) => class.code(),
            (Self::Failed { code }, None) => {
                u8::try_from(*code).unwrap_or(ExitCode::Unexpected.code())
            }
            (_, None) => ExitCode::Unexpected.code(),
        }
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
