//! The gate's truth table.

use super::super::snapshot_examples;
use super::*;
use protocol::event::Outcome;
use std::fmt::Write as _;

const NAMES: [&str; 8] = [
    "TaskFailedToStart",
    "EssentialContainerExited",
    "UserInitiated",
    "ServiceSchedulerInitiated",
    "SpotInterruption",
    "TerminationNotice",
    "InfrastructureHealth",
    "SomethingNew",
];

fn task(stop_code: Option<&str>, exit_code: Option<i32>, started: bool) -> TaskSnapshot {
    TaskSnapshot {
        version: 6,
        stop_code: stop_code.map(StopCode::named),
        started,
        containers: vec![
            snapshot_examples::container("proxy", "STOPPED", Some(0)),
            snapshot_examples::container("migrate", "STOPPED", exit_code),
        ],
        ..snapshot_examples::task("STOPPED")
    }
}

fn case(task: &TaskSnapshot) -> Case<'_> {
    Case {
        task: Known::Task(task),
        container: "migrate",
        finished: None,
        intent: Intent::None,
        log: LogState::Complete,
        workload: Workload::Plain,
        logged: Logged::Something,
        origin: Origin::Started,
        asked: Asked::Anything,
        ran: Ran::default(),
    }
}

/// Green is what was asked, by the runner's own word.
#[test]
fn what_ended_well_must_be_what_was_asked() {
    use protocol::{RunnerCommand, Standing};
    let task = task(Some("EssentialContainerExited"), Some(0), true);
    let good = finished(0, Outcome::Done, DatabaseState::Unchanged);
    let status = Ran { command: RunnerCommand::Status, standing: Standing::Aside };
    let start = Ran { command: RunnerCommand::Start, standing: Standing::Proof };
    let answer = Asked::Answer(RunnerCommand::Status);
    for (asked, ran, finished, log, logged, expected) in [
        (answer, status, Some(&good), LogState::Complete, Logged::Something, "green"),
        (answer, start, Some(&good), LogState::Complete, Logged::Something, "asked"),
        (answer, Ran::default(), Some(&good), LogState::Complete, Logged::Something, "asked"),
        (answer, Ran::default(), None, LogState::Complete, Logged::Something, "no word"),
        (answer, Ran::default(), None, LogState::Unreadable, Logged::Nothing, "no word"),
        (Asked::Migration, status, Some(&good), LogState::Complete, Logged::Something, "asked"),
        (Asked::Migration, start, Some(&good), LogState::Complete, Logged::Something, "green"),
        (Asked::Migration, Ran::default(), None, LogState::Unreadable, Logged::Nothing, "green"),
        (Asked::Migration, Ran::default(), None, LogState::Complete, Logged::AnotherRun, "run"),
    ] {
        let case =
            Case { asked, ran, finished, log, logged, workload: Workload::Runner, ..case(&task) };
        let found = match judge(&case) {
            Verdict::Green(_) => "green",
            Verdict::Unknown(Doubt::NotWhatWasAsked(_)) => "asked",
            Verdict::Unknown(Doubt::NoLastWord) => "no word",
            Verdict::Unknown(Doubt::NoWordOfThisRun) => "run",
            other @ (Verdict::Failed { .. }
            | Verdict::NeverStarted
            | Verdict::TimedOut(_)
            | Verdict::Cancelled(_)
            | Verdict::Detached
            | Verdict::NotStopped(_)
            | Verdict::Unknown(_)
            | Verdict::WatchLost) => panic!("{other:?} for {case:?}"),
        };
        assert_eq!(found, expected, "{case:?}");
    }
}

fn finished(exit_code: u8, outcome: Outcome, database: DatabaseState) -> RunFinished {
    RunFinished { outcome, exit_code, database, ..RunFinished::default() }
}

#[test]
fn only_the_containers_own_end_with_zero_is_green() {
    for name in NAMES {
        for code in [None, Some(0), Some(1), Some(143)] {
            let task = task(Some(name), code, true);
            let verdict = judge(&case(&task));
            let green = name == "EssentialContainerExited" && code == Some(0);
            assert_eq!(verdict.exit_code() == 0, green, "{name} {code:?} {verdict:?}");
        }
    }
}

