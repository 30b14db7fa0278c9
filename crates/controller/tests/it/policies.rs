//! The policies of the templates, by what is really called: nothing is missing, nothing is unused.

use crate::doctor;
use crate::image;
use crate::support::policy::{Call, Setting, actions, allows, resource, statements};
use crate::support::runner::{applied, ends_with};
use crate::support::shop::{API, crashes, definition, revision, rolls_back, serves};
use crate::support::story::{Story, config};
use crate::support::tools;
use controller::Signal;
use sandbox::JournalEntry;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const CLUSTER: &str = "arn:aws:ecs:eu-west-1:111122223333:cluster/default";
const EXECUTION: &str = "arn:aws:iam::111122223333:role/app-migrate-execution";

/// What the deploy role is asked for beside running the task, where everything is switched on.
const EVERYTHING: [&str; 6] = [
    "HasService",
    "HasServiceFamily",
    "HasServiceRoles",
    "HasSecrets",
    "ReadsSecretKeys",
    "DecryptsSecrets",
];

fn setting(conditions: &[&'static str]) -> Setting {
    Setting {
        parameters: BTreeMap::from([
            ("Family", "app-migrate"),
            ("ClusterName", "default"),
            ("ServiceName", "api"),
            ("ServiceFamily", "api"),
            ("ServiceRoleArns", EXECUTION),
            ("LogGroupName", "/ecs/app"),
            ("RepositoryName", "app-migrate"),
            ("DeployRoleName", "sandbox"),
            ("SecretArns", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/db-*"),
            ("ExecutionRoleArn", EXECUTION),
            ("TaskRoleArn", "arn:aws:iam::111122223333:role/app-migrate-task"),
            ("UrlSecretArn", "arn:url"),
            ("DatabaseSecretArn", "arn:database"),
            ("SecretKeyArn", "arn:key"),
            ("DatabaseResourceId", "db-X"),
            ("DatabaseUser", "migrator"),
            ("SnapshotInstance", "shop"),
            ("SnapshotCluster", "aurora"),
        ]),
        conditions: conditions.to_vec(),
    }
}

/// Everything that `doctor` asks AWS for, on an account where it finds all it looks for.
async fn journal_of_doctor() -> Vec<JournalEntry> {
    let story = doctor::ready(doctor::finished()).await;
    let before = story.sandbox.journal().len();
    story.invoke(&[&["doctor"], &doctor::FINISHED[..]].concat()).await.says(0, &["ready"]);
    story.sandbox.journal().split_off(before)
}

/// Everything that `register`, `run`, `attach` and `cancel` ask AWS for.
async fn journal() -> Vec<JournalEntry> {
    let service = json!({"serviceName": "api", "desiredCount": 1, "taskDefinition": revision("api", 1),
        "deploymentConfiguration": rolls_back(), "networkConfiguration": {
        "awsvpcConfiguration": {"subnets": ["subnet-a"], "securityGroups": ["sg-a"]}}});
    let config = config().service(service).image("app:1", ends_with(applied(1)));
    let config = config.image("*api:1", serves()).image(API, crashes());
    let story = Story::with(config).set("GITHUB_RUN_ID", "7").set("GITHUB_SHA", "c0ffee");
    let api = definition("api");
    let template = ["--template", api.path().to_str().unwrap(), "--container", "api"];
    let register = ["register", "--image", "api:1"];
    story.invoke(&[&register[..], &template[..]].concat()).await.says(0, &[]);
    story.run(&[]).await.says(0, &[]);
    let registered = ["--task-definition", "app-migrate", "--image", "app:1"];
    story.invoke(&[&["register"], &registered[..]].concat()).await.says(0, &[]);
    // The same key again finds the green run.
    story.run(&[]).await.says(0, &[]);
    let from_service =
        ["run", "--task-definition", "app-migrate", "--network-from", "api", "--run-key", "8"];
    story.invoke(&from_service).await.says(0, &[]);
    let task = story.sandbox.tasks().last().unwrap().arn.clone();
    story.invoke(&["attach", &task]).await.says(0, &[]);
    let arguments = ["--service", "api", "--service-image", API];
    let run = ["--task-definition", "app-migrate", "--network-from", "api"];
    story
        .invoke(&[&["release", "--run-key", "r"], &run[..], &arguments[..]].concat())
        .await
        .says(88, &[]);
    let proved = ["deploy-service", "--task-definition", "app-migrate"];
    story.invoke(&[&proved[..], &arguments[..]].concat()).await.says(88, &[]);
    let story = story.signal(Duration::from_secs(1), Signal::Interrupt);
    let told = story.run(&["--run-key", "9", "--on-cancel", "detach"]).await;
    assert_eq!(told.code, 84, "{}", told.everything());
    let story = story.without_signals();
    story.invoke(&["cancel", "--run-key", "9"]).await.says(0, &[]);
    story.sandbox.journal()
}

/// A request, as IAM sees it.
#[derive(Clone, Copy)]
struct Request<'a>(&'a JournalEntry);

impl<'a> Request<'a> {
    fn parameter(self, name: &str) -> &'a str {
        self.0.parameters.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn list(self, name: &str) -> Vec<String> {
        let items =
            self.0.parameters.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The operation on a resource, by a service's name in policies.
    fn on(self, service: &str, resource: String) -> Call {
        Call {
            action: format!("{service}:{}", self.0.operation),
            resource,
            context: BTreeMap::from([("ecs:cluster", CLUSTER.to_owned())]),
        }
    }
}

fn arn(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:eu-west-1:111122223333:{rest}")
}

fn pass() -> Call {
    Call {
        action: "iam:PassRole".to_owned(),
        resource: EXECUTION.to_owned(),
        context: BTreeMap::from([("iam:PassedToService", "ecs-tasks.amazonaws.com".to_owned())]),
    }
}

/// What IAM would be asked about a request, with what it implies.
fn calls(entry: &JournalEntry) -> Vec<Call> {
    let request = Request(entry);
    of_ecs(request).or_else(|| of_others(request)).unwrap_or_else(|| {
        panic!(
            "no policy is known for {}: add it here and to infra/cloudformation/github.yaml",
            entry.operation
        )
    })
}

fn of_ecs(request: Request<'_>) -> Option<Vec<Call>> {
    let task = |id: &str| {
        if id.starts_with("arn:") {
            id.to_owned()
        } else {
            arn("ecs", &format!("task/default/{id}"))
        }
    };
    let each = |list: &str, of: &dyn Fn(&str) -> String| -> Vec<Call> {
        request.list(list).iter().map(|item| request.on("ecs", of(item))).collect()
    };
    Some(match request.0.operation.as_str() {
        "RegisterTaskDefinition" => {
            let resource =
                arn("ecs", &format!("task-definition/{}:1", request.parameter("family")));
            let register = Call {
                context: BTreeMap::from([("ecs:compute-compatibility", "FARGATE".to_owned())]),
                ..request.on("ecs", resource.clone())
            };
            // A definition with tags asks for this, too (Service Authorization Reference).
            let tag = Call {
                action: "ecs:TagResource".to_owned(),
                resource,
                context: BTreeMap::from([(
                    "ecs:CreateAction",
                    "RegisterTaskDefinition".to_owned(),
                )]),
            };
            vec![register, tag, pass()]
        }
        "RunTask" => {
            vec![request.on("ecs", request.parameter("taskDefinition").to_owned()), pass()]
        }
        "DescribeTasks" => each("tasks", &task),
        "StopTask" => vec![request.on("ecs", task(request.parameter("task")))],
        "ListTasks" | "DescribeTaskDefinition" => vec![request.on("ecs", "*".to_owned())],
        "DescribeClusters" => each("clusters", &|name| arn("ecs", &format!("cluster/{name}"))),
        "DescribeServices" => {
            each("services", &|name| arn("ecs", &format!("service/default/{name}")))
        }
        "UpdateService" | "ListServiceDeployments" => {
            let service = format!("service/default/{}", request.parameter("service"));
            vec![request.on("ecs", arn("ecs", &service))]
        }
        "DescribeServiceDeployments" => each("serviceDeploymentArns", &str::to_owned),
        "DescribeServiceRevisions" => each("serviceRevisionArns", &str::to_owned),
        _ => return None,
    })
}

fn of_others(request: Request<'_>) -> Option<Vec<Call>> {
    let group = request.parameter("logGroupName");
    let secret = request.parameter("SecretId").to_owned();
    let call = match request.0.operation.as_str() {
        // Needs no right (STS API reference).
        "GetCallerIdentity" => return Some(Vec::new()),
        "FilterLogEvents" => request.on("logs", arn("logs", &format!("log-group:{group}:*"))),
        "GetLogEvents" => {
            let stream = request.parameter("logStreamName");
            request.on("logs", arn("logs", &format!("log-group:{group}:log-stream:{stream}")))
        }
        "DescribeLogStreams" => request.on("logs", arn("logs", &format!("log-group:{group}"))),
        "DescribeLogGroups" => request.on("logs", arn("logs", "log-group:*")),
        "GetRole" => {
            let role = request.parameter("RoleName");
            request.on("iam", format!("arn:aws:iam::111122223333:role/{role}"))
        }
        // The sandbox's caller is a user of the role's name.
        "SimulatePrincipalPolicy" => {
            request.on("iam", request.parameter("PolicySourceArn").replace(":user/", ":role/"))
        }
        "GetAuthorizationToken" => request.on("ecr", "*".to_owned()),
        "BatchGetImage"
        | "BatchCheckLayerAvailability"
        | "CompleteLayerUpload"
        | "GetDownloadUrlForLayer"
        | "InitiateLayerUpload"
        | "PutImage"
        | "UploadLayerPart" => {
            let repository = format!("repository/{}", request.parameter("repositoryName"));
            request.on("ecr", arn("ecr", &repository))
        }
        "DescribeSecret" => request.on("secretsmanager", secret),
        // With a customer-managed key, Secrets Manager asks KMS in the caller's name.
        "GetSecretValue" => {
            let via = "secretsmanager.eu-west-1.amazonaws.com".to_owned();
            let decrypt = Call {
                action: "kms:Decrypt".to_owned(),
                resource: "arn:key".to_owned(),
                context: BTreeMap::from([("kms:ViaService", via)]),
            };
            return Some(vec![request.on("secretsmanager", secret), decrypt]);
        }
        _ => return None,
    };
    Some(vec![call])
}

#[tokio::test(start_paused = true)]
async fn the_deploy_role_may_do_what_is_called_and_nothing_else() {
    let mut journal = journal().await;
    journal.extend(journal_of_doctor().await);
    journal.extend(image::journal_of_push());
    let operations: BTreeSet<&str> = journal.iter().map(|entry| entry.operation.as_str()).collect();
    for operation in operations_in_the_code() {
        assert!(operations.contains(operation.as_str()), "no story here calls {operation}");
    }
    let role = resource("github.yaml", "DeployRole", &setting(&EVERYTHING));
    let statements = statements(&role);
    let mut used = BTreeSet::new();
    for call in journal.iter().flat_map(calls) {
        let allowed = statements.iter().any(|statement| allows(statement, &call));
        assert!(allowed, "not allowed: {call:?}");
        used.insert(call.action);
    }
    let granted: BTreeSet<String> = statements.iter().flat_map(actions).collect();
    assert_eq!(granted, used);
}

#[test]
fn the_deploy_role_may_not_do_it_elsewhere() {
    let role = resource("github.yaml", "DeployRole", &setting(&["HasSecrets"]));
    let statements = statements(&role);
    let cluster = |name: &str| {
        BTreeMap::from([(
            "ecs:cluster",
            format!("arn:aws:ecs:eu-west-1:111122223333:cluster/{name}"),
        )])
    };
    let definition =
        |name: &str| format!("arn:aws:ecs:eu-west-1:111122223333:task-definition/{name}:1");
    let call = |action: &str, resource: String, context| Call {
        action: action.to_owned(),
        resource,
        context,
    };
    assert!(
        statements.iter().any(|s| allows(
            s,
            &call("ecs:RunTask", definition("app-migrate"), cluster("default"))
        ))
    );
    for forbidden in [
        call("ecs:RunTask", definition("app-migrate"), cluster("other")),
        call("ecs:RunTask", definition("app-migrate2"), cluster("default")),
        call(
            "ecs:StopTask",
            "arn:aws:ecs:eu-west-1:111122223333:task/other/1".to_owned(),
            cluster("other"),
        ),
        call(
            "iam:PassRole",
            EXECUTION.to_owned(),
            BTreeMap::from([("iam:PassedToService", "ec2.amazonaws.com".to_owned())]),
        ),
        call(
            "iam:PassRole",
            "arn:aws:iam::111122223333:role/admin".to_owned(),
            BTreeMap::from([("iam:PassedToService", "ecs-tasks.amazonaws.com".to_owned())]),
        ),
        call(
            "ecs:DescribeServices",
            "arn:aws:ecs:eu-west-1:111122223333:service/default/api".to_owned(),
            cluster("default"),
        ),
        // Reading them is switched on with --doctor-reads-secrets.
        call(
            "secretsmanager:GetSecretValue",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/db-AbCdEf".to_owned(),
            BTreeMap::new(),
        ),
        call(
            "logs:GetLogEvents",
            "arn:aws:logs:eu-west-1:111122223333:log-group:/ecs/app2:log-stream:x".to_owned(),
            BTreeMap::new(),
        ),
    ] {
        assert!(!statements.iter().any(|statement| allows(statement, &forbidden)), "{forbidden:?}");
    }
}

/// The set-up runs with another identity; errors only have examples; a service is created once, by
/// who may; who looks for runs of the past has a policy of his own.
const NOT_THE_GATES: [&str; 5] =
    ["cloudformation.rs", "create_service.rs", "presence.rs", "error.rs", "streams.rs"];

/// How the code names an operation that it calls.
const CALLS: [&str; 4] =
    ["AwsError::of(\"", "Form::new(\"", "ask_registry(image, \"", "ask_secrets_manager(id, (\""];

/// The operations that the code of the gate names, wherever it calls them.
fn operations_in_the_code() -> BTreeSet<String> {
    let folder = tools::root().join("crates/controller/src/aws");
    let mut operations = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if NOT_THE_GATES.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        for call in CALLS {
            let names = text.split(call).skip(1);
            operations.extend(names.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }
    operations
}

/// The statements of the read-only policy, for the sandbox's account.
fn of_the_one_on_call() -> Vec<Value> {
    let text = std::fs::read_to_string(tools::root().join("infra/on-call-policy.json")).unwrap();
    let given = [
        ("REPLACE_REGION", "eu-west-1"),
        ("REPLACE_ACCOUNT", "111122223333"),
        ("REPLACE_CLUSTER", "default"),
        ("REPLACE_LOG_GROUP", "/ecs/app"),
    ];
    let text = given.iter().fold(text, |text, (name, value)| text.replace(name, value));
    assert!(!text.contains("REPLACE_"));
    let policy: Value = serde_json::from_str(&text).unwrap();
    policy["Statement"].as_array().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn the_one_on_call_may_do_what_is_called_and_nothing_else() {
    let story = Story::with(config().image("app:1", ends_with(applied(1))));
    let story = story.set("GITHUB_RUN_ID", "7");
    story.run(&[]).await.says(0, &[]);
    let before = story.sandbox.journal().len();
    let day = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let task = story.sandbox.tasks()[0].arn.clone();
    let beginning = &task.rsplit('/').next().unwrap()[..12];
    let family = ["--task-definition", "app-migrate"];
    let every_way = [
        &["logs"][..],
        &["logs", "-f", &task],
        &["logs", "--raw", "--since", "1h", beginning],
        &["explain"],
        &["explain", &task],
        &["explain", &day],
        &["runs"],
        &["runs", "--since", "7d", "--output", "json"],
    ];
    for _ in 0..2 {
        for command in every_way {
            story.invoke(&[command, &family[..]].concat()).await.says(0, &[]);
        }
        tokio::time::sleep(Duration::from_hours(2)).await;
    }
    // Waiting for the next run, until somebody has waited enough.
    let story = story.signal(Duration::from_secs(20), Signal::Interrupt);
    story.invoke(&[&["logs", "-f"], &family[..]].concat()).await.says(0, &[]);
    let statements = of_the_one_on_call();
    let mut used = BTreeSet::new();
    for call in story.sandbox.journal()[before..].iter().flat_map(calls) {
        assert!(
            statements.iter().any(|statement| allows(statement, &call)),
            "not allowed: {call:?}"
        );
        used.insert(call.action);
    }
    let granted: BTreeSet<String> = statements.iter().flat_map(actions).collect();
    assert_eq!(granted, used);
    let other_group = Call {
        action: "logs:GetLogEvents".to_owned(),
        resource: "arn:aws:logs:eu-west-1:111122223333:log-group:/ecs/app2:log-stream:x".to_owned(),
        context: BTreeMap::new(),
    };
    assert!(!statements.iter().any(|statement| allows(statement, &other_group)));
}

#[test]
fn execution_and_task_role_may_do_what_ecs_and_the_runner_need() {
    let granted = |role: &str, conditions: &[&'static str]| -> BTreeSet<String> {
        let role = resource("migration.yaml", role, &setting(conditions));
        let mut granted = BTreeSet::new();
        for statement in statements(&role) {
            let of = &statement["Resource"];
            let resources = of.as_array().cloned().unwrap_or_else(|| vec![of.clone()]);
            for resource in resources.iter().map(|resource| resource.as_str().unwrap()) {
                granted.extend(
                    actions(&statement).iter().map(|action| format!("{action} {resource}")),
                );
            }
        }
        granted
    };
    let set =
        |items: &[&str]| -> BTreeSet<String> { items.iter().map(ToString::to_string).collect() };
    let repository = "arn:aws:ecr:eu-west-1:111122223333:repository/app-migrate";
    let log = "arn:aws:logs:eu-west-1:111122223333:log-group:/ecs/app:*";
    // Pulling an image from ECR and writing awslogs (ECS Developer Guide, "Task execution IAM role").
    let base = [
        "ecr:GetAuthorizationToken *".to_owned(),
        format!("ecr:BatchCheckLayerAvailability {repository}"),
        format!("ecr:BatchGetImage {repository}"),
        format!("ecr:GetDownloadUrlForLayer {repository}"),
        format!("logs:CreateLogStream {log}"),
        format!("logs:PutLogEvents {log}"),
    ];
    let with = |more: &[&str]| -> BTreeSet<String> {
        base.iter().cloned().chain(more.iter().map(ToString::to_string)).collect()
    };
    assert_eq!(granted("ExecutionRole", &[]), with(&[]));
    assert_eq!(
        granted("ExecutionRole", &["HasUrlSecret", "HasSecretKey"]),
        with(&["secretsmanager:GetSecretValue arn:url", "kms:Decrypt arn:key"])
    );
    // The runner calls GetSecretValue, and with IAM authentication signs a token.
    assert_eq!(granted("TaskRole", &[]), set(&[]));
    assert_eq!(
        granted("TaskRole", &["HasDatabaseSecret"]),
        set(&["secretsmanager:GetSecretValue arn:database"])
    );
    assert_eq!(
        granted("TaskRole", &["HasIamAuthentication"]),
        set(&["rds-db:connect arn:aws:rds-db:eu-west-1:111122223333:dbuser:db-X/migrator"])
    );
    // What is asked of RDS before the first change, of this database and of our own snapshots.
    for (condition, of, of_snapshot, asked) in [
        (
            "SnapshotsOfInstance",
            "db:shop",
            "snapshot:ecs-migrate-shop-*",
            ["CreateDBSnapshot", "DescribeDBInstances", "DescribeDBSnapshots"],
        ),
        (
            "SnapshotsOfCluster",
            "cluster:aurora",
            "cluster-snapshot:ecs-migrate-aurora-*",
            ["CreateDBClusterSnapshot", "DescribeDBClusters", "DescribeDBClusterSnapshots"],
        ),
    ] {
        let of = [of, of_snapshot].map(|rest| arn("rds", rest));
        let expected = asked
            .iter()
            .flat_map(|action| of.iter().map(move |resource| format!("rds:{action} {resource}")));
        assert_eq!(granted("TaskRole", &[condition]), expected.collect());
    }
    let trust = |file: &str, role: &str| {
        resource(file, role, &setting(&["MakeProvider", "HasNumbers"]))["Properties"]["AssumeRolePolicyDocument"]["Statement"][0].take()
    };
    for role in ["ExecutionRole", "TaskRole"] {
        let trust = trust("migration.yaml", role);
        assert_eq!(trust["Principal"]["Service"], "ecs-tasks.amazonaws.com");
        assert_eq!(trust["Condition"]["StringEquals"]["aws:SourceAccount"], "111122223333");
    }
    let subjects = &trust("github.yaml", "DeployRole")["Condition"]["StringEquals"];
    assert_eq!(subjects["token.actions.githubusercontent.com:sub"].as_array().unwrap().len(), 2);
    assert_eq!(subjects["token.actions.githubusercontent.com:aud"], "sts.amazonaws.com");
}
