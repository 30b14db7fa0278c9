//! What is asked before a deployment: images and their platforms, roles and their trust, secrets without
//! their values, services and their circuit breaker.

use sandbox::{Config, Sandbox, Speed};
use serde_json::{Value, json};

use crate::support::World;

async fn json_call(sandbox: &Sandbox, target: &str, input: Value) -> (u16, Value) {
    let request = http::Request::post("/").header("x-amz-target", target);
    let request = request.body(input.to_string().into_bytes()).expect("a request");
    let answer = sandbox.handle(request).await;
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).expect("JSON"))
}

async fn form(sandbox: &Sandbox, text: &str) -> (u16, String) {
    let request = http::Request::post("/").body(text.as_bytes().to_vec()).expect("a request");
    let answer = sandbox.handle(request).await;
    (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
}

#[tokio::test]
async fn images_have_manifests_and_configurations() {
    let config = Config::new(Speed::Instant)
        .repository("empty")
        .pushed("app", "one", &["arm64"])
        .pushed("app", "both", &["amd64", "arm64"]);
    let sandbox = Sandbox::new(config);
    let get = async |repository: &str, id: Value| {
        let input = json!({"repositoryName": repository, "imageIds": [id]});
        json_call(&sandbox, "AmazonEC2ContainerRegistry_V20150921.BatchGetImage", input).await
    };
    let (_, answer) = get("app", json!({"imageTag": "both"})).await;
    let image = &answer["images"][0];
    assert_eq!(
        image["imageId"]["imageDigest"].as_str(),
        sandbox.image_digest("app", "both").as_deref()
    );
    let index: Value =
        serde_json::from_str(image["imageManifest"].as_str().expect("text")).expect("JSON");
    assert_eq!(index["manifests"][1]["platform"]["architecture"], "arm64");
    let (_, again) = get("app", json!({"imageDigest": index["manifests"][0]["digest"]})).await;
    assert_eq!(
        again["images"][0]["imageManifestMediaType"],
        "application/vnd.oci.image.manifest.v1+json"
    );

    let (_, answer) = get("app", json!({"imageTag": "one"})).await;
    let text = answer["images"][0]["imageManifest"].as_str().expect("text");
    let manifest: Value = serde_json::from_str(text).expect("JSON");
    let input = json!({"repositoryName": "app", "layerDigest": manifest["config"]["digest"]});
    let target = "AmazonEC2ContainerRegistry_V20150921.GetDownloadUrlForLayer";
    let (_, answer) = json_call(&sandbox, target, input).await;
    let url = answer["downloadUrl"].as_str().expect("a URL");
    let fetched =
        sandbox.handle(http::Request::get(url).body(Vec::new()).expect("a request")).await;
    let configuration: Value = serde_json::from_slice(fetched.body()).expect("JSON");
    assert_eq!(
        (&configuration["architecture"], &configuration["os"]),
        (&json!("arm64"), &json!("linux"))
    );

    let (_, answer) = get("empty", json!({"imageTag": "one"})).await;
    assert_eq!(answer["failures"][0]["failureCode"], "ImageNotFound");
    let (status, answer) = get("none", json!({"imageTag": "one"})).await;
    assert_eq!((status, &answer["__type"]), (400, &json!("RepositoryNotFoundException")));
    let input = json!({"repositoryName": "app", "layerDigest": "sha256:0"});
    assert_eq!(json_call(&sandbox, target, input).await.1["__type"], "LayersNotFoundException");
}

#[tokio::test]
async fn roles_and_what_the_caller_may() {
    let config = Config::new(Speed::Instant)
        .role("exec", r#"{"Version":"2012-10-17"}"#)
        .denied("iam:PassRole");
    let sandbox = Sandbox::new(config);
    let (status, text) = form(&sandbox, "Action=GetRole&Version=2010-05-08&RoleName=exec").await;
    assert_eq!(status, 200);
    assert!(text.contains("<Arn>arn:aws:iam::111122223333:role/exec</Arn>"), "{text}");
    assert!(text.contains("%7B%22Version%22%3A%222012%2D10%2D17%22%7D"), "{text}");
    let (status, text) = form(&sandbox, "Action=GetRole&Version=2010-05-08&RoleName=no").await;
    assert!(status == 404 && text.contains("<Code>NoSuchEntity</Code>"), "{text}");
    let simulate = "Action=SimulatePrincipalPolicy&Version=2010-05-08&PolicySourceArn=a&\
                    ActionNames.member.1=ecs%3ARunTask&ActionNames.member.2=iam%3APassRole&ResourceArns.member.1=r";
    let (_, text) = form(&sandbox, simulate).await;
    let decided = |action, decision| {
        text.contains(&format!(
            "<EvalActionName>{action}</EvalActionName><EvalResourceName>r</EvalResourceName><EvalDecision>{decision}<"
        ))
    };
    assert!(decided("ecs:RunTask", "allowed") && decided("iam:PassRole", "implicitDeny"), "{text}");
}

#[tokio::test]
async fn secrets_without_values_and_services_with_their_breaker() {
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    let service = json!({"serviceName": "api", "deploymentConfiguration": breaker});
    let config = Config::new(Speed::Instant).secret("app/db", "hunter2").service(service);
    let world = World::in_memory(config);
    let described =
        world.secrets.describe_secret().secret_id("app/db").send().await.expect("described");
    assert_eq!(described.arn(), world.sandbox.secret_arn("app/db").as_deref());
    let stages = described.version_ids_to_stages().expect("versions");
    assert_eq!(stages.values().next().expect("one"), &["AWSCURRENT"]);
    assert!(!format!("{described:?}").contains("hunter2"));
    let missing = world.secrets.describe_secret().secret_id("no").send().await;
    assert!(missing.expect_err("missing").into_service_error().is_resource_not_found_exception());
    let services = world.ecs.describe_services().services("api").send().await.expect("described");
    let configuration = services.services()[0].deployment_configuration().expect("a configuration");
    assert!(configuration.deployment_circuit_breaker().expect("a breaker").rollback());
}
