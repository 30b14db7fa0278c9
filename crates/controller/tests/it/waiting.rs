//! Nothing waits in silence, and nothing waits for what will not come.

use crate::support::runner::{Lines, applied, ends_with};
use crate::support::story::{Story, Told, at, config, unlabelled};
use sandbox::{
    Faults, Program, RequestAnswer, RequestFault, Script, StartPhase, TaskEffect, TaskFault,
};

fn task_fault(effect: TaskEffect) -> Faults {
    let fault = TaskFault { family: None, from: 1, to: None, effect };
    Faults { tasks: vec![fault], ..Faults::default() }
}

fn request_fault(operation: &str, from: u64, to: Option<u64>, answer: RequestAnswer) -> Faults {
    let fault = RequestFault { operation: operation.to_owned(), from, to, answer };
    Faults { requests: vec![fault], ..Faults::default() }
}

fn warned(told: &Told, text: &str) {
    assert!(told.err.contains(text), "no {text:?} in {}", told.everything());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_finds_no_place_is_stopped_when_its_time_is_over() {
    let stays = TaskEffect::StaysIn { phase: StartPhase::Provisioning, seconds: 3600.0 };
    let story =
        Story::with(config().image("app:1", ends_with(applied(1))).faults(task_fault(stays)));
    let told = story.run(&["--capacity-timeout", "3m"]).await;
    told.says(82, &["timed out: the task was stopped before anything ran"]);
    assert!(told.took >= at(180) && told.took < at(240), "{:?}", told.took);
    warned(&told, "for 1 m 00 s: the task to start, it is PROVISIONING");
    warned(&told, "--capacity-timeout) was reached, the task is PROVISIONING");
    assert_eq!(story.calls("StopTask"), 1);
}

/// A large image is no lack of room: its pull has the time for itself.
#[tokio::test(start_paused = true)]
async fn a_pull_has_its_own_time() {
    for (seconds, code) in [(150.0, 0), (3600.0, 82)] {
        let stays = TaskEffect::StaysIn { phase: StartPhase::Pulling, seconds };
        let story =
            Story::with(config().image("app:1", ends_with(applied(1))).faults(task_fault(stays)));
        let told = story.run(&["--capacity-timeout", "3m"]).await;
        assert_eq!(told.code, code, "{}", told.everything());
    }
}

/// Reads that are throttled say nothing of a task that may be running.
#[tokio::test(start_paused = true)]
async fn a_task_that_nobody_can_see_is_not_stopped_for_it() {
    let throttled = request_fault("DescribeTasks", 2, Some(80), RequestAnswer::Throttle);
    let script = Script::new().exits(at(400), 0);
    let story =
        Story::with(config().image("app:1", Program::script(script)).faults(throttled)).plain();
    let told = story.run(&["--capacity-timeout", "1m"]).await;
    told.says(0, &["the command succeeded"]);
    assert_eq!(story.calls("StopTask"), 0);
    warned(&told, "ECS to say how the task is (DescribeTasks: ThrottlingException");
}

#[tokio::test(start_paused = true)]
async fn a_sidecar_that_keeps_the_task_alive_is_named() {
    let mut app = unlabelled("app", "app:1");
    app["essential"] = false.into();
    let otel = unlabelled("otel", "otel:1");
    let program = Program::script(Script::new().exits(at(3), 0));
    let story = Story::with(
        config().image("app:1", program).image("otel:1", Program::script(Script::new())),
    )
    .containers(&[app, otel]);
    let told = story.run(&["--container", "app", "--timeout", "4m"]).await;
    warned(&told, "container app ended with exit code 0, otel keeps the task alive");
    assert_ne!(told.code, 0, "{}", told.everything());
}

#[tokio::test(start_paused = true)]
async fn a_container_that_is_started_again_and_again_is_named() {
    let program = Program::scripted(|launch| {
        (0..7).fold(Script::new(), |script, number| {
            let mut lines = Lines::of_process(launch, &format!("p-{number}"));
            let when = at(1 + 10 * number);
            script.line(when, lines.started()).line(when, lines.finished(applied(0)))
        })
    });
    let told = Story::running(program).run(&["--timeout", "5m"]).await;
    warned(&told, "begins again, as under a restartPolicy");
    assert_ne!(told.code, 0, "{}", told.everything());
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_refused_for_good_is_not_waited_for() {
    let refused = RequestAnswer::Error {
        kind: "InvalidOperationException".to_owned(),
        message: "the log group's class does not support it".to_owned(),
        status: 400,
    };
    let story = Story::with(
        config()
            .image("app:1", Program::script(Script::new().exits(at(20), 0)))
            .faults(request_fault("GetLogEvents", 1, None, refused)),
    )
    .plain();
    let told = story.run(&[]).await;
    told.says(0, &[]);
    assert!(told.took < at(90), "{:?}", told.took);
    warned(&told, "cannot be read, so the exit code alone decides");
}

#[tokio::test(start_paused = true)]
async fn a_minute_without_a_line_is_broken_while_an_end_is_waited_for() {
    let told = Story::of(Script::new().exits(at(610), 0)).run(&[]).await;
    told.says(0, &[]);
    let lines = told.err.matches("still waiting,").count();
    assert!((9..=11).contains(&lines), "{lines}: {}", told.err);
    warned(&told, "the end of container migrate, the task is RUNNING");
}

#[tokio::test(start_paused = true)]
async fn eleven_throttled_reads_at_the_end_cost_less_than_a_minute() {
    let plain = || Program::script(Script::new().line(at(1), "x").exits(at(20), 0));
    let quiet = Story::running(plain()).plain().run(&[]).await;
    let burst = request_fault("GetLogEvents", 12, Some(22), RequestAnswer::Throttle);
    let told = Story::with(config().image("app:1", plain()).faults(burst)).plain().run(&[]).await;
    told.says(0, &[]);
    assert!(told.took < quiet.took + at(60), "{:?} after {:?}", told.took, quiet.took);
}

/// The NTSTATUS of a container on Windows needs more than 31 bits.
#[tokio::test(start_paused = true)]
async fn an_exit_code_of_windows_is_an_end() {
    let wide = TaskEffect::ExitTold {
        container: None,
        exit_code: Some(3_221_225_786),
        reason: None,
        late_seconds: 0.0,
    };
    let program = Program::script(Script::new().exits(at(3), 1));
    let story = Story::with(config().image("app:1", program).faults(task_fault(wide))).plain();
    let told = story.run(&["--timeout", "10m"]).await;
    told.says(1, &["exit code -1073741510"]);
    assert!(told.took < at(120), "{:?}", told.took);
}

/// A proxy that restarts answers with a page of its own, a redirect, or half of something.
#[tokio::test(start_paused = true)]
async fn rubbish_for_an_answer_is_asked_for_again() {
    for (status, body) in [
        (200, "<html>back in a minute</html>"),
        (200, "{\"taskDefinition\": {\"fam"),
        (302, ""),
        (403, "<html>blocked by policy</html>"),
        (429, "slow down"),
        (200, "{}"),
    ] {
        for operation in
            ["DescribeTaskDefinition", "RunTask", "DescribeTasks", "GetLogEvents", "ListTasks"]
        {
            let foreign = RequestAnswer::Foreign { status, body: body.to_owned() };
            let story =
                Story::with(config().image("app:1", ends_with(applied(1))).faults(request_fault(
                    operation,
                    1,
                    Some(4),
                    foreign,
                )));
            let told = story.run(&[]).await;
            assert_eq!(told.code, 0, "{operation} {status} {body}: {}", told.everything());
            assert_eq!(story.sandbox.tasks().len(), 1, "{operation} {status} {body}");
        }
    }
}
