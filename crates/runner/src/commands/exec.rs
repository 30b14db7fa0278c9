//! `exec`: any command under our lock, and only ours: a wrapped `prisma migrate` takes its own.

use super::{Context, Ended, Failed};
use crate::cli::Wrapped;
use crate::process::mask::Mask;
use crate::process::program::Program;
use crate::process::supervise::{self, Surroundings};
use engine::{Error, Hold, Interrupt, Kind};
use protocol::DatabaseState;
use protocol::event::Outcome;

pub(super) async fn run(
    context: &Context<'_>,
    wrapped: &Wrapped,
    mut interrupt: Interrupt,
) -> Result<Ended, Failed> {
    let program = Program::find(&wrapped.command, context.environment.path())?;
    let found = tokio::select! {
        found = context.database() => found?,
        () = interrupt.wait() => {
            return Err(Error::new(Kind::Interrupted, "interrupted while looking for the database").into());
        }
    };
    let address = context.address(&found.settings, context.child_url()).await?;
    let program = program.with(&address.variables());
    let mask = Mask::new(address.secrets());
    let surroundings = Surroundings {
        emitter: context.emitter,
        mask: &mask,
        grace: context.options.grace,
        guard: context.guard(&found.settings, &address),
    };
    let mut sink = context.sink(found.source);
    let lock = (context.options.lock_key, context.options.lock_wait);
    let mut hold = Hold::acquire(&found.settings, lock, &mut sink, &mut interrupt).await?;
    let ended = if interrupt.requested() {
        Err(Error::new(Kind::Interrupted, "interrupted before the command was started"))
    } else {
        supervise::run(&program, &surroundings, &mut hold, &mut sink).await
    };
    hold.release().await;
    let ending = ended?;
    if ending.stopped.is_some() || ending.exit.code() != 0 {
        return Err(Failed::of_command(ending, &format!("`{}`", program.name)));
    }
    Ok(Ended {
        restore_point: None,
        outcome: Outcome::Done,
        applied: 0,
        pending: 0,
        // Only the command knows.
        database: DatabaseState::Unknown,
        msg: format!("`{}` ended well", program.name),
    })
}
