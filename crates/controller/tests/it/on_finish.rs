//! The command that is told how a run ended: the real binary, and the examples of the page.

use crate::support::binary::Invocation;
use crate::support::place::Place;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tokio::process::Command;

/// A `curl` that writes down what it was asked, and the examples' other tools.
fn with_curl(invocation: Invocation) -> Invocation {
    let tools = invocation.directory().join("tools");
    std::fs::create_dir(&tools).unwrap();
    let curl = tools.join("curl");
    // The body is what follows -d; @- is standard input.
    let script = r#"#!/bin/sh
while [ $# -gt 1 ]; do
  if [ "$1" = -d ]; then if [ "$2" = @- ]; then cat; else printf %s "$2"; fi; fi
  shift
done > body
echo "$1" >> asked
"#;
    std::fs::write(&curl, script).unwrap();
    std::fs::set_permissions(&curl, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", tools.display());
    invocation.with("PATH", &path)
}

/// The commands that the page shows, after the one of `ecs-migrate` itself.
fn examples() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/output.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, part) = page.split_once("## `--on-finish`").unwrap();
    let blocks = part.split("```sh parse\n").skip(1);
    blocks.map(|block| block.split_once("```").unwrap().0.to_owned()).collect()
}

fn read(directory: &Path, name: &str) -> Option<String> {
    std::fs::read_to_string(directory.join(name)).ok()
}

#[tokio::test]
async fn the_examples_of_the_page_work() {
    if Command::new("jq").arg("--version").output().await.is_err() {
        crate::support::tools::skip("jq is not installed");
        return;
    }
    let [chat, page] = <[String; 2]>::try_from(examples()).unwrap();
    for (script, code) in [("echo fine", 0), ("echo 'boom \"quoted\"'; exit 3", 3)] {
        let place = Place::running(script).await;
        for (example, address) in [(&chat, "https://chat"), (&page, "https://pager")] {
            let invocation = with_curl(place.run(&[]))
                .with("ECS_MIGRATE_ON_FINISH", example)
                .with("CHAT_WEBHOOK", "https://chat")
                .with("PAGER_URL", "https://pager")
                .with("PAGER_KEY", "key");
            let ended = invocation.run().await;
            assert_eq!(ended.code, code, "{}", ended.everything());
            assert!(!ended.err.contains("on-finish"), "{}", ended.everything());
            let asked = read(invocation.directory(), "asked");
            if code == 0 && address == "https://pager" {
                assert_eq!(asked, None, "nobody is woken up for a green run");
                continue;
            }
            assert_eq!(asked.unwrap().trim(), address, "once");
            let body = read(invocation.directory(), "body").unwrap();
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            if address == "https://chat" {
                assert!(body["text"].as_str().unwrap().contains(": the "), "{body}");
            } else {
                assert_eq!(body["routing_key"], "key");
                assert_eq!(body["payload"]["summary"], "the container failed with exit code 3");
                assert_eq!(body["payload"]["custom_details"]["database"], "check");
            }
        }
    }
}

#[tokio::test]
async fn a_command_that_fails_changes_nothing_but_a_warning() {
    let place = Place::running("echo hello").await;
    let hook = "echo told >> told; echo no such host >&2; exit 6";
    for form in ["text", "json", "github"] {
        let invocation =
            place.run(&["--output", form, "--on-finish", hook]).with("PATH", "/usr/bin:/bin");
        let ended = invocation.run().await;
        assert_eq!(ended.code, 0, "{}", ended.everything());
        let warning = "--on-finish: exit status: 6: no such host";
        let stream = if form == "github" { &ended.out } else { &ended.err };
        assert!(stream.contains(warning), "{}", ended.everything());
        assert_eq!(read(invocation.directory(), "told").as_deref(), Some("told\n"), "once");
        if form == "json" {
            let last: serde_json::Value =
                serde_json::from_str(ended.out.lines().last().unwrap()).unwrap();
            assert_eq!(last["type"], "result");
        }
    }
}

#[tokio::test]
async fn who_never_started_a_task_is_told_as_well() {
    let place = Place::running("echo hello").await;
    let invocation = place
        .run(&["--cluster", "nowhere", "--on-finish", "cat > result"])
        .with("PATH", "/usr/bin:/bin");
    let ended = invocation.run().await;
    assert_eq!(ended.code, 86, "{}", ended.everything());
    let result = read(invocation.directory(), "result").unwrap();
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    assert_eq!(result["exit_code"], 86);
}

#[tokio::test]
async fn a_cancelled_job_is_not_held_up() {
    let script = "trap 'exit 30' TERM; echo working; while :; do sleep 0.1; done";
    let place = Place::running(script).await;
    let invocation = place
        .run(&["--on-finish", "echo begun > begun; sleep 60; echo late > late"])
        .with("PATH", "/usr/bin:/bin");
    let mut started = invocation.start();
    started.says("working").await;
    #[expect(clippy::disallowed_methods, reason = "the wall clock is what GitHub goes by")]
    let began = SystemTime::now();
    started.interrupt().await;
    let ended = started.ended().await;
    let took = began.elapsed().unwrap();
    assert_eq!(ended.code, 83, "{}", ended.everything());
    assert!(took < Duration::from_millis(7_500), "{took:?}");
    assert!(ended.err.contains("--on-finish: it was killed after "), "{}", ended.everything());
    assert!(read(invocation.directory(), "begun").is_some());
    assert!(read(invocation.directory(), "late").is_none());
}
