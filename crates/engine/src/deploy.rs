//! The story of a deployment: connect, lock, settle, plan, apply.

use crate::connect::connect;
use crate::error::{DatabaseState, Error, Kind};
use crate::history::History;
use crate::interrupt::Interrupt;
use crate::journal;
use crate::lock;
use crate::opening::{self, MissingDatabase};
use crate::progress::{Progress, Sink};
use crate::session::Session;
use crate::settings::ConnectionSettings;
use crate::settle::{Resumable, settle};
use crate::transaction::{self, Attempt, Begun, Stop};
use crate::units;
use migrations::plan::{Blocker, Difference};
use migrations::script::Form;
use migrations::{Allowances, Directory, Marker, Migration, Mode, Plan, Script};
use std::time::Duration;
use tokio::time::Instant;

/// How long a lost connection is tried again before the outcome is left to the next run.
const RECONNECT_FOR: Duration = Duration::from_secs(30);

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
    for (number, migration) in (1..).zip(&plan.pending) {
        if interrupt.requested() {
            return Err(Error::new(
                Kind::Interrupted,
                format!("interrupted before `{}`", migration.name),
            ));
        }
        let step = Step {
            deploy,
            history: &history,
            migration,
            number,
            of: plan.pending.len(),
            resumed: resumable.get(&migration.name).map(|row| row.id.as_str()),
        };
        apply(&step, session, (sink, interrupt)).await?;
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

fn unreadable(name: &str, cause: &str) -> Error {
    Error::new(Kind::Configuration, format!("cannot read the script of `{name}`: {cause}"))
        .hint("every migration is a directory with a file migration.sql in UTF-8")
        .migration(name)
        .prisma("P3015")
}

/// One migration's turn.
struct Step<'a> {
    deploy: &'a Deploy<'a>,
    history: &'a History,
    migration: &'a Migration,
    number: usize,
    of: usize,
    /// The row of the attempt that goes on.
    resumed: Option<&'a str>,
}

