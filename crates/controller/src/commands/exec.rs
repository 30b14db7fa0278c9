//! Owns `exec`.

use super::context::Context;
use super::one_off::{TaskArguments, one_off};
use crate::error::Error;
use crate::settings::Flags;
use clap::Args;
use protocol::RunnerCommand;

/// Run any command of the image under the migration's lock, by the runner's `exec`
///
/// Its output is shown as it comes, and its exit code passes through. It finds the database in
/// `DATABASE_URL` and PG*. There is no shell in between.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    task: TaskArguments,
    /// The program and its arguments
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,
}

impl Arguments {
    pub(super) fn flags(&self) -> Flags {
        self.task.flags()
    }
}

/// Runs the command.
pub(super) async fn exec(arguments: Arguments, context: Context<'_>) -> Result<u8, Error> {
    if arguments.command.iter().all(|word| word.trim().is_empty()) {
        return Err(Error::usage("no command is given")
            .hinted("put it after two dashes: `ecs-migrate exec -- npx prisma db seed`"));
    }
    let command = ["exec", "--"].into_iter().map(str::to_owned).chain(arguments.command);
    one_off((RunnerCommand::Exec, command.collect()), &arguments.task, context).await
}
