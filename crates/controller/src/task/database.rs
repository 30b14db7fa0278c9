//! Owns what an ending means for the database: one sentence that a person can act on. PURE.

use super::diagnosis::{Finding, Touched};
use super::verdict::{Ground, StopProof, Verdict};
use protocol::DatabaseState;
use protocol::event::RunFinished;

/// What an ending means for the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatabaseMeaning {
    /// Nothing ran.
    Untouched,
    /// What ran is rolled back, or there was nothing to do.
    Unchanged,
    /// Whole migrations are applied.
    Changed,
    /// A migration is part-way and the next run resumes it.
    PartWay,
    /// A migration is part-way and a person has to decide.
    NeedsAttention,
    /// The command succeeded; what it did to the database is its own affair.
    AsTheCommandLeftIt,
    /// The task goes on.
    StillChanging,
    /// A migration in one transaction was under way: it is there or it is not, and the next run knows.
    Settles,
    /// Look before anything else.
    Check,
}

impl DatabaseMeaning {
    /// The meaning of a verdict: the runner's own word first, then what must be so.
    pub(crate) fn of(
        verdict: &Verdict,
        finished: Option<&RunFinished>,
        finding: Option<&Finding>,
    ) -> Self {
        if let Some(finished) = finished
            && let Some(meaning) = Self::reported(finished.database)
        {
            return meaning;
        }
        match verdict {
            Verdict::NeverStarted
            | Verdict::Cancelled(StopProof::NothingRan)
            | Verdict::TimedOut(StopProof::NothingRan) => Self::Untouched,
            Verdict::Green(
                Ground::ExitCode | Ground::UnreadLog | Ground::LastWord | Ground::Record,
            ) => Self::AsTheCommandLeftIt,
            Verdict::Cancelled(StopProof::Reported(state))
            | Verdict::TimedOut(StopProof::Reported(state)) => {
                Self::reported(*state).unwrap_or(Self::Check)
            }
            Verdict::Detached | Verdict::NotStopped(_) | Verdict::WatchLost => Self::StillChanging,
            Verdict::Failed { .. } => match finding.map(|finding| finding.database) {
                Some(Touched::Untouched) => Self::Untouched,
                Some(Touched::Check) | None => Self::Check,
            },
            Verdict::Unknown(_)
            | Verdict::Cancelled(StopProof::Ended | StopProof::NotSeen)
            | Verdict::TimedOut(StopProof::Ended | StopProof::NotSeen) => Self::Check,
        }
    }

    /// The same for a run that was killed in a transaction: the server rolls it back, or has it whole, and
    /// the next run settles the history.
    pub(crate) fn of_a_transaction(self) -> Self {
        if self == Self::Check { Self::Settles } else { self }
    }

    fn reported(state: DatabaseState) -> Option<Self> {
        match state {
            DatabaseState::Unchanged => Some(Self::Unchanged),
            DatabaseState::Changed => Some(Self::Changed),
            DatabaseState::PartWay => Some(Self::PartWay),
            DatabaseState::NeedsAttention => Some(Self::NeedsAttention),
            DatabaseState::Unknown => None,
        }
    }

    /// Whether something may be in the database that was not there before.
    pub(crate) fn may_have_changed(self) -> bool {
        match self {
            Self::Untouched | Self::Unchanged => false,
            Self::Changed
            | Self::PartWay
            | Self::NeedsAttention
            | Self::AsTheCommandLeftIt
            | Self::StillChanging
            | Self::Settles
            | Self::Check => true,
        }
    }

    /// What it comes to behind a green task of the same release: that nothing ran now, or that it is
    /// rolled back, does not undo what ran before.
    pub(crate) fn after(self, earlier: Self) -> Self {
        if self.may_have_changed() { self } else { earlier }
    }

    /// A stable word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::PartWay => "part_way",
            Self::NeedsAttention => "needs_attention",
            Self::AsTheCommandLeftIt => "as_the_command_left_it",
            Self::StillChanging => "still_changing",
            Self::Settles => "settles",
            Self::Check => "check",
        }
    }

    /// The sentence.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Untouched => "untouched: nothing ran, so it is safe to run again",
            Self::Unchanged => "unchanged: nothing was written, or it is rolled back",
            Self::Changed => "changed: whole migrations are applied, nothing is half done",
            Self::PartWay => "a migration is part-way; the next run resumes it",
            Self::NeedsAttention => "a migration is part-way, and a person has to decide",
            Self::AsTheCommandLeftIt => "as the command left it; it reported success",
            Self::StillChanging => "the task goes on and may be changing it now",
            Self::Settles => {
                "nothing is half done: the migration under way is one transaction, and the next run settles it"
            }
            Self::Check => "not known: look at the migration history before running again",
        }
    }
}
