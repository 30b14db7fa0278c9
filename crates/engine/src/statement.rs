//! Owns running one statement of a script: its timeout, its watch, what it cost, what the server
//! said of it.

use crate::error::{Error, FailedStatement, Fault, Kind, others_doing, raised};
use crate::hint;
use crate::index;
use crate::interrupt::Interrupt;
use crate::observe::{Locks, Notes, Seen, Watching, rewritten_in, watch};
use crate::progress::Sink;
use crate::resume;
use crate::session::Ran;
use crate::traffic::set_lock_timeout;
use crate::transaction::{Attempt, Stop};
use migrations::script::{Class, Form, Script, Statement, line_at};
use std::cell::RefCell;
use tokio::time::Instant;
use tokio_postgres::error::{DbError, ErrorPosition};

/// What is around a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Around {
    /// A transaction, ours or the script's.
    Transaction,
    /// Nothing.
    Nothing,
}

/// Runs one statement of the script.
pub(crate) async fn run_statement(
    attempt: &Attempt<'_>,
    (index, around): (usize, Around),
    sink: &mut dyn Sink,
    interrupt: &mut Interrupt,
) -> Result<(), Stop> {
    if interrupt.requested() {
        return Err(Stop::Interrupted);
    }
    let script = attempt.script;
    let statement = &script.statements[index];
    let seen = RefCell::default();
    let locks = match around {
        Around::Nothing if statement.class != Class::Setting => Locks::Shorter,
        Around::Nothing | Around::Transaction => Locks::Longer,
    };
    let watching = Watching {
        doing: format!(
            "applying `{}`, statement {} of {}",
            attempt.name,
            index + 1,
            script.statements.len()
        ),
        locks,
        ..attempt.watching(&seen)
    };
    let scope = if around == Around::Nothing { "SESSION" } else { "LOCAL" };
    let change = attempt.pace.change(index).map(|timeout| set_lock_timeout(scope, timeout));
    attempt.session.notices.begin(attempt.name, number(index + 1));
    let begun = Instant::now();
    let running = async {
        let ran = attempt.session.run_interruptible(script.text_of(statement), interrupt);
        let Some(change) = &change else { return ran.await };
        // Both are on their way at once.
        let (changed, ran) = tokio::join!(attempt.session.run(change), ran);
        let ran = ran?;
        changed.map(|()| ran)
    };
    let ran = watch(&watching, sink, running).await;
    let skipped = attempt.session.notices.end(sink);
    let number = number(index + 1);
    let seen = seen.take();
    let ran_for = begun.elapsed();
    {
        let mut account = attempt.account.borrow_mut();
        account.ran((number, statement.line), ran_for, &seen);
        account.waited = attempt.pace.waited(ran_for, seen.lock_wait);
    }
    match ran {
        Ok(Ran::Done(rows)) => {
            attempt.account.borrow_mut().touched(number, rows);
            refuse_invalid_index(attempt, index, &skipped).await?;
            if statement.class == Class::Setting {
                // It may have been RESET ALL.
                attempt.pace.forget();
            }
            if ends_transaction(script, index) {
                return Ok(());
            }
            note_locks(attempt, index, (locks, seen)).await
        }
        Ok(Ran::Cancelled) => {
            attempt.left.set(around == Around::Nothing && script.may_commit_inside(statement));
            Err(Stop::Interrupted)
        }
        Err(Fault::Lost(cause)) => Err(Stop::Lost(cause)),
        Err(fault @ Fault::Answer(_)) => Err(fault.into()),
        Err(Fault::Server(db)) => {
            // An error at a place of the statement itself came before anything of it ran.
            // A text that the parser does not know may be several.
            let began = script.unparsable.is_some()
                || !matches!(db.position(), Some(ErrorPosition::Original(_)));
            attempt
                .left
                .set(began && around == Around::Nothing && script.may_commit_inside(statement));
            let refused = refusal(attempt, &db, Some(index));
            Err(Stop::Failed(Box::new(match resume::sequence_that_was(attempt, &db) {
                Some(why) => Error {
                    kind: why.kind,
                    message: why.message,
                    hint: why.hint,
                    database: why.database,
                    ..refused
                },
                None => refused,
            })))
        }
    }
}

/// `IF NOT EXISTS` takes an index of the name for the one that is meant, also where an earlier build
/// failed and left it invalid: it is of no use to any query, and a unique one keeps nothing out.
async fn refuse_invalid_index(
    attempt: &Attempt<'_>,
    index: usize,
    skipped: &str,
) -> Result<(), Stop> {
    let script = attempt.script;
    let statement = &script.statements[index];
    let text = script.text_of(statement);
    if skipped.is_empty() && !index::may_skip(text) {
        return Ok(());
    }
    let invalid = match script.index_if_not_exists(statement) {
        Some((index, table)) => index::invalid_beside(attempt.session, (&index, &table)).await?,
        None => index::invalid_among(attempt.session, &[text, skipped]).await?,
    };
    let Some(invalid) = invalid else { return Ok(()) };
    let number = number(index + 1);
    Err(Stop::Failed(Box::new(Error {
        statement: Some(FailedStatement {
            number,
            of: self::number(script.statements.len()),
            line: statement.line,
            text: excerpt(text),
        }),
        prisma_code: Some("P3018"),
        ..Error::new(
            Kind::MigrationFailed,
            format!("the index {invalid} is there but invalid, and IF NOT EXISTS skipped it"),
        )
        .hint(format!(
            "an earlier build of it failed: run DROP INDEX {invalid}, or REINDEX INDEX {invalid}, then run again"
        ))
        .migration(attempt.name)
    })))
}

