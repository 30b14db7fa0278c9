//! Owns `resolve`.

use super::context::Context;
use super::one_off::{TaskArguments, one_off};
use crate::error::Error;
use crate::settings::Flags;
use clap::Args;
use protocol::RunnerCommand;

/// Correct the history by hand, by the runner's `resolve` as a task of its own
///
/// The runner looks into the database first, and refuses what it contradicts.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    what: What,
    /// Record it even if the database contradicts it
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    task: TaskArguments,
}

/// Exactly one of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// This migration is in the database
    #[arg(long, value_name = "NAME")]
    applied: Option<String>,
    /// Nothing of this migration is in the database
    #[arg(long, value_name = "NAME")]
    rolled_back: Option<String>,
    /// Everything up to this migration is in a database that has no history yet
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
    /// The database is this environment's from now on, e.g. a copy of another one's; say --environment
    /// with the name that it bears
    #[arg(long, value_name = "NAME")]
    rename_environment: Option<String>,
}

impl Arguments {
    pub(super) fn flags(&self) -> Flags {
        self.task.flags()
    }

    fn command(&self) -> Vec<String> {
        let what = [
            ("--applied", &self.what.applied),
            ("--rolled-back", &self.what.rolled_back),
            ("--baseline", &self.what.baseline),
            ("--rename-environment", &self.what.rename_environment),
        ];
        // One word each: a name that begins with a dash stays a name.
        let what =
            what.into_iter().filter_map(|(flag, name)| Some(format!("{flag}={}", name.as_ref()?)));
        let force = self.force.then(|| "--force".to_owned());
        ["resolve".to_owned()].into_iter().chain(what).chain(force).collect()
    }
}

/// Tells the runner.
pub(super) async fn resolve(arguments: Arguments, context: Context<'_>) -> Result<u8, Error> {
    if arguments.command().iter().any(|word| word.ends_with('=')) {
        return Err(
            Error::usage("the name is empty").hinted("`ecs-migrate status` lists the names")
        );
    }
    one_off((RunnerCommand::Resolve, arguments.command()), &arguments.task, context).await
}
