//! Owns the timeline of a run: its phases with their times, from what ECS says of the task, from
//! what the runner wrote, or from both. PURE.
//!
//! | phase | from | to |
//! |---|---|---|
//! | queued | `createdAt` | `connectivityAt`: a place and its network interface are there |
//! | network | `connectivityAt` | `pullStartedAt` |
//! | pull | `pullStartedAt` | `pullStoppedAt` |
//! | start | `pullStoppedAt` | the runner's first line, else `startedAt` |
//! | connect, lock, a migration, runner | the runner's own lines | |
//! | container | `startedAt` | `executionStoppedAt`, where the runner's lines are not there |
//! | teardown | the container's end | `stoppedAt` |
//!
//! The two clocks may differ. The runner's times are moved as one into the window that ECS gives
//! the container, so that their durations stay true; what still overlaps is clamped. So phases are
//! in order and no duration is negative.

use super::snapshot::TaskSnapshot;
use protocol::Event;
use protocol::event::Outcome;
use protocol::line::EventLine;
use std::time::Duration;

/// Other work of the runner between two phases is left out below this, in milliseconds.
const WORTH_SHOWING: i64 = 100;

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

/// The phases of a run in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Timeline {
    pub(crate) phases: Vec<Phase>,
    /// By how many milliseconds the runner's times were moved.
    pub(crate) moved: i64,
}

/// What the runner's lines say of time: only those that begin or end a phase.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunnerTimes {
    moments: Vec<Moment>,
}

#[derive(Debug, Clone)]
struct Moment {
    at: i64,
    seq: u64,
    mark: Mark,
}

/// What begins or ends a phase. Times are milliseconds.
#[derive(Debug, Clone)]
enum Mark {
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

impl Timeline {
    /// The timeline of `container`. Either source alone is enough; of what neither says, the phase is
    /// there without times, or not at all when it was never reached.
    pub(crate) fn of(task: Option<&TaskSnapshot>, container: &str, runner: &RunnerTimes) -> Self {
        let mut moments = runner.moments.clone();
        moments.sort_by_key(|moment| (moment.at, moment.seq));
        let moved = task.map_or(0, |task| skew(task, &moments));
        for moment in &mut moments {
            moment.at += moved;
        }
        let end = task.map_or(End::NotKnown, |task| End::of(task, container));
        let mut draft = Draft::default();
        let first = moments.first().map(|moment| moment.at);
        if draft.before_the_container(task, first) {
            if moments.is_empty() {
                draft.without_lines(task, end);
            } else {
                draft.runner(&moments, end);
            }
        }
        draft.teardown(task, end);
        draft.in_order();
        Self { phases: draft.phases, moved }
    }

    /// The phase that goes on, if the run is in flight.
    pub(crate) fn open(&self) -> Option<&Phase> {
        self.phases.iter().rev().find(|phase| phase.state == PhaseState::Open)
    }

    /// The phase in which it failed.
    pub(crate) fn failed(&self) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.state == PhaseState::Failed)
    }
}

/// By how much the runner's times have to move to lie between the pull and the end.
fn skew(task: &TaskSnapshot, moments: &[Moment]) -> i64 {
    let (Some(first), Some(last)) = (moments.first(), moments.last()) else {
        return 0;
    };
    let times = &task.times;
    let lower = times.pull_stopped.or(times.pull_started).or(times.connectivity);
    let upper = times.execution_stopped.or(times.stopped);
    match (lower.or(task.created_at), upper) {
        (Some(lower), _) if first.at < lower => lower - first.at,
        (_, Some(upper)) if last.at > upper => upper - last.at,
        _ => 0,
    }
}

/// What ECS says of the container's end.
#[derive(Debug, Clone, Copy)]
enum End {
    /// It has not come.
    InFlight,
    /// ECS was not asked, or has forgotten.
    NotKnown,
    At(Option<i64>, PhaseState),
}

impl End {
    fn of(task: &TaskSnapshot, container: &str) -> Self {
        let times = &task.times;
        if !task.decides(container) && times.execution_stopped.is_none() {
            return Self::InFlight;
        }
        let code = task.container(container).and_then(|container| container.exit_code);
        let state = if code == Some(0) { PhaseState::Done } else { PhaseState::Failed };
        Self::At(times.execution_stopped.or(times.stopping).or(times.stopped), state)
    }
}

#[derive(Debug, Default)]
struct Draft {
    phases: Vec<Phase>,
    /// When the container ended, as far as the phases say.
    over: Option<i64>,
}

impl Draft {
    fn push(
        &mut self,
        kind: PhaseKind,
        state: PhaseState,
        (start, end): (Option<i64>, Option<i64>),
    ) {
        self.phases.push(Phase { kind, state, start, end });
    }

    /// The phases up to the container's first moment; whether it was reached.
    fn before_the_container(&mut self, task: Option<&TaskSnapshot>, first: Option<i64>) -> bool {
        let kinds = [PhaseKind::Queued, PhaseKind::Network, PhaseKind::Pull, PhaseKind::Start];
        let Some(task) = task else {
            for kind in kinds {
                self.push(kind, PhaseState::Unknown, (None, None));
            }
            return true;
        };
        let times = &task.times;
        let began = match (times.started, first) {
            (Some(started), Some(first)) => Some(started.min(first)),
            (started, first) => started.or(first),
        };
        let marks =
            [task.created_at, times.connectivity, times.pull_started, times.pull_stopped, began];
        for (index, kind) in kinds.into_iter().enumerate() {
            let (start, end) = (marks[index], marks[index + 1]);
            let passed = marks[index + 1..].iter().any(Option::is_some) || task.started;
            let over = times.stopping.or(times.stopped);
            match (start, end) {
                (Some(_), Some(_)) => self.push(kind, PhaseState::Done, (start, end)),
                _ if passed => self.push(kind, PhaseState::Unknown, (start, end)),
                _ if over.is_some() || task.is_stopped() => {
                    self.push(kind, PhaseState::Failed, (start, over));
                    self.over = over;
                    return false;
                }
                _ => {
                    self.push(kind, PhaseState::Open, (start, None));
                    return false;
                }
            }
        }
        true
    }

