//! What the tests share: SDK clients for a sandbox, one definition, waiting by polling.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use aws_sdk_ecs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder;
use aws_sdk_ecs::operation::run_task::builders::RunTaskFluentBuilder;
use aws_sdk_ecs::types::{
    AwsVpcConfiguration, Compatibility, ContainerDefinition, LaunchType, LogConfiguration,
    LogDriver, NetworkConfiguration, NetworkMode, Task,
};
use sandbox::{Config, Sandbox, Server};
use tokio::time::{Instant, sleep};

pub(crate) const GROUP: &str = "/ecs/app-migrate";
pub(crate) const IMAGE: &str = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/app-migrate:v1";

/// A sandbox and SDK clients that reach it.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) ecs: aws_sdk_ecs::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
    server: Option<Server>,
}

macro_rules! client {
    ($sdk:ident, $endpoint:expr, $in_memory:expr) => {{
        let mut config = $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("sandbox", "sandbox", None, None, "test"))
            .endpoint_url($endpoint);
        if let Some(client) = $in_memory {
            config = config.http_client(client);
        }
        $sdk::Client::from_conf(config.build())
    }};
}

impl World {
    /// Over HTTP: for real processes, in real time.
    pub(crate) async fn served(config: Config) -> Self {
        let sandbox = Sandbox::new(config.log_group(GROUP));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = sandbox.serve(address).await.expect("a free port");
        let endpoint = server.endpoint();
        let none = || None::<sandbox::InMemoryClient>;
        Self {
            ecs: client!(aws_sdk_ecs, &endpoint, none()),
            logs: client!(aws_sdk_cloudwatchlogs, &endpoint, none()),
            secrets: client!(aws_sdk_secretsmanager, &endpoint, none()),
            sandbox,
            server: Some(server),
        }
    }

    /// Without sockets: for scripts, in virtual time.
    pub(crate) fn in_memory(config: Config) -> Self {
        let sandbox = Sandbox::new(config.log_group(GROUP));
        let endpoint = "http://sandbox.test";
        Self {
            ecs: client!(aws_sdk_ecs, endpoint, Some(sandbox.http_client())),
            logs: client!(aws_sdk_cloudwatchlogs, endpoint, Some(sandbox.http_client())),
            secrets: client!(aws_sdk_secretsmanager, endpoint, Some(sandbox.http_client())),
            sandbox,
            server: None,
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        self.server.as_ref().expect("a served world").endpoint()
    }

    /// Family `migrate`, 256 cpu units, one role for everything.
    pub(crate) fn definition(&self) -> RegisterTaskDefinitionFluentBuilder {
        self.ecs
            .register_task_definition()
            .family("migrate")
            .requires_compatibilities(Compatibility::Fargate)
            .network_mode(NetworkMode::Awsvpc)
            .cpu("256")
            .memory("512")
            .execution_role_arn("arn:aws:iam::111122223333:role/execution")
    }

    /// Registers [`Self::definition`] with one container and awslogs.
    pub(crate) async fn register(&self, command: &[&str]) {
        let container = container("runner").set_command(Some(words(command))).build();
        self.definition()
            .container_definitions(container)
            .send()
            .await
            .expect("a valid definition");
    }

    pub(crate) fn run(&self) -> RunTaskFluentBuilder {
        self.ecs
            .run_task()
            .task_definition("migrate")
            .launch_type(LaunchType::Fargate)
            .network_configuration(network())
    }

    /// Runs `migrate` and returns the task as RunTask shows it.
    pub(crate) async fn start(&self) -> Task {
        let answer = self.run().send().await.expect("a task");
        assert!(answer.failures().is_empty(), "{:?}", answer.failures());
        answer.tasks().first().expect("one task").clone()
    }

    pub(crate) async fn describe(&self, arn: &str) -> Task {
        let answer = self.ecs.describe_tasks().tasks(arn).send().await.expect("described");
        answer.tasks().first().expect("the task").clone()
    }

    /// Virtual time is free.
    fn deadline(&self) -> Instant {
        let patience = match self.server {
            Some(_) => Duration::from_secs(30),
            None => Duration::from_mins(30),
        };
        Instant::now() + patience
    }

    fn poll(&self) -> Duration {
        match self.server {
            Some(_) => Duration::from_millis(20),
            None => Duration::from_millis(200),
        }
    }

    /// Polls until the task is as wanted.
    pub(crate) async fn until(&self, arn: &str, wanted: impl Fn(&Task) -> bool) -> Task {
        let deadline = self.deadline();
        loop {
            let task = self.describe(arn).await;
            if wanted(&task) {
                return task;
            }
            assert!(Instant::now() < deadline, "not in time: {task:?}");
            sleep(self.poll()).await;
        }
    }

    pub(crate) async fn until_status(&self, arn: &str, status: &str) -> Task {
        self.until(arn, |task| task.last_status() == Some(status)).await
    }

    /// Starts `migrate` and waits for its end.
    pub(crate) async fn run_to_end(&self) -> Task {
        let task = self.start().await;
        self.until_status(arn(&task), "STOPPED").await
    }

    /// Polls until the stream holds this line.
    pub(crate) async fn until_line(&self, stream: &str, wanted: &str) {
        let deadline = self.deadline();
        while !self.sandbox.log_messages(GROUP, stream).iter().any(|line| line == wanted) {
            assert!(Instant::now() < deadline, "no line {wanted} in {stream}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(crate) fn container(name: &str) -> aws_sdk_ecs::types::builders::ContainerDefinitionBuilder {
    let logs = LogConfiguration::builder()
        .log_driver(LogDriver::Awslogs)
        .options("awslogs-group", GROUP)
        .options("awslogs-region", "eu-west-1")
        .options("awslogs-stream-prefix", "m")
        .build()
        .expect("a driver");
    ContainerDefinition::builder().name(name).image(IMAGE).log_configuration(logs)
}

pub(crate) fn network() -> NetworkConfiguration {
    let vpc = AwsVpcConfiguration::builder().subnets("subnet-1").build();
    NetworkConfiguration::builder().awsvpc_configuration(vpc.expect("subnets")).build()
}

pub(crate) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(crate) fn arn(task: &Task) -> &str {
    task.task_arn().expect("an arn")
}

pub(crate) fn stream(task: &Task, container: &str) -> String {
    let (_, id) = arn(task).rsplit_once('/').expect("an id");
    format!("m/{container}/{id}")
}

pub(crate) fn exit_code(task: &Task, container: &str) -> Option<i32> {
    let mut containers = task.containers().iter();
    let found = containers.find(|found| found.name() == Some(container));
    found.expect("the container").exit_code()
}

pub(crate) fn stop_code(task: &Task) -> &str {
    task.stop_code().map_or("", |code| code.as_str())
}
