//! `setup-infra` against an emulator by others, which reads the templates and makes the resources.
//!
//! It cannot show changes that only flip a condition (adopting while the stack exists, restoring),
//! and does not know GitHub's identity provider: the sandbox's script has those.

use crate::support::binary::{Ended, Invocation};
use crate::support::tools;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The emulator of one test.
struct MiniStack {
    python: String,
    url: String,
    folder: tempfile::TempDir,
}

impl Drop for MiniStack {
    #[expect(clippy::disallowed_methods, reason = "a destructor cannot wait")]
    fn drop(&mut self) {
        let script = tools::root().join("scripts/ministack.sh");
        let stopped =
            std::process::Command::new(script).arg("stop").arg(self.folder.path()).status();
        assert!(stopped.is_ok_and(|status| status.success()));
    }
}

impl MiniStack {
    async fn start() -> Option<Self> {
        let python = tools::python().await?;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let url = tools::script("ministack.sh", &["start", path]).await.unwrap();
        Some(Self { python, url, folder })
    }

    fn settings(&self) -> PathBuf {
        self.folder.path().join("ecs-migrate.toml")
    }

    async fn set_up(&self, more: &[&str]) -> Ended {
        let file = self.settings();
        if !file.exists() {
            std::fs::write(&file, "").unwrap();
        }
        let head = ["setup-infra", "--family", "app", "--config", file.to_str().unwrap()];
        Invocation::new(&self.url, &[&head[..], more].concat()).run().await
    }

