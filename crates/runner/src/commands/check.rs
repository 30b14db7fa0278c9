//! `check`: what would stop a deployment, looked at from here. Takes no lock and writes nothing.

use super::{Context, Ended, Failed};
use crate::cli;
use crate::words::plural;
use engine::{Check, Error, Finding, Interrupt, Kind, Progress, Sink as _};
use protocol::DatabaseState;
use protocol::event::Outcome;

pub(super) async fn run(
    context: &Context<'_>,
    asked: &cli::Check,
    mut interrupt: Interrupt,
) -> Result<Ended, Failed> {
    let found = match context.database().await {
        Ok(found) => found,
        Err(error) => {
            context
                .sink(String::new())
                .emit(Progress::Finding(Finding::blocked_by("settings", &error)));
            return Err(blocked(1, 1).into());
        }
    };
    let server = context.scratch_server()?;
    let directory = context.directory();
    let mut sink = context.sink(found.source);
    let check = Check {
        connection: &found.settings,
        directory: directory.as_ref(),
        allowances: &context.allowances(),
        lock_keys: &context.lock_keys(),
        application: context.application(),
        drift: asked.drift.then(|| context.drift_search(server.as_ref())),
    };
    let tally = engine::check(&check, &mut sink, &mut interrupt).await?;
    if tally.blocking > 0 {
        return Err(Failed {
            pending: tally.pending,
            ..blocked(tally.blocking, tally.findings).into()
        });
    }
    Ok(Ended {
        restore_point: None,
        outcome: Outcome::Done,
        applied: 0,
        pending: tally.pending,
        database: DatabaseState::Unchanged,
        msg: format!(
            "nothing is in the way of a deployment ({} checked)",
            plural(tally.findings as u64, "thing")
        ),
    })
}

fn blocked(blocking: usize, of: usize) -> Error {
    Error::new(Kind::Contradicted, format!("{blocking} of {of} findings would stop a deployment"))
        .hint("the lines with [no] say what to do")
}
