//! Tables of timelines.

use super::super::arn::TaskArn;
use super::super::snapshot::{ContainerSnapshot, StopCode, TaskTimes};
use super::*;
use proptest::prelude::*;
use protocol::Event;
use protocol::event::{
    Connected, LockAcquired, LockWaiting, MigrationApplied, MigrationFailed, MigrationStarted,
    RunFinished, RunStarted,
};
use protocol::line::EventLine;

/// A task that went as far as its times say.
fn task(status: &str, exit_code: Option<i32>, times: &[i64]) -> TaskSnapshot {
    let time = |index: usize| times.get(index).copied().filter(|time| *time >= 0);
    let stopped = status == "STOPPED";
    TaskSnapshot {
        arn: TaskArn::new("x"),
        version: 1,
        definition: String::new(),
        status: status.to_owned(),
        stop_code: stopped.then_some(StopCode::EssentialContainerExited),
        stopped_reason: None,
        started: time(4).is_some(),
        created_at: time(0),
        times: TaskTimes {
            connectivity: time(1),
            pull_started: time(2),
            pull_stopped: time(3),
            started: time(4),
            stopping: time(5),
            execution_stopped: time(6),
            stopped: time(7),
        },
        started_by: String::new(),
        asked: super::super::asked::Asked::Anything,
        expect: super::super::intent::Expectation::Auto,
        run: None,
        invocation: None,
        environment: None,
        network: Vec::new(),
        containers: vec![ContainerSnapshot {
            name: "m".to_owned(),
            status: status.to_owned(),
            exit_code,
            reason: None,
            image: String::new(),
            image_digest: None,
        }],
    }
}

fn runner(lines: &[(i64, Event)]) -> RunnerTimes {
    let mut times = RunnerTimes::default();
    for (seq, (at, event)) in (1..).zip(lines) {
        let mut line = EventLine::new("r", "p", seq, event.clone());
        line.at = jiff::Timestamp::from_millisecond(*at).unwrap().to_string();
        times.note(&line, -1);
    }
    times
}

fn started() -> Event {
    Event::RunStarted(RunStarted::default())
}

fn connected() -> Event {
    Event::Connected(Connected::default())
}

fn waiting(waited_ms: u64) -> Event {
    Event::LockWaiting(LockWaiting { waited_ms, ..LockWaiting::default() })
}

fn acquired(waited_ms: u64) -> Event {
    Event::LockAcquired(LockAcquired { waited_ms, ..LockAcquired::default() })
}

fn begun(migration: &str) -> Event {
    let migration = migration.to_owned();
    Event::MigrationStarted(MigrationStarted { migration, ..MigrationStarted::default() })
}

fn applied(migration: &str, duration_ms: u64) -> Event {
    let migration = migration.to_owned();
    let event = MigrationApplied { migration, duration_ms, ..MigrationApplied::default() };
    Event::MigrationApplied(event)
}

fn failed(migration: &str) -> Event {
    let migration = migration.to_owned();
    Event::MigrationFailed(MigrationFailed { migration, ..MigrationFailed::default() })
}

fn finished(outcome: Outcome) -> Event {
    Event::RunFinished(RunFinished { outcome, ..RunFinished::default() })
}

/// `lock 5000–6000`, with the state where it is not done.
fn shown(timeline: &Timeline) -> Vec<String> {
    let time = |time: Option<i64>| time.map_or("?".to_owned(), |time| time.to_string());
    let show = |phase: &Phase| {
        let name = phase.kind.migration().unwrap_or(phase.kind.word());
        let state = match phase.state {
            PhaseState::Done => String::new(),
            state @ (PhaseState::Open
            | PhaseState::Failed
            | PhaseState::Interrupted
            | PhaseState::Unknown) => format!(" {}", state.word()),
        };
        format!("{name} {}-{}{state}", time(phase.start), time(phase.end))
    };
    timeline.phases.iter().map(show).collect()
}

const WHOLE: &[i64] = &[0, 1000, 2000, 4000, 5000, 9000, 9500, 20_000];

fn green() -> Vec<(i64, Event)> {
    vec![
        (4900, started()),
        (5000, connected()),
        (5010, waiting(0)),
        (5500, waiting(490)),
        (6010, acquired(1000)),
        (6020, begun("a")),
        (7000, applied("a", 980)),
        (7010, begun("b")),
        (9000, applied("b", 1990)),
        (9010, finished(Outcome::Applied)),
    ]
}

