//! What an earlier run is known to have done of a script that runs unit by unit.

use crate::error::{DatabaseState, Error, Fault, Kind};
use crate::journal::{self, End, Entry};
use crate::session::Session;
use crate::transaction::{Attempt, Begun, Stop};
use migrations::checksum::checksum;
use migrations::script::{Comments, Script, as_read};
use migrations::{Mode, Row};
use std::collections::BTreeMap;
use std::ops::Range;

/// The units that were begun, by their number.
pub(crate) type Known = BTreeMap<i32, Entry>;

/// What the journal has of an attempt.
pub(crate) async fn read(session: &Session, begun: Begun<'_>) -> Result<Known, Fault> {
    match begun {
        Begun::Now => Ok(Known::new()),
        Begun::Earlier(row) => match journal::entries(session, &row.id).await {
            // What was one transaction needed no journal, nor a right to it.
            Err(Fault::Server(db)) if db.code().code() == "42501" && was_whole(row) => {
                Ok(Known::new())
            }
            known => known,
        },
    }
}

fn was_whole(row: &Row) -> bool {
    row.marker().is_some_and(|marker| marker.mode == Mode::Transaction)
}

/// What the journal would have where there is none: that the earlier run intended everything. Of a
/// file that was edited since, nobody knows what it intended.
pub(crate) fn unwritten(attempt: &Attempt<'_>, units: &[Range<usize>]) -> Known {
    match attempt.begun {
        Begun::Earlier(row) if row.checksum == attempt.checksum => {
            let intended = |unit| Entry {
                fingerprint: fingerprint(attempt.script, unit),
                end: End::Unknown,
                alone: None,
                before: None,
                after: None,
            };
            (0..).zip(units.iter().map(intended)).collect()
        }
        Begun::Earlier(_) | Begun::Now => Known::new(),
    }
}

/// Digest of a unit's text, in two halves: as the server reads it, and with its comments.
pub(crate) fn fingerprint(script: &Script, unit: &Range<usize>) -> String {
    let read = |comments| half(&text(script, unit, |statement| as_read(statement, comments)));
    format!("{}{}", read(Comments::Ignored), read(Comments::Kept))
}

/// Whether the server reads a unit as it did when this was written.
pub(crate) fn reads_the_same(script: &Script, unit: &Range<usize>, written: &str) -> bool {
    let ours = fingerprint(script, unit);
    ours.get(..HALF) == written.get(..HALF) || of_older_version(script, unit) == written
}

/// Whether a unit stands in the file as it did when this was written, comments included: by one a person
/// says that it is to be run again.
pub(crate) fn stands_the_same(script: &Script, unit: &Range<usize>, written: &str) -> bool {
    fingerprint(script, unit) == written || of_older_version(script, unit) == written
}

/// Half of the digits of a digest, which are 128 bits.
const HALF: usize = 32;

fn half(text: &str) -> String {
    checksum(text).chars().take(HALF).collect()
}

/// An older version took every byte.
fn of_older_version(script: &Script, unit: &Range<usize>) -> String {
    checksum(&text(script, unit, str::to_owned))
}

fn text(script: &Script, unit: &Range<usize>, read: impl Fn(&str) -> String) -> String {
    let statements = &script.statements[unit.clone()];
    let texts: Vec<String> =
        statements.iter().map(|statement| read(script.text_of(statement))).collect();
    texts.join(";\n")
}

/// What is done must still be in the file as it was done.
pub(crate) fn check_done(
    attempt: &Attempt<'_>,
    units: &[Range<usize>],
    known: &Known,
) -> Result<(), Stop> {
    let edited =
        known.iter().filter(|(_, entry)| entry.end == End::Finished).find(|(number, entry)| {
            usize::try_from(**number)
                .ok()
                .and_then(|number| units.get(number))
                .is_none_or(|unit| !reads_the_same(attempt.script, unit, &entry.fingerprint))
        });
    let Some((number, _entry)) = edited else {
        return Ok(());
    };
    Err(Stop::Failed(Box::new(
        Error::new(
            Kind::PartlyApplied,
            format!(
                "statement {} of `{}` was applied by an earlier run, and the file has changed there since",
                number + 1,
                attempt.name
            ),
        )
        .hint("restore what is applied already and change only what failed")
        .migration(attempt.name)
        .database(DatabaseState::NeedsAttention),
    )))
}

/// What the started row says behind its marker where a journal is kept; the number is its table's.
pub(crate) fn journal_note(number: &str) -> String {
    format!("{NOTE}{number}")
}

const NOTE: &str = "its finished parts are in ecs_migrate.journal, table ";

/// Whether the journal of an attempt is lost of which nothing is known: a database that was restored
/// without it. `now` is the number of the journal's table, and `needed` whether this script needs one.
/// PURE.
pub(crate) fn is_journal_lost(
    row: &Row,
    now: Option<&str>,
    (checksum, needed): (&str, bool),
) -> bool {
    if row.marker().is_none_or(|marker| marker.mode != Mode::Statements) {
        return false;
    }
    let noted =
        row.logs.iter().flat_map(|logs| logs.lines()).find_map(|line| line.strip_prefix(NOTE));
    match noted {
        // Before the first part nothing is in it.
        Some(number) => now != Some(number),
        // An older version did not note it, and made the table first.
        None => now.is_none() && needed && row.checksum == checksum,
    }
}

/// What to say then.
pub(crate) fn journal_lost(name: &str) -> Error {
    Error::new(
        Kind::PartlyApplied,
        format!("`{name}` is part-way, and the journal that says which of its parts are done is not there"),
    )
    .hint("was the database restored without the schema ecs_migrate? find out what of it is there, then `resolve --applied NAME` or `resolve --rolled-back NAME`")
    .migration(name)
    .database(DatabaseState::NeedsAttention)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_is_not_there_is_missed() {
        let marker = "ecs-migrate: mode=statements backend=1 run=r";
        let noted = format!("{marker}\n{}\nERROR", journal_note("7"));
        for (logs, now, checksum, needed, lost) in [
            (noted.as_str(), Some("7"), "c", true, false),
            (&noted, Some("8"), "c", true, true),
            (&noted, None, "edited", false, true),
            (marker, None, "c", true, true),
            (marker, None, "c", false, false),
            (marker, None, "edited", true, false),
            (marker, Some("7"), "c", true, false),
            ("ecs-migrate: mode=transaction backend=1 run=r", None, "c", true, false),
            ("somebody else's", None, "c", true, false),
        ] {
            let row = Row { logs: Some(logs.to_owned()), checksum: "c".into(), ..Row::default() };
            assert_eq!(is_journal_lost(&row, now, (checksum, needed)), lost, "{logs} {now:?}");
        }
    }

    #[test]
    fn line_endings_and_comments_are_not_read_by_the_server() {
        let script = |text: &str| Script::parse(format!("-- ecs-migrate: transaction=off\n{text}"));
        let written = fingerprint(&script("INSERT INTO t\nVALUES (1)"), &(0..1));
        for (text, reads, stands) in [
            ("INSERT INTO t\r\nVALUES (1)", true, true),
            ("INSERT INTO t /* again */ VALUES (1)", true, false),
            ("INSERT INTO t VALUES (2)", false, false),
        ] {
            let script = script(text);
            assert_eq!(reads_the_same(&script, &(0..1), &written), reads, "{text}");
            assert_eq!(stands_the_same(&script, &(0..1), &written), stands, "{text}");
        }
    }
}
