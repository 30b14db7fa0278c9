//! Scripted tasks on tokio's paused clock: hours pass in milliseconds.

use std::time::Duration;

use sandbox::{Config, OnTerminate, Program, Script, Speed};
use tokio::time::Instant;

use crate::support::{GROUP, World, arn, exit_code, stop_code, stream};

const HOUR: Duration = Duration::from_hours(1);

fn aws(script: Script) -> World {
    World::in_memory(Config::new(Speed::Aws).image("*", Program::script(script)))
}

#[tokio::test(start_paused = true)]
async fn a_task_of_two_hours() {
    let script = Script::new()
        .line(Duration::ZERO, "begin")
        .line(HOUR, "half way")
        .line(2 * HOUR, "end")
        .exits(2 * HOUR, 0);
    let world = aws(script);
    world.register(&[]).await;
    let started = Instant::now();
    let task = world.start().await;
    let mut seen = Vec::new();
    loop {
        let task = world.describe(arn(&task)).await;
        let status = task.last_status().expect("a status").to_owned();
        if seen.last() != Some(&status) {
            seen.push(status.clone());
        }
        if status == "STOPPED" {
            break;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    assert_eq!(seen, ["PROVISIONING", "PENDING", "RUNNING", "DEPROVISIONING", "STOPPED"]);
    assert!(started.elapsed() > 2 * HOUR);
    let ended = world.describe(arn(&task)).await;
    assert_eq!(exit_code(&ended, "runner"), Some(0));
    let span = |from: Option<&aws_sdk_ecs::primitives::DateTime>,
                to: Option<&aws_sdk_ecs::primitives::DateTime>| {
        to.expect("to").as_secs_f64() - from.expect("from").as_secs_f64()
    };
    assert!((span(ended.started_at(), ended.execution_stopped_at()) - 7200.0).abs() < 0.01);
    assert!((span(ended.created_at(), ended.started_at()) - 25.0).abs() < 0.01);
    assert_eq!(
        world.sandbox.log_messages(GROUP, &stream(&task, "runner")),
        ["begin", "half way", "end"]
    );
}

#[tokio::test(start_paused = true)]
async fn logs_are_late_as_fargates_are() {
    let script = Script::new()
        .line(Duration::from_secs(1), "first")
        .line(Duration::from_secs(19), "tail")
        .exits(Duration::from_secs(19), 0);
    let world = aws(script);
    world.register(&[]).await;
    let task = world.start().await;
    let stream = stream(&task, "runner");
    let read = || world.logs.get_log_events().log_group_name(GROUP).log_stream_name(&stream).send();
    let error = read().await.expect_err("no stream yet").into_service_error();
    assert_eq!(error.meta().message(), Some("The specified log stream does not exist."));

    let count = async || read().await.expect("a page").events().len();
    world.until_status(arn(&task), "RUNNING").await;
    assert_eq!(count().await, 0, "the stream is there before its first event");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(count().await, 0, "the first line waits for the flush");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(count().await, 1);

    world.until(arn(&task), |task| exit_code(task, "runner").is_some()).await;
    assert_eq!(count().await, 1, "the tail comes after the exit code");
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(count().await, 2);
}

/// A driver that looked at its empty batch all the time would need minutes for this.
#[tokio::test(start_paused = true)]
async fn a_silent_month_costs_nothing() {
    let month = 30 * 24 * HOUR;
    let script = Script::new().line(month, "good morning").exits(month, 0);
    let dwell = sandbox::Dwell { log_flush: Duration::from_millis(1), ..Speed::Aws.dwell() };
    let config = Config::new(Speed::Aws).dwell(dwell).image("*", Program::script(script));
    let world = World::in_memory(config);
    world.register(&[]).await;
    let task = world.start().await;
    tokio::time::sleep(month + Duration::from_mins(1)).await;
    assert_eq!(exit_code(&world.describe(arn(&task)).await, "runner"), Some(0));
    let lines = world.sandbox.log_messages(GROUP, &stream(&task, "runner"));
    assert_eq!(lines, ["good morning"]);
}

#[tokio::test(start_paused = true)]
async fn stop_task_meets_every_reaction() {
    let reacts = |after, code| OnTerminate::Exit {
        after: Duration::from_secs(after),
        code,
        lines: vec!["rolled back".to_owned()],
    };
    let table = [
        (OnTerminate::default(), 143, 0),
        (reacts(2, 30), 30, 2),
        (reacts(40, 30), 137, 30),
        (OnTerminate::Ignore, 137, 30),
    ];
    for (reaction, code, seconds) in table {
        let world = aws(Script::new().on_terminate(reaction.clone()));
        world.register(&[]).await;
        let task = world.start().await;
        world.until_status(arn(&task), "RUNNING").await;
        let before = Instant::now();
        world.ecs.stop_task().task(arn(&task)).send().await.expect("stopped");
        let ended = world.until(arn(&task), |task| exit_code(task, "runner").is_some()).await;
        assert_eq!(exit_code(&ended, "runner"), Some(code), "{reaction:?}");
        assert_eq!(ended.last_status(), Some("DEPROVISIONING"));
        assert_eq!(stop_code(&ended), "UserInitiated");
        assert_eq!(before.elapsed().as_secs(), seconds, "{reaction:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_task_is_forgotten_after_an_hour() {
    let world = aws(Script::new().exits(Duration::ZERO, 0));
    world.register(&[]).await;
    let task = world.run_to_end().await;
    tokio::time::sleep(HOUR + Duration::from_secs(1)).await;
    let answer = world.ecs.describe_tasks().tasks(arn(&task)).send().await.expect("an answer");
    assert!(answer.tasks().is_empty());
    let failure = &answer.failures()[0];
    assert_eq!((failure.arn(), failure.reason()), (Some(arn(&task)), Some("MISSING")));
}

#[tokio::test(start_paused = true)]
async fn a_script_can_depend_on_its_launch() {
    let program = Program::scripted(|launch| {
        let code = i32::from(launch.ordinal == 1);
        Script::new()
            .line(Duration::ZERO, format!("{} {:?}", launch.container, launch.arguments))
            .exits(Duration::from_secs(1), code)
    });
    let world = World::in_memory(Config::new(Speed::Instant).image("*", program));
    world.register(&["deploy"]).await;
    let (first, second) = (world.run_to_end().await, world.run_to_end().await);
    assert_eq!(exit_code(&first, "runner"), Some(1));
    assert_eq!(exit_code(&second, "runner"), Some(0));
    assert_eq!(
        world.sandbox.log_messages(GROUP, &stream(&second, "runner")),
        ["runner [\"deploy\"]"]
    );
}