#[test]
fn the_table_without_an_intent() {
    for (stop_code, exit_code, started, expected) in [
        (Some("EssentialContainerExited"), Some(0), true, 0),
        (Some("EssentialContainerExited"), Some(10), true, 10),
        (Some("EssentialContainerExited"), Some(137), true, 137),
        (Some("EssentialContainerExited"), Some(-1), true, 1),
        (Some("EssentialContainerExited"), Some(256), true, 1),
        (Some("EssentialContainerExited"), None, true, 85),
        (Some("TaskFailedToStart"), None, false, 80),
        (Some("TaskFailedToStart"), None, true, 85),
        (Some("TaskFailedToStart"), Some(0), false, 85),
        (Some("TaskFailedToStart"), Some(3), false, 3),
        (Some("UserInitiated"), None, false, 80),
        (Some("UserInitiated"), Some(0), true, 85),
        (Some("SpotInterruption"), Some(143), true, 85),
        (Some("SomethingNew"), Some(1), true, 85),
        (None, Some(0), true, 85),
        (None, Some(4), true, 4),
        (None, None, false, 80),
    ] {
        let task = task(stop_code, exit_code, started);
        let mut case = case(&task);
        case.logged = Logged::Nothing;
        assert_eq!(judge(&case).exit_code(), expected, "{stop_code:?} {exit_code:?} {started}");
    }
}

#[test]
fn a_line_proves_that_it_ran() {
    let task = task(Some("TaskFailedToStart"), None, false);
    assert_eq!(judge(&case(&task)), Verdict::Unknown(Doubt::NoExitCode));
}

#[test]
fn a_runner_needs_its_last_word() {
    let task = task(Some("EssentialContainerExited"), Some(0), true);
    let good = finished(0, Outcome::Applied, DatabaseState::Changed);
    let bad = finished(10, Outcome::Failed, DatabaseState::Unchanged);
    let newer = finished(0, Outcome::Unknown, DatabaseState::Changed);
    for (word, log, expected) in [
        (Some(&good), LogState::Complete, Verdict::Green(Ground::LastWord)),
        (Some(&good), LogState::NotProved, Verdict::Green(Ground::LastWord)),
        (Some(&newer), LogState::Complete, Verdict::Green(Ground::LastWord)),
        (Some(&bad), LogState::Complete, Verdict::Unknown(Doubt::LastWordDisagrees)),
        (None, LogState::Complete, Verdict::Unknown(Doubt::NoLastWord)),
        (None, LogState::NotProved, Verdict::Unknown(Doubt::NoLastWord)),
        (None, LogState::Unreadable, Verdict::Green(Ground::UnreadLog)),
    ] {
        let mut case = case(&task);
        case.workload = Workload::Runner;
        case.finished = word;
        case.log = log;
        assert_eq!(judge(&case), expected);
    }
}

/// Every combination of what decides. One line for each stop code, exit code and intent; in it a
/// group for each last word, and in that `runner/plain` for a log that is complete, not proved and
/// unreadable.
#[test]
fn the_truth_table() {
    let good = finished(0, Outcome::Applied, DatabaseState::Changed);
    let failed = finished(10, Outcome::Failed, DatabaseState::Unchanged);
    let interrupted = finished(30, Outcome::Interrupted, DatabaseState::Unchanged);
    let words = [None, Some(&good), Some(&failed), Some(&interrupted)];
    let logs = [LogState::Complete, LogState::NotProved, LogState::Unreadable];
    let mut table = vec![format!(
        "{:26}{:6}{:9}{:19}{:19}{:19}interrupted",
        "stop code", "exit", "intent", "no last word", "green", "failed"
    )];
    for stop_code in NAMES.iter().map(|name| Some(*name)).chain([None]) {
        for exit_code in [None, Some(0), Some(1), Some(10), Some(143)] {
            let task = task(stop_code, exit_code, true);
            for intent in [Intent::None, Intent::Timeout, Intent::Cancel, Intent::Detach] {
                let mut row = format!(
                    "{:26}{:6}{:9}",
                    stop_code.unwrap_or("-"),
                    exit_code.map_or("-".to_owned(), |code| code.to_string()),
                    format!("{intent:?}")
                );
                for finished in words {
                    for log in logs {
                        let [runner, plain] = [Workload::Runner, Workload::Plain].map(|workload| {
                            let case = Case { finished, intent, log, workload, ..case(&task) };
                            let verdict = judge(&case);
                            never_green_without_proof(&case, &task, &verdict);
                            verdict.exit_code()
                        });
                        let cell = if runner == plain {
                            runner.to_string()
                        } else {
                            format!("{runner}/{plain}")
                        };
                        write!(row, "{cell:6}").unwrap();
                    }
                    row.push(' ');
                }
                table.push(row.trim_end().to_owned());
            }
        }
    }
    insta::assert_snapshot!(table.join("\n"));
}

/// What must hold however the function is written.
fn never_green_without_proof(case: &Case<'_>, task: &TaskSnapshot, verdict: &Verdict) {
    let own_end = task.stop_code == Some(StopCode::EssentialContainerExited)
        && task.containers[1].exit_code == Some(0);
    let said_so = match (case.workload, case.finished) {
        (Workload::Plain, _) => true,
        (Workload::Runner, Some(finished)) => finished.exit_code == 0,
        (Workload::Runner, None) => case.log == LogState::Unreadable,
    };
    let wanted = matches!(case.intent, Intent::None | Intent::Timeout);
    assert_eq!(verdict.exit_code() == 0, own_end && said_so && wanted, "{case:?}: {verdict:?}");
}

