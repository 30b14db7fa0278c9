//! The story of a deployment: connect, lock, settle, plan, apply.

use crate::apply::{Step, apply};
use crate::error::{DatabaseState, Error, Kind};
use crate::history::History;
use crate::interrupt::Interrupt;
use crate::lock;
use crate::observe::{Notes, Observer};
use crate::opening::{self, MissingDatabase};
use crate::progress::{Progress, Sink};
use crate::session::Session;
use crate::settings::ConnectionSettings;
use crate::settle::{Resumable, settle};
use crate::traffic::Traffic;
use migrations::plan::{Blocker, Difference};
use migrations::{Allowances, Directory, Plan};
use std::time::Duration;

/// What to deploy, and how.
#[derive(Debug)]
pub struct Deploy<'a> {
    /// The database.
    pub connection: &'a ConnectionSettings,
    /// The migrations.
    pub directory: &'a Directory,
    /// Differences in the history that are allowed.
    pub allowances: &'a Allowances,
    /// The run, for the marker.
    pub run: &'a str,
    /// Advisory keys to hold, in order; the first one is the fence.
    pub lock_keys: &'a [i64],
    /// How long to wait for them.
    pub lock_wait: Duration,
    /// What to do about a database that does not exist.
    pub missing_database: MissingDatabase,
    /// Whose habits to keep.
    pub habits: Habits,
    /// How far to get in the way of the application.
    pub traffic: Traffic,
}

/// Whose habits to keep where Prisma's are not the safest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habits {
    /// Ours: what was rolled back is recorded as such, and the next run tries again.
    Safer,
    /// Prisma's: a failed migration stays failed until somebody resolves it.
    Prisma,
}

/// What a deployment did, also when it failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Names of the migrations it applied.
    pub applied: Vec<String>,
    /// How many were still to be applied at its end.
    pub pending: usize,
}

/// Brings the database up to date. `report` is true at every moment, whatever the result.
pub async fn deploy(
    deploy: &Deploy<'_>,
    report: &mut Report,
    sink: &mut dyn Sink,
    interrupt: &mut Interrupt,
) -> Result<(), Error> {
    let mut session =
        opening::open(deploy.connection, deploy.missing_database, sink, interrupt).await?;
    let outcome = deploy_in(deploy, &mut session, (report, sink, interrupt)).await;
    session.close().await;
    outcome
}

async fn deploy_in(
    deploy: &Deploy<'_>,
    session: &mut Session,
    (report, sink, interrupt): (&mut Report, &mut dyn Sink, &mut Interrupt),
) -> Result<(), Error> {
    let history = History::locate(session, deploy.connection).await?;
    sink.emit(session.connected(deploy.connection, history.schema()));
    lock::acquire(session, deploy.lock_keys, deploy.lock_wait, sink, interrupt).await?;
    // Again, under the lock: another run may have made the table meanwhile.
    let mut history = History::locate(session, deploy.connection).await?;
    history.ensure(session).await?;
    let rows = history.rows(session).await?;
    let (rows, resumable) = settle(session, &history, rows, sink).await?;
    check_resumable(&resumable, deploy.directory)?;
    let plan = Plan::make(deploy.directory, &rows, deploy.allowances).map_err(blocked)?;
    announce(&plan, deploy, sink);
    report.pending = plan.pending.len();
    if plan.pending.is_empty() {
        return Ok(());
    }
    let notes = if plan.applied.is_empty() { Notes::Nothing } else { Notes::Locks };
    let observer = Observer::open(deploy.connection, notes, sink, interrupt).await;
    let outcome = apply_all(
        deploy,
        (&history, &plan, &resumable),
        (session, &observer),
        (report, sink, interrupt),
    )
    .await;
    observer.close().await;
    outcome
}

