//! `exec`: any command under our lock, and only ours: a wrapped `prisma migrate` takes its own.

use super::{Context, Ended, Failed};
use crate::cli::Wrapped;
use crate::process::mask::Mask;
use crate::process::program::Program;
use crate::process::supervise::{self, Surroundings};
use engine::{ConnectionSettings, Error, Hold, Interrupt, Kind, Sink};
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
    let mut sink = context.sink(found.source);
    let lock = (context.options.lock_key, context.options.lock_wait);
    let mut hold = Hold::acquire(&found.settings, lock, &mut sink, &mut interrupt).await?;
    let ended =
        under_lock(context, program, &found.settings, (&mut hold, &mut sink), &interrupt).await;
    hold.release().await;
    let (name, ending) = ended?;
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

/// Runs the program; its credentials are fetched when it is its turn, because a token for the
/// database is over after a quarter of an hour.
async fn under_lock(
    context: &Context<'_>,
    program: Program,
    settings: &ConnectionSettings,
    (hold, sink): (&mut Hold, &mut dyn Sink),
    interrupt: &Interrupt,
) -> Result<(String, supervise::Ending), Error> {
    let address = context.address(settings, context.child_url()).await?;
    if interrupt.requested() {
        let message = "interrupted before the command was started";
        return Err(Error::new(Kind::Interrupted, message));
    }
    let program = program.with(&address.variables());
    let mask = Mask::new(address.secrets());
    let surroundings = Surroundings {
        emitter: context.emitter,
        mask: &mask,
        grace: context.options.grace,
        guard: context.guard(settings, &address),
    };
    let ending = supervise::run(&program, &surroundings, hold, sink).await?;
    Ok((program.name, ending))
}
