//! `exec`: any command under our lock, and only ours: a wrapped `prisma migrate` takes its own.

use super::{Context, Ended, Failed, child};
use crate::cli::Exec;
use crate::process::program::Program;
use engine::{Error, Hold, Interrupt, Kind};
use protocol::DatabaseState;
use protocol::event::Outcome;

pub(super) async fn run(
    context: &Context<'_>,
    asked: &Exec,
    mut interrupt: Interrupt,
) -> Result<Ended, Failed> {
    let program = Program::find(&asked.wrapped.command, context.environment.path())?;
    let found = tokio::select! {
        found = context.database() => found?,
        () = interrupt.wait() => {
            return Err(Error::new(Kind::Interrupted, "interrupted while looking for the database").into());
        }
    };
    let mut sink = context.sink(found.source);
    let lock = (context.options.key.lock_key, context.options.wait.lock_wait);
    let mut hold = Hold::acquire(&found.settings, lock, &mut sink, &mut interrupt).await?;
    let name = program.name.clone();
    let child = (program, &found.settings);
    let ended = child::run(context, child, (&mut hold, &mut sink), &interrupt).await;
    hold.release().await;
    let ending = ended?;
    if ending.stopped.is_some() || ending.exit.code() != 0 {
        return Err(Failed::of_command(ending, &format!("`{name}`")));
    }
    Ok(Ended {
        restore_point: None,
        outcome: Outcome::Done,
        applied: 0,
        pending: 0,
        // Only the command knows.
        database: DatabaseState::Unknown,
        msg: format!("`{name}` ended well"),
    })
}
