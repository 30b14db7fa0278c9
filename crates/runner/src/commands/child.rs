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
    if interrupt.requested() {
        let message = format!("interrupted before `{}` was started", program.name);
        return Err(Error::new(Kind::Interrupted, message));
    }
    let mask = Mask::new(address.secrets());
    let surroundings = Surroundings {
        emitter: context.emitter,
        mask: &mask,
        grace: context.options.child.grace,
        guard: context.guard(settings, &address),
    };
    let ending =
        supervise::run(&program.with(&address.variables()), &surroundings, hold, sink).await?;
    // Its server may go on with what it was asked for.
    let sessions = Sessions {
        application_name: &address.application_name,
        ports: ending.ports.iter().copied().collect(),
    };
    hold.end_sessions(&sessions, sink).await;
    Ok(ending)
}
