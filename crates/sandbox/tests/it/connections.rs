//! Answers that come late, hang or get lost, in memory and over sockets.

use std::time::Duration;

use aws_sdk_ecs::config::timeout::TimeoutConfig;
use sandbox::{Config, Faults, Program, Script, Speed};
use tokio::time::Instant;

use crate::support::{World, arn};

fn config(faults: &str) -> Config {
    let faults: Faults = serde_json::from_str(faults).expect("valid faults");
    Config::new(Speed::Instant).image("*", Program::script(Script::new())).faults(faults)
}

fn statuses(world: &World, operation: &str) -> Vec<u16> {
    let journal = world.sandbox.journal().into_iter();
    journal.filter(|entry| entry.operation == operation).map(|entry| entry.status).collect()
}

const LOST_ANSWER: &str = r#"{"requests": [{"operation": "RunTask", "to": 1, "answer":
    {"unanswered": {"request": "carried_out", "connection": "drops"}}}]}"#;
const LOST_REQUEST: &str = r#"{"requests": [{"operation": "RunTask", "to": 1, "answer":
    {"unanswered": {"request": "ignored", "connection": "drops"}}}]}"#;

/// The SDK replays with its token: one task either way.
async fn replay(world: &World, before: usize) {
    world.register(&[]).await;
    let run = world.run().client_token("key-1");
    let once = run.clone().customize();
    let once = once.config_override(
        aws_sdk_ecs::config::Config::builder()
            .retry_config(aws_sdk_ecs::config::retry::RetryConfig::disabled()),
    );
    let error = once.send().await.expect_err("no answer");
    assert!(matches!(error, aws_sdk_ecs::error::SdkError::DispatchFailure(_)), "{error:?}");
    assert_eq!(world.sandbox.tasks().len(), before);
    let answer = run.send().await.expect("a replay");
    assert_eq!(world.sandbox.tasks().len(), 1);
    assert_eq!(world.sandbox.tasks()[0].arn, arn(&answer.tasks()[0]));
    assert_eq!(statuses(world, "RunTask"), [0, 200]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_replayed_in_memory() {
    replay(&World::in_memory(config(LOST_ANSWER)), 1).await;
    replay(&World::in_memory(config(LOST_REQUEST)), 0).await;
}

#[tokio::test]
async fn a_lost_answer_is_replayed_over_http() {
    replay(&World::served(config(LOST_ANSWER)).await, 1).await;
    replay(&World::served(config(LOST_REQUEST)).await, 0).await;
}

#[tokio::test]
async fn a_dropped_connection_is_retried_by_the_sdk() {
    let served = World::served(config(LOST_ANSWER)).await;
    served.register(&[]).await;
    let task = served.start().await;
    assert_eq!(served.sandbox.tasks().len(), 1);
    assert_eq!(served.sandbox.tasks()[0].arn, arn(&task));
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_old_when_it_comes() {
    let world = World::in_memory(config(
        r#"{"requests": [
            {"operation": "RunTask", "answer": {"slow": {"seconds": 30}}},
            {"operation": "DescribeTasks", "to": 1, "answer": {"slow": {"seconds": 7, "answer": "missing"}}},
            {"operation": "StopTask", "to": 1, "answer": {"slow": {"seconds": 2, "answer":
                {"unanswered": {"request": "ignored", "connection": "drops"}}}}}
        ]}"#,
    ));
    world.register(&[]).await;
    let before = Instant::now();
    let task = world.start().await;
    assert_eq!(before.elapsed().as_secs(), 30);
    assert_eq!(task.last_status(), Some("PROVISIONING"), "as it was when it was asked");
    let describe = || world.ecs.describe_tasks().tasks(arn(&task)).send();
    assert_eq!(describe().await.expect("an answer").failures().len(), 1);
    assert_eq!(before.elapsed().as_secs(), 37);
    let stop = || world.ecs.stop_task().task(arn(&task)).send();
    stop().await.expect("the second attempt");
    assert!(before.elapsed().as_secs() >= 39, "dropped, but not at once");
}

#[tokio::test(start_paused = true)]
async fn nothing_ever_comes() {
    let world = World::in_memory(config(
        r#"{"requests": [{"operation": "DescribeTasks", "to": 1, "answer":
            {"unanswered": {"request": "ignored", "connection": "hangs"}}}]}"#,
    ));
    world.register(&[]).await;
    let task = world.start().await;
    let attempt = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(10));
    let patient = aws_sdk_ecs::config::Config::builder().timeout_config(attempt.build());
    let describe = world.ecs.describe_tasks().tasks(arn(&task)).customize();
    let before = Instant::now();
    let answer = describe.config_override(patient).send().await.expect("the second attempt");
    assert_eq!(answer.tasks().len(), 1);
    assert!(before.elapsed() >= Duration::from_secs(10));
    assert_eq!(statuses(&world, "DescribeTasks"), [0, 200]);
}

#[tokio::test]
async fn a_hanging_connection_ends_with_its_caller() {
    let world = World::served(config(
        r#"{"requests": [{"operation": "DescribeClusters", "to": 1, "answer":
            {"unanswered": {"request": "ignored", "connection": "hangs"}}}]}"#,
    ))
    .await;
    let limit = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(200));
    let brief = aws_sdk_ecs::config::Config::builder().timeout_config(limit.build());
    let describe = world.ecs.describe_clusters().customize().config_override(brief);
    describe.send().await.expect("the second attempt");
    assert_eq!(statuses(&world, "DescribeClusters"), [0, 200]);
}
