//! A sandbox over HTTP in which containers are real processes. Real time, so stories are short.

use super::binary::Invocation;
use super::shop::{API, revision, rolls_back};
use super::story::unlabelled;
use sandbox::{Config, Program, Sandbox, Server, Speed, WallClock};
use serde_json::json;
use std::time::Duration;

/// How long a condition may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A sandbox, its address, and a directory that its containers run in.
pub(crate) struct Place {
    pub(crate) sandbox: Sandbox,
    server: Server,
    directory: tempfile::TempDir,
}

impl Place {
    /// Image `app:1` runs `sh -c script` in the place's own directory.
    pub(crate) async fn running(script: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let script = format!("cd {} && {script}", directory.path().display());
        let words = ["sh", "-c", &script].map(str::to_owned).to_vec();
        let config = Config::new(Speed::Fast)
            .wall_clock(WallClock::System)
            .log_group("/ecs/app")
            .image("app:1", Program::Command(words));
        Self::open(config, directory).await
    }

    /// The same with service `api` on `api:1`, whose new image runs another script.
    pub(crate) async fn deploying(script: &str, api: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let shell = |script: &str| {
            let script = format!("cd {} && {script}", directory.path().display());
            Program::Command(["sh", "-c", &script].map(str::to_owned).to_vec())
        };
        let config = Config::new(Speed::Fast)
            .wall_clock(WallClock::System)
            .log_group("/ecs/app")
            .image("app:1", shell(script))
            .image("proxy-api:1", shell("exec sleep 600"))
            .image(API, shell(api))
            .service(json!({"serviceName": "api", "taskDefinition": revision("api", 1),
                "deploymentConfiguration": rolls_back()}));
        Self::open(config, directory).await
    }

    /// With a repository `app-migrate`, whose images run `program`.
    pub(crate) async fn with_repository(program: Program) -> Self {
        let config = Config::new(Speed::Fast)
            .wall_clock(WallClock::System)
            .log_group("/ecs/app")
            .repository("app-migrate")
            .image("*/app-migrate@*", program);
        Self::open(config, tempfile::tempdir().unwrap()).await
    }

    async fn open(config: Config, directory: tempfile::TempDir) -> Self {
        let sandbox = Sandbox::new(config);
        let server = sandbox.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        Self { sandbox, server, directory }
    }

    /// `ecs-migrate run` of `app:1`, with these arguments on top.
    pub(crate) fn run(&self, more: &[&str]) -> Invocation {
        self.gate("run", more)
    }

    /// The same with another command that begins like it.
    pub(crate) fn gate(&self, command: &str, more: &[&str]) -> Invocation {
        self.gate_of("app:1", command, more)
    }

    /// The same with another image.
    pub(crate) fn gate_of(&self, image: &str, command: &str, more: &[&str]) -> Invocation {
        let mut arguments = vec![
            command,
            "--template",
            "task.json",
            "--image",
            image,
            "--subnets",
            "subnet-a",
            "--security-groups",
            "sg-a",
        ];
        arguments.extend(more);
        let invocation = self.invoke(&arguments);
        let definition = json!({
            "family": "app-migrate", "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "executionRoleArn": "arn:aws:iam::111122223333:role/exec",
            "containerDefinitions": [unlabelled("migrate", "app:1")]
        });
        let path = invocation.directory().join("task.json");
        std::fs::write(path, definition.to_string()).unwrap();
        invocation
    }

    /// Where it answers.
    pub(crate) fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    /// Any command line.
    pub(crate) fn invoke(&self, arguments: &[&str]) -> Invocation {
        Invocation::new(&self.server.endpoint(), arguments)
    }

    /// Makes the file `told` in the containers' directory.
    pub(crate) fn tell(&self) {
        std::fs::write(self.directory.path().join("told"), "").unwrap();
    }

    /// Makes the file `told2` there.
    pub(crate) fn tell_again(&self) {
        std::fs::write(self.directory.path().join("told2"), "").unwrap();
    }

    /// Waits for a condition.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let outcome = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(outcome.is_ok(), "never: {what}");
    }

    /// How often an operation was called.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.parameters(operation, "").len()
    }

    /// One parameter of every call of an operation.
    pub(crate) fn parameters(&self, operation: &str, name: &str) -> Vec<String> {
        let journal = self.sandbox.journal();
        let calls = journal.iter().filter(|entry| entry.operation == operation);
        let text = |entry: &sandbox::JournalEntry| {
            entry
                .parameters
                .get(name)
                .and_then(|value| value.as_str())
                .unwrap_or_default()
                .to_owned()
        };
        calls.map(text).collect()
    }
}
