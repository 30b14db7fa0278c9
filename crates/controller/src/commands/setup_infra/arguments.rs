//! Owns the command line of `setup-infra` and what it asks for. PURE.

use crate::cli;
use crate::commands::arguments::EnvironmentArguments;
use crate::error::Error;
use crate::infrastructure::{
    DatabaseRequest, GithubRequest, Given, Name, Request, StackRequest, collect, role, split_secret,
};
use crate::settings::{Flags, Key, Layers};
use clap::Args;

/// Make what a migration needs in an account: image repository, log group, roles, task definition
///
/// Two CloudFormation stacks through change sets: what will happen is shown first. What exists
/// already is used as it is, and a second run continues where the first one stopped. The templates
/// in infra/cloudformation work by themselves, too; docs/setup.md has the same steps by hand.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(crate) struct Arguments {
    /// Family of the task definition, and the stem of every name [default: `task-definition`]
    #[arg(long, value_name = "NAME")]
    family: Option<String>,
    /// Name or ARN of the cluster; one is made if it does not exist
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Subnets of the task, for the settings file and GitHub
    #[arg(long, value_name = "IDS")]
    subnets: Option<String>,
    /// Security groups of the task, instead of making one
    #[arg(long, value_name = "IDS", conflicts_with = "vpc")]
    security_groups: Option<String>,
    #[command(flatten)]
    whose: EnvironmentArguments,
    #[command(flatten)]
    names: NameArguments,
    #[command(flatten)]
    database: DatabaseArguments,
    #[command(flatten)]
    github: GithubArguments,
    /// Show what would happen, and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub(super) plan: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(super) yes: bool,
    /// Delete the stacks; repository, log group, cluster and GitHub's identity provider stay
    #[arg(long, conflicts_with = "set_github")]
    pub(super) delete: bool,
    /// With --delete: the repository with its images and the log group go too
    #[arg(long, requires = "delete")]
    pub(super) delete_data: bool,
    /// With --delete-data: name of a repository or log group that goes for ever, instead of typing it;
    /// --yes needs one for each
    #[arg(long, value_name = "NAME", requires = "delete_data", value_delimiter = ',')]
    pub(super) confirm: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Names, and parts that exist")]
struct NameArguments {
    /// Name of the stack [default: FAMILY-infra]
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    /// Image repository [default: FAMILY in lower case]
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// How many images the repository keeps [default: 50]
    #[arg(long, value_name = "NUMBER")]
    keep_images: Option<u32>,
    /// Log group [default: /ecs/FAMILY]
    #[arg(long, value_name = "NAME")]
    log_group: Option<String>,
    /// Days after which the log group forgets [default: 30]
    #[arg(long, value_name = "DAYS", value_parser = retention)]
    log_retention: Option<u32>,
    /// Execution role: a name, or the ARN of one that exists [default: FAMILY-execution]
    #[arg(long, value_name = "ROLE")]
    execution_role: Option<String>,
    /// Task role: a name, or the ARN of one that exists [default: FAMILY-task]
    #[arg(long, value_name = "ROLE")]
    task_role: Option<String>,
    /// Make a security group in this VPC, with --database-security-group
    #[arg(long, value_name = "ID")]
    vpc: Option<String>,
    /// Security group of the database, which the new group may reach
    #[arg(long, value_name = "ID")]
    database_security_group: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The database")]
struct DatabaseArguments {
    /// Secret whose value is the connection URL (ARN, also with :key::); ECS hands it over
    #[arg(long, value_name = "ARN", conflicts_with = "database_secret")]
    url_secret: Option<String>,
    /// Secret with user name and password as RDS keeps it; the runner fetches it
    #[arg(long, value_name = "ARN")]
    database_secret: Option<String>,
    /// Customer-managed key of the secret
    #[arg(long, value_name = "ARN")]
    secret_key: Option<String>,
    /// For IAM authentication: resource id of instance, cluster or proxy, with --database-user
    #[arg(long, value_name = "ID")]
    database_resource: Option<String>,
    /// For IAM authentication: the database user
    #[arg(long, value_name = "NAME")]
    database_user: Option<String>,
    /// RDS instance that the runner may make snapshots of before a change
    #[arg(long, value_name = "ID", conflicts_with = "snapshot_cluster")]
    snapshot_instance: Option<String>,
    /// Aurora or Multi-AZ cluster that the runner may make snapshots of before a change
    #[arg(long, value_name = "ID")]
    snapshot_cluster: Option<String>,
    /// Host of the database, where the secret does not name it
    #[arg(long, value_name = "HOST")]
    database_host: Option<String>,
    /// Port of the database [default: 5432]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    database_port: Option<u16>,
    /// Name of the database, where the secret does not name it
    #[arg(long, value_name = "NAME")]
    database_name: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "GitHub")]
