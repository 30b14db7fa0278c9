//! `status`: what is applied, pending or different. Takes no lock and writes nothing.

use super::{Context, Ended, Failed};
use crate::words::plural;
use engine::{Error, Interrupt, Kind, State, Status};
use protocol::event::{MigrationStatus, Notice, Outcome};
use protocol::{DatabaseState, Event};

pub(super) async fn run(context: &Context<'_>, mut interrupt: Interrupt) -> Result<Ended, Failed> {
    tokio::select! {
        ended = answer(context) => ended,
        () = interrupt.wait() => Err(Error::new(Kind::Interrupted, "interrupted while reading the history").into()),
    }
}

async fn answer(context: &Context<'_>) -> Result<Ended, Failed> {
    let directory = context.directory()?;
    let found = context.database().await?;
    let mut sink = context.sink(found.source);
    let status =
        engine::status(&found.settings, &directory, &context.allowances(), &mut sink).await?;
    for migration in &status.migrations {
        let state = migration.state.word().to_owned();
        let msg = format!("{state:<10} {}", migration.name);
        let event = MigrationStatus { migration: migration.name.clone(), state };
        context.emitter.emit(Event::MigrationStatus(event), msg);
    }
    let pending = status.pending();
    if context.prisma() {
        return prismas(context, &status, pending);
    }
    if let Some(error) = status.blocker {
        return Err(Failed { pending, ..error.into() });
    }
    let ahead =
        status.migrations.iter().filter(|migration| migration.state == State::Ahead).count();
    let msg = match (pending, ahead) {
        (0, 0) => "up to date".to_owned(),
        (0, ahead) => format!("the database is ahead by {ahead}"),
        (pending, _) => format!("{} to apply", plural(pending as u64, "migration")),
    };
    Ok(Ended {
        restore_point: None,
        outcome: Outcome::Done,
        applied: 0,
        pending,
        database: DatabaseState::Unchanged,
        msg,
    })
}

/// For Prisma whatever is not up to date is an error.
fn prismas(context: &Context<'_>, status: &Status, pending: usize) -> Result<Ended, Failed> {
    let failed = status.migrations.iter().any(|migration| migration.state == State::Unfinished);
    let unmanaged = !status.managed && status.migrations.is_empty();
    if unmanaged {
        let notice = Notice {
            code: "not_managed".to_owned(),
            text: "the database has no history".to_owned(),
        };
        context.emitter.emit(Event::Notice(notice), "the database has no history".to_owned());
    }
    if pending == 0 && !failed && !unmanaged {
        return Ok(Ended {
            restore_point: None,
            outcome: Outcome::Done,
            applied: 0,
            pending,
            database: DatabaseState::Unchanged,
            msg: "up to date".to_owned(),
        });
    }
    let error = Error::new(Kind::HistoryDiffers, "the database is not up to date");
    Err(Failed { pending, ..error.into() })
}
