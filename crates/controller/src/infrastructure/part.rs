//! Owns the parts of the infrastructure that may exist already: what they are called, and which
//! parameter of the template says that they do.

use crate::aws::AwsError;

/// A part that the stack makes or finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Cluster,
    Repository,
    LogGroup,
    ExecutionRole,
    TaskRole,
    SecurityGroup,
    Provider,
    DeployRole,
}

/// Whether something exists, whoever made it.
#[derive(Debug, Clone)]
pub(crate) enum Presence {
    /// With its ARN, or its id where it has no ARN.
    There(String),
    Absent,
    /// A right is missing.
    Unknown(Box<AwsError>),
}

/// How the template is told that a part exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    /// `true` makes it, `false` takes the one of that name.
    Flag(&'static str),
    /// Empty makes it, an ARN or id takes that one.
    Existing(&'static str),
}

impl Part {
    /// The parts of the migration's own stack.
    pub(crate) const OF_MIGRATION: [Self; 6] = [
        Self::Cluster,
        Self::Repository,
        Self::LogGroup,
        Self::ExecutionRole,
        Self::TaskRole,
        Self::SecurityGroup,
    ];

    /// The parts of GitHub's stack.
    pub(crate) const OF_GITHUB: [Self; 2] = [Self::Provider, Self::DeployRole];

    /// Its name in the template.
    pub(crate) const fn logical_id(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::Repository => "Repository",
            Self::LogGroup => "LogGroup",
            Self::ExecutionRole => "ExecutionRole",
            Self::TaskRole => "TaskRole",
            Self::SecurityGroup => "SecurityGroup",
            Self::Provider => "Provider",
            Self::DeployRole => "DeployRole",
        }
    }

    /// What people call it.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Repository => "image repository",
            Self::LogGroup => "log group",
            Self::ExecutionRole => "execution role",
            Self::TaskRole => "task role",
            Self::SecurityGroup => "security group",
            Self::Provider => "GitHub identity provider",
            Self::DeployRole => "deploy role",
        }
    }

    /// The parameter with its name, where it has one of its own.
    pub(crate) const fn name_parameter(self) -> Option<&'static str> {
        match self {
            Self::Cluster => Some("ClusterName"),
            Self::Repository => Some("RepositoryName"),
            Self::LogGroup => Some("LogGroupName"),
            Self::ExecutionRole => Some("ExecutionRoleName"),
            Self::TaskRole => Some("TaskRoleName"),
            Self::DeployRole => Some("DeployRoleName"),
            Self::SecurityGroup | Self::Provider => None,
        }
    }

    /// The parameter that says whether it exists.
    pub(crate) const fn switch(self) -> Switch {
        match self {
            Self::Cluster => Switch::Flag("CreateCluster"),
            Self::Repository => Switch::Flag("CreateRepository"),
            Self::LogGroup => Switch::Flag("CreateLogGroup"),
            Self::ExecutionRole => Switch::Existing("ExistingExecutionRoleArn"),
            Self::TaskRole => Switch::Existing("ExistingTaskRoleArn"),
            Self::SecurityGroup => Switch::Existing("ExistingSecurityGroupId"),
            Self::Provider => Switch::Existing("ExistingProviderArn"),
            Self::DeployRole => Switch::Existing("ExistingDeployRoleArn"),
        }
    }

    /// Whether it outlives its stack.
    pub(crate) const fn is_retained(self) -> bool {
        matches!(self, Self::Cluster | Self::Repository | Self::LogGroup | Self::Provider)
    }

    /// The part behind a name in the template.
    pub(crate) fn of(logical_id: &str) -> Option<Self> {
        let all = Self::OF_MIGRATION.into_iter().chain(Self::OF_GITHUB);
        all.into_iter().find(|part| part.logical_id() == logical_id)
    }
}
