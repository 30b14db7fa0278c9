//! Owns what the runner's lines say of time: the moments in which its phases begin and end. PURE.

use protocol::Event;
use protocol::event::Outcome;
use protocol::line::EventLine;

/// What the runner's lines say of time: only those that begin or end a phase.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunnerTimes {
    pub(super) moments: Vec<Moment>,
}

#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub(super) at: i64,
    pub(super) seq: u64,
    pub(super) mark: Mark,
}

/// What begins or ends a phase. Times are milliseconds.
#[derive(Debug, Clone)]
pub(super) enum Mark {
    Started,
    Connected,
    LockWaiting { waited: i64 },
    LockAcquired { waited: i64 },
    MigrationStarted(String),
    MigrationApplied { migration: String, took: i64 },
    MigrationFailed(String),
    Finished(Outcome),
}

impl Mark {
    fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::RunStarted(_) => Self::Started,
            Event::Connected(_) => Self::Connected,
            Event::LockWaiting(waiting) => {
                Self::LockWaiting { waited: milliseconds(waiting.waited_ms) }
            }
            Event::LockAcquired(acquired) => {
                Self::LockAcquired { waited: milliseconds(acquired.waited_ms) }
            }
            Event::MigrationStarted(started) => Self::MigrationStarted(started.migration.clone()),
            Event::MigrationApplied(applied) => Self::MigrationApplied {
                migration: applied.migration.clone(),
                took: milliseconds(applied.duration_ms),
            },
            Event::MigrationFailed(failed) => Self::MigrationFailed(failed.migration.clone()),
            Event::RunFinished(finished) => Self::Finished(finished.outcome),
            Event::ConnectWaiting(_)
            | Event::Planned(_)
            | Event::Settled(_)
            | Event::RestorePoint(_)
            | Event::StatementFinished(_)
            | Event::AttemptBlocked(_)
            | Event::MigrationStatus(_)
            | Event::CheckFinding(_)
            | Event::Notice(_)
            | Event::Heartbeat(_)
            | Event::Interrupted(_)
            | Event::Output(_)
            | Event::OutputDropped(_)
            | Event::Unknown => return None,
        })
    }
}

impl RunnerTimes {
    /// Takes a line of the runner, in any order; `fallback` is the log's own time of it.
    pub(crate) fn note(&mut self, line: &EventLine, fallback: i64) {
        let Some(mark) = Mark::of(&line.event) else {
            return;
        };
        // Later lines of the same wait say nothing new, and there may be thousands.
        let waits = |mark: &Mark| matches!(mark, Mark::LockWaiting { .. });
        if waits(&mark) && self.moments.last().is_some_and(|last| waits(&last.mark)) {
            return;
        }
        let at = line.at.parse().map_or(fallback, jiff::Timestamp::as_millisecond);
        self.moments.push(Moment { at, seq: line.seq, mark });
    }
}

fn milliseconds(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX / 4)
}
