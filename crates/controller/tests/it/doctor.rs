//! `doctor` on an empty account, on a half-made one and on a finished one; and from inside the VPC.

use crate::support::runner::Lines;
use crate::support::story::{Story, Told, at, container};
use crate::verb::{Age, image};
use protocol::event::{CheckFinding, Finding, Outcome, RunFinished, RunStarted};
use protocol::{DatabaseState, Event, Failure};
use sandbox::{Config, Faults, Launch, Program, RequestAnswer, RequestFault, Script, Speed};
use serde_json::{Value, json};
use std::io::Write as _;

const REGISTRY: &str = "111122223333.dkr.ecr.eu-west-1.amazonaws.com";

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

const NETWORK: [&str; 4] = ["--subnets", "subnet-a,subnet-b", "--security-groups", "sg-a"];

fn account() -> Config {
    Config::new(Speed::Aws)
}

/// A definition as `setup-infra` would make it, with what a test changes.
fn definition(change: impl FnOnce(&mut Value)) -> tempfile::NamedTempFile {
    let mut migrate = container("migrate", "REPLACED");
    migrate["secrets"] = json!([{"name": "PGPASSWORD", "valueFrom":
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/db-AbCdEf:password::"}]);
    let mut definition = json!({
        "family": "app-migrate", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
        "cpu": "256", "memory": "512",
        "executionRoleArn": "arn:aws:iam::111122223333:role/app-migrate-execution",
        "taskRoleArn": "arn:aws:iam::111122223333:role/app-migrate-task",
        "containerDefinitions": [migrate]
    });
    change(&mut definition);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(definition.to_string().as_bytes()).unwrap();
    file
}

/// The secret's ARN ends in characters that the sandbox chooses.
fn with_secret(story: &Story) -> tempfile::NamedTempFile {
    let arn = story.sandbox.secret_arn("app/db").unwrap();
    definition(|definition| {
        definition["containerDefinitions"][0]["secrets"][0]["valueFrom"] =
            json!(format!("{arn}:password::"));
    })
}

/// Text and JSON, as one snapshot; both must agree.
async fn shown(story: &Story, arguments: &[&str]) -> String {
    let arguments = [&["doctor"], arguments].concat();
    let text = story.invoke(&arguments).await;
    let json = story.invoke(&[arguments.as_slice(), &["--output", "json"]].concat()).await;
    assert_eq!(text.code, json.code, "{}", json.everything());
    assert_eq!(i64::from(json.code), json.result()["exit_code"].as_i64().unwrap());
    let objects: Vec<Value> = lines(&json);
    let blocking = objects.iter().filter(|object| object["verdict"] == "no").count();
    assert_eq!(json.result()["blocking"], blocking);
    format!("exit {}\n{}\n{}", text.code, text.out, json.out)
}

fn lines(told: &Told) -> Vec<Value> {
    told.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"/\S*/\.tmp\w+", "task.json");
    settings.add_filter(r"secret:app/db-\w{6}", "secret:app/db-XXXXXX");
    settings.add_filter(r"task/default/[0-9a-f]{32}", "task/default/TASK");
    settings
        .add_filter(r"ecs-migrate( and its runner are)? \d+\.\d+\.\d+", "ecs-migrate$1 VERSION");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[tokio::test(start_paused = true)]
async fn an_empty_account() {
    let story = Story::with(account());
    let nothing = shown(&story, &[]).await;
    let template = definition(|_| {});
    let image = format!("{REGISTRY}/app-migrate:v1");
    let named = ["--cluster", "prod", "--service", "api", "--image", &image, "--template"];
    let path = template.path().to_str().unwrap();
    let something = shown(&story, &[&named[..], &[path], &NETWORK].concat()).await;
    snapshot("doctor_empty", &format!("{nothing}\n{something}"));
    for operation in ["RunTask", "RegisterTaskDefinition", "CreateLogGroup", "PutSecretValue"] {
        assert_eq!(story.calls(operation), 0, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_half_made_account() {
    let config = account()
        .cluster("prod")
        .pushed("app-migrate", "v1", &["arm64"])
        .role("app-migrate-execution", TRUST)
        .role("app-migrate-task", TRUST.replace("ecs-tasks", "ec2"))
        .denied("iam:PassRole")
        .secret("app/db", r#"{"username":"app","passwort":"hunter2"}"#)
        .service(json!({"cluster": "prod", "serviceName": "web"}));
    let story = Story::with(config);
    let template = with_secret(&story);
    let image = format!("{REGISTRY}/app-migrate:v1");
    let named = ["--cluster", "prod", "--network-from", "api", "--image", &image, "--template"];
    let path = template.path().to_str().unwrap();
    let list = shown(&story, &[&named[..], &[path], &NETWORK].concat()).await;
    assert!(!list.contains("hunter2") && !list.contains("passwort"), "{list}");
    snapshot("doctor_half_made", &list);
}

/// Everything is there.
pub(crate) fn finished() -> Config {
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    let network = json!({"awsvpcConfiguration":
        {"subnets": ["subnet-a"], "securityGroups": ["sg-a"], "assignPublicIp": "DISABLED"}});
    account()
        .log_group("/ecs/app")
        .pushed("app-migrate", "v1", &["amd64"])
        .role("app-migrate-execution", TRUST)
        .role("app-migrate-task", TRUST)
        .secret("app/db", r#"{"username":"app","password":"hunter2"}"#)
        .service(json!({"serviceName": "api", "networkConfiguration": network,
            "deploymentConfiguration": breaker}))
}

/// A runner that looked, and ends as `blocks` says.
fn looks(blocks: bool) -> Program {
    Program::scripted(move |launch| check(launch, blocks))
}

fn check(launch: &Launch, blocks: bool) -> Script {
    assert_eq!(launch.arguments, ["check", "--app-role", "shop"]);
    let mut lines = Lines::of(launch);
    let finding = |name: &str, verdict, sentence: &str, fix: Option<&str>| {
        Event::CheckFinding(CheckFinding {
            name: name.to_owned(),
            verdict,
            sentence: sentence.to_owned(),
            fix: fix.map(str::to_owned),
        })
    };
    let started = RunStarted {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: protocol::RunnerCommand::Check,
        ..RunStarted::default()
    };
    let mut script =
        Script::new().line(at(0), lines.next("check started", Event::RunStarted(started))).line(
            at(1),
            lines.next("dns", finding("dns", Finding::Ok, "`db.internal` is 10.0.0.5", None)),
        );
    let code = if blocks { 14 } else { 0 };
    if blocks {
        let no = finding(
            "lock",
            Finding::No,
            "the advisory lock 123456789 is held by pid 7",
            Some("wait for that session"),
        );
        script = script.line(at(1), lines.next("lock", no));
    }
    let end = RunFinished {
        outcome: if blocks { Outcome::Failed } else { Outcome::Done },
        exit_code: code,
        database: DatabaseState::Unchanged,
        failure: blocks
            .then(|| Failure { message: "1 of 2 blocks".to_owned(), ..Failure::default() }),
        ..RunFinished::default()
    };
    script.line(at(2), lines.finished(end)).exits(at(3), i32::from(code))
}

/// A story with its definition registered, and what `doctor` is given.
pub(crate) async fn ready(config: Config) -> Story {
    let story = Story::with(config);
    let template = with_secret(&story);
    let image = format!("{REGISTRY}/app-migrate:v1");
    let path = template.path().to_str().unwrap();
    let told = story
        .invoke(&["register", "--template", path, "--image", &image, "--expect", "runner"])
        .await;
    assert_eq!((told.code, told.err.contains("warning")), (0, false), "{}", told.everything());
    story
}

pub(crate) const FINISHED: [&str; 4] =
    ["--task-definition", "app-migrate", "--network-from", "api"];

#[tokio::test(start_paused = true)]
async fn a_finished_account() {
    let story = ready(finished()).await;
    snapshot("doctor_finished", &shown(&story, &FINISHED).await);
}

#[tokio::test(start_paused = true)]
async fn every_service_is_looked_at() {
    let story = ready(finished()).await;
    let told = story.invoke(&["doctor", "--cluster", "default", "--service", "api,web"]).await;
    assert!(told.out.contains("[ok]   service            service api runs"), "{}", told.out);
    let web = "[skip] service            there is no service web in cluster default yet";
    assert!(told.out.contains(web), "{}", told.out);
}

#[tokio::test(start_paused = true)]
async fn from_inside_the_vpc() {
    let inside = [&FINISHED[..], &["--in-vpc", "--app-role", "shop"]].concat();
    let story = ready(finished().image("*/app-migrate@*", looks(false))).await;
    snapshot("doctor_in_vpc", &shown(&story, &inside).await);
    for started_by in story.parameters("RunTask", "startedBy") {
        assert!(started_by.starts_with("ecs-migrate/task/"), "{started_by}");
    }
    assert_eq!(story.calls("ListTasks"), 0, "it waits for nobody");
    let story = ready(finished().image("*/app-migrate@*", looks(true))).await;
    let told = story.invoke(&[&["doctor"], inside.as_slice()].concat()).await;
    told.says(89, &["[no]   lock               the advisory lock", "not ready: 1 thing blocks"]);
    assert!(!told.out.contains("dns\n"), "the log itself is not shown: {}", told.out);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_cannot_look_is_a_finding() {
    let inside = [&["doctor"], &FINISHED[..], &["--in-vpc"]].concat();
    for (program, words) in [
        (None, "the image does not exist in the registry"),
        (
            Some(Program::script(Script::new().line(at(1), "hello").exits(at(2), 0))),
            "the runner's last word never came",
        ),
        (Some(Program::script(Script::new().exits(at(2), 1))), "did not look to its end"),
        // An older runner behind another ENTRYPOINT migrated instead.
        (
            Some(image(&["start", "--", "app"], Age::Old)),
            "`start` ran and ended well, instead of `check`",
        ),
    ] {
        let config =
            program.map_or_else(finished, |program| finished().image("*/app-migrate@*", program));
        let told = ready(config).await.invoke(&inside).await;
        told.says(89, &["[no]   in_vpc ", words]);
    }
    // Nothing is registered by a look.
    let story = Story::with(finished());
    let template = with_secret(&story);
    let image = format!("{REGISTRY}/app-migrate:v1");
    let path = template.path().to_str().unwrap();
    let told = story
        .invoke(&[
            "doctor",
            "--template",
            path,
            "--image",
            &image,
            "--network-from",
            "api",
            "--in-vpc",
        ])
        .await;
    told.says(
        0,
        &["[skip] in_vpc             no task is run: the definition is not registered yet"],
    );
    assert_eq!(story.calls("RegisterTaskDefinition") + story.calls("RunTask"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_signal_while_it_looks_from_inside_stops_the_task() {
    let forever = Program::script(Script::new());
    let story = ready(finished().image("*/app-migrate@*", forever)).await;
    let story = story.signal(at(40), controller::Signal::Interrupt);
    let told = story.invoke(&[&["doctor"], &FINISHED[..], &["--in-vpc"]].concat()).await;
    assert_eq!(told.code, 83, "{}", told.everything());
    assert_eq!(story.calls("StopTask"), 1);
}

fn refusing(operation: &str, kind: &str, message: &str) -> Faults {
    let answer =
        RequestAnswer::Error { kind: kind.to_owned(), message: message.to_owned(), status: 403 };
    let fault = RequestFault { operation: operation.to_owned(), from: 1, to: None, answer };
    Faults { requests: vec![fault], ..Faults::default() }
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_skipped_and_named() {
    let arguments = [&["doctor", "--output", "json"], &FINISHED[..]].concat();
    for (operation, action, name) in [
        ("DescribeClusters", "ecs:DescribeClusters", "cluster"),
        ("GetRole", "iam:GetRole", "execution_role"),
        ("SimulatePrincipalPolicy", "iam:SimulatePrincipalPolicy", "pass_role"),
        ("BatchGetImage", "ecr:BatchGetImage", "image"),
        ("GetDownloadUrlForLayer", "ecr:GetDownloadUrlForLayer", "image"),
        ("DescribeLogGroups", "logs:DescribeLogGroups", "log_group"),
        ("DescribeSecret", "secretsmanager:DescribeSecret", "secret"),
        ("GetSecretValue", "secretsmanager:GetSecretValue", "secret"),
    ] {
        let story = ready(finished()).await;
        story.sandbox.set_faults(refusing(operation, "AccessDeniedException", "no"));
        let told = story.invoke(&arguments).await;
        assert_eq!(told.code, 0, "{}", told.everything());
        let found = lines(&told).into_iter().find(|line| line["name"] == name).unwrap();
        assert_eq!(found["verdict"], "skip", "{found}");
        assert!(found["fix"].as_str().unwrap().contains(&format!("allow {action} ")), "{found}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_of_a_role_with_a_path_may_pass_roles() {
    let center = "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Deploy_0123456789abcdef";
    let story = ready(finished().assumed_role(center)).await;
    let told = story.invoke(&[&["doctor"], &FINISHED[..]].concat()).await;
    told.says(0, &["[ok]   pass_role", "AWSReservedSSO_Deploy_0123456789abcdef"]);
}

#[tokio::test(start_paused = true)]
async fn without_credentials_there_is_one_finding_that_counts() {
    let expired = "The security token included in the request is expired";
    let story =
        Story::with(finished().faults(refusing("GetCallerIdentity", "ExpiredToken", expired)));
    let told = story.invoke(&["doctor"]).await;
    told.says(89, &["[no]   credentials", "fix: get new ones", "not ready: 1 thing blocks"]);
    assert_eq!(story.sandbox.journal().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn github_gets_annotations_and_nothing_else_it_could_take_for_a_command() {
    let story = Story::with(account());
    let told = story.invoke(&["doctor", "--output", "github", "--cluster", "::error::x"]).await;
    assert_eq!(told.code, 89);
    let fence = told.out.lines().next().unwrap();
    assert!(fence.starts_with("::stop-commands::"), "{}", told.out);
    assert!(
        told.out.contains("\n::error title=ecs-migrate%3A network::no subnets are set"),
        "{}",
        told.out
    );
}

/// `gh` stands in the search path and says what the repository has.
#[tokio::test]
async fn github_is_asked_through_gh() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = sandbox::Sandbox::new(account());
    let server = sandbox.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
    for (script, words) in [
        (
            "case $1 in variable) echo VPC_SUBNETS; echo AWS_ROLE_ARN;; secret) echo VPC_SECURITY_GROUPS;; esac",
            "[ok]   github             the repository has AWS_ROLE_ARN, VPC_SUBNETS and VPC_SECURITY_GROUPS",
        ),
        (
            "echo AWS_ROLE_ARN",
            "[no]   github             the repository has no VPC_SUBNETS and no VPC_SECURITY_GROUPS, and nothing else says the network",
        ),
        (
            "echo 'no git remotes found' >&2; exit 1",
            "[skip] github             `gh variable list` did not answer: no git remotes found",
        ),
    ] {
        let invocation = crate::support::binary::Invocation::new(&server.endpoint(), &["doctor"]);
        let gh = invocation.directory().join("gh");
        std::fs::write(&gh, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&gh, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = invocation.directory().to_str().unwrap().to_owned();
        let ended = invocation.with("PATH", &path).run().await;
        assert_eq!(ended.code, 89, "{}", ended.everything());
        assert!(ended.out.contains(words), "{}", ended.everything());
    }
}

/// No Region, no network, nonsense: one list, and never a panic.
#[tokio::test]
async fn whatever_is_wrong_is_a_list() {
    let sandbox = sandbox::Sandbox::new(account());
    let server = sandbox.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
    let invoke = |endpoint: &str, arguments: &[&str]| {
        crate::support::binary::Invocation::new(endpoint, &[&["doctor"], arguments].concat())
    };
    for (invocation, code, words) in [
        (invoke(&server.endpoint(), &[]).with("AWS_REGION", ""), 89, "no AWS Region is set"),
        (
            invoke(&server.endpoint(), &[])
                .with("AWS_ACCESS_KEY_ID", "")
                .with("AWS_SECRET_ACCESS_KEY", ""),
            89,
            "NoCredentials",
        ),
        (invoke("http://127.0.0.1:9", &[]), 89, "Unreachable"),
        (
            invoke(&server.endpoint(), &["--template", "none.json", "--image", "i"]),
            89,
            "cannot read the template none.json",
        ),
        (
            invoke(&server.endpoint(), &["--subnets", "eni-1", "--security-groups", "sg-1"]),
            89,
            "`eni-1` is no subnet",
        ),
        (
            invoke(&server.endpoint(), &["--capacity-provider", "FARGATE_SPOT"]),
            89,
            "can reclaim the task",
        ),
        (invoke(&server.endpoint(), &["--app-role", "x"]), 2, "--in-vpc"),
        (
            invoke(&server.endpoint(), &["--output", "xml"]),
            2,
            "`xml` (flag --output) is not one of",
        ),
    ] {
        let ended = invocation.run().await;
        assert_eq!(ended.code, code, "{}", ended.everything());
        assert!(ended.everything().contains(words), "no {words:?} in {}", ended.everything());
        assert!(!ended.err.contains("panicked"), "{}", ended.err);
    }
}
