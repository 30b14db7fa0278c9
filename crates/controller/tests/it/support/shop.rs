//! A migration and the service behind it: `api` stands on `api:1` with image `api:1`.

use super::story::{Story, Told, config, container};
use sandbox::{Config, Faults, Program, Script, ServiceEffect, ServiceFault};
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;

/// The new image. By its digest: of a tag its registry would be asked.
pub(crate) const API: &str =
    "api@sha256:2222222222222222222222222222222222222222222222222222222222222222";

/// The definition's ARN of a revision.
pub(crate) fn revision(family: &str, number: u32) -> String {
    format!("arn:aws:ecs:eu-west-1:111122223333:task-definition/{family}:{number}")
}

/// A story with the service.
pub(crate) struct Shop {
    pub(crate) story: Story,
}

/// An API that serves until it is stopped.
pub(crate) fn serves() -> Program {
    Program::script(Script::new())
}

/// An API that does not start.
pub(crate) fn crashes() -> Program {
    let at = Duration::from_secs;
    Program::script(
        Script::new().line(at(1), "listening").line(at(2), "boom: no such column").exits(at(3), 1),
    )
}

/// With a circuit breaker that rolls back.
pub(crate) fn rolls_back() -> Value {
    json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}})
}

/// A deployment is a success as soon as half of its tasks are healthy, and old ones go afterwards.
pub(crate) fn early(cleanup: &str) -> Value {
    let mut configuration = rolls_back();
    configuration["earlySuccessCriteria"] =
        json!({"enable": true, "healthyPercent": 50, "sourceServiceRevisionCleanup": cleanup});
    configuration
}

/// A breaker that only gives up.
pub(crate) fn gives_up() -> Value {
    json!({"deploymentCircuitBreaker": {"enable": true, "rollback": false}})
}

/// Something that happens to the first deployment.
pub(crate) fn first(effect: ServiceEffect) -> Faults {
    let fault = ServiceFault { service: None, from: 1, to: Some(1), effect };
    Faults { services: vec![fault], ..Faults::default() }
}

impl Shop {
    /// The migration runs `migration`, the new image `api`, with this deployment configuration.
    pub(crate) async fn open(migration: Program, api: Program, deployment: Value) -> Self {
        Self::of(config(), (migration, api), &["api"], deployment).await
    }

    /// Any sandbox and services.
    pub(crate) async fn of(
        config: Config,
        (migration, api): (Program, Program),
        services: &[&str],
        deployment: Value,
    ) -> Self {
        let mut config = config
            .image("app:1", migration)
            .image("*api:1", serves())
            .image("*api:2", api.clone())
            .image(API, api);
        for name in services {
            config = config.service(json!({
                "serviceName": name, "desiredCount": 2, "taskDefinition": revision(name, 1),
                "deploymentConfiguration": deployment,
                "networkConfiguration": {"awsvpcConfiguration": {
                    "subnets": ["subnet-a"], "securityGroups": ["sg-a"]}}}));
        }
        let story = Story::with(config).set("GITHUB_RUN_ID", "77").set("GITHUB_SHA", "c0ffee");
        for name in services {
            let file = definition(name);
            let path = file.path().to_str().unwrap();
            story
                .invoke(&["register", "--template", path, "--image", "api:1", "--container", "api"])
                .await
                .says(0, &[]);
        }
        Self { story }
    }

    /// `ecs-migrate release` of the new image.
    pub(crate) async fn release(&self, more: &[&str]) -> Told {
        let template = self.story.template_path();
        let line = [
            "release",
            "--template",
            &template,
            "--image",
            "app:1",
            "--subnets",
            "subnet-a",
            "--security-groups",
            "sg-a",
            "--service",
            "api",
            "--service-image",
            API,
        ];
        self.story.invoke(&[&line[..], more].concat()).await
    }

    /// `ecs-migrate deploy-service` of the new image.
    pub(crate) async fn deploy(&self, more: &[&str]) -> Told {
        let template = self.story.template_path();
        let line =
            ["deploy-service", "--template", &template, "--service", "api", "--service-image", API];
        self.story.invoke(&[&line[..], more].concat()).await
    }

    /// `aws ecs run-task`: nothing of ours is in it.
    pub(crate) async fn by_hand(&self, command: &[&str], (name, value): (&str, &str)) {
        let body = json!({"cluster": "default", "taskDefinition": "app-migrate", "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-a"], "securityGroups": ["sg-a"]}},
            "overrides": {"containerOverrides": [{"name": "migrate", "command": command,
                "environment": [{"name": name, "value": value}]}]}});
        let request = http::Request::post("http://sandbox/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", "AmazonEC2ContainerServiceV20141113.RunTask")
            .body(body.to_string().into_bytes())
            .unwrap();
        let answer = self.story.sandbox.handle(request).await;
        let answer: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(answer["failures"], json!([]), "{answer}");
    }

    /// What `api` stands on, once that is all it stands on.
    pub(crate) fn stands_on(&self) -> Option<String> {
        let (definition, complete) = self.story.sandbox.service("default", "api")?;
        complete.then(|| definition.rsplit_once('/').unwrap().1.to_owned())
    }
}

/// A file with a service's definition: a proxy that is not essential beside the API.
pub(crate) fn definition(family: &str) -> tempfile::NamedTempFile {
    let mut proxy = container("proxy", "proxy-api:1");
    proxy["essential"] = json!(false);
    let definition = json!({
        "family": family, "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
        "cpu": "256", "memory": "512",
        "executionRoleArn": "arn:aws:iam::111122223333:role/exec",
        "containerDefinitions": [proxy, container("api", "api:1")]
    });
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(definition.to_string().as_bytes()).unwrap();
    file
}
