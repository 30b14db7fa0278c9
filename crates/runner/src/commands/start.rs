//! `start`: bring the database up to date, then become the application.

use super::{Context, Ended, Failed, deploy};
use crate::cli::{ChildUrl, Start};
use crate::process::program::Program;
use engine::{Interrupt, Turn};

pub(super) async fn run(
    context: &Context<'_>,
    asked: &Start,
    interrupt: Interrupt,
) -> Result<(Ended, Program), Failed> {
    let mut program = Program::find(&asked.wrapped.command, context.environment.path())?;
    let ended = deploy::in_turn(context, Turn::IfNeeded, interrupt).await?;
    // The application's environment is its own, unless somebody wants it otherwise.
    if let Some(dialect) =
        context.options.child.child_url.filter(|dialect| *dialect != ChildUrl::Keep)
    {
        let found = context.database().await?;
        let address = context.address(&found.settings, dialect).await?;
        program = program.with(&address.variables());
    }
    let msg = format!("{}; becoming `{}`", ended.msg, program.name);
    Ok((Ended { msg, ..ended }, program))
}
