//! Whose a task is: by tokens, ARNs and `startedBy`, whatever clocks and answers say.

use crate::support::runner::{applied, ends_with, rolls_back_when_stopped};
use crate::support::story::{Story, at, config};
use controller::Signal;
use sandbox::{
    ConnectionFate, FailureFault, Faults, Program, RequestAnswer, RequestFate, RequestFault,
    Script, TaskEffect, TaskFault, WallClock,
};

const CONTROLLERS: usize = 20;

fn fault(operation: &str, calls: (u64, Option<u64>), answer: RequestAnswer) -> RequestFault {
    RequestFault { operation: operation.to_owned(), from: calls.0, to: calls.1, answer }
}

fn faults(requests: Vec<RequestFault>) -> Faults {
    Faults { requests, ..Faults::default() }
}

fn no_capacity() -> Vec<FailureFault> {
    let reason = "Capacity is unavailable at this time. Please try again later or in a different \
                  availability zone";
    vec![FailureFault { reason: reason.to_owned(), detail: None }]
}

/// AWS's clock is nine days behind, and the first looks come when all is over.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_ahead_makes_no_second_task() {
    let program = Program::script(Script::new().exits(at(1), 3));
    let unseen = TaskFault {
        family: None,
        from: 1,
        to: None,
        effect: TaskEffect::Missing { from_seconds: 0.0, to_seconds: Some(50.0) },
    };
    let story = Story::with(
        config()
            .wall_clock(WallClock::Fixed)
            .image("app:1", program)
            .faults(Faults { tasks: vec![unseen], ..Faults::default() }),
    );
    for key in ["one", "two"] {
        let told = story.run(&["--run-key", key]).await;
        assert_eq!(told.code, 3, "{}", told.everything());
        assert!(told.err.contains("started container migrate"), "{}", told.err);
        assert!(!told.err.contains("has a task already"), "{}", told.err);
    }
    assert_eq!(story.sandbox.tasks().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn twenty_controllers_of_one_key_at_one_moment_have_one_task() {
    let slow = RequestAnswer::Slow { seconds: 1.0, answer: None };
    // Each sees what was registered before anybody registered.
    let racing = faults(vec![
        fault("DescribeTaskDefinition", (1, Some(CONTROLLERS as u64)), slow.clone()),
        fault("ListTasks", (1, Some(CONTROLLERS as u64)), slow),
    ]);
    let story = Story::with(config().image("app:1", ends_with(applied(2))).faults(racing));
    let runs = (0..CONTROLLERS).map(|_| story.run(&["--run-key", "release-9"]));
    let all = futures_util::future::join_all(runs).await;
    for told in &all {
        told.says(0, &["2 migrations applied"]);
    }
    assert_eq!(story.sandbox.tasks().len(), 1);
    assert_eq!(story.calls("RegisterTaskDefinition"), CONTROLLERS, "they did race");
    let started = all.iter().filter(|told| told.err.contains("started container")).count();
    assert_eq!(started, 1, "one of them started it, and the others know that");
}

#[tokio::test(start_paused = true)]
async fn equal_definitions_of_one_moment_are_one() {
    let slow = RequestAnswer::Slow { seconds: 1.0, answer: None };
    let racing = faults(vec![fault("DescribeTaskDefinition", (1, Some(2)), slow)]);
    let story = Story::with(config().image("app:1", ends_with(applied(2))).faults(racing));
    let (one, other) =
        tokio::join!(story.register(&["--image", "app:1"]), story.register(&["--image", "app:1"]));
    assert_eq!(story.calls("RegisterTaskDefinition"), 2, "they did race");
    for told in [&one, &other] {
        told.says(0, &["task-definition/app-migrate:1\n"]);
    }
}

#[tokio::test(start_paused = true)]
async fn failures_beside_a_task_that_was_started_start_no_second_one() {
    for arguments in [&["--run-key", "release-9"][..], &[]] {
        let misled = RequestAnswer::FailuresAllTheSame(no_capacity());
        let story = Story::with(
            config().image("app:1", ends_with(applied(2))).faults(faults(vec![fault(
                "RunTask",
                (1, Some(1)),
                misled,
            )])),
        );
        story.run(arguments).await.says(0, &["2 migrations applied"]);
        assert_eq!(story.sandbox.tasks().len(), 1);
    }
}

/// Without the right to list tasks the token itself brings the task back.
#[tokio::test(start_paused = true)]
async fn the_same_token_is_asked_where_tasks_may_not_be_listed() {
    let misled = RequestAnswer::FailuresAllTheSame(no_capacity());
    let denied = RequestAnswer::Error {
        kind: "AccessDeniedException".to_owned(),
        message: "User: u is not authorized to perform: ecs:ListTasks on resource: *".to_owned(),
        status: 400,
    };
    let story = Story::with(config().image("app:1", ends_with(applied(2))).faults(faults(vec![
        fault("RunTask", (1, Some(1)), misled),
        fault("ListTasks", (1, None), denied),
    ])));
    story.run(&[]).await.says(0, &["2 migrations applied"]);
    assert_eq!(story.sandbox.tasks().len(), 1);
}

fn lost(to: u64) -> Faults {
    let answer = RequestAnswer::Unanswered {
        request: RequestFate::CarriedOut,
        connection: ConnectionFate::Drops,
    };
    faults(vec![fault("RunTask", (1, Some(to)), answer)])
}

/// The answer is lost, and the signal comes in the pause before the next try.
#[tokio::test(start_paused = true)]
async fn a_task_whose_start_was_not_answered_is_stopped_by_a_signal() {
    let story = Story::with(config().image("app:1", rolls_back_when_stopped()).faults(lost(9)))
        .signal(at(7), Signal::Interrupt);
    let told = story.run(&[]).await;
    assert_eq!(told.code, 83, "{}", told.everything());
    assert!(!told.everything().contains("before a task was started"), "{}", told.everything());
    let tasks = story.sandbox.tasks();
    assert_eq!(tasks.len(), 1);
    assert_eq!(story.calls("StopTask"), 1, "{}", told.everything());
    assert!(told.took <= at(7 + 8), "{:?}", told.took);
}

/// Nothing answers any more: before GitHub kills the step somebody has to be told that a task may be there.
#[tokio::test(start_paused = true)]
async fn a_signal_while_nothing_answers_is_heeded_in_time() {
    for listed in [ConnectionFate::Hangs, ConnectionFate::Drops] {
        let hangs =
            |connection| RequestAnswer::Unanswered { request: RequestFate::CarriedOut, connection };
        let both = faults(vec![
            fault("RunTask", (1, None), hangs(ConnectionFate::Hangs)),
            fault("ListTasks", (2, None), hangs(listed)),
        ]);
        let story = Story::with(config().image("app:1", rolls_back_when_stopped()).faults(both))
            .signal(at(5), Signal::Interrupt);
        let told = story.run(&[]).await;
        assert_eq!(told.code, 83, "{}", told.everything());
        assert!(told.err.contains("a task may have been started"), "{}", told.everything());
        assert!(told.took <= at(5 + 7), "{:?}: {}", told.took, told.everything());
    }
}

/// The time is over, and nobody read that the task was started.
#[tokio::test(start_paused = true)]
async fn a_task_whose_start_was_never_answered_is_followed() {
    let story = Story::with(config().image("app:1", ends_with(applied(2))).faults(lost(99)));
    story.run(&["--capacity-timeout", "30s"]).await.says(0, &["2 migrations applied"]);
    assert_eq!(story.sandbox.tasks().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_can_be_asked_it_is_said_that_a_task_may_be_there() {
    let mut story_faults = lost(99);
    story_faults.requests.push(fault(
        "ListTasks",
        (1, None),
        RequestAnswer::ServerError { status: 503 },
    ));
    let story = Story::with(config().image("app:1", ends_with(applied(2))).faults(story_faults));
    let told = story.run(&["--capacity-timeout", "30s"]).await;
    assert_eq!(told.code, 86, "{}", told.everything());
    assert!(told.err.contains("a task may have been started"), "{}", told.err);
    assert!(!told.err.contains("untouched"), "{}", told.err);
}

/// A verdict does not outlive its database.
#[tokio::test(start_paused = true)]
async fn a_finished_run_is_run_again_whatever_its_end_was() {
    for code in [0, 3] {
        let story = Story::of(Script::new().exits(at(5), code)).set("GITHUB_RUN_ID", "77");
        assert_eq!(i32::from(story.run(&[]).await.code), code);
        let told = story.run(&[]).await;
        assert_eq!(i32::from(told.code), code, "{}", told.everything());
        let said = format!("is over (exit code {code}), a new task is started");
        assert!(told.err.contains(&said), "{}", told.err);
        assert_eq!(story.sandbox.tasks().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn another_commit_is_another_run_under_the_same_key() {
    let story = Story::running(ends_with(applied(2)))
        .set("GITHUB_SHA", "c5")
        .signal(at(30), Signal::Interrupt);
    let told = story.run(&["--run-key", "release", "--on-cancel", "detach"]).await;
    assert_eq!(told.code, 84, "{}", told.everything());
    let story = story.without_signals().set("GITHUB_SHA", "c6");
    let told = story.run(&["--run-key", "release"]).await;
    told.says(0, &["2 migrations applied"]);
    assert!(told.err.contains("started container"), "{}", told.err);
    assert_eq!(story.sandbox.tasks().len(), 2);
}

/// Who cancels and runs again at once does not want the verdict of what was cancelled.
#[tokio::test(start_paused = true)]
async fn an_earlier_task_that_is_being_stopped_is_waited_for() {
    let program = Program::scripted(|launch| {
        let script = Script::new();
        if launch.ordinal == 1 {
            script.on_terminate(sandbox::OnTerminate::Ignore)
        } else {
            script.exits(at(5), 0)
        }
    });
    let story = Story::running(program)
        .plain()
        .set("GITHUB_RUN_ID", "77")
        .signal(at(60), Signal::Interrupt);
    assert_eq!(story.run(&[]).await.code, 83);
    let story = story.without_signals();
    let told = story.run(&[]).await;
    told.says(0, &["the command succeeded"]);
    assert!(told.err.contains("is being stopped, waiting for its end"), "{}", told.err);
    assert_eq!(story.sandbox.tasks().len(), 2);
}
