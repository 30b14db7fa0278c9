//! Ends that ECS tells late, in part, in other words, or of many containers.

use std::time::Duration;

use aws_sdk_ecs::types::Task;
use sandbox::{Config, Faults, OnTerminate, Program, Script, Speed};
use tokio::time::{Instant, sleep};

use crate::support::{IMAGE, World, arn, container, exit_code, stop_code};

const SECOND: Duration = Duration::from_secs(1);

fn config(faults: &str, script: Script) -> Config {
    let faults: Faults = serde_json::from_str(faults).expect("valid faults");
    Config::new(Speed::Instant).image(IMAGE, Program::script(script)).faults(faults)
}

fn world(faults: &str, script: Script) -> World {
    World::in_memory(config(faults, script))
}

fn version(task: &Task) -> i64 {
    task.version()
}

#[tokio::test(start_paused = true)]
async fn an_exit_code_comes_after_its_container_stopped() {
    let world = world(
        r#"{"tasks": [{"effect": {"exit_told": {"container": "runner", "late_seconds": 15}}}]}"#,
        Script::new().exits(SECOND, 3),
    );
    world.register(&[]).await;
    let early = world.run_to_end().await;
    assert_eq!(early.containers()[0].last_status(), Some("STOPPED"));
    assert_eq!(
        (exit_code(&early, "runner"), stop_code(&early)),
        (None, "EssentialContainerExited")
    );
    sleep(15 * SECOND).await;
    let late = world.describe(arn(&early)).await;
    assert_eq!(exit_code(&late, "runner"), Some(3));
    assert!(version(&late) > version(&early));
    assert_eq!(world.sandbox.tasks()[0].exit_codes, [Some(3)], "the truth");
}

#[tokio::test(start_paused = true)]
async fn a_stop_code_comes_after_the_stop() {
    let world = world(
        r#"{"tasks": [{"effect": {"stop_told": {"late_seconds": 10}}}, {"effect": {"deprovisions_for": {"seconds": 300}}}]}"#,
        Script::new().exits(SECOND, 0),
    );
    world.register(&[]).await;
    let task = world.start().await;
    let early = world.until_status(arn(&task), "DEPROVISIONING").await;
    assert_eq!((exit_code(&early, "runner"), early.stop_code()), (Some(0), None));
    assert_eq!((early.desired_status(), early.stopped_reason()), (Some("STOPPED"), None));
    sleep(10 * SECOND).await;
    let late = world.describe(arn(&task)).await;
    assert_eq!(stop_code(&late), "EssentialContainerExited");
    assert_eq!(late.stopped_reason(), Some("Essential container in task exited"));
    assert!(version(&late) > version(&early));
    sleep(280 * SECOND).await;
    assert_eq!(world.describe(arn(&task)).await.last_status(), Some("DEPROVISIONING"));
    sleep(20 * SECOND).await;
    assert_eq!(world.describe(arn(&task)).await.last_status(), Some("STOPPED"));
}

#[tokio::test(start_paused = true)]
async fn any_words_for_any_end() {
    let world = world(
        r#"{"tasks": [
            {"effect": {"stop_told": {"stop_code": "InfrastructureHealth", "stopped_reason": "Host EC2 (instance i-1) terminated."}}},
            {"effect": {"exit_told": {"exit_code": 137, "reason": "CannotStopContainerError: it hangs"}}}
        ]}"#,
        Script::new().exits(SECOND, 0),
    );
    world.register(&[]).await;
    let ended = world.run_to_end().await;
    assert_eq!(stop_code(&ended), "InfrastructureHealth");
    assert_eq!(ended.stopped_reason(), Some("Host EC2 (instance i-1) terminated."));
    assert_eq!(exit_code(&ended, "runner"), Some(137));
    assert_eq!(ended.containers()[0].reason(), Some("CannotStopContainerError: it hangs"));
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_accepted_and_takes_its_time() {
    let faults = r#"{"tasks": [{"effect": {"stops_late": {"seconds": 90}}}]}"#;
    let reaction = OnTerminate::Exit { after: 2 * SECOND, code: 30, lines: Vec::new() };
    let world = world(faults, Script::new().on_terminate(reaction));
    world.register(&[]).await;
    let task = world.start().await;
    world.until_status(arn(&task), "RUNNING").await;
    let before = Instant::now();
    let stopping = world.ecs.stop_task().task(arn(&task)).send().await.expect("accepted");
    assert_eq!(stopping.task().and_then(Task::desired_status), Some("STOPPED"));
    assert_eq!(world.describe(arn(&task)).await.last_status(), Some("RUNNING"));
    let ended = world.until_status(arn(&task), "STOPPED").await;
    assert_eq!((exit_code(&ended, "runner"), before.elapsed().as_secs()), (Some(30), 92));
}

