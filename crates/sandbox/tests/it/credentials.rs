//! The task role: a process with the task's environment gets credentials through aws-config's own chain.

use aws_config::BehaviorVersion;
use aws_sdk_ecs::config::ProvideCredentials as _;
use aws_sdk_ecs::types::KeyValuePair;
use http::StatusCode;
use sandbox::{Config, HostEnvironment, Program, Speed};

use crate::support::{GROUP, World, container, exit_code, stream, words};

/// Set in the task's definition: the process is the task, not the test.
const TASK: &str = "SANDBOX_TEST_IS_A_TASK";

/// Runs itself as the task: the same test with the environment ECS gives.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the process learns that it is the task")]
async fn a_task_has_its_roles_credentials() {
    if std::env::var_os(TASK).is_some() {
        return as_a_task().await;
    }
    let home = tempfile::tempdir().expect("a directory");
    let host = HostEnvironment { path: None, home: Some(home.path().display().to_string()) };
    let this = std::env::current_exe().expect("a path");
    let program = Program::Command(vec![this.display().to_string()]);
    let world = World::served(Config::new(Speed::Instant).host(host).image("*", program)).await;
    let arguments = ["credentials::a_task_has_its_roles_credentials", "--exact", "--nocapture"];
    let mark = KeyValuePair::builder().name(TASK).value("1").build();
    let runner = container("runner").set_command(Some(words(&arguments))).environment(mark).build();
    let definition = world.definition().container_definitions(runner);
    let definition = definition.task_role_arn("arn:aws:iam::111122223333:role/task");
    definition.send().await.expect("valid");

    let ended = world.run_to_end().await;
    let lines = world.sandbox.log_messages(GROUP, &stream(&ended, "runner"));
    assert_eq!(exit_code(&ended, "runner"), Some(0), "{lines:?}");
    assert!(lines.iter().any(|line| line == "key ASIASANDBOXTASKROLE1"), "{lines:?}");
    let journal = world.sandbox.journal();
    assert!(journal.iter().any(|entry| entry.operation == "DescribeClusters"));
}

/// What the task does; its stdout is its log.
#[expect(clippy::print_stdout, reason = "a task writes to its log")]
async fn as_a_task() {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let provider = config.credentials_provider().expect("a chain");
    let credentials = provider.provide_credentials().await.expect("credentials");
    println!("key {}", credentials.access_key_id());
    let ecs = aws_sdk_ecs::Client::new(&config);
    let clusters = ecs.describe_clusters().clusters("default").send().await.expect("an answer");
    assert_eq!(clusters.clusters()[0].status(), Some("ACTIVE"));
}

#[tokio::test]
async fn the_token_is_checked() {
    let program = Program::command("sh -c").expect("words");
    let world = World::served(Config::new(Speed::Instant).image("*", program)).await;
    let command =
        "echo $AWS_CONTAINER_CREDENTIALS_FULL_URI; echo $AWS_CONTAINER_AUTHORIZATION_TOKEN";
    let runner = container("runner").set_command(Some(words(&[command]))).build();
    let definition = world.definition().container_definitions(runner);
    let definition = definition.task_role_arn("arn:aws:iam::111122223333:role/task");
    definition.send().await.expect("valid");
    let ended = world.run_to_end().await;
    let lines = world.sandbox.log_messages(GROUP, &stream(&ended, "runner"));
    let get = async |uri: &str, token: &str| {
        let request = http::Request::get(uri).header("authorization", token);
        let request = request.body(Vec::new()).expect("a request");
        world.sandbox.handle(request).await.status()
    };
    assert_eq!(get(&lines[0], &lines[1]).await, StatusCode::OK);
    assert_eq!(get(&lines[0], "wrong").await, StatusCode::FORBIDDEN);
    assert_eq!(get("/v2/credentials/0", &lines[1]).await, StatusCode::NOT_FOUND);
}
