//! Signals, time limits, detaching, cancelling.

use crate::support::runner::{applied, ends_with, rolls_back_when_stopped};
use crate::support::story::{Story, Told, at};
use controller::Signal;
use sandbox::{OnTerminate, Script};

/// When the container has been running for a while.
const RUNNING: u64 = 60;

fn stubborn() -> Script {
    Script::new().on_terminate(OnTerminate::Ignore)
}

fn within_seven_seconds(told: &Told) {
    let after_signal = told.took.saturating_sub(at(RUNNING));
    assert!(after_signal <= at(7), "{after_signal:?}");
}

#[tokio::test(start_paused = true)]
async fn a_signal_stops_the_task_and_waits_for_the_proof() {
    let story = Story::running(rolls_back_when_stopped()).signal(at(RUNNING), Signal::Interrupt);
    let told = story.run(&[]).await;
    assert_eq!(told.code, 83, "{}", told.everything());
    within_seven_seconds(&told);
    assert_eq!(story.calls("StopTask"), 1);
    assert_eq!(story.parameters("StopTask", "reason"), ["ecs-migrate: cancelled by SIGINT"]);
    assert!(told.out.contains("cancelled: "), "{}", told.out);
}

#[tokio::test(start_paused = true)]
async fn a_signal_that_nothing_answers_is_honest_about_it() {
    let story = Story::of(stubborn()).signal(at(RUNNING), Signal::Terminate);
    let told = story.run(&[]).await;
    told.says(
        83,
        &[
            "cancelled: stop requested, not yet proved",
            "ecs-migrate attach --region eu-west-1 arn:",
            "not known: look",
        ],
    );
    within_seven_seconds(&told);
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_does_not_wait() {
    let story = Story::of(stubborn())
        .signal(at(RUNNING), Signal::Interrupt)
        .signal(at(RUNNING + 1), Signal::Interrupt);
    let told = story.run(&[]).await;
    told.says(83, &["stop requested, not yet proved"]);
    assert!(told.took <= at(RUNNING + 2), "{:?}", told.took);
    assert_eq!(story.calls("StopTask"), 1);
}

#[tokio::test(start_paused = true)]
async fn detaching_leaves_the_task_and_attaching_finds_it_again() {
    let story = Story::running(ends_with(applied(3))).signal(at(2), Signal::Interrupt);
    let told = story.run(&["--on-cancel", "detach", "--output", "json"]).await;
    assert_eq!(told.code, 84, "{}", told.everything());
    assert_eq!(story.calls("StopTask"), 0);
    let task = told.result()["task_arn"].as_str().unwrap().to_owned();
    let story = story.without_signals();
    let told = story.invoke(&["attach", &task]).await;
    told.says(0, &["3 migrations applied", "2 lines, complete"]);
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_stops_the_task_and_waits_for_its_end() {
    let story = Story::running(rolls_back_when_stopped());
    let told = story.run(&["--timeout", "2m"]).await;
    told.says(82, &["timed out: the task was stopped, rollback proved"]);
    assert_eq!(story.calls("StopTask"), 1);
    let told = Story::of(stubborn()).run(&["--timeout", "2m"]).await;
    told.says(82, &["timed out: the task was stopped, nothing proves"]);
}

#[tokio::test(start_paused = true)]
async fn cancel_finds_the_tasks_of_a_run_and_is_idempotent() {
    let story = Story::running(rolls_back_when_stopped())
        .set("GITHUB_RUN_ID", "77")
        .signal(at(RUNNING), Signal::Interrupt);
    let told = story.run(&["--on-cancel", "detach"]).await;
    assert_eq!(told.code, 84, "{}", told.everything());
    let story = story.without_signals();
    let told = story.invoke(&["cancel"]).await;
    told.says(0, &["cancelled: the task was stopped, rollback proved"]);
    assert_eq!(story.calls("StopTask"), 1);
    story.invoke(&["cancel"]).await.says(0, &["nothing to cancel"]);
    let told = story.invoke(&["cancel", "--run-key", "another"]).await;
    told.says(0, &["nothing to cancel"]);
    assert_eq!(story.calls("StopTask"), 1);
}

/// The step behind the one that was killed waits for what that had no time to see.
#[tokio::test(start_paused = true)]
async fn cancel_waits_for_a_task_that_was_asked_to_stop_before() {
    let slow = Script::new().on_terminate(OnTerminate::Exit {
        after: at(30),
        code: 30,
        lines: Vec::new(),
    });
    let story = Story::of(slow).set("GITHUB_RUN_ID", "77").signal(at(RUNNING), Signal::Interrupt);
    story.run(&[]).await.says(83, &["stop requested, not yet proved"]);
    let told = story.without_signals().invoke(&["cancel"]).await;
    told.says(0, &["cancelled: the task was stopped"]);
    assert!(!told.out.contains("nothing to cancel"), "{}", told.everything());
    assert!(told.took >= at(20) && told.took < at(40), "{:?}", told.took);
}

#[tokio::test(start_paused = true)]
async fn explain_says_of_a_stop_of_ours_what_the_run_said() {
    let cancelled =
        Story::running(rolls_back_when_stopped()).signal(at(RUNNING), Signal::Interrupt);
    cancelled.run(&[]).await.says(83, &["cancelled: the task was stopped, rollback proved"]);
    let late = Story::running(rolls_back_when_stopped());
    late.run(&["--timeout", "2m"]).await.says(82, &["timed out: the task was stopped"]);
    for (story, sentence, listed) in [
        (
            cancelled.without_signals(),
            "cancelled: the task was stopped, rollback proved",
            "interrupted  83",
        ),
        (late, "timed out: the task was stopped, rollback proved", "interrupted  82"),
    ] {
        let family = ["--task-definition", "app-migrate"];
        let told = story.invoke(&[&["explain"][..], &family].concat()).await;
        told.says(0, &[sentence]);
        assert!(!told.everything().contains("somebody stopped"), "{}", told.everything());
        let runs = story.invoke(&[&["runs"][..], &family].concat()).await;
        runs.says(0, &[listed]);
    }
}
