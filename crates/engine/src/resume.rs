//! Owns where a script goes on that an earlier run left part-way: behind what is done, in the session
//! that was; or why it cannot.

use crate::carried::{Carried, Failed, Lens, bound_to_session, cannot_resume};
use crate::error::{DatabaseState, Error, Kind};
use crate::index::{Same, compare};
use crate::journal::{After, End, Entry};
use crate::known::Known;
use crate::trace::{self, Done};
use crate::transaction::{Attempt, Stop};
use crate::way;
use migrations::checksum::checksum;
use migrations::script::{Class, Comments, Script, Trace, as_read};
use std::ops::Range;
use tokio_postgres::error::DbError;

/// The last unit that is done, with its number.
pub(crate) fn last_done(known: &Known) -> Option<(i32, &Entry)> {
    let mut done = known.iter().filter(|(_, entry)| entry.end == End::Finished);
    done.next_back().map(|(number, entry)| (*number, entry))
}

/// Why what is left cannot be run by another session, if the last unit left something that ends with
/// its own. PURE.
pub(crate) fn unresumable(known: &Known) -> Option<String> {
    let (_number, entry) = last_done(known)?;
    let bound = &entry.after.as_ref()?.session.bound;
    (!bound.is_empty()).then(|| bound_to_session(bound))
}

/// Makes the session what it was after the last unit that is done. Gives back from which unit on the
/// script's own settings are to be set again.
pub(crate) async fn session_that_was(
    attempt: &Attempt<'_>,
    units: &[Range<usize>],
    (known, lens): (&Known, &Lens),
) -> Result<i32, Stop> {
    let Some((number, entry)) = last_done(known) else { return Ok(0) };
    let statement = units.get(place(number)).map_or(0, |unit| unit.end);
    let refuse = |why: String| Stop::Failed(Box::new(cannot_resume(attempt.name, &why)));
    let Some(After { session, settled, settings }) = &entry.after else {
        // An older version's journal: its settings were set again in every attempt.
        let unseen =
            units.iter().take(place(number) + 1).any(|unit| changes_unseen(attempt.script, unit));
        if unseen {
            return Err(refuse("an older version applied the first part, and did not note what it made of the session".to_owned()));
        }
        return Ok(0);
    };
    if let Some(why) = unresumable(known) {
        return Err(refuse(why));
    }
    if !same_settings(attempt.script, units, (number, settings)) {
        let message = format!(
            "a SET of `{}` before statement {statement} was changed, but what follows it is applied already",
            attempt.name
        );
        return Err(Stop::Failed(Box::new(
            Error::new(Kind::PartlyApplied, message)
                .hint("restore it, and put another SET behind what is applied")
                .migration(attempt.name)
                .database(DatabaseState::NeedsAttention),
        )));
    }
    let mut session = session.clone();
    if !*settled {
        let earlier = known.range(..number).next_back();
        let before = match earlier.and_then(|(_, entry)| entry.after.as_ref()) {
            Some(after) => after.session.clone(),
            None => Carried::read(attempt.session, lens).await?,
        };
        let first = earlier.map_or(0, |(number, _)| place(*number) + 1);
        let (Some(first), Some(last)) = (units.get(first), units.get(place(number))) else {
            return Err(refuse("its journal names a statement that it does not have".to_owned()));
        };
        let done = first.start..last.end;
        session = session
            .after_transaction(&before, |name| attempt.script.change_lasts(&done, name))
            .map_err(|name| {
                refuse(format!(
                    "the run ended before it noted whether {name} stays as statement {statement} sets it"
                ))
            })?;
    }
    match session.restore(attempt.session, lens).await {
        Ok(()) => Ok(number + 1),
        Err(Failed::Fault(fault)) => Err(fault.into()),
        Err(Failed::Refused(cause)) => Err(refuse(format!(
            "the session cannot be what it was after statement {statement}: {cause}"
        ))),
    }
}

/// Digest of the settings that the script sets by statements of their own before a unit, as the server
/// reads them.
pub(crate) fn settings_before(script: &Script, units: &[Range<usize>], number: i32) -> String {
    settings(script, units, number, |text| as_read(text, Comments::Ignored))
}

/// Whether they are those that were written; an older version took every byte.
fn same_settings(script: &Script, units: &[Range<usize>], (number, written): (i32, &str)) -> bool {
    settings_before(script, units, number) == written
        || settings(script, units, number, str::to_owned) == written
}

fn settings(
    script: &Script,
    units: &[Range<usize>],
    number: i32,
    read: impl Fn(&str) -> String,
) -> String {
    let before = units.iter().take(place(number));
    let settings = before.filter(|unit| way::of(script, unit) == way::Way::Setting);
    let texts: Vec<String> =
        settings.map(|unit| read(script.text_of(&script.statements[unit.start]))).collect();
    checksum(&texts.join(";\n"))
}

/// Whether a unit may have changed the session in a way that setting its settings again does not
/// repeat.
fn changes_unseen(script: &Script, unit: &Range<usize>) -> bool {
    if way::of(script, unit) == way::Way::Setting {
        return false;
    }
    script.statements[unit.clone()].iter().any(|statement| {
        let text = script.text_of(statement).to_ascii_lowercase();
        let local = text.contains("local");
        let may_call = matches!(statement.class, Class::Opaque | Class::Data);
        (statement.class == Class::Setting && !local) || (may_call && text.contains("set_config"))
    })
}

