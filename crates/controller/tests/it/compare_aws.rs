//! `scripts/compare-aws.sh`: what an account answers is held against the sandbox. Nobody has given a
//! recording of AWS yet; the fixture is one of the sandbox, with one line a state.

use crate::support::tools;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tokio::process::Command;

fn fixture() -> PathBuf {
    tools::root().join("crates/controller/tests/data/describe-tasks")
}

type Change = fn(&mut Vec<Value>);

/// The exit code, and what was said.
async fn compared(mut command: Command) -> (i32, String) {
    let output = command.current_dir(tools::root()).output().await.unwrap();
    let said = [&output.stdout[..], &output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn the_sandbox_still_answers_as_it_was_recorded() {
    if tools::python().await.is_none() {
        return;
    }
    let mut command = Command::new(tools::root().join("scripts/compare-aws.sh"));
    command.arg(fixture());
    let (code, said) = compared(command).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("0 differences"), "{said}");
}

/// A copy of the fixture in which the tasks of one file are changed.
fn altered(name: &str, change: impl Fn(&mut Vec<Value>)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(fixture()).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut tasks: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if path.file_stem().unwrap() == name {
            change(&mut tasks);
        }
        let lines: Vec<String> = tasks.iter().map(Value::to_string).collect();
        let copy: &Path = folder.path();
        std::fs::write(copy.join(path.file_name().unwrap()), lines.join("\n")).unwrap();
    }
    folder
}

#[tokio::test]
async fn what_contradicts_is_named() {
    let Some(python) = tools::python().await else { return };
    let last: [(&str, Change, i32, &str); 7] = [
        ("success", |_| {}, 0, "0 differences"),
        ("success", |tasks| tasks.reverse(), 1, "success: states"),
        (
            "failure",
            |tasks| tasks.last_mut().unwrap()["containers"][0]["exitCode"] = json!(2),
            1,
            "failure: exit codes [2], the sandbox has [1]",
        ),
        (
            "stopped",
            |tasks| tasks.last_mut().unwrap()["stopCode"] = json!("TaskFailedToStart"),
            1,
            "stopped: stopCode is TaskFailedToStart, the sandbox has UserInitiated",
        ),
        (
            "memory",
            |tasks| tasks.last_mut().unwrap()["startedAt"] = json!("2026-11-21"),
            1,
            "memory: STOPPED: .startedAt is str, the sandbox has number",
        ),
        (
            "image_missing",
            |tasks| {
                drop(tasks.last_mut().unwrap().as_object_mut().unwrap().remove("stoppedReason"));
            },
            1,
            "image_missing: STOPPED: only the sandbox has .stoppedReason",
        ),
        ("secret_missing", Vec::clear, 1, "secret_missing: the recording has nothing"),
    ];
    for (name, change, expected, said) in last {
        let folder = altered(name, change);
        let mut command = Command::new(&python);
        command.args(["scripts/compare_aws.py", "compare"]).arg(folder.path()).arg(fixture());
        let (code, found) = compared(command).await;
        assert_eq!(code, expected, "{name}: {found}");
        assert!(found.contains(said), "{name}: no {said:?} in {found}");
    }
}

#[tokio::test]
async fn what_is_not_set_is_named_before_anything_runs() {
    let Some(python) = tools::python().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(&python);
    command.args(["scripts/compare_aws.py", "record"]).arg(folder.path().join("dump"));
    command.env_remove("ECS_MIGRATE_SUBNETS").env_remove("EXECUTION_ROLE_ARN");
    command.env("ECS_MIGRATE_SECURITY_GROUPS", "sg-a");
    let (code, said) = compared(command).await;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("not set: EXECUTION_ROLE_ARN, ECS_MIGRATE_SUBNETS;"), "{said}");
    assert!(!folder.path().join("dump").exists());
}