    fn without_lines(&mut self, task: Option<&TaskSnapshot>, end: End) {
        let started = task.and_then(|task| task.times.started);
        let (state, over) = match end {
            End::InFlight => (PhaseState::Open, None),
            End::NotKnown => (PhaseState::Unknown, None),
            End::At(at, state) => (state, at),
        };
        self.push(PhaseKind::Container, state, (started, over));
        self.over = over;
    }

    fn runner(&mut self, moments: &[Moment], end: End) {
        let mut current: Option<(PhaseKind, i64)> = None;
        for Moment { at, mark, .. } in moments {
            let at = *at;
            // A command may call the runner more than once.
            self.over = None;
            let (state, next) = match mark {
                Mark::Started => (PhaseState::Done, Some((PhaseKind::Connect, at))),
                Mark::Connected => (PhaseState::Done, Some((PhaseKind::Runner, at))),
                Mark::LockWaiting { waited } => {
                    (PhaseState::Done, Some((PhaseKind::Lock, at - waited)))
                }
                Mark::LockAcquired { waited } => {
                    if !matches!(&current, Some((PhaseKind::Lock, _))) {
                        self.close(current.take(), at - waited, PhaseState::Done);
                        current = Some((PhaseKind::Lock, at - waited));
                    }
                    (PhaseState::Done, Some((PhaseKind::Runner, at)))
                }
                Mark::MigrationStarted(name) => {
                    (PhaseState::Done, Some((PhaseKind::Migration(name.clone()), at)))
                }
                Mark::MigrationApplied { migration, took } => {
                    self.enter(&mut current, migration, at - took);
                    (PhaseState::Done, Some((PhaseKind::Runner, at)))
                }
                Mark::MigrationFailed(migration) => {
                    self.enter(&mut current, migration, at);
                    (PhaseState::Failed, Some((PhaseKind::Runner, at)))
                }
                Mark::Finished(outcome) => {
                    self.over = Some(at);
                    let state = match outcome {
                        Outcome::Applied | Outcome::NothingToDo | Outcome::Done => PhaseState::Done,
                        Outcome::Interrupted => PhaseState::Interrupted,
                        Outcome::Failed if self.has_failed() => PhaseState::Done,
                        Outcome::Failed => PhaseState::Failed,
                        Outcome::Unknown => PhaseState::Unknown,
                    };
                    (state, None)
                }
            };
            // A second wait for the same lock goes on with the first.
            if let (Some((PhaseKind::Lock, _)), Some((PhaseKind::Lock, _))) = (&current, &next) {
                continue;
            }
            let until = next.as_ref().map_or(at, |(_, since)| *since);
            self.close(current.take(), until, state);
            current = next;
        }
        let Some((kind, since)) = current else {
            return;
        };
        match end {
            End::InFlight => self.push(kind, PhaseState::Open, (Some(since), None)),
            End::NotKnown => self.push(kind, PhaseState::Unknown, (Some(since), None)),
            // Without a last word a good exit code proves nothing of the phase.
            End::At(over, state) => {
                self.over = over;
                let state = if state == PhaseState::Done { PhaseState::Unknown } else { state };
                self.push(kind, state, (Some(since), over));
            }
        }
    }

    /// Makes `migration` the current phase, also when the line that began it is lost.
    fn enter(&mut self, current: &mut Option<(PhaseKind, i64)>, migration: &str, since: i64) {
        let is_current =
            current.as_ref().is_some_and(|(kind, _)| kind.migration() == Some(migration));
        if !is_current {
            self.close(current.take(), since, PhaseState::Done);
            *current = Some((PhaseKind::Migration(migration.to_owned()), since));
        }
    }

    fn close(&mut self, phase: Option<(PhaseKind, i64)>, end: i64, state: PhaseState) {
        let Some((kind, start)) = phase else {
            return;
        };
        let dull = state == PhaseState::Done && end - start < WORTH_SHOWING;
        if kind != PhaseKind::Runner || !dull {
            self.push(kind, state, (Some(start), Some(end)));
        }
    }

    fn has_failed(&self) -> bool {
        self.phases.iter().any(|phase| phase.state == PhaseState::Failed)
    }

    fn teardown(&mut self, task: Option<&TaskSnapshot>, end: End) {
        let stopped = task.and_then(|task| task.times.stopped);
        let state = match (stopped, task) {
            (Some(_), _) => PhaseState::Done,
            (None, None) => PhaseState::Unknown,
            (None, Some(task)) if task.is_stopped() => PhaseState::Unknown,
            (None, Some(_)) if self.over.is_some() || matches!(end, End::At(..)) => {
                PhaseState::Open
            }
            (None, Some(_)) => return,
        };
        self.push(PhaseKind::Teardown, state, (self.over, stopped));
    }

    /// No phase begins before the one ahead of it has ended, and none ends before it begins.
    fn in_order(&mut self) {
        let mut cursor = i64::MIN;
        for phase in &mut self.phases {
            for time in [&mut phase.start, &mut phase.end].into_iter().flatten() {
                *time = cursor.max(*time);
                cursor = *time;
            }
        }
    }
}

fn milliseconds(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
