//! The whole way of a task that runs: register, run, describe, read its log, learn its exit code.

use aws_sdk_ecs::types::{KeyValuePair, Secret};
use sandbox::{Config, Program, Speed, WallClock};

use crate::support::{GROUP, IMAGE, World, arn, container, exit_code, stop_code, stream, words};

#[tokio::test]
async fn register_run_describe_logs_exit_code() {
    let config = Config::new(Speed::Fast)
        .wall_clock(WallClock::System)
        .image("*/app-migrate:*", Program::command("sh -c").expect("words"))
        .secret("app/db", r#"{"username":"app","password":"p:@/% é"}"#);
    let world = World::served(config).await;
    let secret = world.sandbox.secret_arn("app/db").expect("the secret");
    let command = "echo one; echo; echo \"$GREETING, $PASSWORD\"; echo $ECS_CONTAINER_METADATA_URI_V4; \
                   printf 'last'; exit 3";
    let password = Secret::builder().name("PASSWORD").value_from(format!("{secret}:password::"));
    let runner = container("runner")
        .set_command(Some(words(&[command])))
        .environment(KeyValuePair::builder().name("GREETING").value("hello").build())
        .secrets(password.build().expect("a secret"))
        .build();
    let registered = world.definition().container_definitions(runner).send().await;
    let definition = registered.expect("registered").task_definition.expect("a definition");
    assert_eq!(definition.revision(), 1);

    let task = world.start().await;
    assert_eq!(task.last_status(), Some("PROVISIONING"));
    assert_eq!(task.desired_status(), Some("RUNNING"));
    assert_eq!(task.containers()[0].last_status(), Some("PENDING"));
    assert_eq!((exit_code(&task, "runner"), task.started_at()), (None, None));
    assert_eq!((task.stop_code(), task.stopped_reason()), (None, None));
    assert_eq!(task.attachments()[0].status(), Some("PRECREATED"));

    let ended = world.until_status(arn(&task), "STOPPED").await;
    assert_eq!(exit_code(&ended, "runner"), Some(3));
    assert_eq!(stop_code(&ended), "EssentialContainerExited");
    assert_eq!(ended.stopped_reason(), Some("Essential container in task exited"));
    assert_eq!(ended.group(), Some("family:migrate"));
    assert_eq!(ended.version(), 6);
    let times = [
        ended.created_at(),
        ended.connectivity_at(),
        ended.pull_started_at(),
        ended.pull_stopped_at(),
        ended.started_at(),
        ended.stopping_at(),
        ended.execution_stopped_at(),
        ended.stopped_at(),
    ];
    let times: Vec<f64> = times.iter().map(|at| at.expect("a time").as_secs_f64()).collect();
    assert!(times.is_sorted(), "{times:?}");

    let stream = stream(&task, "runner");
    world.until_line(&stream, "last").await;
    let lines = read_by_forward_token(&world, &stream).await;
    let (uri, others) = (lines[2].clone(), [&lines[..2], &lines[3..]].concat());
    assert_eq!(others, ["one", "hello, p:@/% é", "last"]);
    assert!(uri.starts_with(&format!("{}/v4/", world.endpoint())), "{uri}");
    assert_metadata(&world, &uri, &ended).await;
}

/// Two events a page, until the same token comes back.
async fn read_by_forward_token(world: &World, stream: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = world
            .logs
            .get_log_events()
            .log_group_name(GROUP)
            .log_stream_name(stream)
            .start_from_head(true)
            .limit(2)
            .set_next_token(token.clone())
            .send()
            .await
            .expect("a page");
        let messages = page.events().iter().filter_map(|event| event.message());
        lines.extend(messages.map(str::to_owned));
        let next = page.next_forward_token().map(str::to_owned);
        assert!(next.is_some());
        if next == token {
            return lines;
        }
        token = next;
    }
}

async fn assert_metadata(world: &World, uri: &str, task: &aws_sdk_ecs::types::Task) {
    let get = async |uri: &str| {
        let request = http::Request::get(uri).body(Vec::new()).expect("a request");
        let response = world.sandbox.handle(request).await;
        serde_json::from_slice::<serde_json::Value>(response.body()).expect("JSON")
    };
    let container = get(uri).await;
    assert_eq!(container["Name"], "runner");
    assert_eq!(container["Image"], IMAGE);
    assert_eq!(container["ExitCode"], 3);
    assert_eq!(container["LogOptions"]["awslogs-stream"], stream(task, "runner"));
    let document = get(&format!("{uri}/task")).await;
    assert_eq!(document["TaskARN"], arn(task));
    assert_eq!(document["Family"], "migrate");
    assert_eq!(document["Limits"]["CPU"], 0.25);
}
