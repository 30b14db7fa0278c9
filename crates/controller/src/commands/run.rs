//! Owns `run`.

use super::arguments::{
    DefinitionArguments, EnvironmentArguments, FollowArguments, NetworkArguments, PlaceArguments,
};
use super::context::Context;
use super::definition;
use super::gate::Gate;
use super::network;
use super::request::{Order, request};
use crate::aws::{Aws, connect};
use crate::cli;
use crate::error::{Error, Kind};
use crate::infrastructure::is_bootstrap;
use crate::report::Report;
use crate::settings::{DefinitionSource, Flags, ImageChoice, Key, RunSettings};
use crate::task::{TaskNetwork, cancelled};
use crate::task_definition::Registered;
use clap::Args;
use protocol::env;

/// Run the migration as a one-off task, show its log, and end with its verdict
///
/// Green only when the named container ended by itself with exit code 0 and, for
/// ecs-migrate-runner, its last word says so. The container's exit code passes through; the page
/// docs/exit-codes.md lists our own.
#[derive(Debug, Args)]
#[group(id = "run")]
pub(crate) struct Arguments {
    #[command(flatten)]
    definition: DefinitionArguments,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    network: NetworkArguments,
    #[command(flatten)]
    whose: EnvironmentArguments,
    #[command(flatten)]
    follow: FollowArguments,
    /// How long to try to get the task started [default: 5m]
    #[arg(long, value_name = "DURATION")]
    capacity_timeout: Option<String>,
    /// While somebody else's run of the same family is in flight: wait, or fail with 87
    #[arg(long, value_name = "WHAT")]
    if_running: Option<String>,
    /// Environment variable of the container; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE")]
    pub(super) environment: Vec<String>,
    /// Invocations with the same key are one run [default: GITHUB_RUN_ID, else each its own]
    #[arg(long, value_name = "KEY")]
    run_key: Option<String>,
    /// Command of the container, instead of the image's own
    #[arg(last = true, value_name = "RUNNER ARGS")]
    pub(super) command: Vec<String>,
}

impl Arguments {
    pub(super) fn flags(&self) -> Flags {
        let mut flags = self.definition.flags();
        flags.extend(self.place.flags());
        flags.extend(self.network.flags());
        flags.extend(self.whose.flags());
        flags.extend(self.follow.flags());
        flags.extend(cli::flags([
            (Key::CapacityTimeout, &self.capacity_timeout),
            (Key::IfRunning, &self.if_running),
            (Key::RunKey, &self.run_key),
        ]));
        flags
    }
}

/// Everything that a run needs from AWS before it starts.
pub(super) struct Prepared {
    pub(super) aws: Aws,
    pub(super) definition: Registered,
    pub(super) container: String,
    pub(super) network: TaskNetwork,
}

/// Launches, follows, judges.
pub(super) async fn run(arguments: Arguments, context: Context<'_>) -> Result<u8, Error> {
    let settings = settings(&context)?;
    let environment = variables(&arguments.environment)?;
    if arguments.command.first().is_some_and(|word| word.trim().is_empty()) {
        return Err(Error::usage("the command after `--` is empty")
            .hinted("leave out `--` for the image's own command"));
    }
    let mut listener = context.signals.listen().map_err(|cause| {
        Error::new(Kind::Unexpected, "cannot listen to signals").caused_by(cause)
    })?;
    let report = context.report;
    let prepared = async {
        let aws = connect(context.aws, &context.access).await?;
        prepare(aws, &settings, report).await
    };
    let prepared = tokio::select! {
        biased;
        signal = listener.next() => return Err(cancelled(signal)),
        prepared = prepared => prepared?,
    };
    let order = Order { command: arguments.command, environment, process: &context.environment };
    let (identity, request) = request(&settings, &prepared, order);
    let gate =
        Gate { settings: &settings, prepared: &prepared, identity: &identity, pace: &context.pace };
    gate.pass(request, report, &mut listener).await
}

/// The settings, as far as they can be wrong before AWS is asked.
pub(super) fn settings(context: &Context<'_>) -> Result<RunSettings, Error> {
    let settings = RunSettings::resolve(&context.layers, &context.environment)?;
    if let DefinitionSource::Template { image, .. }
    | DefinitionSource::Existing { image: ImageChoice::Replace(image), .. } =
        &settings.definition
    {
        refuse_bootstrap(&image.value, &image.origin.to_string())?;
    }
    Ok(settings)
}

/// Looks up what the settings name, and registers what is new.
pub(super) async fn prepare(
    aws: Aws,
    settings: &RunSettings,
    report: &mut Report,
) -> Result<Prepared, Error> {
    let wanted = definition::find(&aws, &settings.definition, &settings.container).await?;
    let container = wanted.container.clone();
    if wanted.existing().is_none() {
        wanted.warn(report);
    }
    let definition = wanted.registered(&aws, report).await?;
    refuse_bootstrap(definition.document.image(&container), definition.short_name())?;
    let network = network::find(&aws, &settings.cluster.value, &settings.network).await?;
    network.say(report);
    let network = network.task_network;
    Ok(Prepared { aws, definition, container, network })
}

/// The first revision names an image that nobody pushed: its task would fail to pull it.
pub(super) fn refuse_bootstrap(image: &str, origin: &str) -> Result<(), Error> {
    if !is_bootstrap(image) {
        return Ok(());
    }
    Err(Error::usage(format!(
        "the image {image} ({origin}) is the placeholder that setup-infra registers"
    ))
    .hinted("push an image of your migrations and name it: --image REPOSITORY@sha256:…"))
}

/// The variables of `--env`. A message never holds a value: it may be a secret.
pub(super) fn variables(arguments: &[String]) -> Result<Vec<(String, String)>, Error> {
    arguments
        .iter()
        .enumerate()
        .map(|(position, argument)| match argument.split_once('=') {
            Some((env::RUN, _)) => {
                Err(Error::usage(format!("--env must not set {}: it is ours", env::RUN)))
            }
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            Some(_) | None => {
                Err(Error::usage(format!("--env number {} is not NAME=VALUE", position + 1)))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_names_with_values_and_errors_do_not_show_them() {
        let found = variables(&["A=1".to_owned(), "B=x=y".to_owned(), "C=".to_owned()]);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(found.unwrap(), [pair("A", "1"), pair("B", "x=y"), pair("C", "")]);
        let error = variables(&["A=1".to_owned(), "hunter2".to_owned()]).unwrap_err();
        assert_eq!(error.to_string(), "--env number 2 is not NAME=VALUE");
        assert!(variables(&["ECS_MIGRATE_RUN=x".to_owned()]).is_err());
    }
}