/// A name, what ECS says, what the runner said, and the phases.
type Row<'a> = (&'a str, Option<TaskSnapshot>, Vec<(i64, Event)>, &'a [&'a str]);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn timelines() {
    let green = green();
    let broken = [&green[..8], &[(8000, failed("b")), (8010, finished(Outcome::Failed))]].concat();
    let refused = vec![green[0].clone(), (5000, finished(Outcome::Failed))];
    let stopped = [&green[..8], &[(9000, finished(Outcome::Interrupted))]].concat();
    let lossy = vec![(4900, started()), (7000, applied("a", 500)), (7500, failed("b"))];
    let late: Vec<_> = green.iter().map(|(at, event)| (at + 3_600_000, event.clone())).collect();
    let early: Vec<_> = green.iter().map(|(at, event)| (at + 1_000_000, event.clone())).collect();
    let early_task: Vec<i64> = WHOLE.iter().map(|at| at + 9_000_000).collect();
    let table: Vec<Row<'_>> = vec![
        (
            "both",
            Some(task("STOPPED", Some(0), WHOLE)),
            green.clone(),
            &[
                "queued 0-1000",
                "network 1000-2000",
                "pull 2000-4000",
                "start 4000-4900",
                "connect 4900-5000",
                "lock 5010-6010",
                "a 6020-7000",
                "b 7010-9000",
                "teardown 9010-20000",
            ],
        ),
        (
            "ECS forgot",
            None,
            green.clone(),
            &[
                "queued ?-? unknown",
                "network ?-? unknown",
                "pull ?-? unknown",
                "start ?-? unknown",
                "connect 4900-5000",
                "lock 5010-6010",
                "a 6020-7000",
                "b 7010-9000",
                "teardown 9010-? unknown",
            ],
        ),
        (
            "no log",
            Some(task("STOPPED", Some(0), WHOLE)),
            vec![],
            &[
                "queued 0-1000",
                "network 1000-2000",
                "pull 2000-4000",
                "start 4000-5000",
                "container 5000-9500",
                "teardown 9500-20000",
            ],
        ),
        (
            "neither",
            None,
            vec![],
            &[
                "queued ?-? unknown",
                "network ?-? unknown",
                "pull ?-? unknown",
                "start ?-? unknown",
                "container ?-? unknown",
                "teardown ?-? unknown",
            ],
        ),
        (
            "a failed migration",
            Some(task("STOPPED", Some(10), WHOLE)),
            broken,
            &[
                "queued 0-1000",
                "network 1000-2000",
                "pull 2000-4000",
                "start 4000-4900",
                "connect 4900-5000",
                "lock 5010-6010",
                "a 6020-7000",
                "b 7010-8000 failed",
                "teardown 8010-20000",
            ],
        ),
        (
            "no connection",
            Some(task("STOPPED", Some(20), WHOLE)),
            refused,
            &[
                "queued 0-1000",
                "network 1000-2000",
                "pull 2000-4000",
                "start 4000-4900",
                "connect 4900-5000 failed",
                "teardown 5000-20000",
            ],
        ),
        (
            "stopped",
            Some(task("STOPPED", Some(30), WHOLE)),
            stopped,
            &[
                "queued 0-1000",
                "network 1000-2000",
                "pull 2000-4000",
                "start 4000-4900",
                "connect 4900-5000",
                "lock 5010-6010",
                "a 6020-7000",
                "b 7010-9000 interrupted",
                "teardown 9000-20000",
            ],
        ),
        (
            "killed",
            Some(task("STOPPED", Some(137), WHOLE)),
            green[..8].to_vec(),
            &[
                "queued 0-1000",
                "network 1000-2000",
                "pull 2000-4000",
                "start 4000-4900",
                "connect 4900-5000",
                "lock 5010-6010",
                "a 6020-7000",
                "b 7010-9500 failed",
                "teardown 9500-20000",
            ],
        ),
        (
            "lines lost, a last word that says nothing of ECS",
            None,
            lossy,
            &[
                "queued ?-? unknown",
                "network ?-? unknown",
                "pull ?-? unknown",
                "start ?-? unknown",
                "connect 4900-6500",
                "a 6500-7000",
                "runner 7000-7500",
                "b 7500-7500 failed",
                "runner 7500-? unknown",
                "teardown ?-? unknown",
            ],
        ),
        (
            "a task in flight, pulling",
            Some(task("PENDING", None, &[0, 1000, 2000])),
            vec![],
            &["queued 0-1000", "network 1000-2000", "pull 2000-? open"],
        ),
        (
            "a task in flight that waits for the lock, which ECS calls pending still",
            Some(task("PENDING", None, &[0, 1000, 2000, 4000])),
            green[..4].to_vec(),
            &[
                "queued 0-1000",
                "network 1000-2000",
                "pull 2000-4000",
                "start 4000-4900",
                "connect 4900-5000",
                "lock 5010-? open",
            ],
        ),
        (
            "an image that is not there",
            Some(task("STOPPED", None, &[0, 1000, 2000, -1, -1, 3000, -1, 4000])),
            vec![],
            &["queued 0-1000", "network 1000-2000", "pull 2000-3000 failed", "teardown 3000-4000"],
        ),
        (
            "marks that ECS did not set",
            Some(task("STOPPED", Some(0), &[0, 1000, -1, -1, 5000, 9000, 9500, 20_000])),
            vec![],
            &[
                "queued 0-1000",
                "network 1000-? unknown",
                "pull ?-? unknown",
                "start ?-5000 unknown",
                "container 5000-9500",
                "teardown 9500-20000",
            ],
        ),
        (
            "a runner an hour ahead",
            Some(task("STOPPED", Some(0), WHOLE)),
            late,
            &[
                "queued 0-1000",
                "network 1000-2000",
                "pull 2000-4000",
                "start 4000-5000",
                "connect 5390-5490",
                "lock 5500-6500",
                "a 6510-7490",
                "b 7500-9490",
                "teardown 9500-20000",
            ],
        ),
        (
            "a runner that lags",
            Some(task("STOPPED", Some(0), &early_task)),
            early,
            &[
                "queued 9000000-9001000",
                "network 9001000-9002000",
                "pull 9002000-9004000",
                "start 9004000-9004000",
                "connect 9004000-9004100",
                "lock 9004110-9005110",
                "a 9005120-9006100",
                "b 9006110-9008100",
                "teardown 9008110-9020000",
            ],
        ),
    ];
    for (name, task, lines, expected) in table {
        let timeline = Timeline::of(task.as_ref(), "m", &runner(&lines));
        assert_eq!(shown(&timeline), expected, "{name}");
    }
}

