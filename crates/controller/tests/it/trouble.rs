//! What AWS refuses, loses and delays, and that none of it decides.

use crate::support::runner::{applied, ends_with, rolls_back_when_stopped};
use crate::support::story::{Story, at, config};
use controller::Signal;
use sandbox::{
    ConnectionFate, FailureFault, Faults, Program, RequestAnswer, RequestFate, RequestFault, Script,
};

fn refusing(operation: &str, calls: (u64, Option<u64>), answer: RequestAnswer) -> Story {
    Story::with(
        config().image("app:1", ends_with(applied(2))).faults(faults(operation, calls, answer)),
    )
}

fn faults(operation: &str, (from, to): (u64, Option<u64>), answer: RequestAnswer) -> Faults {
    Faults {
        requests: vec![RequestFault { operation: operation.to_owned(), from, to, answer }],
        ..Faults::default()
    }
}

fn error(kind: &str, message: &str) -> RequestAnswer {
    RequestAnswer::Error { kind: kind.to_owned(), message: message.to_owned(), status: 400 }
}

fn capacity() -> RequestAnswer {
    RequestAnswer::Failures(vec![FailureFault {
        reason: "Capacity is unavailable at this time. Please try again later or in a different availability zone".to_owned(),
        detail: None,
    }])
}

