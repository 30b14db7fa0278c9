//! `deploy`: apply what is pending.

use super::{Context, Ended, Failed};
use crate::words::plural;
use engine::{Deploy, Error, Interrupt, Kind, PRISMA_LOCK_KEY, Report};
use protocol::env;
use protocol::event::Outcome;

pub(super) async fn run(context: &Context<'_>, mut interrupt: Interrupt) -> Result<Ended, Failed> {
    let directory = context.directory()?;
    let allowances = context.allowances();
    let found = tokio::select! {
        found = context.database() => found?,
        () = interrupt.wait() => {
            return Err(Error::new(Kind::Interrupted, "interrupted while looking for the database").into());
        }
    };
    let deploy = Deploy {
        connection: &found.settings,
        directory: &directory,
        allowances: &allowances,
        run: context.emitter.run(),
        lock_keys: &lock_keys(context),
        lock_wait: context.options.lock_wait,
        create_database: context.options.create_database,
    };
    let mut report = Report::default();
    let mut sink = context.sink(found.source);
    match engine::deploy(&deploy, &mut report, &mut sink, &mut interrupt).await {
        Ok(()) => {
            let applied = report.applied.len();
            Ok(match applied {
                0 => Ended {
                    outcome: Outcome::NothingToDo,
                    applied,
                    pending: 0,
                    msg: "nothing to do".to_owned(),
                },
                _ => Ended {
                    outcome: Outcome::Applied,
                    applied,
                    pending: 0,
                    msg: format!("{} applied", plural(applied as u64, "migration")),
                },
            })
        }
        Err(error) => Err(Failed { error, applied: report.applied.len(), pending: report.pending }),
    }
}

/// Ours, then Prisma's, unless Prisma's own switch says that it does not lock here either.
fn lock_keys(context: &Context<'_>) -> Vec<i64> {
    let prisma =
        !matches!(context.environment.get(env::PRISMA_DISABLE_LOCK), Some(value) if value != "0");
    let mut keys = vec![context.options.lock_key];
    if prisma && context.options.lock_key != PRISMA_LOCK_KEY {
        keys.push(PRISMA_LOCK_KEY);
    }
    keys
}
