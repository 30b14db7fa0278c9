//! The situations S1 to S15 in which every other tool was seen to lie, hang or lose lines: a false
//! green, a false red, a lost last line, a task left running. Each asserts the verdict, the lines,
//! and the calls.

use crate::support::runner::rolls_back_when_stopped;
use crate::support::story::{Story, Told, at, config, unlabelled};
use controller::Signal;
use sandbox::{
    FailureFault, Faults, LineFate, Program, RequestAnswer, RequestFault, Script, StartPhase,
    TaskEffect, TaskFault,
};
use serde_json::json;
use std::time::Duration;

/// `count` lines over `seconds`, then the end.
fn lines(count: u32, seconds: u32, code: i32) -> Script {
    let step = Duration::from_secs(u64::from(seconds)) / count;
    (1..=count)
        .fold(Script::new(), |script, line| script.line(step * (line - 1), format!("line {line}.")))
        .exits(at(u64::from(seconds)), code)
}

/// Readable so long after it was written.
fn lag(seconds: f64) -> TaskEffect {
    TaskEffect::LogLines {
        container: None,
        from: 1,
        to: None,
        every: 1,
        fate: LineFate::Late { seconds, more_each: 0.0 },
    }
}

fn suffering(script: Script, effect: TaskEffect) -> Story {
    let tasks = vec![TaskFault { family: None, from: 1, to: None, effect }];
    let faults = Faults { tasks, ..Faults::default() };
    Story::with(config().image("app:1", Program::script(script)).faults(faults)).plain()
}

fn refused(
    script: Script,
    operation: &str,
    (from, to): (u64, u64),
    answer: RequestAnswer,
) -> Story {
    let requests =
        vec![RequestFault { operation: operation.to_owned(), from, to: Some(to), answer }];
    let faults = Faults { requests, ..Faults::default() };
    Story::with(config().image("app:1", Program::script(script)).faults(faults)).plain()
}

/// Every line once and the last one last, one launch, no stop, at most a look and a half a second.
fn whole(story: &Story, told: &Told, (code, count): (u8, u32)) {
    told.says(code, &[&format!("{count} lines, complete")]);
    // A red ending repeats the last lines.
    let live = told.out.split("NOT GREEN").next().unwrap();
    for line in 1..=count {
        let text = format!(" line {line}.\n");
        assert_eq!(live.matches(&text).count(), 1, "{line}: {}", told.everything());
    }
    frugal(story, told);
}

fn frugal(story: &Story, told: &Told) {
    assert_eq!(story.calls("RunTask"), 1);
    assert_eq!(story.calls("StopTask"), 0);
    let seconds = usize::try_from(told.took.as_secs()).unwrap();
    assert!(story.calls("DescribeTasks") <= seconds + 2, "{}", story.calls("DescribeTasks"));
    assert!(story.calls("GetLogEvents") <= 3 * seconds / 2 + 8, "{}", story.calls("GetLogEvents"));
}

#[tokio::test(start_paused = true)]
async fn s01_a_log_that_lags_a_second() {
    let story = suffering(lines(40, 23, 0), lag(1.0));
    whole(&story, &story.run(&[]).await, (0, 40));
}

#[tokio::test(start_paused = true)]
async fn s02_a_log_that_lags_three_seconds() {
    let story = suffering(lines(40, 23, 0), lag(3.0));
    whole(&story, &story.run(&[]).await, (0, 40));
}

#[tokio::test(start_paused = true)]
async fn s03_a_run_with_nothing_to_do_that_nobody_saw_running() {
    let story = Story::of(lines(3, 1, 0));
    whole(&story, &story.run(&[]).await, (0, 3));
}

#[tokio::test(start_paused = true)]
async fn s04_a_failure_with_its_own_code_and_its_last_line() {
    let story = suffering(lines(10, 5, 3), lag(1.0));
    whole(&story, &story.run(&[]).await, (3, 10));
}

#[tokio::test(start_paused = true)]
async fn s05_a_task_that_never_started() {
    let reason = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref app:1: not found";
    let story = suffering(
        Script::new(),
        TaskEffect::NeverStarts {
            phase: StartPhase::Pulling,
            stopped_reason: reason.to_owned(),
            container_reason: None,
        },
    );
    let told = story.run(&[]).await;
    told.says(80, &[reason, "the image does not exist in the registry", "untouched"]);
    frugal(&story, &told);
}

