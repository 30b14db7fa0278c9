//! Owns `register`.

use super::arguments::DefinitionArguments;
use super::context::Context;
use super::definition;
use crate::aws::connect;
use crate::cli;
use crate::error::Error;
use crate::report::Event;
use crate::settings::{Flags, Key, RegisterSettings};
use clap::Args;

/// Register a task definition, unless the newest revision is the same, and print its ARN
///
/// The template is an ordinary task definition as JSON; the output of `aws ecs
/// describe-task-definition` and the JSON of the console work too. Its fields are kept as they are, and
/// the image of the container is replaced, a tag by the digest that its registry names. What a migration
/// would be better with is said as warnings.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    definition: DefinitionArguments,
    /// Container whose image is replaced; needed when the definition has several
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// What the container runs: auto, runner or plain; `runner` gives it the label that makes it known
    #[arg(long, value_name = "WHAT")]
    expect: Option<String>,
    /// Show what would change, and register nothing
    #[arg(long)]
    diff: bool,
}

impl Arguments {
    pub(super) fn flags(&self) -> Flags {
        let mut flags = self.definition.flags();
        flags.extend(cli::flags([(Key::Container, &self.container), (Key::Expect, &self.expect)]));
        flags
    }
}

/// Registers, or shows what would change.
pub(super) async fn register(arguments: &Arguments, context: Context<'_>) -> Result<u8, Error> {
    let settings = RegisterSettings::resolve(&context.layers)?;
    let aws = connect(context.aws, &context.access).await?;
    let wanted = definition::find(
        (&aws, &context.tags),
        &settings.definition,
        (&settings.container, settings.expect),
    )
    .await?;
    wanted.warn(context.report);
    if arguments.diff {
        let changes = wanted.changes().to_vec();
        context.report.emit(&Event::Differences(changes));
        return Ok(0);
    }
    let registered = wanted.registered(&aws, context.report).await?;
    context.report.emit(&Event::Data(registered.arn));
    Ok(0)
}
