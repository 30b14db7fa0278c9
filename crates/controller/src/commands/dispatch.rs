//! Owns the way from a command line to its command.

use super::context::Context;
use super::{attach, cancel, doctor, register, run, setup_infra};
use crate::cli::CommandLine;
use crate::error::Error;
use crate::report::{Format, Report};
use crate::settings::{Flags, Key, Layers};
use crate::surroundings::Surroundings;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    SetupInfra(Box<setup_infra::Arguments>),
    Doctor(Box<doctor::Arguments>),
    Register(register::Arguments),
    Run(Box<run::Arguments>),
    Attach(attach::Arguments),
    Cancel(cancel::Arguments),
}

impl Command {
    fn flags(&self) -> Flags {
        match self {
            Self::SetupInfra(arguments) => arguments.flags(),
            Self::Doctor(arguments) => arguments.flags(),
            Self::Register(arguments) => arguments.flags(),
            Self::Run(arguments) => arguments.flags(),
            Self::Attach(arguments) => arguments.flags(),
            Self::Cancel(arguments) => arguments.flags(),
        }
    }

    /// Whether it ends with the result of a run, which `--on-finish` is told.
    const fn has_result(&self) -> bool {
        match self {
            Self::Run(_) | Self::Attach(_) => true,
            Self::SetupInfra(_) | Self::Doctor(_) | Self::Register(_) | Self::Cancel(_) => false,
        }
    }
}

/// Runs a command; the answer is the process's exit code.
pub(crate) async fn dispatch(
    command_line: CommandLine,
    surroundings: Surroundings,
    report: &mut Report,
) -> Result<u8, Error> {
    let CommandLine { global, command } = command_line;
    let mut flags = global.flags();
    flags.extend(command.flags());
    let layers = Layers::read(flags, global.config.as_deref(), &surroundings.environment)?;
    report.choose(Format::of(layers.output()?, &surroundings.environment));
    if command.has_result()
        && let Some(told) = layers.find(Key::OnFinish)
    {
        report.tell_at_the_end(told.value);
    }
    let context = Context {
        access: layers.access(&surroundings.environment),
        layers,
        environment: surroundings.environment,
        aws: surroundings.aws,
        signals: surroundings.signals,
        questions: surroundings.questions,
        pace: surroundings.pace,
        report,
    };
    match command {
        Command::SetupInfra(arguments) => setup_infra::setup_infra(&arguments, context).await,
        Command::Doctor(arguments) => doctor::doctor(&arguments, context).await,
        Command::Register(arguments) => register::register(&arguments, context).await,
        Command::Run(arguments) => run::run(*arguments, context).await,
        Command::Attach(arguments) => attach::attach(arguments, context).await,
        Command::Cancel(arguments) => cancel::cancel(arguments, context).await,
    }
}
