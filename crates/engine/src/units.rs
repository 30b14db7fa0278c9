//! Scripts that cannot be one transaction, unit by unit.
//!
//! A unit is one statement, or what the script itself makes a transaction. Where a unit can be in
//! a transaction its end in the journal commits with it; what cannot, is looked up in the catalog
//! when its end is unknown.

use crate::carried::{Carried, Lens};
use crate::error::{DatabaseState, Fault};
use crate::index;
use crate::interrupt::Interrupt;
use crate::journal::{self, After, End, Entry, Intent, Reach};
use crate::known::{self, fingerprint};
use crate::leftover;
use crate::observe::{Watching, watch};
use crate::progress::{Progress, Sink};
use crate::resume;
use crate::session::{OF_THE_CONNECTION, Ran};
use crate::stand_in::{check_can_be_looked_at, check_within, is_watched};
use crate::statement::{Around, number, refusal, run_statement};
use crate::trace;
use crate::traffic::{Tries, named, wait_for_old_transactions};
use crate::transaction::{self, Attempt, Begun, Stop, fenced, lock_lost};
use crate::way::{self, Way};
use migrations::script::Class;
use std::cell::RefCell;
use std::ops::Range;
use tokio::time::Instant;

/// A unit of the script in its turn.
struct Turn<'a> {
    number: i32,
    range: &'a Range<usize>,
    way: Way,
    /// What the session was before it; looked at where the journal is written.
    before: Option<Carried>,
    /// Digest of the settings before it.
    settings: String,
    /// What is there of its thing before it, see `trace`.
    trace: String,
}

/// Runs what is not done yet, then marks the migration as finished.
pub(crate) async fn run(
    attempt: &Attempt<'_>,
    units: &[Range<usize>],
    sink: &mut dyn Sink,
    interrupt: &mut Interrupt,
) -> Result<(), Stop> {
    start(attempt, (&mut *sink, &mut *interrupt)).await?;
    let unwritten = if attempt.journaled { None } else { Some(known::unwritten(attempt, units)) };
    let known = unwritten.as_ref().unwrap_or(attempt.known);
    known::check_done(attempt, units, known)?;
    let settings_from = resume::session_that_was(attempt, units, (known, &lens(attempt))).await?;
    if let Begun::Earlier(_) = attempt.begun {
        let migration = attempt.name.to_owned();
        sink.emit(Progress::Settled { migration, outcome: "resumed" });
    }
    for (number, range) in (0_i32..).zip(units) {
        if interrupt.requested() {
            return Err(Stop::Interrupted);
        }
        let begun = Instant::now();
        let mut turn = Turn {
            number,
            range,
            way: way_of(attempt, range),
            before: None,
            settings: String::new(),
            trace: String::new(),
        };
        let skipped = if turn.way == Way::Setting {
            // What it set is in the session that was.
            let skipped = number < settings_from;
            if !skipped {
                let place = (range.start, Around::Nothing);
                run_statement(attempt, place, sink, interrupt).await?;
            }
            skipped
        } else if let Some(entry) = known.get(&number).filter(|entry| entry.end == End::Finished) {
            // Its end was written with it.
            entry.end == End::Finished
        } else {
            turn.settings = resume::settings_before(attempt.script, units, number);
            run_unit(attempt, turn, known.get(&number), (sink, interrupt)).await?
        };
        let count = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        sink.emit(Progress::StatementFinished {
            migration: attempt.name.to_owned(),
            number: count(range.end),
            of: count(attempt.script.statements.len()),
            duration: begun.elapsed(),
            skipped,
        });
    }
    finish(attempt, sink, interrupt).await
}

/// Commits the started row; again where others are in the way, as long as the budget lasts.
async fn start(
    attempt: &Attempt<'_>,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Stop> {
    let mut tries = Tries::new(attempt);
    loop {
        let started = transaction::start(attempt, "", (&mut *sink, &mut *interrupt)).await;
        let Err(stop) = started else { return Ok(()) };
        if let Stop::Lost(_) = stop {
            return Err(stop);
        }
        attempt.session.run("ROLLBACK").await?;
        tries.again(stop, (&mut *sink, &mut *interrupt)).await?;
    }
}

