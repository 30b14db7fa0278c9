//! What the commands for the one on call say of input that is wrong: one sentence, a hint, the right
//! exit code.

use crate::support::runner::{applied, ends_with};
use crate::support::story::{Story, config, container};
use sandbox::{Faults, RequestAnswer, RequestFault, Script, StartPhase, TaskEffect, TaskFault};
use std::time::Duration;

const FAMILY: [&str; 2] = ["--task-definition", "app-migrate"];

/// A family without a run.
async fn registered() -> Story {
    let story = Story::running(ends_with(applied(1)));
    story.register(&["--image", "app:1"]).await.says(0, &[]);
    story
}

async fn refused(story: &Story, arguments: &[&str], (code, texts): (u8, &[&str])) {
    let told = story.invoke(arguments).await;
    assert_eq!(told.code, code, "{arguments:?} {}", told.everything());
    for text in texts {
        assert!(told.err.contains(text), "{arguments:?}: no {text:?} in {}", told.everything());
    }
    assert_eq!(told.err.matches("error:").count(), 1, "{}", told.everything());
    assert_eq!(story.calls("StopTask"), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_known() {
    let story = registered().await;
    let task = "0".repeat(32);
    let waits: &[&str] = &["no run is known", "logs -f` waits for the next run"];
    refused(&story, &["logs", FAMILY[0], FAMILY[1]], (85, waits)).await;
    refused(&story, &["explain", FAMILY[0], FAMILY[1]], (85, waits)).await;
    for run in [&task[..], "github/77", "4f2c9ab", "2026-11-20", "2026-11-20T03:08"] {
        let texts: &[&str] = &["no run for", "log group /ecs/app in eu-west-1", "ecs-migrate runs"];
        refused(&story, &["explain", run, FAMILY[0], FAMILY[1]], (85, texts)).await;
    }
    let told = story.invoke(&["runs", FAMILY[0], FAMILY[1]]).await;
    assert_eq!((told.code, told.out.as_str()), (0, ""), "{}", told.everything());
    assert!(told.err.contains("no run of app-migrate is known"), "{}", told.err);
    refused(&story, &["explain", &task], (2, &["nothing says where its log is"])).await;
    let elsewhere = format!("arn:aws:ecs:us-east-1:111122223333:task/default/{task}");
    refused(&story, &["logs", &elsewhere], (2, &["in us-east-1", "--region us-east-1"])).await;
}

#[tokio::test(start_paused = true)]
async fn nonsense_is_refused_before_any_call() {
    let story = registered().await;
    let before = story.sandbox.journal().len();
    for run in ["yesterday", "2026-13-01", "https://x.example/?token=hunter2", "arn:aws:s3:::x"] {
        refused(
            &story,
            &["logs", run, FAMILY[0], FAMILY[1]],
            (2, &["names no run", "a date such as"]),
        )
        .await;
    }
    refused(&story, &["runs"], (2, &["no task definition is set"])).await;
    refused(
        &story,
        &["runs", "--template", "missing.json"],
        (2, &["cannot read the template missing.json"]),
    )
    .await;
    refused(&story, &["logs", "--since", "soon"], (2, &["--since"])).await;
    refused(&story, &["runs", "--limit", "0"], (2, &["--limit"])).await;
    refused(&story, &["resolve"], (2, &["--applied"])).await;
    refused(
        &story,
        &["resolve", "--applied", "a", "--rolled-back", "b"],
        (2, &["cannot be used with"]),
    )
    .await;
    refused(
        &story,
        &["resolve", "--applied", "", FAMILY[0], FAMILY[1]],
        (2, &["the name is empty"]),
    )
    .await;
    refused(&story, &["exec", FAMILY[0], FAMILY[1]], (2, &["no command is given", "exec -- npx"]))
        .await;
    refused(&story, &["exec", FAMILY[0], FAMILY[1], "--", ""], (2, &["no command is given"])).await;
    let network = ["--subnets", "s", "--security-groups", "g"];
    let run = [&["run"], &FAMILY[..], &network[..], &["--", ""]].concat();
    refused(&story, &run, (2, &["the command after `--` is empty"])).await;
    assert_eq!(story.sandbox.journal().len(), before);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_exist_is_named() {
    let story = registered().await;
    let missing = ["runs", "--task-definition", "nobody"];
    refused(&story, &missing, (86, &["task definition nobody is not registered in eu-west-1"]))
        .await;
    let cluster = ["runs", FAMILY[0], FAMILY[1], "--cluster", "nowhere"];
    refused(&story, &cluster, (86, &["ClusterNotFoundException"])).await;
    let two =
        story.neighbour("two").containers(&[container("a", "app:1"), container("b", "app:1")]);
    two.register(&["--image", "app:1", "--container", "a"]).await.says(0, &[]);
    let several = ["logs", "--task-definition", "app-migrate:2"];
    refused(&two, &several, (2, &["several containers: a, b", "--container"])).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_group_that_does_not_exist_or_is_in_another_region() {
    let mut other = container("migrate", "app:1");
    other["logConfiguration"]["options"]["awslogs-group"] = "/ecs/gone".into();
    let story = Story::running(ends_with(applied(1))).containers(&[other.clone()]);
    story.register(&["--image", "app:1"]).await.says(0, &[]);
    let texts: &[&str] = &["log group /ecs/gone in eu-west-1 does not exist", "awslogs-region"];
    refused(&story, &["runs", FAMILY[0], FAMILY[1]], (86, texts)).await;
    other["logConfiguration"]["options"]["awslogs-region"] = "us-east-1".into();
    let story = Story::running(ends_with(applied(1))).containers(&[other]);
    story.register(&["--image", "app:1"]).await.says(0, &[]);
    let texts: &[&str] = &["log group /ecs/gone in us-east-1 does not exist"];
    refused(&story, &["logs", FAMILY[0], FAMILY[1]], (86, texts)).await;
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_is_named_with_its_statement() {
    for (command, operation, action, statement) in [
        ("runs", "ListTasks", "ecs:ListTasks", "ListRuns"),
        ("logs", "DescribeTasks", "ecs:DescribeTasks", "ReadRuns"),
        ("runs", "DescribeLogStreams", "logs:DescribeLogStreams", "ReadLogs"),
        ("logs", "GetLogEvents", "logs:GetLogEvents", "ReadLogs"),
        ("explain", "DescribeTaskDefinition", "ecs:DescribeTaskDefinition", "ReadDefinition"),
    ] {
        let story = registered().await;
        story.run(&[]).await.says(0, &[]);
        let answer = RequestAnswer::Error {
            kind: "AccessDeniedException".to_owned(),
            message: format!("User: x is not authorized to perform: {action} on resource: y"),
            status: 400,
        };
        let fault = RequestFault { operation: operation.to_owned(), from: 1, to: None, answer };
        story.sandbox.set_faults(Faults { requests: vec![fault], ..Faults::default() });
        let hint = format!(
            "allow {action} to who runs this: statement {statement} of infra/on-call-policy.json"
        );
        refused(&story, &[command, FAMILY[0], FAMILY[1]], (86, &[&hint])).await;
    }
    // What ECS knows is explained without the log, and the missing right is said.
    let story = registered().await;
    story.run(&[]).await.says(0, &[]);
    let answer = RequestAnswer::Throttle;
    let fault = RequestFault { operation: "GetLogEvents".to_owned(), from: 1, to: Some(3), answer };
    story.sandbox.set_faults(Faults { requests: vec![fault], ..Faults::default() });
    story.invoke(&["explain", FAMILY[0], FAMILY[1]]).await.says(0, &["OK: 1 migration applied"]);
}

#[tokio::test(start_paused = true)]
async fn a_bad_minute_does_not_end_the_waiting() {
    let story = registered().await;
    let fault = RequestFault {
        operation: "ListTasks".to_owned(),
        from: 3,
        to: Some(9),
        answer: RequestAnswer::ServerError { status: 503 },
    };
    story.sandbox.set_faults(Faults { requests: vec![fault], ..Faults::default() });
    let (followed, ran) =
        tokio::join!(story.invoke(&["logs", "-f", FAMILY[0], FAMILY[1]]), async {
            tokio::time::sleep(Duration::from_mins(1)).await;
            story.run(&["--if-running", "fail"]).await
        });
    ran.says(0, &[]);
    followed.says(0, &["run finished"]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_never_started_is_explained_as_long_as_ecs_remembers_it() {
    let reason = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref app:1: not found";
    let effect = TaskEffect::NeverStarts {
        phase: StartPhase::Pulling,
        stopped_reason: reason.to_owned(),
        container_reason: None,
    };
    let tasks = vec![TaskFault { family: None, from: 1, to: None, effect }];
    let faults = Faults { tasks, ..Faults::default() };
    let story = Story::with(config().image("app:1", ends_with(applied(1))).faults(faults));
    assert_eq!(story.run(&[]).await.code, 80);
    let explain = ["explain", FAMILY[0], FAMILY[1]];
    story.invoke(&explain).await.says(
        0,
        &[
            "the task never started",
            "the image does not exist in the registry",
            "untouched",
            reason,
        ],
    );
    let logs = story.invoke(&["logs", FAMILY[0], FAMILY[1]]).await;
    assert_eq!((logs.code, logs.out.as_str()), (0, ""));
    assert!(logs.err.contains("the task wrote no line"), "{}", logs.err);
    tokio::time::sleep(Duration::from_hours(2)).await;
    refused(&story, &explain, (85, &["no run is known"])).await;
}

#[tokio::test(start_paused = true)]
async fn a_plain_container_that_ecs_has_forgotten_has_its_lines_and_no_verdict() {
    let script =
        Script::new().line(Duration::ZERO, "one \u{1b}[31mtwo").exits(Duration::from_secs(1), 3);
    let story = Story::of(script);
    assert_eq!(story.run(&[]).await.code, 3);
    tokio::time::sleep(Duration::from_mins(1)).await;
    let explain = ["explain", FAMILY[0], FAMILY[1]];
    story
        .invoke(&explain)
        .await
        .says(0, &["the container failed with exit code 3", "1 line, complete"]);
    tokio::time::sleep(Duration::from_hours(2)).await;
    let told = story.invoke(&explain).await;
    told.says(0, &["outcome unknown: ECS does not know the task", "ECS has forgotten", "one two"]);
    story.invoke(&["runs", FAMILY[0], FAMILY[1]]).await.says(0, &["not known"]);
    story.invoke(&["logs", FAMILY[0], FAMILY[1]]).await.says(0, &["one two"]);
    // In GitHub's form nothing of a log is outside a fence, and no fence stays open.
    for arguments in [&["logs"][..], &["logs", "--raw"], &["explain"], &["runs"]] {
        let github = [arguments, &["--output", "github"], &FAMILY[..]].concat();
        let told = story.invoke(&github).await;
        let mut fence: Option<String> = None;
        for line in told.out.lines() {
            match &fence {
                Some(token) if line == format!("::{token}::") => fence = None,
                Some(_) => {}
                None => fence = line.strip_prefix("::stop-commands::").map(str::to_owned),
            }
            assert!(fence.is_some() || line.starts_with("::"), "{line} in {}", told.everything());
        }
        assert!(fence.is_none() && told.out.contains("::stop-commands::"), "{}", told.everything());
    }
}

#[tokio::test(start_paused = true)]
async fn completions_and_manual_pages() {
    let story = Story::with(config());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        story.invoke(&["completions", shell]).await.says(0, &["explain", "setup-infra"]);
    }
    assert_eq!(story.invoke(&["completions", "tcsh"]).await.code, 2);
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man1");
    let told = story.invoke(&["man", pages.to_str().unwrap()]).await;
    told.says(0, &[]);
    for page in ["ecs-migrate.1", "ecs-migrate-explain.1", "ecs-migrate-logs.1"] {
        let text = std::fs::read_to_string(pages.join(page)).unwrap();
        assert!(text.contains(".SH DESCRIPTION"), "{page}");
    }
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let told = story.invoke(&["man", file.to_str().unwrap()]).await;
    assert_eq!(told.code, 2, "{}", told.everything());
    assert!(told.err.contains("cannot write manual pages"), "{}", told.err);
}
