//! `setup-infra` against the sandbox's scripted stacks, which follow infra/cloudformation.

use super::story::{Story, Told};
use sandbox::{Config, ResourceScript, Sandbox, Speed, StackScript};

/// The account's provider, as CloudFormation would name it.
pub(crate) const PROVIDER: &str =
    "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";

/// A place with both stacks and a folder for the settings file.
pub(crate) struct Site {
    pub(crate) story: Story,
    folder: tempfile::TempDir,
}

/// The migration's stack.
pub(crate) fn migration() -> StackScript {
    let role = "arn:aws:iam::${AccountId}:role/";
    StackScript::new()
        .resource(ResourceScript::new(
            "Marker",
            "AWS::CloudFormation::WaitConditionHandle",
            "marker-of-${Family}",
        ))
        .resource(
            ResourceScript::new("Cluster", "AWS::ECS::Cluster", "${ClusterName}")
                .when("CreateCluster", "true")
                .retained(),
        )
        .resource(
            ResourceScript::new("Repository", "AWS::ECR::Repository", "${RepositoryName}")
                .when("CreateRepository", "true")
                .retained(),
        )
        .resource(
            ResourceScript::new("LogGroup", "AWS::Logs::LogGroup", "${LogGroupName}")
                .when("CreateLogGroup", "true")
                .reads("LogRetentionInDays", "RetentionInDays")
                .retained(),
        )
        .resource(
            ResourceScript::new("ExecutionRole", "AWS::IAM::Role", "${ExecutionRoleName}")
                .when("ExistingExecutionRoleArn", "")
                .reads("UrlSecretArn", "Policies"),
        )
        .resource(
            ResourceScript::new("TaskRole", "AWS::IAM::Role", "${TaskRoleName}")
                .when("ExistingTaskRoleArn", ""),
        )
        .resource(
            ResourceScript::new("SecurityGroup", "AWS::EC2::SecurityGroup", "sg-000000made")
                .when_set("VpcId")
                .when("ExistingSecurityGroupId", ""),
        )
        .output("ClusterName", "${ClusterName}")
        .output("RepositoryUri", "${AccountId}.dkr.ecr.${Region}.amazonaws.com/${RepositoryName}")
        .output("LogGroupName", "${LogGroupName}")
        .output("ExecutionRoleArn", &format!("{role}${{ExecutionRoleName}}"))
        .output("TaskRoleArn", &format!("{role}${{TaskRoleName}}"))
}

/// GitHub's stack.
pub(crate) fn github() -> StackScript {
    StackScript::new()
        .resource(ResourceScript::new(
            "Marker",
            "AWS::CloudFormation::WaitConditionHandle",
            "marker-of-github-${Family}",
        ))
        .resource(
            ResourceScript::new("Provider", "AWS::IAM::OIDCProvider", PROVIDER)
                .when("ExistingProviderArn", "")
                .retained(),
        )
        .resource(
            ResourceScript::new("DeployRole", "AWS::IAM::Role", "${DeployRoleName}")
                .when("ExistingDeployRoleArn", "")
                .reads("ReadSecretKeys", "Policies")
                .reads("SecretArns", "Policies"),
        )
        .output("DeployRoleArn", "arn:aws:iam::${AccountId}:role/${DeployRoleName}")
        .output("ProviderArn", PROVIDER)
}

/// Everything that GitHub's part needs, so that nobody asks `gh`.
pub(crate) const GITHUB: [&str; 6] =
    ["--github-repository", "octo/app", "--github-owner-id", "1", "--github-repository-id", "2"];

impl Site {
    /// Both stacks as they are in the templates.
    pub(crate) fn new() -> Self {
        Self::with(migration())
    }

    /// Another script for the migration's stack.
    pub(crate) fn with(migration: StackScript) -> Self {
        let config = Config::new(Speed::Aws);
        Self::of(config.stack("app-infra", migration).stack("app-github", github()))
    }

    /// Any sandbox.
    pub(crate) fn of(config: Config) -> Self {
        Self { story: Story::with(config), folder: tempfile::tempdir().unwrap() }
    }

    /// Somebody at a terminal.
    pub(crate) fn answers(mut self, answers: &[&str]) -> Self {
        self.story = self.story.answers(answers);
        self
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.story.sandbox
    }

    /// The settings file's path.
    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("ecs-migrate.toml")
    }

    /// `setup-infra --family app` with these arguments on top.
    pub(crate) async fn set_up(&self, more: &[&str]) -> Told {
        let file = self.file();
        if !file.exists() {
            std::fs::write(&file, "# ours\n").unwrap();
        }
        let file = file.to_str().unwrap();
        let arguments = ["setup-infra", "--family", "app", "--config", file];
        self.story.invoke(&[&arguments[..], more].concat()).await
    }

    /// The kinds and ids that exist.
    pub(crate) fn inventory(&self) -> Vec<String> {
        let kinds = [
            "AWS::EC2::SecurityGroup",
            "AWS::ECR::Repository",
            "AWS::IAM::OIDCProvider",
            "AWS::IAM::Role",
            "AWS::Logs::LogGroup",
        ];
        let of = |kind: &str| self.sandbox().existing(kind).into_iter();
        kinds.into_iter().flat_map(of).collect()
    }
}
