//! Owns what the ending of a rollout says. PURE.

use super::failing::FailingTask;
use super::verdict::{Failure, Ground};
use crate::words;
use protocol::ExitCode;
use std::time::Duration;

/// What became of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    AlreadyThere,
    Deployed(Ground),
    Failed(Failure),
    Left,
    TimeIsOver,
    /// ECS could not be asked any more.
    WatchLost,
    /// AWS refused, and nothing was changed.
    Refused,
    /// It was not its turn.
    NotBegun,
}

/// The ending of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) service: String,
    pub(crate) outcome: Outcome,
    /// `family:revision`.
    pub(crate) definition: String,
    /// What the service stands on now, as far as is known.
    pub(crate) stands_on: String,
    pub(crate) sentence: String,
    pub(crate) cause: Option<String>,
    pub(crate) fix: Option<String>,
    pub(crate) evidence: Vec<(String, String)>,
    pub(crate) last_lines: Vec<String>,
    /// The command that shows how it stands.
    pub(crate) look: Option<String>,
    pub(crate) duration: Duration,
}

impl Outcome {
    /// The class of the ending.
    pub(crate) fn class(self) -> ExitCode {
        match self {
            Self::AlreadyThere | Self::Deployed(_) => ExitCode::Success,
            Self::Failed(_) => ExitCode::ServiceFailed,
            Self::Left | Self::TimeIsOver => ExitCode::Detached,
            Self::WatchLost | Self::Refused => ExitCode::AwsRefused,
            Self::NotBegun => ExitCode::Cancelled,
        }
    }

    /// A stable word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::AlreadyThere => "already_there",
            Self::Deployed(_) => "deployed",
            Self::Failed(Failure::RolledBack | Failure::RollingBack) => "rolled_back",
            Self::Failed(Failure::Replaced) => "replaced",
            Self::Failed(Failure::StoppedBySomebody) => "stopped",
            Self::Failed(
                Failure::GivenUp | Failure::RollbackFailed | Failure::CrashLoop | Failure::Gone,
            ) => "failed",
            Self::Left | Self::TimeIsOver => "goes_on",
            Self::WatchLost => "unknown",
            Self::Refused => "refused",
            Self::NotBegun => "not_begun",
        }
    }

    pub(super) fn sentence(self, definition: &str, stands_on: &str, took: Duration) -> String {
        let took = words::duration(took);
        match self {
            Self::AlreadyThere => format!("is on {definition} already"),
            Self::Deployed(_) => format!("is on {definition} after {took}"),
            Self::Failed(Failure::GivenUp) => {
                format!("the tasks of {definition} do not start, ECS gave up after {took}")
            }
            Self::Failed(Failure::RolledBack) => {
                format!("rolled back from {definition} to {stands_on} after {took}")
            }
            Self::Failed(Failure::RollingBack) => {
                format!("{definition} failed, and the way back to {stands_on} is not over")
            }
            Self::Failed(Failure::RollbackFailed) => {
                format!("{definition} failed, and so did the way back: the service is in between")
            }
            Self::Failed(Failure::StoppedBySomebody) => {
                format!("somebody stopped the deployment of {definition}")
            }
            Self::Failed(Failure::Replaced) => {
                format!("a newer deployment, of {stands_on}, replaced {definition}")
            }
            Self::Failed(Failure::CrashLoop) => {
                format!("the tasks of {definition} keep failing, {took} after the update")
            }
            Self::Failed(Failure::Gone) => "the service is deleted".to_owned(),
            Self::Left => format!("left: ECS goes on with the rollout of {definition}"),
            Self::TimeIsOver => {
                format!("the rollout of {definition} is not over after {took} and goes on")
            }
            Self::WatchLost => {
                format!("the watch is lost, the rollout of {definition} may still go on")
            }
            Self::Refused => "not updated: AWS refused".to_owned(),
            Self::NotBegun => "not updated".to_owned(),
        }
    }

    /// What it means and what to do, where no task says more.
    pub(super) fn fix(self) -> Option<&'static str> {
        match self {
            Self::Failed(Failure::RolledBack | Failure::RollingBack) => Some(
                "the old code runs again, on the schema as it is now: check that it can, mend the new code and release again",
            ),
            Self::Failed(Failure::GivenUp) => Some(
                "the new code does not start: mend it and release again; what still runs is old code, on the schema as it is now",
            ),
            Self::Failed(Failure::RollbackFailed) => Some(
                "the service is in a mixed state: look at its events, and deploy a definition that starts",
            ),
            Self::Failed(Failure::StoppedBySomebody) => Some(
                "ask who called StopServiceDeployment; old code may run on the schema as it is now; release again when it may go on",
            ),
            Self::Failed(Failure::Replaced) => Some(
                "find out who deploys beside this pipeline; what they deployed runs on the schema as it is now",
            ),
            Self::Failed(Failure::CrashLoop) => Some(
                "nothing ends this by itself: enable the deployment circuit breaker with rollback; the old tasks serve meanwhile, on the schema as it is now",
            ),
            Self::Failed(Failure::Gone) => Some("create it again with --create-from FILE"),
            Self::Left | Self::TimeIsOver | Self::WatchLost => {
                Some("run the same command again: it goes on with the same rollout")
            }
            Self::NotBegun => Some(
                "mend what stopped the release, then run it again: what is migrated is not migrated twice",
            ),
            Self::Refused | Self::AlreadyThere | Self::Deployed(_) => None,
        }
    }
}

impl Ending {
    /// Whether the service is where it shall be.
    pub(crate) fn is_good(&self) -> bool {
        self.outcome.class() == ExitCode::Success
    }

    /// Adds what a failed task says. What it means for the schema stays.
    pub(super) fn explained(mut self, task: Option<FailingTask>) -> Self {
        if let Some(task) = task {
            self.cause = task.cause;
            self.evidence.extend(task.evidence);
            if let Some(fix) = task.fix {
                self.evidence.push(("about the task".to_owned(), fix));
            }
            self.last_lines = task.last_lines;
        }
        self
    }
}
