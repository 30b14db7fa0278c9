//! A cause is the deciding container's, and proved; what passes is tried again.

use crate::support::runner::{Lines, applied, ends_with, failed};
use crate::support::shop::API;
use crate::support::story::{Story, at, container, unlabelled};
use protocol::event::{ConnectWaiting, Event};
use sandbox::{
    Faults, Program, RequestAnswer, RequestFault, Script, StartPhase, TaskEffect, TaskFault,
};
use serde_json::json;

fn refused(to: Option<u64>, kind: &str, message: &str) -> Faults {
    let answer =
        RequestAnswer::Error { kind: kind.to_owned(), message: message.to_owned(), status: 400 };
    let fault = RequestFault { operation: "RunTask".to_owned(), from: 1, to, answer };
    Faults { requests: vec![fault], ..Faults::default() }
}

fn suffering(to: Option<u64>, effect: TaskEffect) -> Faults {
    Faults { tasks: vec![TaskFault { family: None, from: 1, to, effect }], ..Faults::default() }
}

const DENIED: &str = "User: arn:x is not authorized to perform: ecs:RunTask on resource: arn:y with an explicit deny in";

/// What RunTask may say as an error: whether it passes, and the exit code and the words when not.
#[tokio::test(start_paused = true)]
async fn what_run_task_refuses_is_tried_again_or_has_its_own_fix() {
    let parameter = "InvalidParameterException";
    for (kind, message, passes, code, words) in [
        (
            "ClientException",
            "You've reached the limit on the number of tasks you can run concurrently",
            true,
            81,
            "Service Quotas",
        ),
        (
            "ClientException",
            "You\u{2019}ve reached the limit on the number of vCPUs you can run concurrently",
            true,
            81,
            "Service Quotas",
        ),
        (
            "ClientException",
            "The requested CPU configuration is above your limit.",
            false,
            81,
            "make `cpu` or `memory` smaller",
        ),
        (
            parameter,
            "Error retrieving security group information for [sg-1]: Request limit exceeded. (ErrorCode: RequestLimitExceeded)",
            true,
            86,
            "transient",
        ),
        (
            parameter,
            "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
            true,
            86,
            "create-service-linked-role",
        ),
        (
            "AccessDeniedException",
            &format!("{DENIED} a service control policy"),
            false,
            86,
            "organisation",
        ),
        (
            "AccessDeniedException",
            &format!("{DENIED} a permissions boundary"),
            false,
            86,
            "boundary",
        ),
    ] {
        let story = Story::running(ends_with(applied(1)));
        story.sandbox.set_faults(refused(Some(1), kind, message));
        let told = story.run(&["--capacity-timeout", "2m"]).await;
        assert_eq!(told.code, if passes { 0 } else { code }, "{message}: {}", told.everything());
        let story = Story::running(ends_with(applied(1)));
        story.sandbox.set_faults(refused(None, kind, message));
        let told = story.run(&["--capacity-timeout", "1m"]).await;
        assert_eq!(told.code, code, "{message}: {}", told.everything());
        assert!(told.err.contains(words), "{message}: {}", told.everything());
        assert_eq!(story.calls("RunTask") > 1, passes, "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttle_at_the_network_interface_is_another_start() {
    let story = Story::running(ends_with(applied(1)));
    story.sandbox.set_faults(suffering(
        Some(1),
        TaskEffect::NeverStarts {
            phase: StartPhase::Provisioning,
            stopped_reason: "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment disabled in subnet 'subnet-1': RequestLimitExceeded".to_owned(),
            container_reason: None,
        },
    ));
    story.run(&[]).await.says(0, &["1 migration applied"]);
    assert_eq!(story.calls("RunTask"), 2);
}

#[tokio::test(start_paused = true)]
async fn memory_is_said_of_a_container_that_ended_with_0() {
    let effect = TaskEffect::OutOfMemory { container: None, after_seconds: None };
    for story in [
        Story::of(Script::new().line(at(1), "Killed").exits(at(2), 0)),
        Story::running(ends_with(applied(1))),
    ] {
        story.sandbox.set_faults(suffering(None, effect.clone()));
        let told = story.run(&[]).await;
        told.says(0, &["OK: ", "\n  warning   exit code 0, and yet ECS says OutOfMemoryError"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sidecars_memory_is_not_the_migrations() {
    let own = Script::new()
        .line(at(1), "ERROR: column \"x\" does not exist (SQLSTATE 42703)")
        .exits(at(3), 1);
    let config = crate::support::story::config()
        .image("app:1", Program::script(own))
        .image("otel:1", Program::script(Script::new()));
    let mut otel = container("otel", "otel:1");
    otel["essential"] = json!(false);
    let story = Story::with(config).containers(&[unlabelled("migrate", "app:1"), otel]);
    let effect =
        TaskEffect::OutOfMemory { container: Some("otel".to_owned()), after_seconds: Some(1.0) };
    story.sandbox.set_faults(suffering(None, effect));
    let told = story.run(&["--container", "migrate", "--output", "json"]).await;
    assert_eq!(told.code, 1, "{}", told.everything());
    assert_eq!(told.result()["cause"], serde_json::Value::Null, "{}", told.everything());
    assert!(told.out.contains("OutOfMemoryError"), "the evidence has it: {}", told.everything());
}

#[tokio::test(start_paused = true)]
async fn what_the_runner_waited_for_is_not_why_it_failed() {
    let program = Program::scripted(|launch| {
        let mut lines = Lines::of(launch);
        let waiting = Event::ConnectWaiting(ConnectWaiting {
            cause: "connection to server failed: Connection refused (os error 111)".to_owned(),
            ..ConnectWaiting::default()
        });
        Script::new()
            .line(at(0), lines.started_for(launch))
            .line(at(1), lines.next("cannot reach the database at db:5432: error connecting to server: Connection refused", waiting))
            .line(at(2), lines.finished(failed(10, "column x does not exist")))
            .exits(at(3), 10)
    });
    let told = Story::running(program).run(&["--output", "json"]).await;
    assert_eq!(told.code, 10, "{}", told.everything());
    let result = told.result();
    assert_eq!(result["cause"], serde_json::Value::Null, "{result}");
    assert_eq!(result["fix"], "fix the migration and push again");
}

#[tokio::test(start_paused = true)]
async fn an_image_that_was_lost_on_the_way_runs_nothing() {
    let story = Story::running(ends_with(applied(1)));
    story.register(&["--image", "app:1"]).await.says(0, &[]);
    let of = ["--task-definition", "app-migrate", "--service", "api"];
    let network = ["--subnets", "subnet-a", "--security-groups", "sg-a"];
    let calls = story.sandbox.journal().len();
    for value in ["", " ", "registry.example/", "***.dkr.ecr.eu-west-1.amazonaws.com/app@sha256:1"]
    {
        let run = story.neighbour("app-migrate").set("ECS_MIGRATE_IMAGE", value);
        let lines = [
            [&["run"], &of[..2], &network].concat(),
            [&["release", "--service-image", API], &of[..], &network].concat(),
            [&["deploy-service", "--commit", "c0ffee", "--service-image", API], &of[..]].concat(),
            [&["deploy-service", "--without-verdict", "x", "--service-image", API], &of[..]]
                .concat(),
        ];
        for line in lines {
            let told = run.invoke(&line).await;
            assert_eq!(told.code, 2, "{value:?} {line:?}: {}", told.everything());
            assert!(told.err.contains("env ECS_MIGRATE_IMAGE"), "{}", told.everything());
        }
        let service = story.neighbour("app-migrate").set("ECS_MIGRATE_SERVICE_IMAGE", value);
        let line = [&["deploy-service", "--without-verdict", "x"], &of[..]].concat();
        let told = service.invoke(&line).await;
        assert_eq!(told.code, 2, "{value:?}: {}", told.everything());
    }
    assert_eq!(story.sandbox.journal().len(), calls, "AWS is not asked");
}
