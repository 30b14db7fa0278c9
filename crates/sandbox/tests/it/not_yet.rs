//! What AWS refuses for a while: sessions that are over, roles nobody knows yet, tasks and definitions that
//! are not there yet.

use std::time::Duration;

use aws_sdk_ecs::config::Credentials;
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::error::ProvideErrorMetadata;
use sandbox::{Config, Faults, Program, Script, Speed};
use tokio::time::sleep;

use crate::support::{World, arn};

const SECOND: Duration = Duration::from_secs(1);

fn world(faults: &str) -> World {
    let faults: Faults = serde_json::from_str(faults).expect("valid faults");
    let config = Config::new(Speed::Instant).image("*", Program::script(Script::new()));
    World::in_memory(config.faults(faults))
}

/// No retries, and this access key.
fn signed(key: &str) -> aws_sdk_ecs::config::Builder {
    aws_sdk_ecs::config::Config::builder()
        .retry_config(RetryConfig::disabled())
        .credentials_provider(Credentials::new(key, "secret", None, None, "test"))
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_and_another_one_goes_on() {
    let world = world(
        r#"{"requests": [{"operation": "*", "answer":
            {"when": {"after_seconds": 60, "access_key": "AKIDOLD", "answer": "expired_token"}}}]}"#,
    );
    let describe = async |key| {
        let describe = world.ecs.describe_clusters().customize();
        let answer = describe.config_override(signed(key)).send().await;
        answer.map_err(|error| {
            let status = error.raw_response().map(|response| response.status().as_u16());
            (status, error.code().map(str::to_owned), error.message().map(str::to_owned))
        })
    };
    assert!(describe("AKIDOLD").await.is_ok());
    sleep(60 * SECOND).await;
    let expired = (
        Some(400),
        Some("ExpiredTokenException".to_owned()),
        Some("The security token included in the request is expired".to_owned()),
    );
    assert_eq!(describe("AKIDOLD").await.err(), Some(expired.clone()));
    assert!(describe("AKIDNEW").await.is_ok());
    assert_eq!(describe("AKIDOLD").await.err(), Some(expired));
    let keys: Vec<Option<String>> =
        world.sandbox.journal().into_iter().map(|entry| entry.access_key).collect();
    let expected = ["AKIDOLD", "AKIDOLD", "AKIDNEW", "AKIDOLD"];
    assert_eq!(keys, expected.map(|key| Some(key.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_after_so_many_calls_of_anything() {
    let world = world(
        r#"{"requests": [{"operation": "*", "from": 3, "answer":
            {"when": {"access_key": "sandbox", "answer": "expired_token"}}}]}"#,
    );
    world.register(&[]).await;
    let task = world.start().await;
    let error = world.ecs.describe_tasks().tasks(arn(&task)).send().await.expect_err("expired");
    assert_eq!(error.code(), Some("ExpiredTokenException"));
    let read = world.logs.get_log_events().log_group_name("/g").log_stream_name("s");
    assert_eq!(read.send().await.expect_err("expired").code(), Some("ExpiredTokenException"));
    let request = http::Request::post("/").header(
        "authorization",
        "AWS4-HMAC-SHA256 Credential=sandbox/20261121/eu-west-1/sts/aws4_request, Signature=0",
    );
    let body = b"Action=GetCallerIdentity&Version=2011-06-15".to_vec();
    let response = world.sandbox.handle(request.body(body).expect("a request")).await;
    let text = String::from_utf8_lossy(response.body()).into_owned();
    assert!(response.status() == 403 && text.contains("<Code>ExpiredToken</Code>"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_new_role_and_a_new_definition_take_a_while() {
    let world = world(
        r#"{"requests": [
            {"operation": "RunTask", "to": 1, "answer": {"error":
                {"kind": "ClientException", "message": "TaskDefinition not found."}}},
            {"operation": "RunTask", "answer": {"when": {"until_seconds": 20, "answer": "role_not_assumable"}}},
            {"operation": "RunTask", "to": 4, "answer": "disguised_throttle"}
        ]}"#,
    );
    world.register(&[]).await;
    let refused = async || {
        let error = world.run().send().await.expect_err("refused");
        (error.code().map(str::to_owned), error.message().unwrap_or_default().to_owned())
    };
    let client = Some("ClientException".to_owned());
    assert_eq!(refused().await, (client.clone(), "TaskDefinition not found.".to_owned()));
    for _ in 0..2 {
        let role = "ECS was unable to assume the role 'arn:aws:iam::111122223333:role/execution' that was provided for \
                    this task. Please verify that the role being passed has the proper trust relationship and \
                    permissions and that your IAM user has permissions to pass this role.";
        assert_eq!(refused().await, (client.clone(), role.to_owned()));
    }
    sleep(20 * SECOND).await;
    let throttle =
        "Error retrieving subnet information for [subnet-1]: Rate exceeded (ErrorCode: Throttling)";
    let parameter = Some("InvalidParameterException".to_owned());
    assert_eq!(refused().await, (parameter, throttle.to_owned()));
    world.start().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_is_missing_at_first_and_forgotten_later() {
    let world = world(
        r#"{"tasks": [
            {"effect": {"missing": {"to_seconds": 5}}},
            {"to": 1, "effect": {"missing": {"from_seconds": 30}}}
        ]}"#,
    );
    world.register(&[]).await;
    let (first, second) = (world.start().await, world.start().await);
    let known = async || {
        let describe = world.ecs.describe_tasks().tasks(arn(&first)).tasks(arn(&second));
        let answer = describe.send().await.expect("an answer");
        let list = world.ecs.list_tasks().send().await.expect("a list");
        assert_eq!(answer.tasks().len(), list.task_arns().len());
        assert!(answer.failures().iter().all(|failure| failure.reason() == Some("MISSING")));
        answer.tasks().len()
    };
    assert_eq!(known().await, 0);
    let error = world.ecs.stop_task().task(arn(&first)).send().await.expect_err("not there");
    assert_eq!(error.message(), Some("The referenced task was not found."));
    sleep(5 * SECOND).await;
    assert_eq!(known().await, 2);
    sleep(25 * SECOND).await;
    assert_eq!(known().await, 1);
    assert!(world.sandbox.tasks()[0].runs(), "it runs all the same");
}
