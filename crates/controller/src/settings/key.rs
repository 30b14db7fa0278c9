//! Owns the list of settings: their names in each layer, their default, their meaning.

use super::value::Shape;
use protocol::env;

/// A setting. Its flag and its key in the file have the same name.
#[expect(clippy::enum_variant_names, reason = "`RunKey` is the setting's own name")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Cluster,
    TaskDefinition,
    Template,
    Image,
    ImageRepository,
    Migrations,
    Runner,
    BaseImage,
    Platform,
    Tag,
    RegistryEndpoint,
    Container,
    Subnets,
    SecurityGroups,
    AssignPublicIp,
    NetworkFrom,
    Service,
    ServiceImage,
    InOrder,
    RolloutTimeout,
    CapacityProvider,
    Timeout,
    CapacityTimeout,
    OnCancel,
    IfRunning,
    Expect,
    Environment,
    RunKey,
    Commit,
    Output,
    OnFinish,
    Report,
    Region,
    Profile,
    OidcRole,
}

impl Key {
    /// Every setting, in the order of the documentation.
    pub(crate) const ALL: [Self; 35] = [
        Self::Cluster,
        Self::TaskDefinition,
        Self::Template,
        Self::Image,
        Self::ImageRepository,
        Self::Migrations,
        Self::Runner,
        Self::BaseImage,
        Self::Platform,
        Self::Tag,
        Self::RegistryEndpoint,
        Self::Container,
        Self::Subnets,
        Self::SecurityGroups,
        Self::AssignPublicIp,
        Self::NetworkFrom,
        Self::Service,
        Self::ServiceImage,
        Self::InOrder,
        Self::RolloutTimeout,
        Self::CapacityProvider,
        Self::Timeout,
        Self::CapacityTimeout,
        Self::OnCancel,
        Self::IfRunning,
        Self::Expect,
        Self::Environment,
        Self::RunKey,
        Self::Commit,
        Self::Output,
        Self::OnFinish,
        Self::Report,
        Self::Region,
        Self::Profile,
        Self::OidcRole,
    ];

