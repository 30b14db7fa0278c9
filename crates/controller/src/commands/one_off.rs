//! Owns the runner's commands as tasks of their own, through the same gate: `status`, `resolve`,
//! `exec`. They have no key, so each is its own, and nobody waits for it; what keeps two changes
//! apart is the lock in the database.

use super::arguments::{
    DefinitionArguments, EnvironmentArguments, FollowArguments, NetworkArguments, PlaceArguments,
};
use super::context::Context;
use super::gate::Gate;
use super::known::require_runner;
use super::on_call;
use super::order::Words;
use super::request::{Order, request};
use super::run;
use crate::aws::connect;
use crate::cli;
use crate::error::Error;
use crate::report::{Event, OnCall};
use crate::settings::{FamilyChoice, Flags, Key, Layers, RunKey, RunSettings};
use crate::task::{Asked, Conclusion, Nothing, cancelled};
use clap::Args;
use protocol::RunnerCommand;

/// Where and how a task of its own runs.
#[derive(Debug, Args)]
pub(super) struct TaskArguments {
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
    /// Environment variable of the container; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE")]
    environment: Vec<String>,
}

impl TaskArguments {
    pub(super) fn flags(&self) -> Flags {
        let mut flags = self.definition.flags();
        flags.extend(self.place.flags());
        flags.extend(self.network.flags());
        flags.extend(self.whose.flags());
        flags.extend(self.follow.flags());
        flags.extend(cli::flags([(Key::CapacityTimeout, &self.capacity_timeout)]));
        flags
    }
}

/// Asks the runner, in these words; the answer is the exit code.
pub(super) async fn one_off(
    (command, words): (RunnerCommand, Vec<String>),
    arguments: &TaskArguments,
    context: Context<'_>,
) -> Result<u8, Error> {
    let layers = with_definition(context.layers)?;
    let settings =
        RunSettings { key: RunKey::Task, ..RunSettings::resolve(&layers, &context.environment)? };
    let environment = run::variables(&arguments.environment)?;
    let mut listener = context.signals.listen().map_err(Error::no_signals)?;
    let report = context.report;
    report.emit(&Event::Secrets(run::secrets(&environment)));
    let prepared = async {
        let aws = connect(context.aws, &context.access).await?;
        let prepared = run::prepare(aws, &settings, report).await?;
        require_runner(&prepared, command).await?;
        Ok::<_, Error>(prepared)
    };
    let prepared = tokio::select! {
        biased;
        signal = listener.next() => return Err(cancelled(signal)),
        prepared = prepared => prepared?,
    };
    let words = Words::Runner(words);
    let asked = Asked::Answer(command);
    let order =
        Order { words, asked, services: Vec::new(), environment, process: &context.environment };
    let (identity, request) = request(&settings, &prepared, order);
    let gate = Gate {
        settings: &settings,
        prepared: &prepared,
        identity: &identity,
        pace: &context.pace,
        asked,
        before: &Nothing,
    };
    let conclusion: Conclusion = gate.follow(request, report, &mut listener).await?;
    let code = conclusion.exit_code;
    let migrations = conclusion.looked.migrations.clone();
    if !migrations.is_empty() {
        report.emit(&Event::OnCall(Box::new(OnCall::Migrations(migrations))));
    }
    report.emit(&Event::Concluded(Box::new(conclusion)));
    Ok(code)
}

/// A template without an image means the family that is registered already: whoever looks at a
/// database from a laptop has no image to name.
fn with_definition(layers: Layers) -> Result<Layers, Error> {
    let choice = FamilyChoice::of(&layers);
    match &choice {
        FamilyChoice::OfTemplate(_) if !layers.has_image() => {
            let family = on_call::family_name(&choice)?;
            Ok(family.map_or(layers.clone(), |family| layers.with_registered(&family)))
        }
        FamilyChoice::OfTemplate(_) | FamilyChoice::Registered(_) | FamilyChoice::Unsaid => {
            Ok(layers)
        }
    }
}