#[test]
fn the_open_and_the_failed_phase_are_named() {
    let pulling = Timeline::of(Some(&task("PENDING", None, &[0, 1, 2])), "m", &runner(&[]));
    assert_eq!(pulling.open().map(|phase| phase.kind.clone()), Some(PhaseKind::Pull));
    assert_eq!(pulling.failed(), None);
    let broken = runner(&[(1, started()), (2, failed("b")), (3, finished(Outcome::Failed))]);
    let timeline = Timeline::of(None, "m", &broken);
    let kind = timeline.failed().map(|phase| phase.kind.clone());
    assert_eq!(kind, Some(PhaseKind::Migration("b".to_owned())));
    assert_eq!(timeline.open(), None);
}

#[test]
fn the_order_of_reading_does_not_matter_and_a_time_that_is_none_is_the_logs() {
    let lines = green();
    let mut backwards = RunnerTimes::default();
    for (seq, (at, event)) in (1..).zip(&lines).collect::<Vec<_>>().into_iter().rev() {
        backwards.note(&EventLine::new("r", "p", seq, event.clone()), *at);
    }
    let forwards = Timeline::of(None, "m", &runner(&lines));
    assert_eq!(shown(&Timeline::of(None, "m", &backwards)), shown(&forwards));
}

fn any_event() -> impl Strategy<Value = Event> {
    let name = prop::sample::select(vec!["a", "b"]);
    let span = prop::sample::select(vec![0_u64, 5, 100_000, u64::MAX]);
    let outcome = prop::sample::select(vec![
        Outcome::Applied,
        Outcome::Failed,
        Outcome::Interrupted,
        Outcome::Unknown,
    ]);
    (0..8_u8, name, span, outcome).prop_map(|(kind, name, span, outcome)| match kind {
        0 => started(),
        1 => connected(),
        2 => waiting(span),
        3 => acquired(span),
        4 => begun(name),
        5 => applied(name, span),
        6 => failed(name),
        _ => finished(outcome),
    })
}

proptest! {
    /// Whatever the sources say, phases are in order and none has a negative duration.
    #[test]
    fn time_never_runs_backwards(
        times in prop::option::of(prop::collection::vec(-5_000_i64..50_000, 0..8)),
        stopped in any::<bool>(),
        exit_code in prop::option::of(0..3_i32),
        lines in prop::collection::vec((-100_000_i64..100_000, any_event()), 0..12),
    ) {
        let status = if stopped { "STOPPED" } else { "RUNNING" };
        let task = times.map(|times| task(status, exit_code, &times));
        let timeline = Timeline::of(task.as_ref(), "m", &runner(&lines));
        let times: Vec<i64> =
            timeline.phases.iter().flat_map(|phase| [phase.start, phase.end]).flatten().collect();
        prop_assert!(times.is_sorted(), "{:?}", shown(&timeline));
        let open: Vec<_> =
            timeline.phases.iter().filter(|phase| phase.state == PhaseState::Open).collect();
        prop_assert!(open.len() <= 1, "{:?}", shown(&timeline));
        prop_assert!(open.is_empty() || task.is_some());
    }
}
