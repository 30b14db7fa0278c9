//! `start`: bring the database up to date, then become the application.

use super::{Context, Ended, Failed, deploy};
use crate::cli::{ChildUrl, Wrapped};
use crate::process::program::Program;
use engine::{Interrupt, Turn};

pub(super) async fn run(
    context: &Context<'_>,
    wrapped: &Wrapped,
    interrupt: Interrupt,
) -> Result<(Ended, Program), Failed> {
    let mut program = Program::find(&wrapped.command, context.environment.path())?;
    let ended = deploy::in_turn(context, Turn::IfNeeded, interrupt).await?;
    // The application's environment is its own, unless somebody wants it otherwise.
    if let Some(dialect) = context.options.child_url.filter(|dialect| *dialect != ChildUrl::Keep) {
        let found = context.database().await?;
        let address = context.address(&found.settings, dialect).await?;
        program = program.with(&address.variables());
    }
    let msg = format!("{}; becoming `{}`", ended.msg, program.name);
    Ok((Ended { msg, ..ended }, program))
}
