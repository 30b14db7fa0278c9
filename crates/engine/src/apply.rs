//! One migration's turn: how it runs, what is left when it fails, and what becomes of a lost answer.

use crate::account::Account;
use crate::connect::connect;
use crate::deploy::{Deploy, Habits, unreadable};
use crate::error::{DatabaseState, Error, Kind};
use crate::history::History;
use crate::interrupt::Interrupt;
use crate::journal;
use crate::lock;
use crate::observe::{Locks, Observer, Watching, watch};
use crate::progress::{Progress, Sink};
use crate::session::Session;
use crate::settle::settle;
use crate::traffic::Pace;
use crate::transaction::{self, Attempt, Begun, Stop};
use crate::units;
use migrations::script::Form;
use migrations::{Marker, Migration, Mode, Script};
use std::cell::RefCell;
use std::time::Duration;
use tokio::time::Instant;

/// How long a lost connection is tried again before the outcome is left to the next run.
const RECONNECT_FOR: Duration = Duration::from_secs(30);

/// One migration's turn.
pub(crate) struct Step<'a> {
    pub(crate) deploy: &'a Deploy<'a>,
    pub(crate) history: &'a History,
    pub(crate) migration: &'a Migration,
    /// Its place in this run, from 1.
    pub(crate) number: usize,
    /// How many this run applies.
    pub(crate) of: usize,
    /// The row of the attempt that goes on.
    pub(crate) resumed: Option<&'a str>,
    /// Who looks on.
    pub(crate) observer: &'a Observer,
}

/// Applies it, whatever it takes, and says what is left if it fails.
pub(crate) async fn apply(
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
    let pace = Pace::new(&step.deploy.traffic, &script);
    let account = RefCell::new(Account::default());
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
        observer: step.observer,
        pace: &pace,
        account: &account,
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
    sink.emit(Progress::MigrationApplied {
        migration: name.to_owned(),
        duration: begun.elapsed(),
        statements: account.into_inner().costs(),
    });
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
    let fix =
        if error.kind == Kind::Blocked { "" } else { "fix the rest of the file and run again, " };
    error.hint(format!("{hint}{stays}: {fix}the next run resumes there"))
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
    let seen = RefCell::default();
    let watching = Watching {
        observer: step.observer,
        backend: session.backend,
        doing: "connecting again".to_owned(),
        seen: &seen,
        locks: Locks::Longer,
    };
    let Ok(again) = watch(&watching, sink, reconnect(step.deploy, interrupt)).await else {
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