    /// The key in the file; the flag is the same after two dashes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::TaskDefinition => "task-definition",
            Self::Template => "template",
            Self::Image => "image",
            Self::ImageRepository => "image-repository",
            Self::Migrations => "migrations",
            Self::Runner => "runner",
            Self::BaseImage => "base-image",
            Self::Platform => "platform",
            Self::Tag => "tag",
            Self::RegistryEndpoint => "registry-endpoint",
            Self::Container => "container",
            Self::Subnets => "subnets",
            Self::SecurityGroups => "security-groups",
            Self::AssignPublicIp => "assign-public-ip",
            Self::NetworkFrom => "network-from",
            Self::Service => "service",
            Self::ServiceImage => "service-image",
            Self::InOrder => "in-order",
            Self::RolloutTimeout => "rollout-timeout",
            Self::CapacityProvider => "capacity-provider",
            Self::Timeout => "timeout",
            Self::CapacityTimeout => "capacity-timeout",
            Self::OnCancel => "on-cancel",
            Self::IfRunning => "if-running",
            Self::Expect => "expect",
            Self::Environment => "environment",
            Self::RunKey => "run-key",
            Self::Commit => "commit",
            Self::Output => "output",
            Self::OnFinish => "on-finish",
            Self::Report => "report",
            Self::Region => "region",
            Self::Profile => "profile",
            Self::OidcRole => "oidc-role",
        }
    }

    /// Environment variables, the first one that is set and not empty counts. Region and profile
    /// have none here because the SDK's own chain reads `AWS_REGION` and `AWS_PROFILE`.
    pub(crate) const fn environment(self) -> &'static [&'static str] {
        match self {
            Self::Cluster => &[env::CLUSTER],
            Self::TaskDefinition => &[env::TASK_DEFINITION],
            Self::Template => &[env::TEMPLATE],
            Self::Image => &[env::IMAGE],
            Self::ImageRepository => &[env::IMAGE_REPOSITORY],
            Self::Migrations => &[env::MIGRATIONS],
            Self::Runner => &[env::RUNNER],
            Self::BaseImage => &[env::BASE_IMAGE],
            Self::Platform => &[env::PLATFORM],
            Self::Tag => &[env::TAG],
            Self::RegistryEndpoint => &[env::REGISTRY_ENDPOINT],
            Self::Container => &[env::CONTAINER],
            Self::Subnets => &[env::SUBNETS, env::VPC_SUBNETS],
            Self::SecurityGroups => &[env::SECURITY_GROUPS, env::VPC_SECURITY_GROUPS],
            Self::AssignPublicIp => &[env::ASSIGN_PUBLIC_IP],
            Self::NetworkFrom => &[env::NETWORK_FROM],
            Self::Service => &[env::SERVICE],
            Self::ServiceImage => &[env::SERVICE_IMAGE],
            Self::InOrder => &[env::IN_ORDER],
            Self::RolloutTimeout => &[env::ROLLOUT_TIMEOUT],
            Self::CapacityProvider => &[env::CAPACITY_PROVIDER],
            Self::Timeout => &[env::TIMEOUT],
            Self::CapacityTimeout => &[env::CAPACITY_TIMEOUT],
            Self::OnCancel => &[env::ON_CANCEL],
            Self::IfRunning => &[env::IF_RUNNING],
            Self::Expect => &[env::EXPECT],
            Self::Environment => &[env::ENVIRONMENT],
            Self::RunKey => &[env::RUN_KEY],
            Self::Commit => &[env::COMMIT, env::GITHUB_SHA],
            Self::Output => &[env::OUTPUT],
            Self::OnFinish => &[env::ON_FINISH],
            Self::Report => &[env::REPORT],
            Self::Region | Self::Profile => &[],
            Self::OidcRole => &[env::OIDC_ROLE],
        }
    }

    /// What its text is.
    pub(crate) const fn shape(self) -> Shape {
        match self {
            Self::Cluster
            | Self::TaskDefinition
            | Self::Image
            | Self::ImageRepository
            | Self::BaseImage
            | Self::Platform
            | Self::Tag
            | Self::RegistryEndpoint
            | Self::Container
            | Self::NetworkFrom
            | Self::CapacityProvider
            | Self::OnCancel
            | Self::IfRunning
            | Self::Expect
            | Self::Commit
            | Self::Output
            | Self::Region
            | Self::OidcRole => Shape::Word,
            Self::Template
            | Self::Migrations
            | Self::Runner
            | Self::RolloutTimeout
            | Self::Timeout
            | Self::CapacityTimeout
            | Self::Environment
            | Self::RunKey
            | Self::Report
            | Self::Profile => Shape::Text,
            Self::Subnets | Self::SecurityGroups | Self::Service | Self::ServiceImage => {
                Shape::List
            }
            Self::AssignPublicIp | Self::InOrder => Shape::Truth,
            Self::OnFinish => Shape::Command,
        }
    }

    /// Whether the file may set it: a run's key, commit, tag and page belong to one
    /// run, not to a repository.
    pub(crate) const fn is_in_file(self) -> bool {
        !matches!(self, Self::RunKey | Self::Commit | Self::Tag | Self::Report)
    }

    /// What counts when nothing is set, for the documentation.
    #[cfg(test)]
    pub(crate) const fn default(self) -> &'static str {
        match self {
            Self::Cluster => "`default`",
            Self::AssignPublicIp | Self::InOrder => "`false`",
            Self::RolloutTimeout => "`30m`",
            Self::CapacityProvider => "launch type `FARGATE`",
            Self::Timeout => "none, with a warning every hour",
            Self::CapacityTimeout => "`5m`",
            Self::OnCancel => "`stop` (`attach`: `detach`)",
            Self::IfRunning => "`wait`",
            Self::Expect | Self::Output => "`auto`",
            Self::RunKey => "`GITHUB_RUN_ID`, else random",
            Self::Container => "the definition's only container",
            Self::Region | Self::Profile => "the SDK's chain",
            Self::Migrations => "`prisma/migrations`",
            Self::BaseImage => "the released runner of the same version",
            Self::Platform => "the task definition's, else `linux/amd64`",
            Self::Tag => "made of the content",
            Self::RegistryEndpoint => "the repository's own host",
            Self::ImageRepository
            | Self::Runner
            | Self::TaskDefinition
            | Self::Template
            | Self::Image
            | Self::Subnets
            | Self::SecurityGroups
            | Self::NetworkFrom
            | Self::Service
            | Self::ServiceImage
            | Self::Environment
            | Self::Commit
            | Self::OnFinish
            | Self::Report
            | Self::OidcRole => "",
        }
    }

    /// What it is for, for the documentation.
    #[cfg(test)]
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Cluster => "name or ARN of the cluster",
            Self::TaskDefinition => "family, family:revision or ARN of a registered definition",
            Self::Template => "file with a task definition as JSON, instead of `task-definition`",
            Self::Image => "image that the container runs, best as `repository@sha256:…`",
            Self::ImageRepository => "repository that `image push` pushes to, without tag",
            Self::Migrations => "directory of the migrations that the image gets",
            Self::Runner => {
                "static `ecs-migrate-runner` that the image gets, instead of `base-image`"
            }
            Self::BaseImage => "image that the migrations are put on",
            Self::Platform => "`linux/amd64` or `linux/arm64`",
            Self::Tag => "tag of the image; a run uses the digest",
            Self::RegistryEndpoint => {
                "address at which the registry answers, for emulators and proxies"
            }
            Self::Container => "name of the container that decides",
            Self::Subnets => "subnets of the task",
            Self::SecurityGroups => "security groups of the task",
            Self::AssignPublicIp => "for subnets that reach AWS only through an internet gateway",
            Self::NetworkFrom => {
                "service whose network the task uses; while it does not exist, the three above"
            }
            Self::Service => {
                "services that are deployed behind the gate; `doctor` looks at the first"
            }
            Self::ServiceImage => {
                "image for the services, or `NAME=URI` for one of them, best as `repository@sha256:…`"
            }
            Self::InOrder => "deploy the services one after the other instead of together",
            Self::RolloutTimeout => "how long a rollout is followed; ECS goes on after that",
            Self::CapacityProvider => "capacity provider; Spot is refused",
            Self::Timeout => "the task is stopped after this, e.g. `30m`",
            Self::CapacityTimeout => "how long to try to get the task started",
            Self::OnCancel => "what a signal means for the task: `stop` or `detach`",
            Self::IfRunning => {
                "what to do while somebody else's run of the family is in flight: `wait` or `fail`"
            }
            Self::Expect => "what the container runs: `auto`, `runner` or `plain`",
            Self::Environment => {
                "name of the environment, e.g. `production`: the runner refuses a database that bears another one"
            }
            Self::RunKey => "invocations with the same key are one run",
            Self::Commit => "commit that `deploy-service` needs a green run of",
            Self::Output => "`auto`, `text`, `json` or `github`",
            Self::OnFinish => {
                "command that gets the result of `run` and `attach` as JSON: [output.md](output.md#--on-finish)"
            }
            Self::Report => {
                "HTML file about the run, of `run`, `release`, `attach` and `explain`: [output.md](output.md#--report)"
            }
            Self::Region => "AWS Region",
            Self::Profile => "profile of the AWS configuration",
            Self::OidcRole => {
                "role for new credentials from GitHub's OIDC endpoint when the given ones expire"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        let rows: Vec<String> = Key::ALL
            .into_iter()
            .map(|key| {
                let environment: Vec<String> =
                    key.environment().iter().map(|name| format!("`{name}`")).collect();
                let in_file = if key.is_in_file() { key.name() } else { "" };
                format!(
                    "| `--{}` | {} | {} | {} | {} |",
                    key.name(),
                    environment.join(", "),
                    if in_file.is_empty() { String::new() } else { format!("`{in_file}`") },
                    key.default(),
                    key.meaning(),
                )
            })
            .collect();
        format!("{}{}\n{}", HEAD, rows.join("\n"), FOOT)
    }

    const HEAD: &str = "# Settings of `ecs-migrate`\n\nGenerated from `crates/controller/src/settings/key.rs`; a test compares.\n\nA flag beats the environment, the environment beats `ecs-migrate.toml` (or `--config FILE`, or `ECS_MIGRATE_CONFIG`), the file beats the default. An empty environment variable counts as not set, because GitHub writes an empty string for a variable that does not exist; only an image (`ECS_MIGRATE_IMAGE`, `ECS_MIGRATE_SERVICE_IMAGE`) that is empty is refused where it is used, because GitHub also drops an output with a masked value in it, and the image of another commit would run, and so is an empty `ECS_MIGRATE_ENVIRONMENT` where neither a flag nor the file names the environment, because nothing would keep the run from another one's database: a workflow says `--environment` only where the variable is set, as `deploy.yml` does. Any other blank is refused (2) and says where it is from: an empty flag, an empty value in the file, a variable of blanks; so are tabs and line ends inside a value, a list where one value is needed, and a value of another type in the file. An unknown key in the file is an error. Lists are separated by commas; in the file they may be arrays.\n\nCredentials, Region, endpoint and proxies come from the AWS SDK's own chain (`AWS_PROFILE`, `AWS_REGION`, `AWS_ENDPOINT_URL`, …).\n\n| flag | environment | file | default | meaning |\n|---|---|---|---|---|\n";

    const FOOT: &str = "\n## Services in the file\n\n`service` is a name, a list of names, or tables; the names of tables are taken in alphabetical order.\n\n```toml\n[service.api]\ncontainer = \"api\"            # whose image is replaced; needed when several containers are essential\ndefinition = \"infra/api.json\" # instead of the definition that the service has; needs an image, here or by --service-image\n\n[service.worker]\nimage = \"…/worker@sha256:…\"   # any --service-image for it beats it\n```\n\n## The check in the file\n\nThe table `[check]` has a level (`off`, `advice`, `block`) for a grade (`wrong`, `loses`, `breaks`, `blocks`, `advice`) or for a rule, e.g. `drop-index = \"off\"` ([check.md](check.md)).\n\n## The task definition template\n\n`infra/task-definition.json` is an ordinary task definition with these placeholders; a template in which one is left is refused.\n\n| placeholder | put there |\n|---|---|\n| `REPLACE_FAMILY` | the family, e.g. `app-migrate` |\n| `REPLACE_EXECUTION_ROLE_ARN` | role that pulls the image, reads the secret and writes the log |\n| `REPLACE_TASK_ROLE_ARN` | role of the runner itself; it needs no rights when the secret is injected |\n| `REPLACE_LOG_GROUP` | log group, which must exist, e.g. `/ecs/app-migrate` |\n| `REPLACE_REGION` | Region of the log group |\n| `REPLACE_SECRET_ARN` | Secrets Manager secret whose value is the connection URL |\n\nThe image is a placeholder too, but `--image` always replaces it. `\"mode\": \"blocking\"` makes the log lossless (ECS's default since 2025-06-25 drops lines when its buffer is full), and `stopTimeout` 120 gives the runner the longest time that Fargate allows to roll back. The runner writes no file and needs no root, so `user` is not root's and the root file system cannot be written.\n";

    #[test]
    fn the_page_in_docs_is_this_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(found == page(), "write this to docs/settings.md:\n{}", page());
    }
}