fn place(number: i32) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// What became of a unit that an earlier run began and whose end it did not record.
pub(crate) async fn was_done(
    attempt: &Attempt<'_>,
    unit: &Range<usize>,
    entry: &Entry,
) -> Result<bool, Stop> {
    // What the server said that it failed begins again; what a transaction held is not there.
    if entry.end == End::Failed || entry.alone == Some(false) {
        return Ok(false);
    }
    let way = way::of(attempt.script, unit);
    if entry.alone.is_none() && !way.is_alone() {
        return Ok(false);
    }
    let trace = trace_of(attempt.script, unit);
    let now = trace::look(attempt.session, &trace).await?;
    match trace::judge(&trace, entry.before.as_deref(), &now) {
        Done::Yes => match the_one(attempt, unit).await? {
            Same::Yes => Ok(true),
            Same::No => Err(Stop::Failed(Box::new(another(attempt, unit)))),
            Same::Unknown => Err(Stop::Failed(Box::new(in_doubt(attempt, unit)))),
        },
        Done::No => Ok(false),
        Done::Unclear => Err(Stop::Failed(Box::new(in_doubt(attempt, unit)))),
    }
}

/// Whether an index that is there is the one that the unit builds; anything else is.
async fn the_one(attempt: &Attempt<'_>, unit: &Range<usize>) -> Result<Same, Stop> {
    let statement = &attempt.script.statements[unit.start];
    match (way::of(attempt.script, unit), attempt.script.index_statement(statement)) {
        (way::Way::Index(..), Some(parts)) => Ok(compare(attempt.session, &parts).await?),
        (way::Way::Index(..), None) => Ok(Same::Unknown),
        (_, _) => Ok(Same::Yes),
    }
}

/// Somebody has made another index under the name.
fn another(attempt: &Attempt<'_>, unit: &Range<usize>) -> Error {
    let statement = &attempt.script.statements[unit.start];
    let index =
        attempt.script.index_statement(statement).map_or_else(String::new, |parts| parts.index);
    let message = format!(
        "an index `{index}` is there, and it is not the one that statement {} of `{}` builds (line {})",
        unit.start + 1,
        attempt.name,
        statement.line
    );
    Error::new(Kind::PartlyApplied, message)
        .hint("find out who made it; drop or rename it, then run again")
        .migration(attempt.name)
        .database(DatabaseState::NeedsAttention)
}

/// What the journal has in place of a trace where a text ran alone that the parser does not know: a part
/// of it may be committed.
pub(crate) const ANY_PART: &str = "any part of it may be done";

/// Whether an earlier attempt may have done a part of such a text, whatever stands in the file now.
pub(crate) fn check_any_part(attempt: &Attempt<'_>, entry: &Entry) -> Result<(), Stop> {
    if entry.end == End::Finished || entry.before.as_deref() != Some(ANY_PART) {
        return Ok(());
    }
    let error = Error::new(
        Kind::PartlyApplied,
        format!(
            "an earlier run did not finish `{}`, which the parser does not know, and any part of it may be committed",
            attempt.name
        ),
    );
    Err(Stop::Failed(Box::new(
        error
            .hint("find out what of it is in the database, then `resolve --rolled-back NAME` or `resolve --applied NAME`")
            .migration(attempt.name)
            .database(DatabaseState::NeedsAttention),
    )))
}

/// What shows that a unit was done: what its last statement leaves.
pub(crate) fn trace_of(script: &Script, unit: &Range<usize>) -> Trace {
    match script.statements.get(unit.end.saturating_sub(1)) {
        Some(last) => script.trace_of(last),
        None => Trace::Nothing,
    }
}

/// Why a statement cannot go on that asks for the `currval` or `lastval` of a session that ended. Nothing
/// gives them back: they are of whoever called `nextval`, and no view shows them (PostgreSQL,
/// "Sequence Manipulation Functions"). Both names are of the server's own functions, whatever language
/// its messages are in.
pub(crate) fn sequence_that_was(attempt: &Attempt<'_>, db: &DbError) -> Option<Error> {
    let (number, _entry) = last_done(attempt.known)?;
    let asked = match db.routine()? {
        "currval_oid" => "currval",
        "lastval" => "lastval",
        _ => return None,
    };
    if db.code().code() != "55000" {
        return None;
    }
    let why = format!(
        "it asks for `{asked}` ({}), and what called `nextval` may be unit {} or one before it, which is done and was in the session that ended",
        db.message(),
        number + 1
    );
    let error = cannot_resume(attempt.name, &why);
    Some(error.hint("write the value itself in its place, such as (SELECT max(id) FROM …), and run again; or do the rest by hand, then `resolve --applied NAME`"))
}

/// It ran alone, so it may be done although nobody wrote that down, and a second time may do harm.
fn in_doubt(attempt: &Attempt<'_>, unit: &Range<usize>) -> Error {
    let statement = &attempt.script.statements[unit.start];
    let text = attempt.script.text_of(statement);
    let words: Vec<&str> = text.split_whitespace().take(6).collect();
    let message = format!(
        "an earlier run ended while statement {} of `{}` (line {}: {} …) ran without a transaction, and nothing shows whether it was done",
        unit.start + 1,
        attempt.name,
        statement.line,
        migrations::script::without_literals(&words.join(" ")),
    );
    Error::new(Kind::PartlyApplied, message)
        .hint("look whether it is done; if it is, put `SELECT 1` in its place, if not, put a comment into it, such as /* again */; then run again")
        .migration(attempt.name)
        .database(DatabaseState::NeedsAttention)
}
