//! Scripts that cannot be one transaction, unit by unit.
//!
//! A unit is one statement, or what the script itself makes a transaction. Where a unit can be in
//! a transaction its end in the journal commits with it; what cannot, is looked up in the catalog
//! when its end is unknown.

use crate::error::DatabaseState;
use crate::history::Fence;
use crate::index::{self, Found};
use crate::interrupt::Interrupt;
use crate::journal::{self, Entry, Reach};
use crate::known::{self, fingerprint};
use crate::leftover;
use crate::observe::{Watching, watch};
use crate::progress::{Progress, Sink};
use crate::session::Ran;
use crate::statement::run_statement;
use crate::traffic::{Tries, named, wait_for_old_transactions};
use crate::transaction::{Attempt, Begun, Stop, fenced, lock_lost, settle_constraints};
use migrations::script::{Class, Form, Script};
use std::cell::RefCell;
use std::ops::Range;
use tokio::time::Instant;

/// How a unit may run.
pub(crate) enum Way {
    /// A setting of the session: again in every attempt, never in the journal.
    Setting,
    /// In a transaction of ours, together with its end in the journal.
    Wrapped,
    /// In its own transaction, whose COMMIT is its last statement.
    Own,
    /// Alone; the journal follows.
    Alone,
    /// Alone, and it leaves this index of this table, valid or not.
    Index(String, String),
    /// Alone, and this index is gone after it.
    Drop(String),
    /// Alone, and a partition is detached after it.
    Detach,
    /// Alone, and indexes are built again beside themselves.
    Reindex,
}

/// Whether what is done has to be remembered. One index build or drop does not need it, because the
/// catalog knows; so the role needs no right to create the journal's schema.
pub(crate) fn need_journal(script: &Script) -> bool {
    let Form::Statements { units, .. } = &script.form else { return false };
    let mut ways =
        units.iter().map(|unit| way(script, unit)).filter(|way| !matches!(way, Way::Setting));
    match (ways.next(), ways.next()) {
        (None | Some(Way::Index(..) | Way::Drop(_)), None) => false,
        (_, _) => true,
    }
}

/// Runs what is not done yet, then marks the migration as finished.
pub(crate) async fn run(
    attempt: &Attempt<'_>,
    units: &[Range<usize>],
    sink: &mut dyn Sink,
    interrupt: &mut Interrupt,
) -> Result<(), Stop> {
    attempt.start().await?;
    let unwritten = if attempt.journaled { None } else { Some(known::unwritten(attempt, units)) };
    let known = unwritten.as_ref().unwrap_or(attempt.known);
    known::check_done(attempt, units, known)?;
    if let Begun::Earlier(_) = attempt.begun {
        let migration = attempt.name.to_owned();
        sink.emit(Progress::Settled { migration, outcome: "resumed" });
    }
    for (number, unit) in (0_i32..).zip(units) {
        if interrupt.requested() {
            return Err(Stop::Interrupted);
        }
        let begun = Instant::now();
        let entry = known.get(&number);
        let skipped = run_unit(attempt, (number, unit), entry, (sink, interrupt)).await?;
        let count = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        sink.emit(Progress::StatementFinished {
            migration: attempt.name.to_owned(),
            number: count(unit.end),
            of: count(attempt.script.statements.len()),
            duration: begun.elapsed(),
            skipped,
        });
    }
    finish(attempt, interrupt).await
}