    /// What boto3 says, one value a line.
    async fn ask(&self, service: &str, expression: &str) -> String {
        let program = format!(
            "import boto3\nc = boto3.client('{service}', endpoint_url='{}', region_name='eu-west-1', \
             aws_access_key_id='a', aws_secret_access_key='b')\nprint({expression})",
            self.url
        );
        let output = Command::new(&self.python).args(["-c", &program]).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

fn good(ended: &Ended, texts: &[&str]) {
    assert_eq!(ended.code, 0, "{}", ended.everything());
    for text in texts {
        assert!(ended.everything().contains(text), "no {text:?} in {}", ended.everything());
    }
}

#[tokio::test]
async fn others_make_what_the_template_says() {
    let Some(place) = MiniStack::start().await else { return };
    let ended = place.set_up(&["--plan"]).await;
    good(&ended, &["+ create  cluster default", "+ create  image repository app"]);
    assert_eq!(place.ask("cloudformation", "c.describe_stacks()['Stacks']").await, "[]");

    let secret = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:url-AbCdEf";
    let database = "sg-0123456789abcdef0";
    let first = [
        "--yes",
        "--url-secret",
        secret,
        "--vpc",
        "vpc-00000001",
        "--database-security-group",
        database,
        "--subnets",
        "subnet-a",
    ];
    let ended = place.set_up(&first).await;
    good(&ended, &["stack app-infra create complete", "task definition registered: app:1"]);
    for (service, expression, expected) in [
        (
            "ecr",
            "[(r['imageTagMutability'], r['imageScanningConfiguration']['scanOnPush'], r['encryptionConfiguration']['encryptionType']) for r in c.describe_repositories()['repositories']]",
            "[('IMMUTABLE', True, 'AES256')]",
        ),
        (
            "ecr",
            "'imageCountMoreThan' in c.get_lifecycle_policy(repositoryName='app')['lifecyclePolicyText']",
            "True",
        ),
        (
            "logs",
            "[(g['logGroupName'], g['retentionInDays']) for g in c.describe_log_groups()['logGroups']]",
            "[('/ecs/app', 30)]",
        ),
        (
            "iam",
            "sorted(r['RoleName'] for r in c.list_roles()['Roles'] if r['RoleName'].startswith('app'))",
            "['app-execution', 'app-task']",
        ),
        (
            "iam",
            "sorted(c.list_role_policies(RoleName='app-execution')['PolicyNames'])",
            "['image-and-log', 'url-secret']",
        ),
        ("iam", "c.list_role_policies(RoleName='app-task')['PolicyNames']", "[]"),
        (
            "iam",
            "[s['Resource'] for s in c.get_role_policy(RoleName='app-execution', PolicyName='url-secret')['PolicyDocument']['Statement']]",
            "['arn:aws:secretsmanager:eu-west-1:000000000000:secret:url-AbCdEf']",
        ),
        (
            "ec2",
            "[sorted(p['FromPort'] for p in g['IpPermissionsEgress']) for g in c.describe_security_groups()['SecurityGroups'] if 'Migration' in g['Description']]",
            "[[443, 5432]]",
        ),
        (
            "ecs",
            "c.describe_task_definition(taskDefinition='app')['taskDefinition']['containerDefinitions'][0]['image']",
            "000000000000.dkr.ecr.eu-west-1.amazonaws.com/app:bootstrap",
        ),
    ] {
        assert_eq!(place.ask(service, expression).await, expected, "{expression}");
    }
    let settings = std::fs::read_to_string(place.settings()).unwrap();
    assert!(settings.contains("subnets = [\"subnet-a\"]\nsecurity-groups = [\"sg-"), "{settings}");

    good(&place.set_up(&["--yes"]).await, &["nothing to do"]);
    good(
        &place.set_up(&["--yes", "--log-retention", "90"]).await,
        &["~ change  log group /ecs/app"],
    );
    assert_eq!(
        place.ask("logs", "c.describe_log_groups()['logGroups'][0]['retentionInDays']").await,
        "90"
    );

    good(&place.set_up(&["--delete", "--yes"]).await, &["= leave   image repository app"]);
    assert_eq!(place.ask("ecr", "len(c.describe_repositories()['repositories'])").await, "1");
    // The settings file knows the group that the stack made; it is gone with it.
    std::fs::write(place.settings(), "").unwrap();
    good(
        &place.set_up(&["--yes"]).await,
        &["= adopt   image repository app", "= adopt   log group /ecs/app"],
    );
    good(&place.set_up(&["--yes"]).await, &["nothing to do"]);
    good(
        &place.set_up(&["--delete", "--delete-data", "--yes", "--confirm", "app,/ecs/app"]).await,
        &["image repository app deleted"],
    );
    assert_eq!(place.ask("ecr", "c.describe_repositories()['repositories']").await, "[]");

    // A stack by hand, and parts by hand.
    place.ask("ecr", "c.create_repository(repositoryName='app')").await;
    place.ask("iam", "c.create_role(RoleName='app-task', AssumeRolePolicyDocument='{}')").await;
    good(
        &place.set_up(&["--yes"]).await,
        &["= adopt   image repository app", "= adopt   task role app-task"],
    );
}

#[tokio::test]
async fn the_second_stack_is_made_with_a_provider_that_exists() {
    let Some(place) = MiniStack::start().await else { return };
    let template = tools::root().join("infra/cloudformation/github.yaml");
    let text = std::fs::read_to_string(&template).unwrap();
    let copy = place.folder.path().join("github.yaml");
    std::fs::write(&copy, without_provider(&text)).unwrap();
    deploy(&place, &copy).await;
    let trust = "c.get_role(RoleName='app-migrate-deploy')['Role']['AssumeRolePolicyDocument']['Statement'][0]['Condition']['StringEquals']['token.actions.githubusercontent.com:sub']";
    assert_eq!(
        place.ask("iam", trust).await,
        "['repo:octo/app:ref:refs/heads/main', 'repo:octo@1/app@2:ref:refs/heads/main']"
    );
    let policies = "sorted(c.list_role_policies(RoleName='app-migrate-deploy')['PolicyNames'])";
    assert_eq!(place.ask("iam", policies).await, "['doctor', 'migrate', 'push-images']");
}

/// The emulator refuses a template that names a type it does not know, whatever the condition.
fn without_provider(template: &str) -> String {
    let (head, rest) = template.split_once("  # One an account").unwrap();
    let (_, rest) = rest.split_once("\n  DeployRole:").unwrap();
    format!("{head}  DeployRole:{rest}").replace("!Ref Provider,", "!Ref AWS::NoValue,")
}

async fn deploy(place: &MiniStack, template: &Path) {
    let provider = "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com";
    let role = |name: &str| format!("arn:aws:iam::000000000000:role/{name}");
    let parameters: Vec<String> = [
        ("ExistingProviderArn", provider.to_owned()),
        ("ExecutionRoleArn", role("e")),
        ("TaskRoleArn", role("t")),
        ("GitHubOwner", "octo".to_owned()),
        ("GitHubRepository", "app".to_owned()),
        ("GitHubOwnerId", "1".to_owned()),
        ("GitHubRepositoryId", "2".to_owned()),
    ]
    .iter()
    .map(|(key, value)| format!("dict(ParameterKey='{key}', ParameterValue='{value}')"))
    .collect();
    let call = format!(
        "c.create_stack(StackName='g', TemplateBody=open('{}').read(), Capabilities=['CAPABILITY_NAMED_IAM'], Parameters=[{}])",
        template.display(),
        parameters.join(",")
    );
    place.ask("cloudformation", &call).await;
    let status = place
        .ask("cloudformation", "c.describe_stacks(StackName='g')['Stacks'][0]['StackStatus']")
        .await;
    assert_eq!(status, "CREATE_COMPLETE");
}