#[tokio::test]
async fn a_real_process_gets_its_signal_late() {
    let faults = r#"{"tasks": [{"effect": {"stops_late": {"seconds": 0.3}}}]}"#;
    let sleeps = Program::command("sleep 60").expect("words");
    let world = World::served(config(faults, Script::new()).image(IMAGE, sleeps)).await;
    world.register(&[]).await;
    let task = world.start().await;
    world.until_status(arn(&task), "RUNNING").await;
    let before = Instant::now();
    world.ecs.stop_task().task(arn(&task)).send().await.expect("accepted");
    let ended = world.until_status(arn(&task), "STOPPED").await;
    assert_eq!(exit_code(&ended, "runner"), Some(143));
    assert!(before.elapsed() >= Duration::from_millis(300));
}

/// Name, seconds until the exit, exit code, essential.
type Sidecar = (&'static str, u32, i32, bool);

/// Name, exit code.
type ExitCode = (&'static str, Option<i32>);

async fn ends(sidecars: &[Sidecar], faults: &str) -> Task {
    let known: Vec<Sidecar> = sidecars.to_vec();
    let program = Program::scripted(move |launch| {
        let found = known.iter().find(|(name, ..)| *name == launch.container);
        let (_, seconds, code, _) = found.expect("a container");
        Script::new().exits(*seconds * SECOND, *code)
    });
    let world = World::in_memory(config(faults, Script::new()).image(IMAGE, program));
    let mut definition = world.definition();
    for (name, _, _, essential) in sidecars {
        definition =
            definition.container_definitions(container(name).essential(*essential).build());
    }
    definition.send().await.expect("valid");
    world.run_to_end().await
}

#[tokio::test(start_paused = true)]
async fn sidecars_end_in_any_order_with_any_code() {
    let table: [(&[Sidecar], &[ExitCode]); 4] = [
        (
            &[("runner", 5, 0, true), ("proxy", 1, 9, false), ("agent", 60, 0, false)],
            &[("runner", Some(0)), ("proxy", Some(9)), ("agent", Some(143))],
        ),
        (
            &[("proxy", 1, 0, true), ("runner", 5, 0, true)],
            &[("proxy", Some(0)), ("runner", Some(143))],
        ),
        (
            &[("runner", 5, 7, true), ("proxy", 6, 0, true)],
            &[("runner", Some(7)), ("proxy", Some(143))],
        ),
        (
            &[("runner", 5, 0, true), ("proxy", 5, 0, true)],
            &[("runner", Some(0)), ("proxy", Some(0))],
        ),
    ];
    for (sidecars, expected) in table {
        let ended = ends(sidecars, "{}").await;
        assert_eq!(stop_code(&ended), "EssentialContainerExited");
        for (name, code) in expected {
            assert_eq!(exit_code(&ended, name), *code, "{name} of {sidecars:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_one_container_leaves_the_others() {
    let faults = r#"{"tasks": [{"effect": {"exit_told": {"container": "proxy", "exit_code": 255, "reason": "odd"}}}]}"#;
    let ended = ends(&[("runner", 5, 0, true), ("proxy", 1, 0, false)], faults).await;
    assert_eq!((exit_code(&ended, "runner"), exit_code(&ended, "proxy")), (Some(0), Some(255)));
    assert_eq!(ended.containers()[0].reason(), None);
}
