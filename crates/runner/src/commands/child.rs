//! Owns running a program that gets the database's address, under the lock.

use super::Context;
use crate::process::mask::Mask;
use crate::process::program::Program;
use crate::process::supervise::{self, Ending, Surroundings};
use engine::{ConnectionSettings, Error, Hold, Interrupt, Kind, Sessions, Sink};

/// Runs it. Its address is made when it is its turn: a token of IAM for the database is over after a
/// quarter of an hour.
pub(super) async fn run(
    context: &Context<'_>,
    (program, settings): (Program, &ConnectionSettings),
    (hold, sink): (&mut Hold, &mut dyn Sink),
    interrupt: &Interrupt,
) -> Result<Ending, Error> {
    let address = context.address(settings, context.child_url()).await?;
    hold.share().await?;
    let guard = context.guard(settings, &address);
    let mut lookout = guard.open(hold.hand(), sink, &mut interrupt.clone()).await;
    if interrupt.requested() {
        let message = format!("interrupted before `{}` was started", program.name);
        return Err(Error::new(Kind::Interrupted, message));
    }
    let name = program.name.clone();
    let mask = Mask::new(address.secrets());
    let surroundings =
        Surroundings { emitter: context.emitter, mask: &mask, grace: context.options.child.grace };
    let program = program.with(&address.variables());
    let watched = (&mut *hold, &mut lookout);
    let ending = supervise::run(&program, &surroundings, watched, sink).await?;
    // Its server may go on with what it was asked for.
    let sessions = Sessions {
        application_name: &address.application_name,
        ports: ending.ports.iter().copied().collect(),
    };
    hold.end_sessions(&sessions, sink).await;
    // While both hands have hold of it.
    let kept = hold.kept().await;
    lookout.close().await;
    let ended_well = ending.stopped.is_none() && ending.exit.code() == 0;
    match kept {
        Err(error) if ended_well => {
            let message = format!("`{name}` ended well, but {}", error.message);
            Err(Error { message, ..error })
        }
        // How it ended is red in any case, and says more.
        Ok(()) | Err(_) => Ok(ending),
    }
}
