//! Every known literal has its cause, and what nobody knows stays unknown.

use super::super::intent::Intent;
use super::super::snapshot::ContainerSnapshot;
use super::super::snapshot_examples;
use super::super::verdict::{Case, Known, LogState, Logged, Workload, judge};
use super::*;
use serde_json::Value;

fn rows() -> Vec<Value> {
    serde_json::from_str(include_str!("../../tests/data/faults.json")).unwrap()
}

fn task(wire: &Value) -> TaskSnapshot {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let container = |container: &Value| ContainerSnapshot {
        reason: text(&container["reason"]),
        ..snapshot_examples::container(
            container["name"].as_str().unwrap(),
            container["lastStatus"].as_str().unwrap(),
            container["exitCode"].as_i64().map(|code| i32::try_from(code).unwrap()),
        )
    };
    TaskSnapshot {
        stop_code: wire["stopCode"].as_str().map(StopCode::named),
        stopped_reason: text(&wire["stoppedReason"]),
        started: !wire["startedAt"].is_null(),
        containers: wire["containers"].as_array().unwrap().iter().map(container).collect(),
        ..snapshot_examples::task(wire["lastStatus"].as_str().unwrap())
    }
}

fn log(row: &Value) -> Vec<String> {
    let lines = row["input"]["log"].as_array();
    lines.into_iter().flatten().map(|line| line.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_fault_table_is_judged_as_it_says() {
    for row in rows() {
        let wire = &row["input"]["task"];
        if wire.is_null() {
            continue;
        }
        let id = row["id"].as_str().unwrap();
        let task = task(wire);
        let lines = log(&row);
        if row["decision"] == "KEEP_WAITING" {
            assert!(!task.decides("runner"), "{id}");
            continue;
        }
        let verdict = judge(&Case {
            task: Known::Task(&task),
            container: "runner",
            finished: None,
            intent: Intent::None,
            log: LogState::Complete,
            workload: Workload::Plain,
            origin: super::super::launch::Origin::Started,
            logged: if lines.is_empty() { Logged::Nothing } else { Logged::Something },
            asked: super::super::asked::Asked::Anything,
            ran: protocol::Ran::default(),
        });
        let expected =
            row["controller_exit"].as_i64().or_else(|| wire["containers"][0]["exitCode"].as_i64());
        assert_eq!(Some(i64::from(verdict.exit_code())), expected, "{id}");
    }
}

#[test]
fn the_fault_table_has_its_causes() {
    for row in rows() {
        let id = row["id"].as_str().unwrap();
        let input = &row["input"];
        let finding = if !input["task"].is_null() {
            of_task(&task(&input["task"]), "runner", Heard::Program(&log(&row)))
        } else if !input["error"].is_null() {
            let body = &input["error"]["body"];
            of_request(&format!(
                "{}: {}",
                body["__type"].as_str().unwrap(),
                body["message"].as_str().unwrap()
            ))
        } else {
            of_request(input["failures"]["failures"][0]["reason"].as_str().unwrap())
        };
        // Normal ends, eventual consistency and a stream that is not there yet have no cause.
        let none = ["E01", "E02", "E11", "E13", "E14", "W01", "W02", "W04", "W05", "W10"];
        assert_eq!(finding.is_none(), none.contains(&id), "{id}: {finding:?}");
        if let Some(finding) = finding {
            assert_eq!(Some(finding.retry), row["auto_retry"].as_bool().or(None), "{id}");
            if row["controller_exit"] == 81 {
                assert_eq!(finding.exit, Some(ExitCode::NoCapacity), "{id}");
            }
        }
    }
}

const NOTHING: Heard<'_> = Heard::Program(&[]);

fn stopped(reason: &str) -> TaskSnapshot {
    task(&serde_json::json!({
        "lastStatus": "STOPPED", "stopCode": "TaskFailedToStart", "stoppedReason": reason,
        "containers": [{"name": "runner", "lastStatus": "STOPPED"}]
    }))
}

/// Texts that AWS was seen to say, and their cause.
fn literals(kind: &str) -> Vec<(String, String)> {
    let file: Value = serde_json::from_str(include_str!("../../tests/data/literals.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = file[kind].as_array().unwrap().iter();
    rows.map(|row| (text(&row["text"]), text(&row["cause"]))).collect()
}

#[test]
fn literals_seen_in_the_field() {
    for (reason, id) in literals("reasons") {
        let finding = of_task(&stopped(&reason), "runner", NOTHING);
        assert_eq!(finding.map(|finding| finding.id), Some(id.as_str()), "{reason}");
    }
    for (text, id) in literals("requests") {
        let finding = of_request(&text);
        assert_eq!(finding.map(|finding| finding.id), Some(id.as_str()), "{text}");
    }
}

#[test]
fn a_line_of_the_log_is_a_cause_only_where_it_is_the_databases() {
    for (line, id) in literals("lines") {
        let ended = task(&serde_json::json!({
            "lastStatus": "STOPPED", "stopCode": "EssentialContainerExited", "startedAt": 1,
            "containers": [{"name": "runner", "lastStatus": "STOPPED", "exitCode": 1}]
        }));
        let lines = ["migrating".to_owned(), line, "giving up".to_owned()];
        let finding = of_task(&ended, "runner", Heard::Program(&lines));
        assert_eq!(finding.map_or("", |finding| finding.id), id, "{lines:?}");
        // What our own runner waited for on its way is told by its last word, or not at all.
        assert_eq!(of_task(&ended, "runner", Heard::Runner(&lines)), None, "{lines:?}");
    }
}

#[test]
fn words_of_one_cause_on_two_lines_are_none() {
    let lines = ["connection to server at db".to_owned(), "job timed out".to_owned()];
    assert_eq!(of_record(1, Heard::Program(&lines)), None);
    let lines = ["thread 'main' panicked at src/main.rs:1".to_owned()];
    assert_eq!(of_record(1, Heard::Runner(&lines)).unwrap().id, "panic");
}

const PULL: &str = "CannotPullContainerError: failed to resolve ref \
    1.dkr.ecr.us-east-1.amazonaws.com/guard:1: unexpected status: 403 Forbidden";

fn beside_a_sidecar(stop: (&str, &str), code: Option<i32>, sidecar: Option<&str>) -> TaskSnapshot {
    let mut ended = task(&serde_json::json!({
        "lastStatus": "STOPPED", "stopCode": stop.0, "stoppedReason": stop.1,
        "containers": [
            {"name": "app", "lastStatus": "STOPPED", "exitCode": code},
            {"name": "guard", "lastStatus": "STOPPED", "reason": sidecar}]
    }));
    ended.started = code.is_some();
    "1.dkr.ecr.us-east-1.amazonaws.com/app:1".clone_into(&mut ended.containers[0].image);
    "1.dkr.ecr.us-east-1.amazonaws.com/guard:1".clone_into(&mut ended.containers[1].image);
    ended
}

#[test]
fn a_sidecars_reason_is_never_the_migrations() {
    let exited = ("EssentialContainerExited", "Essential container in task exited");
    let failed = ("TaskFailedToStart", "Task failed to start");
    let out_of_memory = "OutOfMemoryError: Container killed due to memory usage";
    let of = |task: &TaskSnapshot| of_task(task, "app", NOTHING).map(|found| found.sentence);
    for reason in [PULL, out_of_memory] {
        assert_eq!(of(&beside_a_sidecar(exited, Some(1), Some(reason))), None, "{reason}");
    }
    // It ran, and a sibling did not start.
    let pulled = ("TaskFailedToStart", PULL);
    assert_eq!(of(&beside_a_sidecar(pulled, Some(1), None)), None);
    // Of a task that never started it is named, by its reason or by its image.
    let named = Some("of container `guard`: the execution role may not pull the image".to_owned());
    assert_eq!(of(&beside_a_sidecar(failed, None, Some(PULL))), named);
    assert_eq!(of(&beside_a_sidecar(pulled, None, None)), named);
    let own = (
        "TaskFailedToStart",
        "CannotPullContainerError: failed to resolve ref \
        1.dkr.ecr.us-east-1.amazonaws.com/app:1: 1.dkr.ecr.us-east-1.amazonaws.com/app:1: not found",
    );
    let missing = "the image does not exist in the registry";
    assert_eq!(of(&beside_a_sidecar(own, None, None)).as_deref(), Some(missing));
}

#[test]
fn memory_is_said_even_of_a_good_end() {
    let exited = ("EssentialContainerExited", "Essential container in task exited");
    let mut good = beside_a_sidecar(exited, Some(0), None);
    assert_eq!(of_a_good_end(&good, "app"), None);
    good.containers[0].reason =
        Some("OutOfMemoryError: Container killed due to memory usage".to_owned());
    let found = of_a_good_end(&good, "app").unwrap();
    assert!(found.sentence.contains("OutOfMemoryError"), "{found:?}");
    assert_eq!(of_a_good_end(&good, "guard"), None, "a sidecar's memory is its own affair");
}

#[test]
fn what_nobody_knows_has_no_cause() {
    assert_eq!(of_task(&stopped("a text of tomorrow"), "runner", NOTHING), None);
    assert_eq!(of_request("ClientException: a text of tomorrow, about AGENT 7"), None);
}

#[test]
fn evidence_is_lower_case_and_ids_are_unique() {
    let mut seen = std::collections::BTreeSet::new();
    for cause in CAUSES.iter() {
        assert!(seen.insert(&cause.id), "{}", cause.id);
        let conditions = cause.with.iter().chain(&cause.unless);
        for part in cause.evidence.iter().flatten().chain(conditions) {
            assert_eq!(*part, folded(part), "{}", cause.id);
        }
        let nothing =
            cause.evidence.is_empty() && cause.stop_codes.is_empty() && cause.exit_codes.is_empty();
        assert!(!nothing, "{} matches everything", cause.id);
    }
}