struct GithubArguments {
    /// Repository that may deploy: makes a second stack with identity provider and deploy role
    #[arg(long, value_name = "OWNER/NAME")]
    github_repository: Option<String>,
    /// Environment that may deploy
    #[arg(long, value_name = "NAME", requires = "github_repository")]
    github_environment: Option<String>,
    /// Branch that may deploy [default: main]
    #[arg(
        long,
        value_name = "NAME",
        requires = "github_repository",
        conflicts_with = "github_environment"
    )]
    github_branch: Option<String>,
    /// Number of the repository's owner [default: asked of gh]
    #[arg(long, value_name = "NUMBER", requires = "github_repository")]
    github_owner_id: Option<String>,
    /// Number of the repository [default: asked of gh]
    #[arg(long, value_name = "NUMBER", requires = "github_repository")]
    github_repository_id: Option<String>,
    /// Name of GitHub's stack [default: FAMILY-github]
    #[arg(long, value_name = "NAME")]
    github_stack: Option<String>,
    /// Deploy role: a name, or the ARN of one that exists [default: FAMILY-deploy]
    #[arg(long, value_name = "ROLE", requires = "github_repository")]
    deploy_role: Option<String>,
    /// GitHub's identity provider [default: the account's own, or a new one]
    #[arg(long, value_name = "ARN", requires = "github_repository")]
    oidc_provider: Option<String>,
    /// Whether the deploy role may read the secrets, so that `doctor` sees their JSON keys [default: false]
    #[arg(
        long,
        value_name = "BOOL",
        requires = "github_repository",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    doctor_reads_secrets: Option<bool>,
    /// Service that the deploy role may update
    #[arg(long, value_name = "NAME", requires = "github_repository")]
    service: Option<String>,
    /// Family of that service's task definition
    #[arg(long, value_name = "NAME", requires = "service")]
    service_family: Option<String>,
    /// Roles of that service's task definition, separated by commas
    #[arg(long, value_name = "ARNS", requires = "service")]
    service_roles: Option<String>,
    /// Set the variables of the workflow with gh
    #[arg(long, requires = "github_repository")]
    set_github: bool,
}

/// What PutRetentionPolicy takes (CloudWatch Logs API).
const RETENTIONS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

fn retention(text: &str) -> Result<u32, String> {
    let days = text.parse().ok().filter(|days| RETENTIONS.contains(days));
    days.ok_or_else(|| {
        format!("CloudWatch knows only {}", RETENTIONS.map(|days| days.to_string()).join(", "))
    })
}

impl Arguments {
    pub(crate) fn flags(&self) -> Flags {
        let mut flags = cli::flags([
            (Key::Cluster, &self.cluster),
            (Key::Subnets, &self.subnets),
            (Key::SecurityGroups, &self.security_groups),
        ]);
        flags.extend(self.whose.flags());
        flags
    }

    /// Whether the variables are set with `gh`.
    pub(super) fn set_github(&self) -> bool {
        self.github.set_github
    }

    /// GitHub's stack, where only its name counts.
    pub(super) fn github_stack(&self) -> Option<String> {
        self.github.github_stack.clone()
    }

    /// What was asked for, checked as far as it goes without AWS.
    pub(super) fn request(&self, layers: &Layers) -> Result<Request, Error> {
        let family = self.family(layers)?;
        let mut given = self.names.given();
        given.extend(self.database.given());
        let cluster = layers.cluster().value;
        let cluster = cluster.rsplit('/').next().unwrap_or_default().to_owned();
        given.push(plain("--cluster", "ClusterName", Some(Name::Cluster), cluster));
        if let Some(groups) = layers.find(Key::SecurityGroups)
            && self.names.vpc.is_none()
        {
            // With several, the definition of the network is not the stack's matter.
            let mut groups = groups.value.split(',').map(str::trim);
            if let (Some(group), None) = (groups.next(), groups.next()) {
                let rule = Some(Name::SecurityGroup);
                given.push(plain(
                    "--security-groups",
                    "ExistingSecurityGroupId",
                    rule,
                    group.to_owned(),
                ));
            }
        }
        let migration =
            StackRequest::migration(&family, self.names.stack.clone(), collect(given)?)?;
        let github = self.github.request(&family)?;
        let secret_suffix = self
            .database
            .url_secret
            .as_deref()
            .map(|text| split_secret(text).1)
            .unwrap_or_default();
        let database = DatabaseRequest {
            host: self.database.database_host.clone(),
            name: self.database.database_name.clone(),
            secret_suffix,
        };
        Ok(Request { family, migration, github, database })
    }

    fn family(&self, layers: &Layers) -> Result<String, Error> {
        let named = self.family.clone().or_else(|| {
            let reference = layers.find(Key::TaskDefinition)?.value;
            let name = reference.rsplit('/').next().unwrap_or_default();
            Some(name.split(':').next().unwrap_or_default().to_owned())
        });
        named.ok_or_else(|| {
            Error::usage("no family is set: every name is made of it").hinted(
                "set --family, e.g. --family app-migrate; or `task-definition` in ecs-migrate.toml",
            )
        })
    }
}

fn plain(flag: &'static str, parameter: &'static str, rule: Option<Name>, value: String) -> Given {
    Given { flag, parameter, rule, value }
}