#[tokio::test(start_paused = true)]
async fn throttled_looks_decide_nothing_and_are_mentioned_once() {
    let story = refusing("DescribeTasks", (2, Some(30)), RequestAnswer::Throttle);
    let told = story.run(&[]).await;
    told.says(0, &["2 migrations applied"]);
    assert_eq!(told.err.matches("ECS does not say how the task is").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_log_is_read_late_and_whole() {
    let story = refusing("GetLogEvents", (3, Some(20)), RequestAnswer::Throttle);
    story.run(&[]).await.says(0, &["2 migrations applied", "2 lines, complete"]);
}

#[tokio::test(start_paused = true)]
async fn missing_is_patience_first_and_unknown_in_the_end() {
    let story = refusing("DescribeTasks", (1, Some(5)), RequestAnswer::Missing);
    story.run(&[]).await.says(0, &["2 migrations applied"]);
    let story = refusing("DescribeTasks", (1, None), RequestAnswer::Missing);
    let told = story.run(&[]).await;
    told.says(85, &["ECS does not know the task"]);
    assert!(told.took >= at(60), "{:?}", told.took);
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_lose_the_watch_and_say_how_to_go_on() {
    let story = refusing(
        "DescribeTasks",
        (3, None),
        error("ExpiredTokenException", "The security token included in the request is expired"),
    );
    let told = story.run(&[]).await;
    told.says(
        86,
        &[
            "the watch is lost, the migration may still be running",
            "ecs-migrate attach --region eu-west-1 arn:aws:ecs:",
        ],
    );
    assert_eq!(story.calls("StopTask"), 0);
}

#[tokio::test(start_paused = true)]
async fn capacity_is_waited_for_and_not_for_ever() {
    let story = refusing("RunTask", (1, Some(3)), capacity());
    story.run(&[]).await.says(0, &["2 migrations applied"]);
    assert_eq!(story.calls("RunTask"), 4);
    let story = refusing("RunTask", (1, None), capacity());
    let told = story.run(&["--capacity-timeout", "2m"]).await;
    assert_eq!(told.code, 81, "{}", told.everything());
    assert!(told.took <= at(120), "{:?}", told.took);
    assert!(told.err.contains("Capacity is unavailable"), "{}", told.err);
    assert!(told.err.contains("database: untouched"), "{}", told.err);
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_again_with_the_same_token() {
    for answer in [
        RequestAnswer::ServerError { status: 500 },
        error(
            "InvalidParameterException",
            "Error retrieving subnet information for [subnet-a]: Rate exceeded (ErrorCode: Throttling)",
        ),
        error(
            "ClientException",
            "ECS was unable to assume the role 'arn:aws:iam::111122223333:role/exec' that was provided for this task.",
        ),
    ] {
        let story = refusing("RunTask", (1, Some(4)), answer);
        let told = story.run(&[]).await;
        told.says(0, &["2 migrations applied"]);
        let mut tokens = story.parameters("RunTask", "clientToken");
        tokens.dedup();
        assert_eq!(tokens.len(), 1, "{tokens:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_stays_is_said_at_once() {
    let program = || Program::script(Script::new().exits(at(1), 0));
    let told = Story::running(program()).run(&["--cluster", "nowhere"]).await;
    assert_eq!(told.code, 86, "{}", told.everything());
    assert!(told.err.contains("Cluster not found."), "{}", told.err);
    assert!(told.err.contains("check --cluster and the Region"), "{}", told.err);
    let story = Story::running(program());
    let told = story
        .invoke(&[
            "run",
            "--task-definition",
            "nothing",
            "--subnets",
            "s",
            "--security-groups",
            "g",
        ])
        .await;
    assert_eq!(told.code, 86, "{}", told.everything());
    assert!(told.err.contains("the family"), "{}", told.err);
    assert_eq!(story.calls("RunTask"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_may_not_be_read_leaves_the_exit_code() {
    let story = refusing(
        "GetLogEvents",
        (1, None),
        error(
            "AccessDeniedException",
            "User: u is not authorized to perform: logs:GetLogEvents on resource: r",
        ),
    );
    let told = story.run(&[]).await;
    told.says(0, &["the log could not be read"]);
    assert!(told.err.contains("allow logs:GetLogEvents"), "{}", told.err);
}

#[tokio::test(start_paused = true)]
async fn a_signal_while_there_is_no_capacity_starts_nothing() {
    let story = refusing("RunTask", (1, None), capacity()).signal(at(10), Signal::Interrupt);
    let told = story.run(&[]).await;
    assert_eq!(told.code, 83, "{}", told.everything());
    assert_eq!(told.took, at(10));
    assert!(told.err.contains("before a task was started"), "{}", told.err);
    assert!(told.err.contains("database: untouched"), "{}", told.err);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_runtask_that_was_lost_starts_nothing_twice() {
    for connection in [ConnectionFate::Drops, ConnectionFate::Hangs] {
        for request in [RequestFate::CarriedOut, RequestFate::Ignored] {
            let lost = RequestAnswer::Unanswered { request, connection };
            let story = refusing("RunTask", (1, Some(1)), lost);
            story.run(&[]).await.says(0, &["2 migrations applied"]);
            assert_eq!(story.sandbox.tasks().len(), 1, "{request:?} {connection:?}");
            let mut tokens = story.parameters("RunTask", "clientToken");
            assert_eq!(tokens.len(), 2);
            tokens.dedup();
            assert_eq!(tokens.len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn reads_that_hang_or_break_off_decide_nothing() {
    for connection in [ConnectionFate::Drops, ConnectionFate::Hangs] {
        for operation in ["DescribeTasks", "GetLogEvents"] {
            let broken = RequestAnswer::Unanswered { request: RequestFate::CarriedOut, connection };
            let story = refusing(operation, (2, Some(9)), broken);
            story.run(&[]).await.says(0, &["2 migrations applied", "2 lines, complete"]);
        }
    }
    let slow = RequestAnswer::Slow { seconds: 4.0, answer: None };
    let story = refusing("DescribeTasks", (1, None), slow);
    story.run(&[]).await.says(0, &["2 migrations applied"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_hangs_is_asked_for_again_within_two_seconds() {
    let hangs = RequestAnswer::Unanswered {
        request: RequestFate::Ignored,
        connection: ConnectionFate::Hangs,
    };
    let story = Story::with(config().image("app:1", rolls_back_when_stopped()).faults(faults(
        "StopTask",
        (1, Some(1)),
        hangs,
    )))
    .signal(at(60), Signal::Interrupt);
    let told = story.run(&[]).await;
    told.says(83, &["rollback proved"]);
    let asked: Vec<u64> = story
        .sandbox
        .journal()
        .iter()
        .filter(|entry| entry.operation == "StopTask")
        .map(|entry| entry.at)
        .collect();
    assert_eq!(asked.len(), 2);
    assert!(asked[1] - asked[0] <= 2_000, "{asked:?}");
}
