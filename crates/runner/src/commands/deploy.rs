//! `deploy`: apply what is pending, then take the steps that follow.

use super::backup::Backups;
use super::steps::Steps;
use super::{Context, Ended, Failed};
use crate::source::Found;
use crate::words::plural;
use engine::{
    Deploy, Error, Habits, Interrupt, Kind, MissingDatabase, Reached, Report, Sink, Start, Turn,
};
use migrations::Directory;
use protocol::DatabaseState;
use protocol::event::Outcome;

pub(super) async fn run(context: &Context<'_>, interrupt: Interrupt) -> Result<Ended, Failed> {
    in_turn(context, Turn::Always, interrupt).await
}

/// The same for `start`, which does not wait for its turn when somebody else does the work.
pub(super) async fn in_turn(
    context: &Context<'_>,
    turn: Turn,
    mut interrupt: Interrupt,
) -> Result<Ended, Failed> {
    // What is wrong with the files is said before the database is looked for.
    let steps = Steps::find(context)?;
    let backups = Backups::find(context)?;
    let directory = context.directory()?;
    let found = tokio::select! {
        found = context.database() => found?,
        () = interrupt.wait() => {
            return Err(Error::new(Kind::Interrupted, "interrupted while looking for the database").into());
        }
    };
    if turn == Turn::Always {
        context.ask_before_deploying(&found, &directory, interrupt.clone()).await?;
    }
    // Boxed: whatever awaits this one would carry its room.
    Box::pin(apply_to(context, Work { found, backups, steps, directory }, (turn, interrupt))).await
}

/// What is to be done, and where: read once, so that what was judged is what is applied.
pub(super) struct Work {
    pub(super) found: Found,
    pub(super) backups: Backups,
    pub(super) steps: Steps,
    pub(super) directory: Directory,
}

/// The same for a database that was found.
pub(super) async fn apply_to(
    context: &Context<'_>,
    Work { found, backups, steps, directory }: Work,
    (turn, mut interrupt): (Turn, Interrupt),
) -> Result<Ended, Failed> {
    let allowances = context.allowances();
    let review = context.options.review.review();
    let server = context.scratch_server()?;
    let deploy = Deploy {
        connection: &found.settings,
        directory: &directory,
        allowances: &allowances,
        run: context.emitter.run(),
        lock_keys: &context.lock_keys(),
        lock_wait: context.options.wait.lock_wait,
        missing_database: if context.options.creation.create_database || context.prisma() {
            MissingDatabase::Create
        } else {
            MissingDatabase::Refuse
        },
        habits: if context.prisma() { Habits::Prisma } else { Habits::Safer },
        traffic: context.traffic(),
        // A step that is to run again is never done.
        turn: if context.options.steps.then_again { Turn::Always } else { turn },
        steps: steps.names(),
        share: context.options.review.share(),
        review: review.as_ref(),
        keep: backups.before(context),
        drift: context.on_drift().map(|on| (on, context.drift_search(server.as_ref()))),
    };
    let mut report = Report::default();
    let mut sink = context.sink(found.source.clone());
    let failed = |report: &Report, failed: Failed| Failed {
        applied: report.applied.len(),
        pending: report.pending,
        restore_point: report.restore_point.clone(),
        ..failed
    };
    let mut start = Start::Fresh;
    let hold = loop {
        let reached = engine::deploy(&deploy, start, &mut report, (&mut sink, &mut interrupt))
            .await
            .map_err(|error| failed(&report, error.into()))?;
        let mut pause = match reached {
            Reached::End(hold) => break hold.map(|hold| *hold),
            Reached::Pause(pause) => pause,
        };
        let working = (&mut pause.hold, &mut sink as &mut dyn Sink, &mut interrupt);
        match backups.make(context, &found, working).await {
            Ok(kept) => start = Start::After(pause, kept),
            Err(error) => {
                pause.hold.release().await;
                return Err(failed(&report, error));
            }
        }
    };
    let mut taken = 0;
    if let Some(mut hold) = hold {
        let result = steps.take(context, &found.settings, (&mut hold, &mut sink), &interrupt).await;
        hold.release().await;
        // Of a step that failed only its own lines can tell; what was applied before it is whole.
        taken = result.map_err(|error| match report.applied.len() {
            0 => failed(&report, error),
            _ => {
                let whole = error.error.clone().database(engine::DatabaseState::Unchanged);
                failed(&report, Failed { error: whole, ..error })
            }
        })?;
    }
    if let Some(application) = context.application() {
        // After the steps: one of them may be what grants the rights.
        engine::require_rights(&found.settings, application, (&mut sink, &mut interrupt))
            .await
            .map_err(|error| failed(&report, error.into()))?;
    }
    let applied = report.applied.len();
    let mut msg = match applied {
        0 => "nothing to do".to_owned(),
        _ => format!("{} applied", plural(applied as u64, "migration")),
    };
    let (outcome, database) = match (applied, taken) {
        (0, 0) => (Outcome::NothingToDo, DatabaseState::Unchanged),
        (0, _) => (Outcome::Done, DatabaseState::Changed),
        (_, _) => (Outcome::Applied, DatabaseState::Changed),
    };
    if taken > 0 {
        msg = format!(
            "{}, {} taken",
            if applied == 0 { "nothing to apply" } else { &msg },
            plural(taken, "step")
        );
    }
    if report.waiting > 0 {
        msg = format!("{msg}, {} for the rollout", waiting(report.waiting));
    }
    context.waiting.set(report.waiting);
    let restore_point = report.restore_point;
    Ok(Ended { outcome, applied, pending: report.pending, database, restore_point, msg })
}

fn waiting(count: usize) -> String {
    if count == 1 { "1 migration waits".to_owned() } else { format!("{count} migrations wait") }
}
