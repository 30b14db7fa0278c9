//! `resolve`: correct the history by hand.

use super::{Context, Ended, Failed};
use crate::cli;
use engine::{Error, Force, Interrupt, Kind, Resolution, Resolve};
use protocol::event::Outcome;

pub(super) async fn run(
    context: &Context<'_>,
    asked: &cli::Resolve,
    mut interrupt: Interrupt,
) -> Result<Ended, Failed> {
    let directory = context.directory()?;
    let found = context.database().await?;
    let (resolution, msg) = match (&asked.applied, &asked.rolled_back, &asked.baseline) {
        (Some(name), _, _) => {
            (Resolution::Applied(name.clone()), format!("`{name}` is marked as applied"))
        }
        (_, Some(name), _) => {
            (Resolution::RolledBack(name.clone()), format!("`{name}` is marked as rolled back"))
        }
        (_, _, Some(name)) => (
            Resolution::Baseline(name.clone()),
            format!("everything up to `{name}` is marked as applied"),
        ),
        (None, None, None) => {
            return Err(Error::new(Kind::Configuration, "nothing to resolve is named").into());
        }
    };
    let force = match (context.prisma(), asked.force) {
        (true, _) => Force::Blind,
        (false, true) => Force::Yes,
        (false, false) => Force::No,
    };
    let resolve = Resolve {
        connection: &found.settings,
        directory: &directory,
        resolution,
        force,
        lock_keys: &context.lock_keys(),
        lock_wait: context.options.lock_wait,
    };
    engine::resolve(&resolve, &mut context.sink(found.source), &mut interrupt).await?;
    Ok(Ended { outcome: Outcome::Done, applied: 0, pending: 0, msg })
}
