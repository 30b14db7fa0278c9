//! `resolve`: correct the history by hand.

use super::{Context, Ended, Failed};
use crate::cli;
use engine::{Error, Force, Interrupt, Kind, Resolution, Resolve};
use migrations::Directory;
use protocol::DatabaseState;
use protocol::event::Outcome;

pub(super) async fn run(
    context: &Context<'_>,
    asked: &cli::Resolve,
    mut interrupt: Interrupt,
) -> Result<Ended, Failed> {
    let resolution = resolution(context, asked)?;
    let directory = match &resolution {
        Resolution::Environment(_) => Directory::default(),
        Resolution::Applied(_) | Resolution::RolledBack(_) | Resolution::Baseline(_) => {
            context.directory()?
        }
    };
    let found = context.database().await?;
    let force = match (context.prisma(), asked.force) {
        (true, _) => Force::Blind,
        (false, true) => Force::Yes,
        (false, false) => Force::No,
    };
    let scratch_server = context.scratch_server()?;
    let resolve = Resolve {
        connection: &found.settings,
        directory: &directory,
        resolution,
        force,
        scratch_server: scratch_server.as_ref(),
        lock_keys: &context.lock_keys(),
        lock_wait: context.options.wait.lock_wait,
    };
    engine::resolve(&resolve, &mut context.sink(found.source), &mut interrupt).await?;
    Ok(Ended {
        restore_point: None,
        outcome: Outcome::Done,
        applied: 0,
        pending: 0,
        // As after `exec`: what it left is what somebody said.
        database: DatabaseState::Unknown,
        msg: "recorded".to_owned(),
    })
}

/// Exactly one of the three; Prisma's words where those are asked for.
fn resolution(context: &Context<'_>, asked: &cli::Resolve) -> Result<Resolution, Error> {
    let prisma = context.prisma();
    let wrong = |prismas: &str, ours: &str| {
        let message = if prisma { prismas } else { ours };
        Error::new(Kind::Configuration, message).hint("`resolve --help` explains the three")
    };
    if let Some(name) = &asked.rename_environment {
        let others = [&asked.applied, &asked.rolled_back, &asked.baseline];
        if others.into_iter().any(Option::is_some) {
            return Err(wrong(
                "--rename-environment stands alone",
                "--rename-environment stands alone: nothing else is recorded with it",
            ));
        }
        return Ok(Resolution::Environment(name.clone()));
    }
    match (&asked.applied, &asked.rolled_back, &asked.baseline) {
        (Some(name), None, None) => Ok(Resolution::Applied(name.clone())),
        (None, Some(name), None) => Ok(Resolution::RolledBack(name.clone())),
        (None, None, Some(name)) => Ok(Resolution::Baseline(name.clone())),
        (None, None, None) => Err(wrong(
            "--applied or --rolled-back must be part of the command like:\n\
             prisma migrate resolve --applied 20201231000000_example\n\
             prisma migrate resolve --rolled-back 20201231000000_example",
            "nothing says what to record: --applied, --rolled-back or --baseline with a NAME",
        )),
        (_, _, _) => Err(wrong(
            "Pass either --applied or --rolled-back, not both.",
            "only one of --applied, --rolled-back and --baseline can be recorded at a time",
        )),
    }
}