#[tokio::test(start_paused = true)]
async fn s06_no_capacity() {
    let reason = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
    let failure = FailureFault { reason: reason.to_owned(), detail: None };
    let story =
        refused(lines(1, 1, 0), "RunTask", (1, 1000), RequestAnswer::Failures(vec![failure]));
    let told = story.run(&["--capacity-timeout", "1m"]).await;
    assert_eq!(told.code, 81, "{}", told.everything());
    assert!(told.err.contains(reason), "{}", told.err);
    assert!(told.took <= at(60), "{:?}", told.took);
    assert_eq!(story.calls("DescribeTasks"), 0, "there is no task to ask for");
    assert!(story.sandbox.tasks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn s07_a_sidecar_that_ends_first_and_well() {
    let mut proxy = unlabelled("proxy", "proxy:1");
    proxy["essential"] = json!(false);
    let config = config()
        .image("proxy:1", Program::script(Script::new().exits(at(1), 0)))
        .image("app:1", Program::script(lines(8, 8, 1)));
    let story = Story::with(config).containers(&[proxy, unlabelled("migrate", "app:1")]);
    let told = story.run(&["--container", "migrate"]).await;
    told.says(1, &["8 lines, complete"]);
    frugal_for_two(&story, &told);
}

/// Two logs are read.
fn frugal_for_two(story: &Story, told: &Told) {
    assert_eq!((story.calls("RunTask"), story.calls("StopTask")), (1, 0));
    let seconds = usize::try_from(told.took.as_secs()).unwrap();
    assert!(story.calls("GetLogEvents") <= 3 * seconds + 16, "{}", story.calls("GetLogEvents"));
}

#[tokio::test(start_paused = true)]
async fn s08_spot_and_no_exit_code() {
    let effects = [
        TaskEffect::StoppedFromOutside {
            after_seconds: 20.0,
            stop_code: "SpotInterruption".to_owned(),
            stopped_reason: Some("Your Spot Task was interrupted.".to_owned()),
        },
        TaskEffect::ExitCodeAbsent { container: None },
    ];
    let tasks = effects
        .into_iter()
        .map(|effect| TaskFault { family: None, from: 1, to: None, effect })
        .collect();
    let faults = Faults { tasks, ..Faults::default() };
    let program = Program::script(Script::new().line(at(1), "line 1."));
    let story = Story::with(config().image("app:1", program).faults(faults)).plain();
    let told = story.run(&[]).await;
    told.says(85, &["Your Spot Task was interrupted.", "AWS reclaimed the Spot capacity"]);
    frugal(&story, &told);
}

#[tokio::test(start_paused = true)]
async fn s09_a_task_that_ecs_does_not_know_yet() {
    let story = refused(lines(10, 10, 0), "DescribeTasks", (1, 2), RequestAnswer::Missing);
    whole(&story, &story.run(&[]).await, (0, 10));
}

#[tokio::test(start_paused = true)]
async fn s10_a_burst_of_24000_lines_in_eight_seconds() {
    let count = 24_000;
    let story = Story::of(lines(count, 8, 0));
    let told = story.run(&[]).await;
    told.says(0, &["24000 lines, complete"]);
    let printed = told.out.lines().filter(|line| line.contains(" line ")).count();
    assert_eq!(printed, 24_000);
    frugal(&story, &told);
}

#[tokio::test(start_paused = true)]
async fn s11_a_cancelled_job() {
    let story = Story::running(rolls_back_when_stopped())
        .signal(at(60), Signal::Interrupt)
        .signal(at(67), Signal::Terminate);
    let told = story.run(&[]).await;
    told.says(83, &["rollback proved"]);
    assert!(told.took < at(67), "before the second signal: {:?}", told.took);
    assert_eq!(story.calls("StopTask"), 1);
    assert!(
        story.sandbox.tasks().iter().all(|task| task.stop_code.as_deref() == Some("UserInitiated"))
    );
}

#[tokio::test(start_paused = true)]
async fn s12_throttled_looks() {
    let story = refused(lines(30, 40, 0), "DescribeTasks", (2, 12), RequestAnswer::Throttle);
    whole(&story, &story.run(&[]).await, (0, 30));
}

#[tokio::test(start_paused = true)]
async fn s13_throttled_log() {
    let story = refused(lines(30, 40, 0), "GetLogEvents", (2, 12), RequestAnswer::Throttle);
    whole(&story, &story.run(&[]).await, (0, 30));
}

#[tokio::test(start_paused = true)]
async fn s14_a_second_of_running_between_two_looks() {
    let story = Story::of(lines(2, 1, 0));
    let told = story.run(&[]).await;
    whole(&story, &told, (0, 2));
}

#[tokio::test(start_paused = true)]
async fn s15_two_lines_a_millisecond() {
    let script = (1..=200_u32).fold(Script::new(), |script, line| {
        script.line(at(1) + Duration::from_millis(u64::from(line / 2)), format!("line {line}."))
    });
    let story = Story::of(script.exits(at(3), 0));
    whole(&story, &story.run(&[]).await, (0, 200));
}