/// A value of the command line, if it is there.
fn maybe(
    flag: &'static str,
    parameter: &'static str,
    rule: Option<Name>,
    value: Option<String>,
) -> Option<Given> {
    value.map(|value| plain(flag, parameter, rule, value))
}

impl NameArguments {
    fn given(&self) -> Vec<Given> {
        let number = |number: Option<u32>| number.map(|number| number.to_string());
        let roles = [
            (
                "--execution-role",
                ("ExecutionRoleName", "ExistingExecutionRoleArn"),
                &self.execution_role,
            ),
            ("--task-role", ("TaskRoleName", "ExistingTaskRoleArn"), &self.task_role),
        ];
        let group = Some(Name::SecurityGroup);
        [
            maybe(
                "--repository",
                "RepositoryName",
                Some(Name::Repository),
                self.repository.clone(),
            ),
            maybe("--keep-images", "KeepImages", None, number(self.keep_images)),
            maybe("--log-group", "LogGroupName", Some(Name::LogGroup), self.log_group.clone()),
            maybe("--log-retention", "LogRetentionInDays", None, number(self.log_retention)),
            maybe("--vpc", "VpcId", Some(Name::Vpc), self.vpc.clone()),
            maybe(
                "--database-security-group",
                "DatabaseSecurityGroupId",
                group,
                self.database_security_group.clone(),
            ),
        ]
        .into_iter()
        .flatten()
        .chain(roles.into_iter().filter_map(|(flag, parameters, value)| {
            value.clone().map(|value| role(flag, parameters, value))
        }))
        .collect()
    }
}

impl DatabaseArguments {
    fn given(&self) -> Vec<Given> {
        let secret = Some(Name::Secret);
        let arn = self.url_secret.as_deref().map(|text| split_secret(text).0);
        let port = self.database_port.map(|port| port.to_string());
        [
            maybe("--url-secret", "UrlSecretArn", secret, arn),
            maybe("--database-secret", "DatabaseSecretArn", secret, self.database_secret.clone()),
            maybe("--secret-key", "SecretKeyArn", Some(Name::Key), self.secret_key.clone()),
            maybe(
                "--database-resource",
                "DatabaseResourceId",
                Some(Name::DatabaseResource),
                self.database_resource.clone(),
            ),
            maybe("--database-user", "DatabaseUser", None, self.database_user.clone()),
            maybe("--database-port", "DatabasePort", None, port),
            maybe("--snapshot-instance", "SnapshotInstance", None, self.snapshot_instance.clone()),
            maybe("--snapshot-cluster", "SnapshotCluster", None, self.snapshot_cluster.clone()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl GithubArguments {
    fn request(&self, family: &str) -> Result<Option<GithubRequest>, Error> {
        let Some(repository) = &self.github_repository else { return Ok(None) };
        Name::GithubRepository.check("--github-repository", repository)?;
        let (owner, name) = repository.split_once('/').unwrap_or_default();
        let subject = match (&self.github_environment, &self.github_branch) {
            (Some(environment), _) => Some(format!("environment:{environment}")),
            (None, Some(branch)) => Some(format!("ref:refs/heads/{branch}")),
            (None, None) => None,
        };
        if subject.as_ref().is_some_and(|subject| subject.contains(['*', '?'])) {
            return Err(Error::usage(
                "--github-environment and --github-branch take no `*` or `?`",
            )
            .hinted("who may deploy is named exactly"));
        }
        let number = Some(Name::Number);
        let given = [
            maybe("--github-repository", "GitHubOwner", None, Some(owner.to_owned())),
            maybe("--github-repository", "GitHubRepository", None, Some(name.to_owned())),
            maybe("--github-branch", "GitHubSubject", None, subject),
            maybe("--github-owner-id", "GitHubOwnerId", number, self.github_owner_id.clone()),
            maybe(
                "--github-repository-id",
                "GitHubRepositoryId",
                number,
                self.github_repository_id.clone(),
            ),
            self.deploy_role.clone().map(|value| {
                role("--deploy-role", ("DeployRoleName", "ExistingDeployRoleArn"), value)
            }),
            maybe(
                "--oidc-provider",
                "ExistingProviderArn",
                Some(Name::ProviderArn),
                self.oidc_provider.clone(),
            ),
            maybe(
                "--doctor-reads-secrets",
                "ReadSecretKeys",
                None,
                self.doctor_reads_secrets.map(|reads| reads.to_string()),
            ),
            maybe("--service", "ServiceName", Some(Name::Cluster), self.service.clone()),
            maybe(
                "--service-family",
                "ServiceFamily",
                Some(Name::Family),
                self.service_family.clone(),
            ),
            maybe("--service-roles", "ServiceRoleArns", None, self.service_roles.clone()),
        ];
        let given = collect(given.into_iter().flatten().collect())?;
        Ok(Some(GithubRequest {
            repository: repository.clone(),
            environment: self.github_environment.clone(),
            stack: StackRequest::github(family, self.github_stack.clone(), given)?,
        }))
    }
}
