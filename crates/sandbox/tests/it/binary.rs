//! The binary: from `up` to SIGTERM, with port file, journal, faults and no orphans.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::stopping::is_alive;

async fn until<Found>(mut look: impl FnMut() -> Option<Found>) -> Found {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not in time");
        sleep(Duration::from_millis(20)).await;
    }
}

fn up(directory: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_ecs-migrate-sandbox"))
        .args(["up", "--port-file", "port", "--journal", "journal"])
        .args(arguments)
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary")
}

#[tokio::test]
async fn up_run_and_down_without_orphans() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let faults =
        r#"{"requests": [{"operation": "DescribeClusters", "to": 1, "answer": "throttle"}]}"#;
    std::fs::write(path.join("faults.json"), faults).expect("written");
    std::fs::write(path.join("secret.json"), r#"{"password":"s"}"#).expect("written");
    let command = "app:*=sh -c 'sleep 1000 & echo $! > child; echo $$ >> child; wait'";
    let child = up(
        path,
        &[
            "--cluster",
            "prod",
            "--log-group",
            "/g",
            "--speed",
            "instant",
            "--faults",
            "faults.json",
            "--secret",
            "app/db=@secret.json",
            "--image",
            command,
        ],
    );
    let read = |name: &str| std::fs::read_to_string(path.join(name)).ok();
    let port = until(|| read("port")?.trim().parse::<u16>().ok()).await;
    run_a_task(port).await;
    let ids = until(|| read("child").filter(|ids| ids.lines().count() == 2)).await;
    assert!(ids.lines().all(is_alive), "{ids}");

    let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    kill_process(id.expect("an id"), Signal::TERM).expect("alive");
    let output = child.wait_with_output().await.expect("an end");
    assert!(output.status.success(), "{output:?}");
    until(|| (!ids.lines().any(is_alive)).then_some(())).await;

    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{stdout}");
    assert_eq!(lines[0], format!("ecs-migrate-sandbox is listening at http://127.0.0.1:{port}"));
    assert!(
        lines[1].starts_with("export AWS_ENDPOINT_URL=")
            && lines[2].starts_with("export AWS_ACCESS")
    );
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(stderr, "ecs-migrate-sandbox: not implemented: ListServices\n");

    let journal = read("journal").expect("a journal");
    let operations: Vec<String> = journal
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|entry| format!("{} {}", entry["operation"].as_str().unwrap_or("?"), entry["status"]))
        .collect();
    assert_eq!(
        operations,
        [
            "DescribeClusters 400",
            "DescribeClusters 200",
            "RegisterTaskDefinition 200",
            "RunTask 200",
            "GetSecretValue 200",
            "ListServices 400"
        ]
    );
}

async fn run_a_task(port: u16) {
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .region("eu-west-1")
        .test_credentials_of_the_sandbox()
        .load()
        .await;
    let ecs = aws_sdk_ecs::Client::new(&config);
    ecs.describe_clusters().clusters("prod").send().await.expect("clusters");
    let container =
        aws_sdk_ecs::types::ContainerDefinition::builder().name("runner").image("app:v1");
    ecs.register_task_definition()
        .family("migrate")
        .network_mode("awsvpc".into())
        .cpu("256")
        .memory("512")
        .container_definitions(container.build())
        .send()
        .await
        .expect("registered");
    let run =
        ecs.run_task().cluster("prod").task_definition("migrate").launch_type("FARGATE".into());
    run.network_configuration(crate::support::network()).send().await.expect("a task");
    let secrets = aws_sdk_secretsmanager::Client::new(&config);
    let secret = secrets.get_secret_value().secret_id("app/db").send().await.expect("a secret");
    assert_eq!(secret.secret_string(), Some(r#"{"password":"s"}"#));
    ecs.list_services().send().await.expect_err("not implemented");
}

trait SandboxCredentials {
    fn test_credentials_of_the_sandbox(self) -> Self;
}

impl SandboxCredentials for aws_config::ConfigLoader {
    fn test_credentials_of_the_sandbox(self) -> Self {
        let credentials =
            aws_sdk_ecs::config::Credentials::new("sandbox", "sandbox", None, None, "test");
        self.credentials_provider(credentials)
    }
}

#[tokio::test]
async fn wrong_arguments_are_explained() {
    let directory = tempfile::tempdir().expect("a directory");
    let wrong = r#"{"requests": [{"operation": "RunTask", "answer": "missing"}]}"#;
    std::fs::write(directory.path().join("wrong.json"), wrong).expect("written");
    std::fs::write(directory.path().join("typo.json"), r#"{"task": []}"#).expect("written");
    for (arguments, text) in [
        (["--faults", "absent.json"], "absent.json: No such file"),
        (
            ["--faults", "typo.json"],
            "typo.json: unknown field `task`, expected one of `requests`, `tasks`, `services`",
        ),
        (
            ["--faults", "wrong.json"],
            "wrong.json: requests[0]: only DescribeTasks or DescribeServices can be answered",
        ),
        (["--image", "app"], "expected NAME=VALUE"),
        (["--image", "app='"], "unclosed quote '"),
    ] {
        let child = up(directory.path(), &arguments);
        let output = child.wait_with_output().await.expect("an end");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && stderr.contains(text), "{stderr}");
    }
}