/// In a rehearsal on a live server what may commit by itself is tried in a transaction first, so that it
/// can be looked at.
fn way_of(attempt: &Attempt<'_>, range: &Range<usize>) -> Way {
    let way = way::of(attempt.script, range);
    let alone = way == Way::Alone && range.len() == 1;
    if alone && is_watched(attempt.session) { Way::Either } else { way }
}

/// What of the session is ours.
fn lens(attempt: &Attempt<'_>) -> Lens {
    let ours = attempt.pace.is_ours().then_some("lock_timeout");
    let ours = ours.into_iter().chain(OF_THE_CONNECTION).map(str::to_owned);
    Lens {
        custom: attempt.script.custom_settings(),
        ours: ours.collect(),
        keys: attempt.keys.to_vec(),
    }
}

/// Whether it was done before.
async fn run_unit(
    attempt: &Attempt<'_>,
    mut turn: Turn<'_>,
    entry: Option<&Entry>,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<bool, Stop> {
    let session = attempt.session;
    let place = (attempt.id, turn.number);
    let unit = turn.range;
    if attempt.journaled {
        turn.before = Some(Carried::read(session, &lens(attempt)).await?);
    }
    let intended = fingerprint(attempt.script, unit);
    // Our own intent came before it, so what is there is the last attempt's.
    if let Some(entry) = entry {
        resume::check_any_part(attempt, entry)?;
    }
    let same = |entry: &&Entry| known::stands_the_same(attempt.script, unit, &entry.fingerprint);
    if let Some(entry) = entry.filter(same) {
        let detaches = matches!(turn.way, Way::Detach(..));
        let detached =
            detaches && leftover::finish_detaching(attempt, unit.start, interrupt).await?;
        if detached || resume::was_done(attempt, unit, entry).await? {
            done(attempt, &turn, Reach::Session).await?;
            return Ok(true);
        }
        if turn.way == Way::Reindex {
            leftover::drop_unfinished_rebuilds(attempt, entry, sink).await?;
        }
        if let Way::Unnamed(table) = &turn.way {
            leftover::drop_unnamed(attempt, (table, entry), sink).await?;
        }
    }
    turn.trace = if turn.way == Way::Reindex {
        leftover::rebuilds(session).await?
    } else if turn.way.is_alone() && attempt.script.unparsable.is_some() {
        resume::ANY_PART.to_owned()
    } else if turn.way.is_alone() {
        trace::look(session, &resume::trace_of(attempt.script, unit)).await?
    } else {
        String::new()
    };
    intend(attempt, &turn, &intended).await?;
    let ran = match until_done(attempt, &turn, (sink, interrupt)).await {
        Err(Stop::Failed(error))
            if turn.way == Way::Either && way::minds_transactions(error.sqlstate.as_deref()) =>
        {
            turn.way = Way::Alone;
            turn.trace = trace::look(session, &resume::trace_of(attempt.script, unit)).await?;
            intend(attempt, &turn, &intended).await?;
            until_done(attempt, &turn, (sink, interrupt)).await
        }
        ran => ran,
    };
    match ran {
        Ok(()) => Ok(false),
        Err(Stop::Lost(cause)) => Err(Stop::Lost(cause)),
        Err(stop) => {
            if attempt.journaled {
                session.reset().await?;
                if attempt.left.get() {
                    journal::fail(session, place).await?;
                } else {
                    journal::withdraw(session, place).await?;
                }
            }
            Err(stop)
        }
    }
}

async fn intend(attempt: &Attempt<'_>, turn: &Turn<'_>, fingerprint: &str) -> Result<(), Stop> {
    let Some(before) = &turn.before else { return Ok(()) };
    let intent = &Intent { fingerprint, alone: turn.way.is_alone(), before: &turn.trace };
    let session = attempt.session;
    let disguise = journal::leave_role(session, before, Reach::Session).await?;
    journal::intend(session, (attempt.id, turn.number), intent).await?;
    journal::take_role(session, &disguise, before, Reach::Session).await?;
    Ok(())
}

/// Runs a unit; again where others stopped it and nothing of it is left, as long as the budget lasts.
async fn until_done(
    attempt: &Attempt<'_>,
    turn: &Turn<'_>,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Stop> {
    let mut tries = Tries::new(attempt);
    loop {
        attempt.pace.begin(tries.number);
        attempt.account.borrow_mut().begin();
        let ran = match &turn.way {
            Way::Wrapped | Way::Either => {
                wrapped(attempt, turn, (&mut *sink, &mut *interrupt)).await
            }
            Way::Own => own(attempt, turn, (&mut *sink, &mut *interrupt)).await,
            Way::Index(index, table) => {
                build(attempt, turn, (index, table), (&mut *sink, &mut *interrupt)).await
            }
            Way::Unnamed(table) => {
                build_unnamed(attempt, turn, table, (&mut *sink, &mut *interrupt)).await
            }
            Way::Setting | Way::Alone | Way::Drop(_) | Way::Detach(..) | Way::Reindex => {
                alone(attempt, turn, (&mut *sink, &mut *interrupt)).await
            }
        };
        let Err(stop) = ran else { return Ok(()) };
        if let Stop::Lost(_) = stop {
            return Err(stop);
        }
        attempt.session.run("ROLLBACK").await?;
        transaction::forget_prepared(attempt, turn.before.as_ref()).await?;
        let trace = resume::trace_of(attempt.script, turn.range);
        let left = leftover::look(attempt, (&turn.way, &turn.trace, &trace), sink).await?;
        attempt.left.set(left);
        match turn.way {
            Way::Wrapped
            | Way::Either
            | Way::Own
            | Way::Index(..)
            | Way::Unnamed(_)
            | Way::Drop(_) => {
                tries.again(stop, (&mut *sink, &mut *interrupt)).await?;
            }
            // What runs alone may have done a part of its work.
            Way::Alone | Way::Setting | Way::Detach(..) | Way::Reindex => {
                return Err(named(attempt, stop));
            }
        }
    }
}

async fn alone(
    attempt: &Attempt<'_>,
    turn: &Turn<'_>,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Stop> {
    // One statement, or a transaction of the script that takes nothing of ours with it.
    let within = turn.range.len() > 1;
    let first = &attempt.script.statements[turn.range.start];
    if first.class == Class::Opaque {
        check_can_be_looked_at(attempt.session, attempt.name)?;
    }
    for index in turn.range.clone() {
        if within && index + 1 == turn.range.end {
            check_within(attempt.session, attempt.name).await?;
        }
        let around = if within { Around::Transaction } else { Around::Nothing };
        run_statement(attempt, (index, around), sink, interrupt).await?;
    }
    done(attempt, turn, Reach::Session).await?;
    Ok(())
}

/// Builds an index, after what an earlier attempt left of it is dropped.
async fn build(
    attempt: &Attempt<'_>,
    turn: &Turn<'_>,
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
    alone(attempt, turn, (sink, interrupt)).await
}

/// Builds one under a name that the server chooses.
async fn build_unnamed(
    attempt: &Attempt<'_>,
    turn: &Turn<'_>,
    table: &str,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Stop> {
    wait_for_old_transactions(attempt, table, (&mut *sink, &mut *interrupt)).await?;
    alone(attempt, turn, (sink, interrupt)).await
}

async fn wrapped(
    attempt: &Attempt<'_>,
    turn: &Turn<'_>,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Stop> {
    attempt.session.run("BEGIN").await?;
    fenced(attempt).await?;
    run_statement(attempt, (turn.range.start, Around::Transaction), &mut *sink, interrupt).await?;
    // What waits for the COMMIT speaks up for its statement.
    attempt.session.notices.begin(attempt.name, number(turn.range.end));
    match attempt.session.run("SET CONSTRAINTS ALL IMMEDIATE").await {
        Err(Fault::Server(db)) => {
            let refused = refusal(attempt, &db, Some(turn.range.start));
            return Err(Stop::Failed(Box::new(refused)));
        }
        checked => checked?,
    }
    let inside = done(attempt, turn, Reach::Transaction).await?;
    check_within(attempt.session, attempt.name).await?;
    let committed = attempt.session.run("COMMIT").await;
    attempt.session.notices.end(sink);
    committed?;
    settle_session(attempt, turn, inside).await
}

async fn own(
    attempt: &Attempt<'_>,
    turn: &Turn<'_>,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Stop> {
    let last = turn.range.end - 1;
    for index in turn.range.start..last {
        run_statement(attempt, (index, Around::Transaction), sink, interrupt).await?;
    }
    let inside = done(attempt, turn, Reach::Transaction).await?;
    check_within(attempt.session, attempt.name).await?;
    // A COMMIT is not interrupted: its answer is the truth.
    let (_interrupter, mut never) = Interrupt::pair();
    run_statement(attempt, (last, Around::Transaction), sink, &mut never).await?;
    settle_session(attempt, turn, inside).await
}

/// Writes the unit's end, with what the session is by then. Gives that back where it has to be looked
/// at again when the transaction is over.
async fn done(
    attempt: &Attempt<'_>,
    turn: &Turn<'_>,
    reach: Reach,
) -> Result<Option<Carried>, Stop> {
    let Some(before) = &turn.before else { return Ok(None) };
    let session = attempt.session;
    let now = Carried::read(session, &lens(attempt)).await?;
    let settled = reach == Reach::Session || (now.json == before.json && !listens(attempt, turn));
    let after = After { session: now, settled, settings: turn.settings.clone() };
    let disguise = journal::leave_role(session, &after.session, reach).await?;
    let place = (attempt.id, turn.number);
    if !journal::finish(session, place, (&after, attempt.keys)).await? {
        let error = lock_lost(attempt).database(DatabaseState::NeedsAttention);
        return Err(Stop::Failed(Box::new(error)));
    }
    journal::take_role(session, &disguise, &after.session, reach).await?;
    Ok((!settled).then_some(after.session))
}

/// LISTEN and UNLISTEN take effect when their transaction ends (PostgreSQL, "LISTEN").
fn listens(attempt: &Attempt<'_>, turn: &Turn<'_>) -> bool {
    let statements = &attempt.script.statements[turn.range.clone()];
    statements.iter().any(|statement| {
        statement.class != Class::Data
            && attempt.script.text_of(statement).to_ascii_lowercase().contains("listen")
    })
}

/// Writes what the session is now that the transaction is over in which it was `inside`.
async fn settle_session(
    attempt: &Attempt<'_>,
    turn: &Turn<'_>,
    inside: Option<Carried>,
) -> Result<(), Stop> {
    if inside.is_none() {
        return Ok(());
    }
    let session = attempt.session;
    let now = Carried::read(session, &lens(attempt)).await?;
    let disguise = journal::leave_role(session, &now, Reach::Session).await?;
    journal::settle(session, (attempt.id, turn.number), &now).await?;
    journal::take_role(session, &disguise, &now, Reach::Session).await?;
    Ok(())
}

/// The finished mark and the end of the journal in one transaction.
async fn finish(
    attempt: &Attempt<'_>,
    sink: &mut dyn Sink,
    interrupt: &mut Interrupt,
) -> Result<(), Stop> {
    let session = attempt.session;
    // The script may have left any role or search path behind.
    session.reset().await?;
    session.run("BEGIN").await?;
    let transaction = fenced(attempt).await?;
    let seen = RefCell::default();
    let finishing = transaction::finish(attempt, Some(transaction), interrupt);
    if !watch(&attempt.watching(&seen), sink, finishing).await? {
        return Err(Stop::Failed(Box::new(lock_lost(attempt))));
    }
    // Where none was needed there may be no right to it.
    if attempt.journaled {
        journal::forget(session, attempt.id).await?;
    }
    session.run("COMMIT").await?;
    Ok(())
}
