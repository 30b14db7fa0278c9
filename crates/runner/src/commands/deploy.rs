//! `deploy`: apply what is pending.

use super::{Context, Ended, Failed};
use crate::words::plural;
use engine::{Deploy, Error, Habits, Interrupt, Kind, MissingDatabase, Report};
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
        lock_keys: &context.lock_keys(),
        lock_wait: context.options.lock_wait,
        missing_database: if context.options.create_database || context.prisma() {
            MissingDatabase::Create
        } else {
            MissingDatabase::Refuse
        },
        habits: if context.prisma() { Habits::Prisma } else { Habits::Safer },
        traffic: context.traffic(),
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
