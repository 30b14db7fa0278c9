//! Owns `status`.

use super::context::Context;
use super::one_off::{TaskArguments, one_off};
use crate::error::Error;
use crate::report::{LogForm, LogView};
use crate::settings::Flags;
use clap::Args;
use protocol::RunnerCommand;

/// Say what is applied, pending or different, by the runner's `status` as a task of its own
///
/// Changes nothing. Exit code 0 when the history is as it should be, 12 or 13 when it is not.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    task: TaskArguments,
}

impl Arguments {
    pub(super) fn flags(&self) -> Flags {
        self.task.flags()
    }
}

/// Asks the runner.
pub(super) async fn status(arguments: Arguments, context: Context<'_>) -> Result<u8, Error> {
    context.report.show_log_through(LogView { form: LogForm::BesideTable, ..LogView::default() });
    one_off((RunnerCommand::Status, vec!["status".to_owned()]), &arguments.task, context).await
}
