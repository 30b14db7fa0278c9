//! A script and its history row in one transaction.

use crate::account::Account;
use crate::carried::Carried;
use crate::error::{DatabaseState, Error, Fault, Kind, Loss};
use crate::history::{Fence, History};
use crate::interrupt::Interrupt;
use crate::known::{Known, journal_note};
use crate::lock;
use crate::observe::{Locks, Observer, Seen, Watching, watch};
use crate::progress::Sink;
use crate::session::{Ran, Session};
use crate::stand_in;
use crate::statement::{Around, note_locks, number, refusal, run_statement, unrecordable};
use crate::traffic::{Pace, Tries, set_lock_timeout};
use migrations::script::{Class, Script};
use migrations::{Marker, Row};
use std::cell::{Cell, RefCell};
use std::ops::Range;
use tokio_postgres::types::Type;

/// One attempt at one migration: what every way of running it needs.
pub(crate) struct Attempt<'a> {
    pub(crate) session: &'a Session,
    pub(crate) history: &'a History,
    pub(crate) name: &'a str,
    pub(crate) checksum: &'a str,
    pub(crate) script: &'a Script,
    /// The attempt's row.
    pub(crate) id: &'a str,
    /// The advisory keys of the fence.
    pub(crate) keys: &'a [i64],
    /// Whether an earlier run began it.
    pub(crate) begun: Begun<'a>,
    /// What the journal has of an earlier run.
    pub(crate) known: &'a Known,
    /// Whether what is done is written into the journal.
    pub(crate) journaled: bool,
    /// The number of the journal's table, where one is kept.
    pub(crate) journal: Option<&'a str>,
    /// Whether its row is in the history, with our marker.
    pub(crate) started: &'a Cell<bool>,
    /// Whether the unit that failed last left something all the same.
    pub(crate) left: &'a Cell<bool>,
    /// What the row says while the script runs.
    pub(crate) marker: &'a Marker,
    /// Who looks on.
    pub(crate) observer: &'a Observer,
    /// How long to wait for locks.
    pub(crate) pace: &'a Pace<'a>,
    /// What it costs.
    pub(crate) account: &'a RefCell<Account>,
}

impl Attempt<'_> {
    /// What to watch while the attempt's backend does something of our own.
    pub(crate) fn watching<'b>(&'b self, seen: &'b RefCell<Seen>) -> Watching<'b> {
        Watching {
            observer: self.observer,
            backend: self.session.backend,
            doing: format!("applying `{}`", self.name),
            seen,
            locks: Locks::Longer,
            notices: Some(&self.session.notices),
        }
    }

    /// What makes the started row, or marks the one of the run that began it as ours.
    /// The marker, and which journal goes with it.
    pub(crate) fn marked(&self) -> String {
        match self.journal {
            Some(number) => format!("{}\n{}", self.marker, journal_note(number)),
            None => self.marker.to_string(),
        }
    }

    pub(crate) fn starting(&self) -> String {
        match self.begun {
            Begun::Now => {
                self.history.starting(self.id, (self.name, self.checksum), &self.marked())
            }
            Begun::Earlier(_) => self.history.noting(self.id, &self.marked()),
        }
    }
}

/// Who began an attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Begun<'a> {
    /// This run.
    Now,
    /// An earlier one, which did not come to its end; its row.
    Earlier(&'a Row),
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
            fault @ (Fault::Server(_) | Fault::Answer(_)) => Self::Failed(Box::new(fault.into())),
        }
    }
}

/// Runs the script's statements and the finished mark in one transaction, and commits; again from
/// the start where others stopped it, as long as the budget lasts.
pub(crate) async fn run(
    attempt: &Attempt<'_>,
    sent: Range<usize>,
    sink: &mut dyn Sink,
    interrupt: &mut Interrupt,
) -> Result<(), Stop> {
    let mut tries = Tries::new(attempt);
    loop {
        attempt.pace.begin(tries.number);
        attempt.account.borrow_mut().begin();
        // Only a script that the parser does not know can end its transaction: any other COMMIT
        // would have been seen, and inside a routine the server refuses it.
        let mut unseen = None;
        let ran = once(attempt, sent.clone(), &mut unseen, (&mut *sink, &mut *interrupt)).await;
        let Err(stop) = ran else { return Ok(()) };
        if let Stop::Lost(_) = stop {
            return Err(stop);
        }
        attempt.session.run("ROLLBACK").await?;
        forget_prepared(attempt, None).await?;
        if let Some(transaction) = unseen {
            check_undone(attempt, transaction, &stop).await?;
        }
        tries.again(stop, (&mut *sink, &mut *interrupt)).await?;
    }
}

