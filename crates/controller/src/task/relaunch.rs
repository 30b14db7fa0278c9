//! Owns whether an ending is worth another task: PURE.

use super::conclusion::Conclusion;
use super::launch::Origin;
use super::verdict::{Doubt, Verdict};

/// How often a start that failed for a passing reason is tried again.
const RELAUNCHES: u32 = 2;

/// Whether another task is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    No,
    /// The start failed for a passing reason.
    Relaunch,
    /// This run's task had ended before we came, and not green: run again means run again.
    Anew,
}

impl Again {
    /// The answer after an ending. `relaunches` is absent when the time for them is over.
    pub(crate) fn after(conclusion: &Conclusion, origin: Origin, relaunches: Option<u32>) -> Self {
        let forgotten = conclusion.verdict == Verdict::Unknown(Doubt::Forgotten);
        let over_before = conclusion.ended_at_first_sight || forgotten;
        match &conclusion.verdict {
            Verdict::Failed { .. } | Verdict::NeverStarted | Verdict::Unknown(_)
                if origin == Origin::Found && over_before =>
            {
                Self::Anew
            }
            Verdict::NeverStarted
                if conclusion.retry && relaunches.is_some_and(|count| count < RELAUNCHES) =>
            {
                Self::Relaunch
            }
            Verdict::Green(_)
            | Verdict::Failed { .. }
            | Verdict::NeverStarted
            | Verdict::TimedOut(_)
            | Verdict::Cancelled(_)
            | Verdict::Detached
            | Verdict::Unknown(_)
            | Verdict::WatchLost => Self::No,
        }
    }
}
