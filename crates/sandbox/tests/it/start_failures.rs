//! Tasks that never start, with the reasons of ECS.

use aws_sdk_ecs::types::Secret;
use sandbox::{Config, Program, Script, Speed};

use crate::support::{World, container, exit_code, stop_code, words};

fn scripted() -> World {
    let image = Program::script(Script::new());
    World::in_memory(Config::new(Speed::Aws).image("*/app-migrate:*", image).secret("app/db", "{}"))
}

async fn assert_never_starts(world: &World, reason: &str) {
    let ended = world.run_to_end().await;
    assert_eq!(stop_code(&ended), "TaskFailedToStart");
    assert_eq!((exit_code(&ended, "runner"), ended.started_at()), (None, None));
    assert_eq!(ended.execution_stopped_at(), None);
    let stopped_reason = ended.stopped_reason().expect("a reason");
    assert!(stopped_reason.starts_with(reason), "{stopped_reason}");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_image() {
    let world = scripted();
    let runner = container("runner").image("nowhere:v1").build();
    world.definition().container_definitions(runner).send().await.expect("valid");
    assert_never_starts(
        &world,
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref nowhere:v1: \
         nowhere:v1: not found",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_log_group_or_another_region() {
    for (option, value) in [("awslogs-group", "/missing"), ("awslogs-region", "us-east-1")] {
        let world = scripted();
        let mut runner = container("runner").build();
        let options = runner.log_configuration.as_mut().and_then(|logs| logs.options.as_mut());
        options.expect("options").insert(option.to_owned(), value.to_owned());
        world.definition().container_definitions(runner).send().await.expect("valid");
        assert_never_starts(
            &world,
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: \
             failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist.",
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_without_the_key() {
    let world = scripted();
    let arn = world.sandbox.secret_arn("app/db").expect("the secret");
    let secret = Secret::builder().name("PGHOST").value_from(format!("{arn}:host::")).build();
    let runner = container("runner").secrets(secret.expect("a secret")).build();
    world.definition().container_definitions(runner).send().await.expect("valid");
    assert_never_starts(
        &world,
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: \
         unable to retrieve secret from asm: retrieved secret from Secrets Manager did not contain json key host",
    )
    .await;
}

#[tokio::test]
async fn a_command_that_is_not_there() {
    let image = Program::command("").expect("no words");
    let world = World::served(Config::new(Speed::Instant).image("*", image)).await;
    let runner = container("runner").set_command(Some(words(&["runnr"]))).build();
    world.definition().container_definitions(runner).send().await.expect("valid");
    assert_never_starts(
        &world,
        "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: failed \
         to create shim task: OCI runtime create failed: exec: \"runnr\": executable file not found in $PATH: unknown",
    )
    .await;
}
