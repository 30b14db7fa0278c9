//! StopTask against real processes: one that cleans up, one that ignores SIGTERM, one that never started.

use std::time::Duration;

use sandbox::{Config, Program, Sandbox, Speed};
use tokio::time::{Instant, sleep};

use crate::support::{World, arn, container, exit_code, stop_code, stream, words};

fn shell() -> Config {
    let program = Program::command("sh -c").expect("words");
    Config::new(Speed::Instant).image("*/app-migrate:*", program)
}

/// `sh` runs a trap between commands, so the loop is short.
const TRAPS: &str = "trap 'echo stopping; exit 30' TERM; echo ready; while :; do sleep 0.02; done";
const IGNORES: &str = "trap '' TERM; echo ready; while :; do sleep 0.02; done";

#[tokio::test]
async fn sigterm_is_trapped() {
    let world = World::served(shell()).await;
    world.register(&[TRAPS]).await;
    let task = world.start().await;
    world.until_line(&stream(&task, "runner"), "ready").await;
    let stop = world.ecs.stop_task().task(arn(&task)).reason("cancelled by CI");
    let stopping = stop.send().await.expect("stopped").task.expect("a task");
    assert_eq!(stopping.desired_status(), Some("STOPPED"));
    assert_eq!(stop_code(&stopping), "UserInitiated");

    let ended = world.until_status(arn(&task), "STOPPED").await;
    assert_eq!(exit_code(&ended, "runner"), Some(30));
    assert_eq!(ended.stopped_reason(), Some("cancelled by CI"));
    let lines = world.sandbox.log_messages(crate::support::GROUP, &stream(&task, "runner"));
    assert_eq!(lines, ["ready", "stopping"]);
}

#[tokio::test]
async fn sigterm_is_ignored_until_stop_timeout() {
    let world = World::served(shell()).await;
    let runner = container("runner").set_command(Some(words(&[IGNORES]))).stop_timeout(2).build();
    world.definition().container_definitions(runner).send().await.expect("valid");
    let task = world.start().await;
    world.until_line(&stream(&task, "runner"), "ready").await;
    let before = Instant::now();
    world.ecs.stop_task().task(arn(&task)).send().await.expect("stopped");
    let ended = world.until_status(arn(&task), "STOPPED").await;
    assert!(before.elapsed() >= Duration::from_secs(2));
    assert_eq!(exit_code(&ended, "runner"), Some(137));
    assert_eq!(ended.stopped_reason(), Some("Task stopped by user"));
}

#[tokio::test]
async fn a_task_stopped_before_its_start_has_no_exit_code() {
    let mut dwell = Speed::Instant.dwell();
    dwell.provisioning = Duration::from_mins(5);
    let world = World::served(shell().dwell(dwell)).await;
    world.register(&["echo never"]).await;
    let task = world.start().await;
    world.ecs.stop_task().task(arn(&task)).send().await.expect("stopped");
    let ended = world.until_status(arn(&task), "STOPPED").await;
    assert_eq!((exit_code(&ended, "runner"), ended.started_at()), (None, None));
    assert_eq!(stop_code(&ended), "UserInitiated");
    assert_eq!(ended.execution_stopped_at(), None);
}

#[tokio::test]
async fn dropping_the_sandbox_leaves_no_process() {
    let world = World::served(shell()).await;
    world.register(&["trap '' TERM; sleep 1000 & echo $! $$; wait; wait"]).await;
    let task = world.start().await;
    let stream = stream(&task, "runner");
    let deadline = Instant::now() + Duration::from_secs(30);
    let ids = loop {
        if let Some(line) = world.sandbox.log_messages(crate::support::GROUP, &stream).pop() {
            break line;
        }
        assert!(Instant::now() < deadline, "no line");
        sleep(Duration::from_millis(20)).await;
    };
    let ids: Vec<&str> = ids.split(' ').collect();
    assert!(ids.iter().all(|id| is_alive(id)), "{ids:?}");

    let copy: Sandbox = world.sandbox.clone();
    drop(world);
    assert!(ids.iter().all(|id| is_alive(id)), "a clone keeps the sandbox: {ids:?}");
    drop(copy);
    while ids.iter().any(|id| is_alive(id)) {
        assert!(Instant::now() < deadline, "alive: {ids:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A zombie is dead; it only waits for somebody to notice.
pub(crate) fn is_alive(id: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| {
        let state = stat.rsplit_once(") ").map(|(_, rest)| rest.chars().next());
        !matches!(state, Some(Some('Z' | 'X')))
    })
}
