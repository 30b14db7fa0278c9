//! Owns a phase of a run: what it is, how it stands, when it was. PURE.

use std::time::Duration;

/// What a part of a run's time went into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PhaseKind {
    Queued,
    Network,
    Pull,
    Start,
    Connect,
    Lock,
    /// One migration, by name.
    Migration(String),
    /// What the runner does beside: reading the history, planning, a wrapped command.
    Runner,
    /// All that the container did, where nothing of ours tells more.
    Container,
    Teardown,
}

/// How a phase stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PhaseState {
    Done,
    /// It goes on.
    Open,
    /// Here the run failed.
    Failed,
    /// A signal or a stop ended it.
    Interrupted,
    /// It took place, but nobody can say how or for how long.
    Unknown,
}

/// One phase. Times are milliseconds since 1970 by the clock of ECS where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phase {
    pub(crate) kind: PhaseKind,
    pub(crate) state: PhaseState,
    pub(crate) start: Option<i64>,
    pub(crate) end: Option<i64>,
}

impl PhaseKind {
    /// A stable word.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Network => "network",
            Self::Pull => "pull",
            Self::Start => "start",
            Self::Connect => "connect",
            Self::Lock => "lock",
            Self::Migration(_) => "migration",
            Self::Runner => "runner",
            Self::Container => "container",
            Self::Teardown => "teardown",
        }
    }

    /// The migration, if it is one.
    pub(crate) fn migration(&self) -> Option<&str> {
        if let Self::Migration(name) = self { Some(name) } else { None }
    }
}

impl PhaseState {
    /// A stable word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Open => "open",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Unknown => "unknown",
        }
    }
}

impl Phase {
    /// How long it took, if both ends are known.
    pub(crate) fn duration(&self) -> Option<Duration> {
        let (start, end) = (self.start?, self.end?);
        Some(Duration::from_millis(u64::try_from(end - start).unwrap_or(0)))
    }
}
