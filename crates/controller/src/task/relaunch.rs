//! Owns whether an ending is worth another task: PURE.

use super::conclusion::Conclusion;
use super::verdict::Verdict;

/// How often a start that failed for a passing reason is tried again.
const RELAUNCHES: u32 = 2;

/// Whether another task is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    No,
    /// The start failed for a passing reason.
    Relaunch,
}

impl Again {
    /// The answer after an ending. `relaunches` is absent when the time for them is over.
    pub(crate) fn after(conclusion: &Conclusion, relaunches: Option<u32>) -> Self {
        let again = conclusion.verdict == Verdict::NeverStarted
            && conclusion.retry
            && relaunches.is_some_and(|count| count < RELAUNCHES);
        if again { Self::Relaunch } else { Self::No }
    }
}
