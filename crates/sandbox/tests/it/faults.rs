//! Faults on request, as an SDK client meets them.

use std::time::Duration;

use sandbox::{Config, Faults, Program, Script, Speed};

use crate::support::{World, arn, exit_code, stop_code};

fn world(faults: &str) -> World {
    let faults: Faults = serde_json::from_str(faults).expect("valid faults");
    let script = Script::new().exits(Duration::from_secs(20), 0);
    let config = Config::new(Speed::Aws).image("*", Program::script(script));
    World::in_memory(config.faults(faults))
}

#[tokio::test(start_paused = true)]
async fn throttled_and_broken_calls_are_retried_by_the_sdk() {
    let world = world(
        r#"{"requests": [
            {"operation": "DescribeTaskDefinition", "to": 2, "answer": "throttle"},
            {"operation": "RunTask", "from": 1, "to": 1, "answer": {"server_error": {"status": 503}}}
        ]}"#,
    );
    world.register(&[]).await;
    let describe = world.ecs.describe_task_definition().task_definition("migrate");
    describe.send().await.expect("the third attempt");
    world.start().await;
    let statuses: Vec<(String, u16)> =
        world.sandbox.journal().into_iter().map(|entry| (entry.operation, entry.status)).collect();
    let expected = [
        ("RegisterTaskDefinition", 200),
        ("DescribeTaskDefinition", 400),
        ("DescribeTaskDefinition", 400),
        ("DescribeTaskDefinition", 200),
        ("RunTask", 503),
        ("RunTask", 200),
    ];
    assert_eq!(statuses, expected.map(|(operation, status)| (operation.to_owned(), status)));
}

#[tokio::test(start_paused = true)]
async fn missing_at_first_and_no_capacity() {
    let world = world(
        r#"{"requests": [
            {"operation": "DescribeTasks", "to": 2, "answer": "missing"},
            {"operation": "RunTask", "to": 1, "answer": {"failures": [{"reason": "Capacity is unavailable at this time."}]}}
        ]}"#,
    );
    world.register(&[]).await;
    let refused = world.run().send().await.expect("an answer");
    assert!(refused.tasks().is_empty());
    assert_eq!(refused.failures()[0].reason(), Some("Capacity is unavailable at this time."));
    let task = world.start().await;
    let describe = || world.ecs.describe_tasks().tasks(arn(&task)).send();
    for found in [0, 0, 1] {
        assert_eq!(describe().await.expect("an answer").tasks().len(), found);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_never_starts() {
    let world = world(
        r#"{"tasks": [{"to": 1, "effect": {"never_starts": {
            "phase": "provisioning",
            "stopped_reason": "Timeout waiting for network interface provisioning to complete."
        }}}]}"#,
    );
    world.register(&[]).await;
    let first = world.run_to_end().await;
    assert_eq!(stop_code(&first), "TaskFailedToStart");
    assert_eq!(
        first.stopped_reason(),
        Some("Timeout waiting for network interface provisioning to complete.")
    );
    assert_eq!((first.connectivity_at(), exit_code(&first, "runner")), (None, None));
    assert_eq!(exit_code(&world.run_to_end().await, "runner"), Some(0));
}

#[tokio::test(start_paused = true)]
async fn somebody_else_stops_it() {
    let world = world(
        r#"{"tasks": [{"effect": {"stopped_from_outside": {
            "after_seconds": 6,
            "stop_code": "SpotInterruption",
            "stopped_reason": "Your Spot Task was interrupted."
        }}}]}"#,
    );
    world.register(&[]).await;
    let ended = world.run_to_end().await;
    assert_eq!(stop_code(&ended), "SpotInterruption");
    assert_eq!(ended.stopped_reason(), Some("Your Spot Task was interrupted."));
    assert_eq!(exit_code(&ended, "runner"), Some(143));
}

#[tokio::test(start_paused = true)]
async fn exit_codes_get_lost_and_memory_runs_out() {
    let memory = "OutOfMemoryError: container killed due to memory usage";
    for (effect, code, reason) in [
        (r#"{"exit_code_absent": {}}"#, None, None),
        (r#"{"out_of_memory": {"after_seconds": 5}}"#, Some(137), Some(memory)),
        (r#"{"out_of_memory": {}}"#, Some(0), Some(memory)),
    ] {
        let world = world(&format!(r#"{{"tasks": [{{"effect": {effect}}}]}}"#));
        world.register(&[]).await;
        let ended = world.run_to_end().await;
        assert!(ended.started_at().is_some());
        assert_eq!(stop_code(&ended), "EssentialContainerExited");
        assert_eq!(
            (exit_code(&ended, "runner"), ended.containers()[0].reason()),
            (code, reason),
            "{effect}"
        );
    }
}