#[test]
fn a_record_in_the_log_counts_for_a_run_that_was_found_and_only_if_it_is_whole() {
    let unseen = task(None, None, true);
    let good = finished(0, Outcome::Applied, DatabaseState::Changed);
    let bad = finished(10, Outcome::Failed, DatabaseState::Unchanged);
    for (origin, finished, log, code) in [
        (Origin::Found, Some(&good), LogState::Complete, 0),
        (Origin::Found, Some(&good), LogState::NotProved, 85),
        (Origin::Found, Some(&bad), LogState::Complete, 85),
        (Origin::Found, None, LogState::Complete, 85),
        (Origin::Started, Some(&good), LogState::Complete, 85),
    ] {
        let case = Case { task: Known::Missing, origin, finished, log, ..case(&unseen) };
        assert_eq!(judge(&case).exit_code(), code, "{case:?}");
    }
}

#[test]
fn a_good_last_word_does_not_heal_a_bad_exit_code() {
    let task = task(Some("EssentialContainerExited"), Some(137), true);
    let good = finished(0, Outcome::Applied, DatabaseState::Changed);
    let mut case = case(&task);
    case.workload = Workload::Runner;
    case.finished = Some(&good);
    assert_eq!(judge(&case).exit_code(), 137);
}

#[test]
fn a_cancel_is_a_cancel_and_says_what_is_proved() {
    let rolled_back = finished(30, Outcome::Interrupted, DatabaseState::Unchanged);
    let ended = task(Some("UserInitiated"), Some(30), true);
    let never = task(Some("UserInitiated"), None, false);
    let mut running = task(None, None, true);
    "RUNNING".clone_into(&mut running.status);
    for (task, word, workload, proof) in [
        (
            &ended,
            Some(&rolled_back),
            Workload::Runner,
            StopProof::Reported(DatabaseState::Unchanged),
        ),
        (
            &running,
            Some(&rolled_back),
            Workload::Runner,
            StopProof::Reported(DatabaseState::Unchanged),
        ),
        (&ended, None, Workload::Runner, StopProof::Reported(DatabaseState::Unchanged)),
        (&ended, None, Workload::Plain, StopProof::Ended),
        (&never, None, Workload::Plain, StopProof::NothingRan),
        (&running, None, Workload::Plain, StopProof::NotSeen),
    ] {
        let mut case = case(task);
        case.logged = Logged::Nothing;
        case.intent = Intent::Cancel;
        case.finished = word;
        case.workload = workload;
        assert_eq!(judge(&case), Verdict::Cancelled(proof));
        assert_eq!(judge(&case).exit_code(), 83);
    }
}

#[test]
fn a_time_limit_that_came_too_late_does_not_count() {
    let by_itself = task(Some("EssentialContainerExited"), Some(0), true);
    let stopped = task(Some("UserInitiated"), Some(0), true);
    for (task, code) in [(&by_itself, 0), (&stopped, 82)] {
        let mut case = case(task);
        case.intent = Intent::Timeout;
        assert_eq!(judge(&case).exit_code(), code);
    }
}

#[test]
fn what_cannot_be_seen_is_unknown() {
    let stopped = task(Some("EssentialContainerExited"), Some(0), true);
    let mut deprovisioning = stopped.clone();
    "DEPROVISIONING".clone_into(&mut deprovisioning.status);
    let mut stopping = deprovisioning.clone();
    "RUNNING".clone_into(&mut stopping.containers[1].status);
    for (known, intent, code) in [
        (Known::Missing, Intent::None, 85),
        (Known::Missing, Intent::Cancel, 83),
        (Known::Missing, Intent::Timeout, 82),
        (Known::WatchLost, Intent::None, 86),
        (Known::Task(&deprovisioning), Intent::None, 0),
        (Known::Task(&stopping), Intent::None, 85),
        (Known::Task(&stopped), Intent::Detach, 84),
    ] {
        let mut case = case(&stopped);
        case.task = known;
        case.intent = intent;
        assert_eq!(judge(&case).exit_code(), code, "{known:?} {intent:?}");
    }
}

#[test]
fn a_container_that_is_not_there_never_started() {
    let mut task = task(Some("EssentialContainerExited"), Some(0), false);
    task.containers.pop();
    let mut case = case(&task);
    case.logged = Logged::Nothing;
    assert_eq!(judge(&case), Verdict::NeverStarted);
}
