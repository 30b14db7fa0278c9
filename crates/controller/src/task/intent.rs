//! Owns what we wanted from a task: at launch, on a signal, in the end.

use super::snapshot::{StopCode, TaskSnapshot};

/// What the container is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expectation {
    /// Ours once a line of ours was seen.
    Auto,
    /// `ecs-migrate-runner`: green needs its last word.
    Runner,
    /// Any command: its exit code decides.
    Plain,
}

impl Expectation {
    /// The word for it, where something is expected.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::Auto => None,
            Self::Runner => Some("runner"),
            Self::Plain => Some("plain"),
        }
    }

    /// What a task was told, if anything.
    pub(crate) fn told(word: Option<&str>) -> Self {
        let known = [Self::Runner, Self::Plain];
        let found = known.into_iter().find(|known| known.word() == word && word.is_some());
        found.unwrap_or(Self::Auto)
    }
}

/// What a signal means for the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnCancel {
    Stop,
    Detach,
}

/// What to do while somebody else's run of the same family is in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfRunning {
    Wait,
    Fail,
}

/// What we did to the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Nothing: it runs as long as it likes.
    None,
    /// Asked to stop it, because somebody cancelled.
    Cancel,
    /// Asked to stop it, because the time limit was reached.
    Timeout,
    /// Left it.
    Detach,
    /// Asked to stop it, and that brought nothing: it goes on.
    NotStopped(Resistance),
}

/// Why a stop that was asked for is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resistance {
    /// ECS refused it, or did not hear.
    NotHeard,
    /// ECS accepted it, and no end was seen in the time that a stop may take.
    NotCarriedOut,
}

/// What a cancellation says first.
pub(super) const CANCELLED: &str = "cancelled";
/// What a time limit says first.
pub(super) const TIME_LIMIT: &str = "the time limit of";

/// What ECS is given as the reason of a stop; DescribeTasks has it as `stoppedReason` from then on.
pub(super) fn reason(why: &str) -> String {
    format!("ecs-migrate: {why}")
}

/// The reason of a stop that `cancel` asks for.
pub(crate) fn cancelled_reason() -> String {
    reason(CANCELLED)
}

impl Intent {
    /// What was wanted of a task: by us, or by whichever invocation of ours stopped it, as it told ECS.
    /// So everybody who looks at the task judges it alike.
    pub(super) fn or_as_told(self, task: Option<&TaskSnapshot>, container: &str) -> Self {
        if self != Self::None {
            return self;
        }
        let stopped = task.filter(|task| {
            task.decides(container) && task.stop_code == Some(StopCode::UserInitiated)
        });
        let given = stopped.and_then(|task| task.stopped_reason.as_deref());
        given.map_or(Self::None, Self::of_reason)
    }

    /// What an earlier invocation wanted, by the reason that it gave ECS.
    fn of_reason(given: &str) -> Self {
        if given.starts_with(&reason(CANCELLED)) {
            Self::Cancel
        } else if given.starts_with(&reason(TIME_LIMIT)) {
            Self::Timeout
        } else {
            Self::None
        }
    }
}
