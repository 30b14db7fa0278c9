//! `register`, and the network of `run`: what is found instead of typed, and what is said about it.

use crate::support::runner::{applied, ends_with};
use crate::support::story::{Story, config, container};
use sandbox::{Faults, RequestAnswer, RequestFault};
use serde_json::{Value, json};

const REGISTRY: &str = "111122223333.dkr.ecr.eu-west-1.amazonaws.com";

fn good() -> Value {
    container("migrate", "app:1")
}

fn refusing(operation: &str, to: Option<u64>, kind: &str, message: &str) -> Faults {
    let answer =
        RequestAnswer::Error { kind: kind.to_owned(), message: message.to_owned(), status: 400 };
    let fault = RequestFault { operation: operation.to_owned(), from: 1, to, answer };
    Faults { requests: vec![fault], ..Faults::default() }
}

#[tokio::test(start_paused = true)]
async fn a_tag_becomes_a_digest_and_the_same_is_not_registered_again() {
    let story = Story::with(config().pushed("app", "v1", &["amd64"])).containers(&[good()]);
    let tag = format!("{REGISTRY}/app:v1");
    let digest = story.sandbox.image_digest("app", "v1").unwrap();
    let told = story.register(&["--image", &tag]).await;
    told.says(0, &[":task-definition/app-migrate:1\n"]);
    assert!(!told.err.contains("warning"), "{}", told.err);
    let told = story.register(&["--image", &format!("{REGISTRY}/app@{digest}"), "--diff"]).await;
    told.says(0, &["no change"]);
    let told = story.register(&["--image", &tag]).await;
    told.says(0, &[":task-definition/app-migrate:1\n"]);
    assert_eq!(story.calls("RegisterTaskDefinition"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_cannot_be_pinned_is_a_warning() {
    let denied = refusing("BatchGetImage", None, "AccessDeniedException", "no");
    for (image, faults, words) in [
        (format!("{REGISTRY}/app:v2"), Faults::default(), ["ECR does not have it", "push it"]),
        (format!("{REGISTRY}/app:v1"), denied, ["can be moved", "ecr:BatchGetImage"]),
        ("app:1".to_owned(), Faults::default(), ["only ECR is asked", "repository@sha256:"]),
    ] {
        let config = config().pushed("app", "v1", &["amd64"]).faults(faults);
        let story = Story::with(config).containers(&[good()]);
        let told = story.register(&["--image", &image]).await;
        assert_eq!(told.code, 0, "{}", told.everything());
        assert_eq!(told.err.matches("warning:").count(), 1, "{}", told.err);
        for word in words {
            assert!(told.err.contains(word), "{}", told.err);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_definition_lacks_is_said_with_the_reason() {
    let bare = json!({"name": "migrate", "image": "app:1", "logConfiguration": {"logDriver": "awslogs",
        "options": {"awslogs-group": "/ecs/app", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "p"}}});
    let story = Story::with(config().image("app:1", ends_with(applied(1)))).containers(&[bare]);
    let reasons =
        ["blocking mode", "less than 120 s", "root most likely", "root file system can be written"];
    let told = story.register(&["--image", "app:1", "--diff"]).await;
    for reason in reasons {
        assert!(told.err.contains(reason), "{}", told.err);
    }
    // `run` says it when it registers, and does not repeat it with every deployment.
    let told = story.run(&[]).await;
    assert!(told.code == 0 && told.err.contains(reasons[0]), "{}", told.everything());
    let told = story.run(&["--run-key", "again"]).await;
    assert!(told.code == 0 && !told.err.contains(reasons[0]), "{}", told.everything());
}

#[tokio::test(start_paused = true)]
async fn concurrent_registrations_are_tried_again() {
    let collision =
        "Too many concurrent attempts to create a new revision of the specified family.";
    let faults = refusing("RegisterTaskDefinition", Some(3), "ClientException", collision);
    let story = Story::with(config().faults(faults)).containers(&[good()]);
    let told = story.register(&["--image", "app:1"]).await;
    told.says(0, &[":task-definition/app-migrate:1\n"]);
    assert_eq!(story.calls("RegisterTaskDefinition"), 4);
    // For ever is an answer too.
    let faults = refusing("RegisterTaskDefinition", None, "ClientException", collision);
    let story = Story::with(config().faults(faults)).containers(&[good()]);
    let told = story.register(&["--image", "app:1"]).await;
    assert!(told.code == 86 && told.err.contains(collision), "{}", told.everything());
}

fn service() -> Value {
    json!({"serviceName": "api", "networkConfiguration": {"awsvpcConfiguration":
        {"subnets": ["subnet-s"], "securityGroups": ["sg-s"], "assignPublicIp": "ENABLED"}}})
}

#[tokio::test(start_paused = true)]
async fn the_network_is_shown_with_its_origin() {
    let runner = || ends_with(applied(1));
    let story = Story::with(config().image("app:1", runner()).service(service()));
    for (arguments, sentence) in [
        (
            &[][..],
            "network: subnets subnet-a (flag --subnets), security groups sg-a (flag --security-groups), no public address",
        ),
        (
            &["--network-from", "api"],
            "network of service api (flag --network-from): subnets subnet-s, security groups sg-s, with a public address",
        ),
        (
            &["--network-from", "web"],
            "warning: there is no service web in cluster default; another network is used",
        ),
        (
            &["--assign-public-ip"],
            "security groups sg-a (flag --security-groups), with a public address",
        ),
    ] {
        let told = story.run(arguments).await;
        assert!(told.code == 0 && told.err.contains(sentence), "{}", told.everything());
    }
    let told = story.set("VPC_SUBNETS", "subnet-v").set("VPC_SECURITY_GROUPS", "sg-v");
    let template = told.template_path();
    let told = told.invoke(&["run", "--template", &template, "--image", "app:1"]).await;
    assert!(told.err.contains("subnets subnet-v (env VPC_SUBNETS)"), "{}", told.everything());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_there_needs_something_else() {
    let story = Story::with(config().service(service()));
    let template = story.template_path();
    let told = story
        .invoke(&["run", "--template", &template, "--image", "app:1", "--network-from", "web"])
        .await;
    assert_eq!(told.code, 86, "{}", told.everything());
    assert!(told.err.contains("there is no service web in cluster default"), "{}", told.err);
    assert!(told.err.contains("--subnets and --security-groups"), "{}", told.err);
    assert_eq!(story.calls("RunTask"), 0);
}