async fn apply_all(
    deploy: &Deploy<'_>,
    (history, plan, resumable): (&History, &Plan, &Resumable),
    (session, observer): (&mut Session, &Observer),
    (report, sink, interrupt): (&mut Report, &mut dyn Sink, &mut Interrupt),
) -> Result<(), Error> {
    for (number, migration) in (1..).zip(&plan.pending) {
        if interrupt.requested() {
            return Err(Error::new(
                Kind::Interrupted,
                format!("interrupted before `{}`", migration.name),
            ));
        }
        let step = Step {
            deploy,
            history,
            migration,
            number,
            of: plan.pending.len(),
            resumed: resumable.get(&migration.name).map(|row| row.id.as_str()),
            observer,
        };
        // A migration's future is large, and everything above would carry it.
        Box::pin(apply(&step, session, (sink, interrupt))).await?;
        report.applied.push(migration.name.clone());
        report.pending -= 1;
    }
    Ok(())
}

fn check_resumable(resumable: &Resumable, directory: &Directory) -> Result<(), Error> {
    match resumable.keys().find(|name| directory.get(name).is_none()) {
        None => Ok(()),
        Some(name) => Err(Error::new(
            Kind::PartlyApplied,
            format!("`{name}` is part-way, and its directory is gone"),
        )
        .hint("restore the directory, so that the run can resume it")
        .migration(name)
        .database(DatabaseState::NeedsAttention)),
    }
}

fn announce(plan: &Plan, deploy: &Deploy<'_>, sink: &mut dyn Sink) {
    for difference in &plan.allowed {
        sink.emit(Progress::Notice {
            code: "difference_allowed",
            text: format!("allowed: {difference}"),
        });
    }
    if deploy.directory.migrations.is_empty() {
        let text = format!("`{}` holds no migrations", deploy.directory.path.display());
        sink.emit(Progress::Notice { code: "no_migrations", text });
    }
    if plan.pending.is_empty() && !plan.ahead.is_empty() {
        let text = format!(
            "the database is ahead by {}: it was migrated by a newer version (newest: `{}`)",
            plan.ahead.len(),
            plan.ahead.last().map_or("", String::as_str)
        );
        sink.emit(Progress::Notice { code: "database_ahead", text });
    }
    sink.emit(Progress::Planned {
        found: deploy.directory.migrations.len(),
        applied: plan.applied.len(),
        pending: plan.pending.iter().map(|migration| migration.name.clone()).collect(),
        ahead: plan.ahead.clone(),
    });
}

/// Why nothing may be applied, as an error.
pub(crate) fn blocked(blocker: Blocker) -> Error {
    match blocker {
        Blocker::Unfinished(rows) => {
            let names: Vec<String> = rows
                .iter()
                .map(|row| format!("`{}` (started at {})", row.name, row.started_at))
                .collect();
            let error = Error::new(
                Kind::UnfinishedMigration,
                format!("an earlier run of another tool did not finish {}", names.join(", ")),
            )
            .hint("find out what of it is in the database, then `resolve --rolled-back NAME` or `resolve --applied NAME`")
            .migration(&rows[0].name)
            .prisma("P3009");
            let logs =
                rows.iter().filter_map(|row| row.logs.clone()).collect::<Vec<_>>().join("\n");
            Error { detail: (!logs.is_empty()).then_some(logs), unfinished: rows, ..error }
        }
        Blocker::Differs(differences) => {
            let sentences: Vec<String> = differences.iter().map(Difference::to_string).collect();
            let permissions: Vec<String> = differences
                .iter()
                .map(|difference| format!("--allow {}", difference.permission()))
                .collect();
            Error::new(Kind::HistoryDiffers, sentences.join("; "))
                .hint(format!("restore the files, or allow it: {}", permissions.join(" ")))
        }
        Blocker::Unreadable { name, cause } => unreadable(&name, &cause),
    }
}

pub(crate) fn unreadable(name: &str, cause: &str) -> Error {
    Error::new(Kind::Configuration, format!("cannot read the script of `{name}`: {cause}"))
        .hint("every migration is a directory with a file migration.sql in UTF-8")
        .migration(name)
        .prisma("P3015")
}