/// Takes back the PREPAREs of an attempt that was rolled back: no transaction does (PostgreSQL,
/// "PREPARE"), and the next attempt would find their names taken. What was there `before` it stays.
pub(crate) async fn forget_prepared(
    attempt: &Attempt<'_>,
    before: Option<&Carried>,
) -> Result<(), Fault> {
    if !attempt.script.text.to_ascii_lowercase().contains("prepare") {
        return Ok(());
    }
    let rows = attempt
        .session
        .query("SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql", &[])
        .await?;
    for name in crate::row::column::<String>(&rows, 0)? {
        let kept = format!("the prepared statement {name}");
        if !before.is_some_and(|before| before.bound.contains(&kept)) {
            let name = crate::quote::identifier(&name);
            attempt.session.run(&format!("DEALLOCATE {name}")).await?;
        }
    }
    Ok(())
}

async fn once(
    attempt: &Attempt<'_>,
    sent: Range<usize>,
    unseen: &mut Option<i64>,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Stop> {
    let session = attempt.session;
    let modes = sent
        .clone()
        .take_while(|index| attempt.script.statements[*index].class == Class::TransactionMode);
    let first = sent.start + modes.count();
    begin(attempt, first, (&mut *sink, &mut *interrupt)).await?;
    for index in sent.start..first {
        run_statement(attempt, (index, Around::Transaction), sink, interrupt).await?;
    }
    if attempt.script.unparsable.is_some() {
        *unseen = Some(fenced(attempt).await?);
    }
    for index in first..sent.end {
        run_statement(attempt, (index, Around::Transaction), sink, interrupt).await?;
    }
    let seen = RefCell::default();
    // What is deferred speaks up behind the last statement.
    session.notices.begin(attempt.name, number(sent.end));
    // All of it is on its way at once.
    let noting = async {
        match sent.end.checked_sub(1).filter(|last| *last >= first) {
            Some(last) => note_locks(attempt, last, (Locks::Longer, Seen::default())).await,
            None => Ok(()),
        }
    };
    let finishing = async { tokio::join!(finish(attempt, *unseen, interrupt), noting) };
    let (finished, noted) = watch(&attempt.watching(&seen), sink, finishing).await;
    session.notices.tell(sink);
    if !finished? {
        if unseen.is_none() && !attempt.history.has(session, attempt.id).await? {
            return Err(Stop::Failed(Box::new(row_gone(attempt))));
        }
        return Err(Stop::Failed(Box::new(not_finished(attempt, *unseen))));
    }
    noted?;
    stand_in::check_within(session, attempt.name).await?;
    // From here on the truth is the server's: an interrupt waits for its answer.
    let committed =
        watch(&attempt.watching(&seen), sink, session.commit_and_reset(attempt.script.leaves()))
            .await;
    session.notices.end(sink);
    Ok(committed?)
}

/// Commits the started row, unless an attempt before this one did, and begins the script's transaction,
/// with the `lock_timeout` of its first statement. One message: the server takes it statement by
/// statement.
async fn begin(
    attempt: &Attempt<'_>,
    first: usize,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Stop> {
    let change = attempt.pace.change(first).map(|timeout| set_lock_timeout("LOCAL", timeout));
    let begin = format!("BEGIN; {}", change.unwrap_or_default());
    if attempt.started.get() {
        return Ok(attempt.session.run(&begin).await?);
    }
    start(attempt, &begin, (sink, interrupt)).await
}

/// Commits the started row, and whatever `then` is in the same message. Somebody may hold the history,
/// as a dump or a REINDEX does: it says so, and stops when it is asked to.
pub(crate) async fn start(
    attempt: &Attempt<'_>,
    then: &str,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Stop> {
    const OF_THE_ROW: usize = 3;
    let sql = format!("BEGIN; {}; COMMIT; {then}", attempt.starting());
    let (seen, ended) = (RefCell::default(), Cell::default());
    let watching = Watching {
        doing: format!("recording that `{}` begins", attempt.name),
        ..attempt.watching(&seen)
    };
    let running = attempt.session.run_counted_interruptible((&sql, &ended), interrupt);
    let ran = watch(&watching, sink, running).await;
    attempt.started.set(ended.get() >= OF_THE_ROW);
    attempt.account.borrow_mut().waited_for(seen.take());
    match ran {
        Ok(Ran::Done(_touched)) => Ok(()),
        Ok(Ran::Cancelled) => Err(Stop::Interrupted),
        Err(fault) if attempt.started.get() => Err(fault.into()),
        Err(fault) => Err(unrecordable(attempt, fault)),
    }
}

/// Whether nothing is left of a script that may have ended its transaction unseen.
async fn check_undone(attempt: &Attempt<'_>, transaction: i64, stop: &Stop) -> Result<(), Stop> {
    let row = attempt
        .session
        .one("SELECT pg_catalog.txid_status($1)", &[(&transaction, Type::INT8)])
        .await?;
    let status: Option<String> = row.get(0)?;
    let text = attempt.script.text.to_ascii_lowercase();
    let ends = ["rollback", "abort"].iter().any(|word| text.contains(word));
    let Stop::Failed(error) = stop else { return Ok(()) };
    match status.as_deref() {
        Some("aborted") if !ends => Ok(()),
        Some("aborted") => Err(Stop::Failed(error.clone())),
        Some(_) | None => Err(Stop::Failed(Box::new(
            error.as_ref().clone().database(DatabaseState::NeedsAttention),
        ))),
    }
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

/// The script took away the row that says that it runs.
pub(crate) fn row_gone(attempt: &Attempt<'_>) -> Error {
    let table = attempt.history.table();
    Error::new(
        Kind::MigrationFailed,
        format!("the script deletes its own row of the history {table}, so it cannot be recorded"),
    )
    .hint("leave out what empties or replaces that table: it is the runner's")
    .migration(attempt.name)
}

/// Somebody else holds the migration lock.
pub(crate) fn lock_lost(attempt: &Attempt<'_>) -> Error {
    let keys: Vec<String> = attempt.keys.iter().map(i64::to_string).collect();
    Error::new(
        Kind::LockNotObtained,
        format!("the migration lock {} is not ours any more", keys.join(" or ")),
    )
    .hint("leave the lock to the runner: a script must not release it")
    .migration(attempt.name)
}

/// The id of the transaction that has just begun, if our backend holds the lock: through a pooler
/// or after a failover it might not.
pub(crate) async fn fenced(attempt: &Attempt<'_>) -> Result<i64, Stop> {
    let sql = format!("SELECT pg_catalog.txid_current(), {}", lock::fence(attempt.keys));
    let row = attempt.session.one(&sql, &[]).await?;
    if row.get(1)? {
        return Ok(row.get(0)?);
    }
    Err(Stop::Failed(Box::new(lock_lost(attempt))))
}

/// What comes before the finished mark: deferred constraints speak up, and a `SET ROLE` of the script
/// must not decide who writes it.
const SETTLE: [&str; 3] =
    ["SET CONSTRAINTS ALL IMMEDIATE", "RESET SESSION AUTHORIZATION", "RESET ROLE"];

/// Sets the finished mark. False if nothing was written, see [`History::finishing`].
pub(crate) async fn finish(
    attempt: &Attempt<'_>,
    transaction: Option<i64>,
    interrupt: &mut Interrupt,
) -> Result<bool, Stop> {
    let fence = Fence { id: attempt.id, transaction, keys: attempt.keys };
    let finishing = attempt.history.finishing(&fence, attempt.checksum);
    let is_same = attempt.session.stays(attempt.script.leaves());
    let settle = if is_same { &SETTLE[..1] } else { &SETTLE[..] };
    let sql = format!("{}; {finishing}", settle.join("; "));
    let ended = Cell::default();
    let running = attempt.session.run_counted_interruptible((&sql, &ended), interrupt);
    match Box::pin(running).await {
        Ok(Ran::Done(touched)) => Ok(touched == 1),
        Ok(Ran::Cancelled) => Err(Stop::Interrupted),
        Err(Fault::Server(db)) if ended.get() < settle.len() => {
            Err(Stop::Failed(Box::new(refusal(attempt, &db, None))))
        }
        Err(fault) => Err(unrecordable(attempt, fault)),
    }
}
