//! What RunTask and the front door refuse, in the words of AWS.

use aws_sdk_ecs::operation::run_task::builders::RunTaskFluentBuilder;
use aws_sdk_ecs::types::{ContainerOverride, KeyValuePair, TaskOverride};
use http::StatusCode;
use sandbox::{Config, Program, Script, Speed};

use crate::support::World;

fn overrides(container: &str, value: &str) -> TaskOverride {
    let variable = KeyValuePair::builder().name("A").value(value).build();
    let container = ContainerOverride::builder().name(container).environment(variable).build();
    TaskOverride::builder().container_overrides(container).build()
}

#[tokio::test(start_paused = true)]
async fn run_task_refuses() {
    type Change = fn(RunTaskFluentBuilder) -> RunTaskFluentBuilder;
    let table: [(Change, &str, &str); 9] = [
        (|run| run.cluster("no"), "ClusterNotFoundException", "Cluster not found."),
        (|run| run.task_definition("no"), "ClientException", "TaskDefinition not found."),
        (
            |run| run.set_network_configuration(None),
            "InvalidParameterException",
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ),
        (
            |run| run.overrides(overrides("other", "")),
            "InvalidParameterException",
            "Override for container named other is not a container in the TaskDefinition.",
        ),
        (
            |run| run.overrides(overrides("runner", &"x".repeat(8_192))),
            "InvalidParameterException",
            "Container Overrides length must be at most 8192",
        ),
        (
            |run| run.set_launch_type(None),
            "InvalidParameterException",
            "No Container Instances were found in your cluster.",
        ),
        (
            |run| run.propagate_tags("NONE".into()),
            "InvalidParameterException",
            "Invalid value for propagateTags",
        ),
        (
            |run| run.overrides(TaskOverride::builder().cpu("4096").build()),
            "ClientException",
            "No Fargate configuration exists for given values.",
        ),
        (|run| run.count(11), "InvalidParameterException", "Count must be between 1 and 10"),
    ];
    let world =
        World::in_memory(Config::new(Speed::Instant).image("*", Program::script(Script::new())));
    world.register(&[]).await;
    for (change, code, message) in table {
        let error = change(world.run()).send().await.expect_err(message).into_service_error();
        assert_eq!((error.meta().code(), error.meta().message()), (Some(code), Some(message)));
    }
    let stop = world.ecs.stop_task().task("0".repeat(32)).send().await;
    let error = stop.expect_err("unknown").into_service_error();
    assert_eq!(error.meta().message(), Some("The referenced task was not found."));
}

#[tokio::test(start_paused = true)]
async fn register_refuses_a_size_fargate_does_not_have() {
    let world = World::in_memory(Config::new(Speed::Instant));
    let runner = crate::support::container("runner").build();
    let register = world.definition().memory("4096").container_definitions(runner);
    let error = register.send().await.expect_err("refused").into_service_error();
    assert_eq!(error.meta().message(), Some("No Fargate configuration exists for given values."));
}

#[tokio::test(start_paused = true)]
async fn unknown_operations_are_loud() {
    let world = World::in_memory(Config::new(Speed::Instant));
    let error = world.ecs.list_services().send().await.expect_err("unknown").into_service_error();
    assert_eq!(error.meta().code(), Some("UnknownOperationException"));
    assert_eq!(error.meta().message(), Some("ecs-migrate-sandbox does not implement ListServices"));
    let last = world.sandbox.journal().pop().expect("an entry");
    assert_eq!((last.operation.as_str(), last.status), ("ListServices", 400));

    let cbor = http::Request::post("/service/Logs/operation/GetLogEvents")
        .header("smithy-protocol", "rpc-v2-cbor")
        .body(Vec::new());
    let answer = world.sandbox.handle(cbor.expect("a request")).await;
    assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn who_am_i() {
    let world = World::in_memory(Config::new(Speed::Instant));
    let request =
        http::Request::post("/").body(b"Action=GetCallerIdentity&Version=2011-06-15".to_vec());
    let answer = world.sandbox.handle(request.expect("a request")).await;
    let body = String::from_utf8_lossy(answer.body()).into_owned();
    assert!(body.contains("<Account>111122223333</Account>"), "{body}");
}