/// What a person needs to know a statement again; one with its rows in it can be as large as a disk.
fn excerpt(text: &str) -> String {
    if text.len() <= LONGEST_EXCERPT {
        return text.to_owned();
    }
    let start = &text[..text.floor_char_boundary(LONGEST_EXCERPT)];
    format!("{start}… ({} bytes)", text.len())
}

/// In bytes; an event line has room for less.
const LONGEST_EXCERPT: usize = 8 * 1024;

/// Whether a statement is the last one of our transaction: its locks are looked at while that
/// finishes.
fn ends_transaction(script: &Script, index: usize) -> bool {
    match &script.form {
        Form::Transaction { sent } => index + 1 == sent.end,
        Form::Statements { .. } | Form::Refused { .. } => false,
    }
}

/// Notes what a statement has locked and rewritten.
pub(crate) async fn note_locks(
    attempt: &Attempt<'_>,
    index: usize,
    (locks, seen): (Locks, Seen),
) -> Result<(), Stop> {
    if attempt.observer.notes == Notes::Nothing {
        return Ok(());
    }
    let statement = &attempt.script.statements[index];
    let may_rewrite = match statement.class {
        Class::Setting
        | Class::TransactionMode
        | Class::ReadOnly
        | Class::Begin { .. }
        | Class::Commit { .. }
        | Class::Rollback
        | Class::CopyByClient => return Ok(()),
        Class::Data | Class::EnumValue { .. } | Class::CreateEnum { .. } => false,
        Class::Ordinary
        | Class::Opaque
        | Class::Alone(_)
        | Class::ConcurrentIndex { .. }
        | Class::ConcurrentDrop { .. } => true,
    };
    let held = match locks {
        Locks::Longer => attempt.observer.held(attempt.session.backend).await,
        Locks::Shorter => Some(seen.held),
    };
    let Some(held) = held else { return Ok(()) };
    // A question of ours must not run into a time limit of the script: it would end it.
    let limited = attempt.script.text.contains("statement_timeout");
    let rewritten = match locks {
        Locks::Longer if may_rewrite && !limited => rewritten_in(attempt.session, &held).await?,
        Locks::Longer => Vec::new(),
        Locks::Shorter => attempt.observer.rewritten(&held).await,
    };
    let mut account = attempt.account.borrow_mut();
    account.locked(number(index + 1), held);
    account.rewrote(number(index + 1), rewritten);
    Ok(())
}

pub(crate) fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A write of our own into the history failed, or was for nothing: it is about the table, not about
/// what the script does with its own.
pub(crate) fn unrecordable(attempt: &Attempt<'_>, fault: Fault) -> Stop {
    let Fault::Server(db) = fault else { return fault.into() };
    let code = db.code().code();
    let table = attempt.history.table();
    let (kind, hint) = match code {
        _ if others_doing(&db) => return Fault::Server(db).into(),
        "57014" | "42501" | "25006" => return Fault::Server(db).into(),
        "23502" => (
            Kind::HistoryDiffers,
            format!(
                "{table} has a column that a history does not have: drop it, or give it a default with ALTER TABLE {table} ALTER COLUMN {} SET DEFAULT …",
                db.column().unwrap_or("…")
            ),
        ),
        "42P01" | "3F000" | "42703" => (
            Kind::MigrationFailed,
            format!("the script takes {table} away, in which it is recorded: leave that table out"),
        ),
        _ => (
            Kind::HistoryDiffers,
            format!("look at {table}: it has constraints, triggers or rules that no history has"),
        ),
    };
    let message = format!("the migration cannot be recorded: {}", db.message());
    let error = Error {
        sqlstate: Some(code.to_owned()),
        detail: db.detail().map(str::to_owned),
        prisma_code: Some("P3018"),
        ..Error::new(kind, message).hint(hint).migration(attempt.name)
    };
    Stop::Failed(Box::new(error))
}

/// What the server said of a script, with the place in the file.
pub(crate) fn refusal(attempt: &Attempt<'_>, db: &DbError, index: Option<usize>) -> Error {
    let script = attempt.script;
    let code = db.code().code();
    let kind = if others_doing(db) { Kind::Blocked } else { Kind::MigrationFailed };
    Error {
        // What code raised by itself is about whatever its author meant.
        hint: if raised(db) {
            db.hint().map(str::to_owned)
        } else {
            hint::of_script(code, db.hint(), script)
        },
        statement: index.map(|index| FailedStatement {
            number: number(index + 1),
            of: number(script.statements.len()),
            line: line(script, &script.statements[index], db.position()),
            text: excerpt(script.text_of(&script.statements[index])),
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
