//! The binary against an endpoint that speaks only the essential operations.

use crate::support::binary::Invocation;
use crate::support::endpoint::{Answer, Endpoint, Request, error};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

const TASK: &str = "arn:aws:ecs:eu-west-1:1:task/default/0123456789abcdef0123456789abcdef";

const RUN: [&str; 9] = [
    "run",
    "--task-definition",
    "app-migrate",
    "--container",
    "migrate",
    "--subnets",
    "subnet-a",
    "--security-groups",
    "sg-a",
];

fn definition() -> Value {
    json!({"taskDefinition": {
        "taskDefinitionArn": "arn:aws:ecs:eu-west-1:1:task-definition/app-migrate:7",
        "family": "app-migrate", "revision": 7,
        "fieldOfTomorrow": {"kept": [1, 2]},
        "containerDefinitions": [{
            "name": "migrate", "image": "app:1", "fieldOfTomorrow": true,
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": "/ecs/app", "awslogs-region": "eu-west-1",
                "awslogs-stream-prefix": "p"}}
        }]
    }})
}

fn task(status: &str, exit_code: Option<i64>) -> Value {
    let mut container = json!({"name": "migrate", "lastStatus": status});
    let mut task = json!({"taskArn": TASK, "lastStatus": status, "version": 1});
    if let Some(code) = exit_code {
        container["exitCode"] = json!(code);
        task["version"] = json!(2);
        task["startedAt"] = json!(1_793_000_040.5);
        task["stopCode"] = json!("EssentialContainerExited");
        task["stoppedReason"] = json!("Essential container in task exited");
    }
    task["containers"] = json!([container]);
    json!({"tasks": [task], "failures": []})
}

/// A runner's log with the run id that the controller gave.
fn log(run: &str) -> Value {
    let line = |seq: u64, event: Value| {
        let line = json!({"run": run, "process": "p", "seq": seq,
            "at": "2026-11-21T03:08:34.123Z", "msg": format!("line {seq}"), "event": event});
        let text = line.to_string();
        json!({"timestamp": 1_795_230_514_123_i64,
            "message": format!("{{\"ecs_migrate\":1,{}", &text[1..])})
    };
    json!({"nextForwardToken": "f/1", "events": [
        line(1, json!({"kind": "run_started"})),
        line(2, json!({"kind": "run_finished", "outcome": "applied", "applied": 2, "exit_code": 0,
            "database": "changed", "duration_ms": 1250})),
    ]})
}

/// Answers the five essential operations; the task ends at once.
fn essential() -> impl Fn(&Request) -> Option<Answer> + Send + Sync {
    let run = Mutex::new(String::new());
    move |request| match request.operation.as_str() {
        "DescribeTaskDefinition" => Some((200, definition())),
        "RunTask" => {
            let container = &request.body["overrides"]["containerOverrides"][0];
            let variable = &container["environment"][0];
            assert_eq!(variable["name"], "ECS_MIGRATE_RUN");
            variable["value"].as_str()?.clone_into(&mut run.lock().unwrap());
            Some((200, task("PROVISIONING", None)))
        }
        "DescribeTasks" => Some((200, task("STOPPED", Some(0)))),
        "GetLogEvents" if request.body["nextToken"].is_null() => {
            Some((200, log(&run.lock().unwrap())))
        }
        "GetLogEvents" => Some((200, json!({"nextForwardToken": "f/1", "events": []}))),
        _ => None,
    }
}

#[tokio::test]
async fn five_operations_are_enough() {
    let endpoint = Endpoint::start(essential()).await;
    let ended = Invocation::new(&endpoint.url, &RUN).run().await;
    assert_eq!(ended.code, 0, "{}", ended.everything());
    assert!(ended.out.contains("OK: 2 migrations applied in 1.2 s"), "{}", ended.out);
    assert!(ended.out.contains("2 lines, complete"), "{}", ended.out);
    // ListTasks, which nobody answers here, is asked as a courtesy to other runs.
    assert!(ended.err.contains("whether another run is in flight is not known"), "{}", ended.err);
    assert_eq!(
        endpoint.operations(),
        ["DescribeTaskDefinition", "DescribeTasks", "GetLogEvents", "ListTasks", "RunTask"]
    );
}

#[tokio::test]
async fn a_new_image_loses_no_field_of_the_definition() {
    let serve = essential();
    let endpoint = Endpoint::start(move |request| match request.operation.as_str() {
        "RegisterTaskDefinition" => Some((
            200,
            json!({"taskDefinition": {
                "taskDefinitionArn": "arn:aws:ecs:eu-west-1:1:task-definition/app-migrate:8"}}),
        )),
        _ => serve(request),
    })
    .await;
    let arguments = ["register", "--task-definition", "app-migrate", "--image", "app:2"];
    let ended = Invocation::new(&endpoint.url, &arguments).run().await;
    assert_eq!(ended.code, 0, "{}", ended.everything());
    assert_eq!(ended.out, "arn:aws:ecs:eu-west-1:1:task-definition/app-migrate:8\n");
    let mut expected = definition()["taskDefinition"].take();
    expected["containerDefinitions"][0]["image"] = json!("app:2");
    for name in ["taskDefinitionArn", "revision"] {
        expected.as_object_mut().unwrap().remove(name);
    }
    let requests = endpoint.requests();
    let register = requests.iter().find(|request| request.operation == "RegisterTaskDefinition");
    assert_eq!(register.unwrap().body, expected);
}