/// Whether it was done before.
async fn run_unit(
    attempt: &Attempt<'_>,
    (number, unit): (i32, &Range<usize>),
    entry: Option<&Entry>,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<bool, Stop> {
    let session = attempt.session;
    let place = (attempt.id, number);
    let way = way(attempt.script, unit);
    if let Way::Setting = way {
        run_statement(attempt, unit.start, sink, interrupt).await?;
        return Ok(false);
    }
    if entry.is_some_and(|entry| entry.finished) {
        return Ok(true);
    }
    let intended = fingerprint(attempt.script, unit);
    // Our own intent came before it, so what is there is the last attempt's.
    if entry.is_some_and(|entry| entry.fingerprint == intended) {
        match &way {
            Way::Index(index, table)
                if index::of(session, (index, table)).await? == Found::Valid =>
            {
                done(attempt, place, Reach::Session).await?;
                return Ok(true);
            }
            Way::Drop(name) if index::named(session, name).await? == Found::Nothing => {
                done(attempt, place, Reach::Session).await?;
                return Ok(true);
            }
            Way::Detach if leftover::finish_detaching(attempt, unit.start, interrupt).await? => {
                done(attempt, place, Reach::Session).await?;
                return Ok(true);
            }
            Way::Index(..)
            | Way::Drop(_)
            | Way::Detach
            | Way::Reindex
            | Way::Setting
            | Way::Wrapped
            | Way::Own
            | Way::Alone => {}
        }
    }
    if attempt.journaled {
        let role = journal::leave_role(session, Reach::Session).await?;
        journal::intend(session, place, &intended).await?;
        journal::take_role(session, role, Reach::Session).await?;
    }
    let ran = until_done(attempt, (number, unit), &way, (sink, interrupt)).await;
    match ran {
        Ok(()) => Ok(false),
        Err(Stop::Lost(cause)) => Err(Stop::Lost(cause)),
        Err(stop) => {
            if attempt.journaled && !attempt.left.get() {
                session.run("RESET ROLE").await?;
                journal::withdraw(session, place).await?;
            }
            Err(stop)
        }
    }
}

/// Runs a unit; again where others stopped it and nothing of it is left, as long as the budget lasts.
async fn until_done(
    attempt: &Attempt<'_>,
    place: (i32, &Range<usize>),
    way: &Way,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Stop> {
    let mut tries = Tries::new(attempt);
    loop {
        attempt.pace.begin(tries.number);
        attempt.account.borrow_mut().begin();
        let ran = match way {
            Way::Wrapped => wrapped(attempt, place, (&mut *sink, &mut *interrupt)).await,
            Way::Own => own(attempt, place, (&mut *sink, &mut *interrupt)).await,
            Way::Index(index, table) => {
                build(attempt, place, (index, table), (&mut *sink, &mut *interrupt)).await
            }
            Way::Setting | Way::Alone | Way::Drop(_) | Way::Detach | Way::Reindex => {
                alone(attempt, place, (&mut *sink, &mut *interrupt)).await
            }
        };
        let Err(stop) = ran else { return Ok(()) };
        if let Stop::Lost(_) = stop {
            return Err(stop);
        }
        attempt.session.run("ROLLBACK").await?;
        attempt.left.set(leftover::look(attempt, way, sink).await?);
        match way {
            Way::Wrapped | Way::Own | Way::Index(..) | Way::Drop(_) => {
                tries.again(stop, (&mut *sink, &mut *interrupt)).await?;
            }
            // What runs alone may have done a part of its work.
            Way::Alone | Way::Setting | Way::Detach | Way::Reindex => {
                return Err(named(attempt, stop));
            }
        }
    }
}

fn way(script: &Script, unit: &Range<usize>) -> Way {
    let first = &script.statements[unit.start];
    match &first.class {
        Class::Setting => Way::Setting,
        Class::Begin { .. } => Way::Own,
        Class::ConcurrentIndex { index: Some(index), table } => {
            Way::Index(index.clone(), table.clone())
        }
        Class::ConcurrentDrop { index } => Way::Drop(index.clone()),
        Class::Alone(words) if words.starts_with("DETACH") => Way::Detach,
        Class::Alone(words) if words.starts_with("REINDEX") => Way::Reindex,
        Class::ConcurrentIndex { index: None, .. }
        | Class::Alone(_)
        | Class::Commit { .. }
        | Class::Rollback => Way::Alone,
        // The directive is there for what refuses a transaction in ways that cannot be seen.
        Class::Opaque if script.directive => Way::Alone,
        Class::Opaque
        | Class::Ordinary
        | Class::Data
        | Class::TransactionMode
        | Class::ReadOnly
        | Class::EnumValue { .. }
        | Class::CreateEnum { .. }
        | Class::CopyFromStdin => Way::Wrapped,
    }
}

async fn alone(
    attempt: &Attempt<'_>,
    (number, unit): (i32, &Range<usize>),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Stop> {
    run_statement(attempt, unit.start, sink, interrupt).await?;
    done(attempt, (attempt.id, number), Reach::Session).await
}

/// Builds an index, after what an earlier attempt left of it is dropped.
async fn build(
    attempt: &Attempt<'_>,
    place: (i32, &Range<usize>),
    (name, table): (&str, &str),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Stop> {
    if let Some(sql) = index::drop_statement(attempt.session, (name, table)).await? {
        let seen = RefCell::default();
        let watching = Watching {
            doing: format!("dropping the invalid index {name}"),
            ..attempt.watching(&seen)
        };
        let dropping = attempt.session.run_interruptible(&sql, interrupt);
        if let Ran::Cancelled = watch(&watching, sink, dropping).await? {
            return Err(Stop::Interrupted);
        }
        sink.emit(Progress::Notice {
            code: "invalid_index_dropped",
            text: format!(
                "the invalid index {name} of an earlier attempt was dropped and is built again"
            ),
        });
    }
    wait_for_old_transactions(attempt, table, (&mut *sink, &mut *interrupt)).await?;
    alone(attempt, place, (sink, interrupt)).await
}

async fn wrapped(
    attempt: &Attempt<'_>,
    (number, unit): (i32, &Range<usize>),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Stop> {
    attempt.session.run("BEGIN").await?;
    fenced(attempt).await?;
    run_statement(attempt, unit.start, sink, interrupt).await?;
    done(attempt, (attempt.id, number), Reach::Transaction).await?;
    attempt.session.run("COMMIT").await?;
    Ok(())
}

async fn own(
    attempt: &Attempt<'_>,
    (number, unit): (i32, &Range<usize>),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Stop> {
    let last = unit.end - 1;
    for index in unit.start..last {
        run_statement(attempt, index, sink, interrupt).await?;
    }
    let commits = matches!(attempt.script.statements[last].class, Class::Commit { plain: true });
    if commits {
        done(attempt, (attempt.id, number), Reach::Transaction).await?;
    }
    // A COMMIT is not interrupted: its answer is the truth.
    let (_interrupter, mut never) = Interrupt::pair();
    run_statement(attempt, last, sink, &mut never).await?;
    if !commits {
        done(attempt, (attempt.id, number), Reach::Session).await?;
    }
    Ok(())
}

async fn done(attempt: &Attempt<'_>, place: (&str, i32), reach: Reach) -> Result<(), Stop> {
    if !attempt.journaled {
        return Ok(());
    }
    let session = attempt.session;
    let role = journal::leave_role(session, reach).await?;
    if !journal::finish(session, place, attempt.key).await? {
        let error = lock_lost(attempt).database(DatabaseState::NeedsAttention);
        return Err(Stop::Failed(Box::new(error)));
    }
    Ok(journal::take_role(session, role, reach).await?)
}

/// The finished mark and the end of the journal in one transaction.
async fn finish(attempt: &Attempt<'_>, interrupt: &mut Interrupt) -> Result<(), Stop> {
    let session = attempt.session;
    // The script may have left any role or search path behind.
    session.reset().await?;
    session.run("BEGIN").await?;
    let transaction = fenced(attempt).await?;
    settle_constraints(attempt, interrupt).await?;
    let fence = Fence { id: attempt.id, transaction: Some(transaction), key: attempt.key };
    if !attempt.history.finish(session, &fence, attempt.checksum).await? {
        return Err(Stop::Failed(Box::new(lock_lost(attempt))));
    }
    journal::forget(session, attempt.id).await?;
    session.run("COMMIT").await?;
    Ok(())
}
