//! Owns what is concluded of a run after the fact, by the same functions as the gate. PURE.

use super::conclusion::{self, Conclusion, Material};
use super::drain::Readable;
use super::ending;
use super::intent::Intent;
use super::launch::Origin;
use super::session::Plan;
use super::snapshot::{StopCode, TaskSnapshot};
use super::tails::{Tail, Tails};
use super::verdict::{Case, Known, LogState, Logged, Workload, judge};
use protocol::event::RunFinished;
use std::time::Duration;

/// How a run ended, from what ECS still knows of its task and from its log, read to its end.
pub(crate) fn recount(plan: &Plan, task: Option<&TaskSnapshot>, tails: &Tails) -> Conclusion {
    let tail = tails.decisive();
    let workload = Workload::of(plan.expect, tail.looks_like());
    let log = state(tail, workload);
    let finished = tail.transcript.finished();
    let verdict = judge(&Case {
        task: task.map_or(Known::Forgotten, Known::Task),
        container: &plan.container,
        finished,
        intent: intent(task, &plan.container),
        log,
        workload,
        origin: plan.origin,
        logged: if tail.transcript.lines() > 0 { Logged::Something } else { Logged::Nothing },
    });
    let took = finished.map_or(0, |finished| finished.duration_ms);
    Conclusion::of(Material {
        plan,
        verdict,
        task,
        lost: None,
        tail,
        log,
        workload,
        duration: Duration::from_millis(took),
    })
}

/// A task that one of us stopped is judged as by the one who did.
fn intent(task: Option<&TaskSnapshot>, container: &str) -> Intent {
    let stopped = task
        .filter(|task| task.decides(container) && task.stop_code == Some(StopCode::UserInitiated));
    let given = stopped.and_then(|task| task.stopped_reason.as_deref());
    given.map_or(Intent::None, Intent::of_reason)
}

/// A plain container has no last word: its log is complete when it was read to its end.
fn state(tail: &Tail, workload: Workload) -> LogState {
    match (tail.readable(), workload) {
        (Readable::Yes, Workload::Plain) if tail.failing.is_none() => LogState::Complete,
        (Readable::Yes | Readable::No, _) => tail.state_when_left(),
    }
}

/// What the ends of a log say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends<'a> {
    pub(crate) finished: Option<&'a RunFinished>,
    pub(crate) lines: u64,
    pub(crate) is_runners: bool,
    /// Whether it could be read at all.
    pub(crate) log: LogState,
}

/// How a run ended, in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glance {
    pub(crate) class: String,
    pub(crate) exit_code: u8,
    pub(crate) outcome: String,
    pub(crate) sentence: String,
}

/// The same verdict without reading the whole log.
pub(crate) fn glance(task: Option<&TaskSnapshot>, container: &str, ends: Ends<'_>) -> Glance {
    let workload = if ends.is_runners { Workload::Runner } else { Workload::Plain };
    let verdict = judge(&Case {
        task: task.map_or(Known::Forgotten, Known::Task),
        container,
        finished: ends.finished,
        intent: intent(task, container),
        log: ends.log,
        workload,
        origin: Origin::Found,
        logged: if ends.lines > 0 { Logged::Something } else { Logged::Nothing },
    });
    Glance {
        class: conclusion::class(&verdict, workload, ends.finished),
        exit_code: verdict.exit_code(),
        outcome: conclusion::outcome(&verdict, ends.finished),
        sentence: ending::sentence(&verdict, ends.finished, None),
    }
}