#[tokio::test]
async fn a_log_that_may_not_be_read_leaves_the_exit_code_to_decide() {
    let serve = essential();
    let endpoint = Endpoint::start(move |request| match request.operation.as_str() {
        "GetLogEvents" => Some(error(
            "AccessDeniedException",
            "User: x is not authorized to perform: logs:GetLogEvents on resource: y",
        )),
        _ => serve(request),
    })
    .await;
    let ended = Invocation::new(&endpoint.url, &RUN).run().await;
    assert_eq!(ended.code, 0, "{}", ended.everything());
    assert!(ended.err.contains("so the exit code alone"), "{}", ended.err);
    assert!(ended.err.contains("logs:GetLogEvents"), "{}", ended.err);
}

#[tokio::test]
async fn what_aws_refuses_is_86_with_code_message_and_hint() {
    for (operation, code, message, hint) in [
        (
            "DescribeTaskDefinition",
            "ClientException",
            "Unable to describe task definition.",
            "check the family",
        ),
        (
            "RunTask",
            "ClusterNotFoundException",
            "Cluster not found.",
            "check --cluster and the Region",
        ),
        (
            "RunTask",
            "AccessDeniedException",
            "User: u is not authorized to perform: iam:PassRole on resource: r",
            "allow iam:PassRole",
        ),
    ] {
        let serve = essential();
        let endpoint = Endpoint::start(move |request| {
            if request.operation == operation { Some(error(code, message)) } else { serve(request) }
        })
        .await;
        let ended = Invocation::new(&endpoint.url, &RUN).run().await;
        assert_eq!(ended.code, 86, "{}", ended.everything());
        let sentence = format!("error: {operation}: {code}: {message}");
        assert!(ended.err.contains(&sentence), "{}", ended.err);
        assert!(ended.err.contains(hint), "{}", ended.err);
    }
}

#[tokio::test]
async fn no_credentials_and_no_answer_are_86() {
    let endpoint = Endpoint::start(|_| None).await;
    let ended = Invocation::new(&endpoint.url, &RUN)
        .with("AWS_ACCESS_KEY_ID", "")
        .with("AWS_SECRET_ACCESS_KEY", "")
        .run()
        .await;
    assert_eq!(ended.code, 86, "{}", ended.everything());
    assert!(ended.err.contains("NoCredentials"), "{}", ended.err);
    // Port 9 of the loopback: nobody listens.
    let ended = Invocation::new("http://127.0.0.1:9", &RUN).run().await;
    assert_eq!(ended.code, 86, "{}", ended.everything());
    assert!(ended.err.contains("Unreachable"), "{}", ended.err);
}

#[tokio::test]
async fn usage_is_2_before_any_call() {
    let endpoint = Endpoint::start(essential()).await;
    let without_network = &RUN[..5];
    let typo = Invocation::new(&endpoint.url, &RUN);
    std::fs::write(typo.directory().join("ecs-migrate.toml"), "clutser = \"x\"").unwrap();
    for (invocation, sentence) in [
        (Invocation::new(&endpoint.url, without_network), "error: no subnets are set"),
        (
            Invocation::new(&endpoint.url, &RUN).with("AWS_REGION", ""),
            "error: no AWS Region is set",
        ),
        (Invocation::new(&endpoint.url, &["run"]), "error: no task definition is set"),
        (typo, "error: unknown key `clutser` in ecs-migrate.toml, did you mean `cluster`?"),
    ] {
        let ended = invocation.run().await;
        assert_eq!(ended.code, 2, "{}", ended.everything());
        assert!(ended.err.starts_with(sentence), "{}", ended.err);
        assert_eq!(ended.out, "");
    }
    assert_eq!(endpoint.operations(), [""; 0]);
}

#[tokio::test]
async fn a_line_that_came_late_is_found_by_reading_again() {
    let serve = essential();
    let reads = AtomicU32::new(0);
    let endpoint = Endpoint::start(move |request| {
        let (status, mut answer) = serve(request)?;
        let from_head = request.operation == "GetLogEvents" && request.body["nextToken"].is_null();
        if from_head && reads.fetch_add(1, Ordering::Relaxed) == 0 {
            answer["events"].as_array_mut()?.remove(0);
        }
        Some((status, answer))
    })
    .await;
    let ended = Invocation::new(&endpoint.url, &RUN).run().await;
    assert_eq!(ended.code, 0, "{}", ended.everything());
    assert!(ended.out.contains("Z line 1\n"), "{}", ended.out);
    assert!(ended.out.contains("2 lines, complete"), "{}", ended.out);
}

#[tokio::test]
async fn a_line_that_is_lost_is_named() {
    let serve = essential();
    let endpoint = Endpoint::start(move |request| {
        let (status, mut answer) = serve(request)?;
        if let Some(events) = answer["events"].as_array_mut().filter(|events| events.len() > 1) {
            events.remove(0);
        }
        Some((status, answer))
    })
    .await;
    let ended = Invocation::new(&endpoint.url, &RUN).run().await;
    assert_eq!(ended.code, 0, "{}", ended.everything());
    assert!(ended.out.contains("1 line, not complete: missing number 1"), "{}", ended.out);
}

#[tokio::test]
async fn values_of_variables_are_never_shown() {
    for form in ["text", "json", "github"] {
        let endpoint = Endpoint::start(essential()).await;
        let secret = ["--env", "PASSWORD=hunter2", "--output", form];
        let ended = Invocation::new(&endpoint.url, &[&RUN[..], &secret].concat()).run().await;
        assert_eq!(ended.code, 0, "{}", ended.everything());
        assert!(!ended.everything().contains("hunter2"), "{}", ended.everything());
        let requests = endpoint.requests();
        let run = requests.iter().find(|request| request.operation == "RunTask").unwrap();
        let variables = &run.body["overrides"]["containerOverrides"][0]["environment"];
        let password = json!({"name": "PASSWORD", "value": "hunter2"});
        assert!(variables.as_array().unwrap().contains(&password), "{variables}");
    }
}