async fn apply(
    step: &Step<'_>,
    session: &mut Session,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Error> {
    let name = step.migration.name.as_str();
    let text = step.migration.read().map_err(|cause| unreadable(name, &cause))?;
    let checksum = migrations::checksum::checksum(&text);
    let script = Script::parse(text);
    let mode = match &script.form {
        Form::Transaction { .. } => Mode::Transaction,
        Form::Statements { .. } => Mode::Statements,
        Form::Refused { reason, hint, line } => {
            return Err(Error::new(Kind::MigrationFailed, format!("{reason} (line {line})"))
                .hint(hint)
                .migration(name));
        }
    };
    if units::need_journal(&script) {
        journal::ensure(session).await.map_err(|error| error.migration(name))?;
    }
    if let Some(cause) = &script.unparsable {
        sink.emit(Progress::Notice {
            code: "sent_whole",
            text: format!(
                "`{name}` is sent as one message, because the parser does not know it ({cause})"
            ),
        });
    }
    let begun = Instant::now();
    let marker = Marker { run: step.deploy.run.to_owned(), mode, backend: session.backend };
    let id = step.resumed.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
    sink.emit(Progress::MigrationStarted {
        migration: name.to_owned(),
        number: step.number,
        of: step.of,
        mode,
        statements: u32::try_from(script.statements.len()).unwrap_or(u32::MAX),
    });
    let attempt = Attempt {
        session,
        history: step.history,
        name,
        checksum: &checksum,
        script: &script,
        id: &id,
        key: step.deploy.lock_keys[0],
        begun: if step.resumed.is_some() { Begun::Earlier } else { Begun::Now },
        marker: &marker,
    };
    let ran = match &script.form {
        Form::Transaction { sent } => {
            transaction::run(&attempt, sent.clone(), sink, interrupt).await
        }
        Form::Statements { units, .. } => units::run(&attempt, units, sink, interrupt).await,
        Form::Refused { .. } => Ok(()),
    };
    match ran {
        Ok(()) => {}
        Err(Stop::Lost(cause)) => {
            recover(step, session, (&id, &cause), (sink, interrupt)).await?;
        }
        Err(Stop::Failed(error)) => return Err(ended(step, session, (&id, &marker), *error).await),
        Err(Stop::Interrupted) => {
            let error = Error::new(Kind::Interrupted, "interrupted").migration(name);
            return Err(ended(step, session, (&id, &marker), error).await);
        }
    }
    sink.emit(Progress::MigrationApplied { migration: name.to_owned(), duration: begun.elapsed() });
    Ok(())
}

/// Rolls back what is open and records what is left; the error then says so.
async fn ended(
    step: &Step<'_>,
    session: &Session,
    (id, marker): (&str, &Marker),
    error: Error,
) -> Error {
    let record = async {
        session.run("ROLLBACK").await?;
        session.reset().await?;
        let part_way = match marker.mode {
            Mode::Transaction => error.database == DatabaseState::NeedsAttention,
            Mode::Statements => !journal::entries(session, id).await?.is_empty(),
        };
        let failed = step.deploy.habits == Habits::Prisma && error.kind != Kind::Interrupted;
        if failed && !part_way {
            step.history.note(session, id, &error.message).await?;
        } else if part_way {
            step.history.note(session, id, &format!("{marker}\n{}", error.message)).await?;
        } else {
            step.history
                .roll_back(session, id, &format!("ecs-migrate: rolled back: {}", error.message))
                .await?;
        }
        Ok::<_, crate::error::Fault>(part_way)
    };
    match record.await {
        Ok(false) => error.database(DatabaseState::Unchanged),
        Ok(true) if error.kind == Kind::Interrupted => {
            Error { kind: Kind::InterruptedPartWay, ..error }.database(DatabaseState::PartWay)
        }
        Ok(true) if error.database == DatabaseState::NeedsAttention => {
            Error { kind: Kind::PartlyApplied, ..error }
        }
        Ok(true) => resumable(error).database(DatabaseState::PartWay),
        // The row keeps its marker, and the next run settles it.
        Err(_) => error.database(DatabaseState::Unknown),
    }
}

/// What exists now, and what to do.
fn resumable(error: Error) -> Error {
    let before = error.statement.as_ref().map_or(0, |statement| statement.number.saturating_sub(1));
    let stays = match before {
        0 => "what was applied of it stays".to_owned(),
        1 => "statement 1 is applied and stays".to_owned(),
        last => format!("statements 1 to {last} are applied and stay"),
    };
    let hint = error.hint.as_deref().map_or(String::new(), |hint| format!("{hint}; "));
    error.hint(format!(
        "{hint}{stays}: fix the rest of the file and run again, the run resumes there"
    ))
}

/// After a lost connection: connect again, take the lock, so that the old backend is gone, and
/// read the row. It is the truth, also about a COMMIT whose answer never came.
async fn recover(
    step: &Step<'_>,
    session: &mut Session,
    (id, cause): (&str, &str),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Error> {
    let name = step.migration.name.as_str();
    sink.emit(Progress::Notice {
        code: "connection_lost",
        text: format!(
            "the connection was lost while applying `{name}` ({cause}); connecting again"
        ),
    });
    let lost = || {
        Error::new(
            Kind::Unreachable,
            format!("the connection was lost while applying `{name}`: {cause}"),
        )
        .migration(name)
    };
    let Ok(again) = reconnect(step.deploy, interrupt).await else {
        return Err(lost()
            .hint("run again when the database is back: the next run finds out what became of it")
            .database(DatabaseState::Unknown));
    };
    std::mem::replace(session, again).close().await;
    lock::acquire(session, step.deploy.lock_keys, step.deploy.lock_wait, sink, interrupt).await?;
    let row = step.history.row(session, id).await?;
    if row.is_some_and(|row| row.applied()) {
        return Ok(());
    }
    let rows = step.history.rows(session).await?;
    let (_rows, resumable) = settle(session, step.history, rows, sink).await?;
    let state = if resumable.contains_key(name) {
        DatabaseState::PartWay
    } else {
        DatabaseState::Unchanged
    };
    Err(lost().hint("run again").database(state))
}

async fn reconnect(deploy: &Deploy<'_>, interrupt: &mut Interrupt) -> Result<Session, Error> {
    let deadline = Instant::now() + RECONNECT_FOR;
    loop {
        match connect(deploy.connection).await {
            Err(error) if Instant::now() >= deadline || interrupt.requested() => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
            Ok(session) => return Ok(session),
        }
    }
}
