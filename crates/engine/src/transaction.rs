//! A script and its history row in one transaction.

use crate::error::{DatabaseState, Error, FailedStatement, Fault, Kind, Loss};
use crate::hint;
use crate::history::{Fence, History};
use crate::interrupt::Interrupt;
use crate::lock;
use crate::progress::{Sink, heartbeat};
use crate::session::{Ran, Session};
use migrations::Marker;
use migrations::script::{Class, Script, Statement, line_at};
use std::ops::Range;
use tokio_postgres::error::{DbError, ErrorPosition};

/// One attempt at one migration: what every way of running it needs.
pub(crate) struct Attempt<'a> {
    pub(crate) session: &'a Session,
    pub(crate) history: &'a History,
    pub(crate) name: &'a str,
    pub(crate) checksum: &'a str,
    pub(crate) script: &'a Script,
    /// The attempt's row.
    pub(crate) id: &'a str,
    /// The advisory key of the fence.
    pub(crate) key: i64,
    /// Whether an earlier run began it.
    pub(crate) begun: Begun,
    /// What the row says while the script runs.
    pub(crate) marker: &'a Marker,
}

impl Attempt<'_> {
    /// Commits the started row, or marks the one of the run that began it as ours.
    pub(crate) async fn start(&self) -> Result<(), Fault> {
        match self.begun {
            Begun::Now => {
                self.history
                    .start(self.session, self.id, (self.name, self.checksum), self.marker)
                    .await
            }
            Begun::Earlier => {
                self.history.note(self.session, self.id, &self.marker.to_string()).await
            }
        }
    }
}

/// Who began an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    /// This run.
    Now,
    /// An earlier one, which did not come to its end.
    Earlier,
}

/// Why an attempt ended before its end.
pub(crate) enum Stop {
    /// It failed; the session goes on.
    Failed(Box<Error>),
    /// A signal; what was open is to be rolled back.
    Interrupted,
    /// The connection is gone: only the row says what became of it.
    Lost(Loss),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Lost(cause) => Self::Lost(cause),
            server @ Fault::Server(_) => Self::Failed(Box::new(server.into())),
        }
    }
}

/// Runs the script's statements and the finished mark in one transaction, and commits.
pub(crate) async fn run(
    attempt: &Attempt<'_>,
    sent: Range<usize>,
    sink: &mut dyn Sink,
    interrupt: &mut Interrupt,
) -> Result<(), Stop> {
    let session = attempt.session;
    // Both are on their way at once; the server takes them one after the other, so the row is
    // committed before the transaction begins.
    let (started, begun) = tokio::join!(attempt.start(), session.run("BEGIN"));
    started?;
    begun?;
    let modes = sent
        .clone()
        .take_while(|index| attempt.script.statements[*index].class == Class::TransactionMode);
    let first = sent.start + modes.count();
    for index in sent.start..first {
        run_statement(attempt, index, sink, interrupt).await?;
    }
    // A script that the parser knows cannot end its transaction: its COMMIT would have been seen,
    // and inside a routine the server refuses it.
    let transaction = match attempt.script.unparsable {
        Some(_) => Some(fenced(attempt).await?),
        None => None,
    };
    for index in first..sent.end {
        run_statement(attempt, index, sink, interrupt).await?;
    }
    let fence = Fence { id: attempt.id, transaction, key: attempt.key };
    let (settled, finished) = tokio::join!(
        settle_constraints(attempt),
        attempt.history.finish(session, &fence, attempt.checksum)
    );
    settled?;
    if !finished? {
        return Err(Stop::Failed(Box::new(not_finished(attempt, transaction))));
    }
    // From here on the truth is the server's: an interrupt waits for its answer.
    let (committed, reset) = tokio::join!(session.run("COMMIT"), session.reset());
    committed?;
    reset?;
    Ok(())
}

/// Why the finished mark was not set, and with it nothing of this transaction.
fn not_finished(attempt: &Attempt<'_>, transaction: Option<i64>) -> Error {
    match transaction {
        None => lock_lost(attempt),
        Some(_) => Error::new(Kind::MigrationFailed, "the script ended its transaction or released the migration lock")
            .hint("leave out COMMIT and pg_advisory_unlock, or put `-- ecs-migrate: transaction=off` at the top of the file")
            .migration(attempt.name)
            .database(DatabaseState::NeedsAttention),
    }
}

