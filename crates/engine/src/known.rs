//! What an earlier run is known to have done of a script that runs unit by unit.

use crate::error::{DatabaseState, Error, Fault, Kind};
use crate::journal::{self, End, Entry};
use crate::session::Session;
use crate::transaction::{Attempt, Begun, Stop};
use migrations::checksum::checksum;
use migrations::script::Script;
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

/// Digest of a unit's text.
pub(crate) fn fingerprint(script: &Script, unit: &Range<usize>) -> String {
    let statements = &script.statements[unit.clone()];
    checksum(
        &statements
            .iter()
            .map(|statement| script.text_of(statement))
            .collect::<Vec<_>>()
            .join(";\n"),
    )
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
                .is_none_or(|unit| fingerprint(attempt.script, unit) != entry.fingerprint)
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
