//! Owns the way from a command line to its command.

use super::context::Context;
use super::on_call::{explain, logs, runs};
use super::pin::Tags;
use super::{
    attach, cancel, changes, check, completions, deploy_service, doctor, exec, image, man,
    register, release, resolve, run, setup_infra, status,
};
use crate::cli::CommandLine;
use crate::error::Error;
use crate::report::{Format, PageFile, Report};
use crate::settings::{Flags, Key, Layers};
use crate::surroundings::Surroundings;
use clap::Subcommand;
use protocol::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    SetupInfra(Box<setup_infra::Arguments>),
    Doctor(Box<doctor::Arguments>),
    Register(register::Arguments),
    Run(Box<run::Arguments>),
    Release(Box<release::Arguments>),
    DeployService(Box<deploy_service::Arguments>),
    Image(image::Arguments),
    Attach(attach::Arguments),
    Cancel(cancel::Arguments),
    Changes(changes::Arguments),
    Check(check::Arguments),
    Logs(logs::Arguments),
    Runs(runs::Arguments),
    Explain(explain::Arguments),
    Status(Box<status::Arguments>),
    Resolve(Box<resolve::Arguments>),
    Exec(Box<exec::Arguments>),
    Completions(completions::Arguments),
    #[command(hide = true)]
    Man(man::Arguments),
}

impl Command {
    fn flags(&self) -> Flags {
        match self {
            Self::SetupInfra(arguments) => arguments.flags(),
            Self::Doctor(arguments) => arguments.flags(),
            Self::Register(arguments) => arguments.flags(),
            Self::Run(arguments) => arguments.flags(),
            Self::Release(arguments) => arguments.flags(),
            Self::DeployService(arguments) => arguments.flags(),
            Self::Image(arguments) => arguments.flags(),
            Self::Attach(arguments) => arguments.flags(),
            Self::Cancel(arguments) => arguments.flags(),
            Self::Changes(_) | Self::Check(_) => Flags::new(),
            Self::Logs(arguments) => arguments.flags(),
            Self::Runs(arguments) => arguments.flags(),
            Self::Explain(arguments) => arguments.flags(),
            Self::Status(arguments) => arguments.flags(),
            Self::Resolve(arguments) => arguments.flags(),
            Self::Exec(arguments) => arguments.flags(),
            Self::Completions(_) | Self::Man(_) => Flags::new(),
        }
    }

    /// As it is typed.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::SetupInfra(_) => "setup-infra",
            Self::Doctor(_) => "doctor",
            Self::Register(_) => "register",
            Self::Run(_) => "run",
            Self::Release(_) => "release",
            Self::DeployService(_) => "deploy-service",
            Self::Image(_) => "image",
            Self::Attach(_) => "attach",
            Self::Cancel(_) => "cancel",
            Self::Changes(_) => "changes",
            Self::Check(_) => "check",
            Self::Logs(_) => "logs",
            Self::Runs(_) => "runs",
            Self::Explain(_) => "explain",
            Self::Status(_) => "status",
            Self::Resolve(_) => "resolve",
            Self::Exec(_) => "exec",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }

    /// Whether it ends with the result of a run, which `--on-finish` is told.
    const fn has_result(&self) -> bool {
        match self {
            Self::Run(_) | Self::Release(_) | Self::DeployService(_) | Self::Attach(_) => true,
            Self::SetupInfra(_)
            | Self::Doctor(_)
            | Self::Register(_)
            | Self::Image(_)
            | Self::Cancel(_)
            | Self::Changes(_)
            | Self::Check(_)
            | Self::Logs(_)
            | Self::Runs(_)
            | Self::Explain(_)
            | Self::Status(_)
            | Self::Resolve(_)
            | Self::Exec(_)
            | Self::Completions(_)
            | Self::Man(_) => false,
        }
    }
}

/// What `--report` is about.
const fn has_page(command: &Command) -> bool {
    matches!(
        command,
        Command::Run(_) | Command::Release(_) | Command::Attach(_) | Command::Explain(_)
    )
}

/// Runs a command; the answer is the process's exit code.
pub(crate) async fn dispatch(
    command_line: CommandLine,
    surroundings: Surroundings,
    report: &mut Report,
) -> Result<u8, Error> {
    let CommandLine { global, command } = command_line;
    // They need no settings, and a broken settings file does not stop them.
    if let Command::Completions(arguments) = &command {
        completions::completions(arguments, report);
        return Ok(ExitCode::Success.code());
    }
    if let Command::Man(arguments) = &command {
        man::man(arguments, report)?;
        return Ok(ExitCode::Success.code());
    }
    let mut flags = global.flags();
    flags.extend(command.flags());
    let layers = Layers::read(flags, global.config.as_deref(), &surroundings.environment)?;
    report.choose(Format::of(layers.output()?, &surroundings.environment));
    if command.has_result()
        && let Some(told) = layers.find(Key::OnFinish)
    {
        report.tell_at_the_end(told.value);
    }
    if has_page(&command)
        && let Some(path) = layers.find(Key::Report)
    {
        report.write_a_page(PageFile::at(&path.value)?, surroundings.clock.clone());
    }
    let context = Context {
        access: layers.access(&surroundings.environment)?,
        layers,
        tags: Tags::new(&surroundings.environment, surroundings.registries),
        environment: surroundings.environment,
        aws: surroundings.aws,
        signals: surroundings.signals,
        questions: surroundings.questions,
        pace: surroundings.pace,
        clock: surroundings.clock,
        report,
    };
    match command {
        Command::SetupInfra(arguments) => setup_infra::setup_infra(&arguments, context).await,
        Command::Doctor(arguments) => doctor::doctor(&arguments, context).await,
        Command::Register(arguments) => register::register(&arguments, context).await,
        Command::Run(arguments) => Box::pin(run::run(*arguments, context)).await,
        Command::Release(arguments) => Box::pin(release::release(*arguments, context)).await,
        Command::DeployService(arguments) => {
            deploy_service::deploy_service(*arguments, context).await
        }
        Command::Image(arguments) => image::image(arguments, context).await,
        Command::Attach(arguments) => attach::attach(arguments, context).await,
        Command::Cancel(arguments) => cancel::cancel(arguments, context).await,
        Command::Changes(arguments) => changes::changes(arguments, context).await,
        Command::Check(arguments) => check::check(arguments, context).await,
        Command::Logs(arguments) => logs::logs(arguments, context).await,
        Command::Runs(arguments) => runs::runs(arguments, context).await,
        Command::Explain(arguments) => explain::explain(arguments, context).await,
        Command::Status(arguments) => status::status(*arguments, context).await,
        Command::Resolve(arguments) => resolve::resolve(*arguments, context).await,
        Command::Exec(arguments) => exec::exec(*arguments, context).await,
        Command::Completions(_) | Command::Man(_) => Ok(ExitCode::Success.code()),
    }
}