/// Somebody else holds the migration lock.
pub(crate) fn lock_lost(attempt: &Attempt<'_>) -> Error {
    Error::new(
        Kind::LockNotObtained,
        format!("the migration lock {} is not ours any more", attempt.key),
    )
    .hint("leave the lock to the runner: a script must not release it")
    .migration(attempt.name)
}

/// The id of the transaction that has just begun, if our backend holds the lock: through a pooler
/// or after a failover it might not.
pub(crate) async fn fenced(attempt: &Attempt<'_>) -> Result<i64, Stop> {
    let sql = format!("SELECT pg_catalog.txid_current(), {}", lock::fence(attempt.key));
    let row = attempt.session.one(&sql, &[]).await?;
    if row.get(1) {
        return Ok(row.get(0));
    }
    Err(Stop::Failed(Box::new(lock_lost(attempt))))
}

/// Deferred constraints speak up before the finished mark, and a `SET ROLE` of the script must not
/// decide who writes it.
pub(crate) async fn settle_constraints(attempt: &Attempt<'_>) -> Result<(), Stop> {
    match attempt
        .session
        .run("SET CONSTRAINTS ALL IMMEDIATE; RESET SESSION AUTHORIZATION; RESET ROLE")
        .await
    {
        Ok(()) => Ok(()),
        Err(Fault::Lost(cause)) => Err(Stop::Lost(cause)),
        Err(Fault::Server(db)) => Err(Stop::Failed(Box::new(refusal(attempt, &db, None)))),
    }
}

/// Runs one statement of the script.
pub(crate) async fn run_statement(
    attempt: &Attempt<'_>,
    index: usize,
    sink: &mut dyn Sink,
    interrupt: &mut Interrupt,
) -> Result<(), Stop> {
    if interrupt.requested() {
        return Err(Stop::Interrupted);
    }
    let script = attempt.script;
    let statement = &script.statements[index];
    let doing = format!(
        "applying `{}`, statement {} of {}",
        attempt.name,
        index + 1,
        script.statements.len()
    );
    let running = attempt.session.run_interruptible(script.text_of(statement), interrupt);
    match heartbeat(sink, doing, running).await {
        Ok(Ran::Done) => Ok(()),
        Ok(Ran::Cancelled) => Err(Stop::Interrupted),
        Err(Fault::Lost(cause)) => Err(Stop::Lost(cause)),
        Err(Fault::Server(db)) => Err(Stop::Failed(Box::new(refusal(attempt, &db, Some(index))))),
    }
}

/// What the server said of a script, with the place in the file.
fn refusal(attempt: &Attempt<'_>, db: &DbError, index: Option<usize>) -> Error {
    let script = attempt.script;
    let code = db.code().code();
    let kind = match code {
        // Lock not available, deadlock, serialization failure: the others' fault, not the script's.
        "55P03" | "40P01" | "40001" => Kind::Blocked,
        _ => Kind::MigrationFailed,
    };
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Error {
        hint: db.hint().map(str::to_owned).or_else(|| hint::for_sqlstate(code).map(str::to_owned)),
        statement: index.map(|index| FailedStatement {
            number: number(index + 1),
            of: number(script.statements.len()),
            line: line(script, &script.statements[index], db.position()),
            text: script.text_of(&script.statements[index]).to_owned(),
        }),
        sqlstate: Some(code.to_owned()),
        detail: db.detail().map(str::to_owned),
        prisma_code: Some("P3018"),
        ..Error::new(kind, db.message()).migration(attempt.name)
    }
}

/// The server counts characters of the statement it was sent, from 1.
fn line(script: &Script, statement: &Statement, position: Option<&ErrorPosition>) -> u32 {
    let Some(ErrorPosition::Original(position)) = position else {
        return statement.line;
    };
    let characters = usize::try_from(position.saturating_sub(1)).unwrap_or(0);
    let text = script.text_of(statement);
    let offset = text.char_indices().nth(characters).map_or(0, |(offset, _)| offset);
    line_at(&script.text, statement.range.start + offset)
}
