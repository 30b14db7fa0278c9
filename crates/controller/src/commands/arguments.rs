//! Owns the flags that several commands share.

use crate::cli::flags;
use crate::settings::{Flags, Key};
use clap::Args;

/// Which task definition.
#[derive(Debug, Args)]
pub(crate) struct DefinitionArguments {
    /// Registered task definition: family, family:revision or ARN
    #[arg(long, value_name = "NAME", conflicts_with = "template")]
    task_definition: Option<String>,
    /// File with a task definition as JSON
    #[arg(long, value_name = "FILE")]
    template: Option<String>,
    /// Image that the container runs, best as repository@sha256:…
    #[arg(long, value_name = "URI")]
    image: Option<String>,
}

impl DefinitionArguments {
    pub(crate) fn flags(&self) -> Flags {
        flags([
            (Key::TaskDefinition, &self.task_definition),
            (Key::Template, &self.template),
            (Key::Image, &self.image),
        ])
    }
}

/// Which cluster and container.
#[derive(Debug, Args)]
pub(crate) struct PlaceArguments {
    /// Name or ARN of the cluster
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Container that decides; needed when the definition has several
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
}

impl PlaceArguments {
    pub(crate) fn flags(&self) -> Flags {
        flags([(Key::Cluster, &self.cluster), (Key::Container, &self.container)])
    }
}

/// Which network and capacity.
#[derive(Debug, Args)]
pub(crate) struct NetworkArguments {
    /// Subnets of the task, separated by commas
    #[arg(long, value_name = "IDS")]
    subnets: Option<String>,
    /// Security groups of the task, separated by commas
    #[arg(long, value_name = "IDS")]
    security_groups: Option<String>,
    /// Give the task a public address, for subnets that reach AWS only through an internet gateway
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    assign_public_ip: Option<String>,
    /// Use the network of this service; while it does not exist, the subnets that are set
    #[arg(long, value_name = "SERVICE")]
    network_from: Option<String>,
    /// Capacity provider instead of launch type FARGATE
    #[arg(long, value_name = "NAME")]
    capacity_provider: Option<String>,
}

impl NetworkArguments {
    pub(crate) fn flags(&self) -> Flags {
        flags([
            (Key::Subnets, &self.subnets),
            (Key::SecurityGroups, &self.security_groups),
            (Key::AssignPublicIp, &self.assign_public_ip),
            (Key::NetworkFrom, &self.network_from),
            (Key::CapacityProvider, &self.capacity_provider),
        ])
    }
}

/// Whose database it is.
#[derive(Debug, Args)]
pub(crate) struct EnvironmentArguments {
    /// Name of the environment, e.g. production: a database that bears another one is refused
    #[arg(long = "environment", value_name = "NAME")]
    environment_name: Option<String>,
}

impl EnvironmentArguments {
    pub(crate) fn flags(&self) -> Flags {
        flags([(Key::Environment, &self.environment_name)])
    }
}

/// How to follow the task.
#[derive(Debug, Args)]
pub(crate) struct FollowArguments {
    /// Stop the task after this time, e.g. 30m; none by default
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// What a signal means for the task: stop or detach
    #[arg(long, value_name = "WHAT")]
    on_cancel: Option<String>,
    /// What the container runs: auto, runner or plain
    #[arg(long, value_name = "WHAT")]
    expect: Option<String>,
    /// Shell command that gets the result as JSON on its standard input, after the verdict
    #[arg(long, value_name = "COMMAND")]
    on_finish: Option<String>,
}

impl FollowArguments {
    pub(crate) fn flags(&self) -> Flags {
        flags([
            (Key::Timeout, &self.timeout),
            (Key::OnCancel, &self.on_cancel),
            (Key::Expect, &self.expect),
            (Key::OnFinish, &self.on_finish),
        ])
    }
}

/// Whether the run is written as a page.
#[derive(Debug, Args)]
pub(crate) struct PageArguments {
    /// Write all of it as one HTML file, to attach to a ticket
    #[arg(long, value_name = "FILE")]
    report: Option<String>,
}

impl PageArguments {
    pub(crate) fn flags(&self) -> Flags {
        flags([(Key::Report, &self.report)])
    }
}
