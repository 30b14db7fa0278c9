//! Invocations with the same key are one run.

use crate::support::runner::{applied, ends_with, rolls_back_when_stopped};
use crate::support::story::{Story, at, config};
use controller::Signal;
use sandbox::{Faults, Program, RequestAnswer, RequestFault, Script, WallClock};

/// The sandbox's clock starts in the past, as a re-run's task does.
fn long_ago(program: Program) -> Story {
    let config = config().wall_clock(WallClock::Fixed).image("app:1", program);
    Story::with(config).set("GITHUB_RUN_ID", "77")
}

#[tokio::test(start_paused = true)]
async fn the_environment_is_told_to_the_runner_and_another_one_is_another_run() {
    let program = Program::scripted(|launch| {
        let told = launch.environment.get("ECS_MIGRATE_ENVIRONMENT").map(String::as_str);
        Script::new().exits(at(5), if told == Some("staging") { 0 } else { 3 })
    });
    let story = long_ago(program).plain();
    assert_eq!(story.run(&["--environment", "staging"]).await.code, 0);
    // Its green verdict is not this run's.
    let story = story.set("ECS_MIGRATE_ENVIRONMENT", "production");
    assert_eq!(story.run(&[]).await.code, 3);
    assert_eq!(story.sandbox.tasks().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_finished_red_run_is_repeated() {
    let program = Program::scripted(|launch| {
        let code = if launch.ordinal == 1 { 3 } else { 0 };
        Script::new().exits(at(5), code)
    });
    let story = long_ago(program).plain();
    assert_eq!(story.run(&[]).await.code, 3);
    let told = story.run(&[]).await;
    told.says(0, &["OK: the command succeeded"]);
    assert!(told.err.contains("a new task is started"), "{}", told.err);
}

#[tokio::test(start_paused = true)]
async fn a_run_in_flight_is_followed() {
    let story = Story::running(ends_with(applied(2)))
        .set("GITHUB_RUN_ID", "77")
        .signal(at(2), Signal::Interrupt);
    assert_eq!(story.run(&["--on-cancel", "detach"]).await.code, 84);
    let story = story.without_signals();
    story.run(&[]).await.says(0, &["2 migrations applied", "2 lines, complete"]);
    assert_eq!(story.sandbox.tasks().len(), 1);
    assert_eq!(story.calls("StopTask"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_started_with_another_network_is_found_by_its_conflict() {
    let story = Story::running(ends_with(applied(2)))
        .set("GITHUB_RUN_ID", "77")
        .signal(at(2), Signal::Interrupt);
    assert_eq!(story.run(&["--on-cancel", "detach"]).await.code, 84);
    let told = story.without_signals().run(&["--assign-public-ip=true"]).await;
    told.says(0, &["2 migrations applied"]);
    assert!(told.err.contains("this run has a task already"), "{}", told.err);
}

/// ECS knows no task any more, or not yet: after two minutes that is the answer.
#[tokio::test(start_paused = true)]
async fn a_task_that_ecs_has_forgotten_is_run_again() {
    let story = long_ago(ends_with(applied(2)));
    story.run(&[]).await.says(0, &[]);
    let missing = RequestAnswer::When {
        after_seconds: 0.0,
        until_seconds: Some(124.0),
        access_key: None,
        answer: Box::new(RequestAnswer::Missing),
    };
    let forgotten =
        RequestFault { operation: "DescribeTasks".to_owned(), from: 1, to: None, answer: missing };
    story.sandbox.set_faults(Faults { requests: vec![forgotten], ..Faults::default() });
    let told = story.run(&[]).await;
    told.says(0, &["2 migrations applied", "2 lines, complete"]);
    assert!(told.err.contains("is over (ECS has forgotten it)"), "{}", told.err);
    assert_eq!(story.sandbox.tasks().len(), 2);
}

/// A run of somebody else's that goes on until it is stopped.
async fn somebody_elses() -> Story {
    let story = Story::running(Program::scripted(|launch| {
        let Program::Scripted(make) =
            (if launch.ordinal == 1 { rolls_back_when_stopped() } else { ends_with(applied(2)) })
        else {
            unreachable!()
        };
        make(launch)
    }));
    let story = story.set("GITHUB_RUN_ID", "77").signal(at(60), Signal::Interrupt);
    let told = story.run(&["--run-key", "other", "--on-cancel", "detach"]).await;
    assert_eq!(told.code, 84, "{}", told.everything());
    story.without_signals()
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_run_is_a_failure_where_that_is_asked_for() {
    let story = somebody_elses().await;
    let told = story.run(&["--if-running", "fail"]).await;
    assert_eq!(told.code, 87, "{}", told.everything());
    assert!(told.err.contains("another run is in progress: ecs-migrate/key/other"), "{}", told.err);
    assert!(told.err.contains("ecs-migrate attach --region eu-west-1 arn:"), "{}", told.err);
    assert_eq!(story.calls("RunTask"), 1);
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_run_is_waited_for() {
    let story = somebody_elses().await;
    let waiting = story.run(&[]);
    let ending = async {
        tokio::time::sleep(at(400)).await;
        story.invoke(&["cancel", "--run-key", "other"]).await
    };
    let (told, cancelled) = tokio::join!(waiting, ending);
    cancelled.says(0, &["rollback proved"]);
    told.says(0, &["2 migrations applied"]);
    assert!(told.took >= at(400), "{:?}", told.took);
    assert_eq!(told.err.matches("another run is in progress").count(), 2, "{}", told.err);
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_the_time_limit_or_a_signal() {
    let story = somebody_elses().await;
    let told = story.run(&["--timeout", "10m"]).await;
    assert_eq!(told.code, 87, "{}", told.everything());
    assert!(told.err.contains("--timeout was reached while waiting for it"), "{}", told.err);
    assert!(told.took >= at(600) && told.took < at(620), "{:?}", told.took);
    let told = story.signal(at(30), Signal::Terminate).run(&[]).await;
    assert_eq!(told.code, 83, "{}", told.everything());
    assert_eq!(told.took, at(30));
    assert!(told.err.contains("database: untouched"), "{}", told.err);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_list_tasks_runs_all_the_same() {
    let story = somebody_elses().await;
    story.sandbox.set_faults(Faults {
        requests: vec![RequestFault {
            operation: "ListTasks".to_owned(),
            from: 1,
            to: None,
            answer: RequestAnswer::Error {
                kind: "AccessDeniedException".to_owned(),
                message: "User: u is not authorized to perform: ecs:ListTasks on resource: *"
                    .to_owned(),
                status: 400,
            },
        }],
        ..Faults::default()
    });
    let told = story.run(&[]).await;
    told.says(0, &["2 migrations applied"]);
    assert!(told.err.contains("whether another run is in flight is not known"), "{}", told.err);
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
