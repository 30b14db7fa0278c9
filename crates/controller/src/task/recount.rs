//! Owns what is concluded of a run after the fact, by the same functions as the gate. PURE.

use super::asked::Asked;
use super::conclusion::{self, Conclusion, Material};
use super::drain::Readable;
use super::ending;
use super::intent::{Expectation, Intent};
use super::launch::Origin;
use super::session::Plan;
use super::snapshot::TaskSnapshot;
use super::tails::{Tail, Tails};
use super::transcript::Transcript;
use super::verdict::{Case, Known, LogState, Workload, judge};
use std::time::Duration;

/// How a run ended, from what ECS still knows of its task and from its log, read to its end.
pub(crate) fn recount(plan: &Plan, task: Option<&TaskSnapshot>, tails: &Tails) -> Conclusion {
    let tail = tails.decisive();
    let asked = asked(plan.asked, &tail.transcript);
    let workload = asked.workload(plan.expect, tail.looks_like());
    let log = state(tail, workload);
    let finished = tail.transcript.finished();
    let verdict = judge(&Case {
        task: task.map_or(Known::Forgotten, Known::Task),
        container: &plan.container,
        finished,
        intent: Intent::None.or_as_told(task, &plan.container),
        log,
        workload,
        origin: plan.origin,
        logged: tail.transcript.logged(),
        asked,
        ran: tail.transcript.ran(),
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

/// What was asked, as ECS has it, else as the run's first line says it.
fn asked(by_ecs: Asked, transcript: &Transcript) -> Asked {
    if by_ecs == Asked::Anything {
        return Asked::of_record(&transcript.looked().origin, transcript.ran());
    }
    by_ecs
}

/// A plain container has no last word: its log is complete when it was read to its end.
fn state(tail: &Tail, workload: Workload) -> LogState {
    match (tail.readable(), workload) {
        (Readable::Yes, Workload::Plain) if tail.failing.is_none() => LogState::Complete,
        (Readable::Yes | Readable::No, _) => tail.state_when_left(),
    }
}

/// How a run ended, in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glance {
    pub(crate) class: String,
    pub(crate) exit_code: u8,
    pub(crate) outcome: String,
    pub(crate) sentence: String,
}

/// The same verdict in a line, of as much of the log as the line needs.
pub(crate) fn glance(
    task: Option<&TaskSnapshot>,
    (container, expect): (&str, Expectation),
    (transcript, log): (&Transcript, LogState),
) -> Glance {
    let asked = asked(task.map_or(Asked::Anything, |task| task.asked), transcript);
    let seen = if transcript.is_runners() { Workload::Runner } else { Workload::Plain };
    let workload = asked.workload(expect, seen);
    let finished = transcript.finished();
    let verdict = judge(&Case {
        task: task.map_or(Known::Forgotten, Known::Task),
        container,
        finished,
        intent: Intent::None.or_as_told(task, container),
        log,
        workload,
        origin: Origin::Found,
        logged: transcript.logged(),
        asked,
        ran: transcript.ran(),
    });
    Glance {
        class: conclusion::class(&verdict, workload, finished),
        exit_code: verdict.exit_code(),
        outcome: conclusion::outcome(&verdict, finished),
        sentence: ending::sentence(&verdict, finished, None),
    }
}
