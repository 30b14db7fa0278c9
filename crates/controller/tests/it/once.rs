//! Invocations with the same key are one run.

use crate::support::runner::{applied, ends_with};
use crate::support::story::{Story, at, config};
use sandbox::{Program, Script, WallClock};

#[tokio::test(start_paused = true)]
async fn a_finished_green_run_is_not_repeated() {
    let story = Story::running(ends_with(applied(2))).set("GITHUB_RUN_ID", "77");
    story.run(&[]).await.says(0, &["2 migrations applied"]);
    let told = story.run(&[]).await;
    told.says(0, &["2 migrations applied"]);
    assert_eq!(
        story.parameters("RunTask", "startedBy"),
        ["ecs-migrate/github/77", "ecs-migrate/github/77"]
    );
    let tokens = story.parameters("RunTask", "clientToken");
    assert_eq!(tokens[0], tokens[1]);
}

#[tokio::test(start_paused = true)]
async fn a_finished_red_run_is_repeated() {
    let program = Program::scripted(|launch| {
        let code = if launch.ordinal == 1 { 3 } else { 0 };
        Script::new().exits(at(5), code)
    });
    // The sandbox's clock starts in the past, as a re-run's task does.
    let config = config().wall_clock(WallClock::Fixed).image("app:1", program);
    let story = Story::with(config).set("GITHUB_RUN_ID", "77");
    assert_eq!(story.run(&[]).await.code, 3);
    let told = story.run(&[]).await;
    told.says(0, &["OK: the command succeeded"]);
    assert!(told.err.contains("a new task is started"), "{}", told.err);
}

#[tokio::test(start_paused = true)]
async fn without_a_key_every_invocation_is_a_run() {
    let story = Story::running(ends_with(applied(2)));
    story.run(&[]).await.says(0, &[]);
    story.run(&[]).await.says(0, &[]);
    let tokens = story.parameters("RunTask", "clientToken");
    assert_ne!(tokens[0], tokens[1]);
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_definition_is_not_registered_again() {
    let story = Story::running(ends_with(applied(2)));
    story.run(&[]).await.says(0, &[]);
    let told = story.run(&[]).await;
    told.says(0, &[]);
    assert_eq!(story.calls("RegisterTaskDefinition"), 1);
    assert!(told.err.contains("unchanged, app-migrate:1 is used"), "{}", told.err);
}
