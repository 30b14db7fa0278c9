//! Owns what of our own attempts stands half done: what the next run cannot go on with, and which parts
//! the journal says are finished. One judgement for `deploy`, `status`, `check` and `resolve`.

use crate::error::{DatabaseState, Error, Fault, Kind};
use crate::journal::{self, End};
use crate::session::Session;
use crate::settle;
use migrations::{Directory, Mode, Row};

/// The most numbers in a sentence.
const NUMBERS: usize = 20;

/// Why no run could go on with what an earlier one left, if that is so. An attempt whose backend still
/// works is no leftover.
pub(crate) async fn stuck(
    session: &Session,
    directory: &Directory,
    rows: &[Row],
) -> Result<Option<Error>, Fault> {
    for row in rows.iter().filter(|row| row.unfinished()) {
        let Some(marker) = row.marker() else { continue };
        let lost = marker.mode == Mode::Statements && directory.get(&row.name).is_none();
        if !lost && marker.mode != Mode::Whole {
            continue;
        }
        if settle::still_runs(session, row, &marker).await? {
            continue;
        }
        return Ok(Some(match marker.mode {
            Mode::Statements => without_directory(session, row).await?,
            Mode::Whole | Mode::Transaction => settle::cut_off(row),
        }));
    }
    Ok(None)
}

/// A script that is part-way and is not there any more.
pub(crate) async fn without_directory(session: &Session, row: &Row) -> Result<Error, Fault> {
    let done = match finished(session, row).await? {
        numbers if numbers.is_empty() => String::new(),
        numbers => format!(" ({} done)", statements(&numbers)),
    };
    let message = format!("`{}` is part-way{done}, and its directory is gone", row.name);
    Ok(Error::new(Kind::PartlyApplied, message)
        .hint("restore the directory, so that the run can resume it")
        .migration(&row.name)
        .database(DatabaseState::NeedsAttention))
}

/// A script of another phase, which the run was not asked to go on with.
pub(crate) fn of_another_share(name: &str) -> Error {
    Error::new(Kind::MigrationFailed, format!("`{name}` is part-way, and it is not of this phase"))
        .hint("run the phase that it is of, or without --phase: that resumes it")
        .migration(name)
        .database(DatabaseState::PartWay)
}

/// The numbers of the finished parts of an attempt, from 1.
pub(crate) async fn finished(session: &Session, row: &Row) -> Result<Vec<i32>, Fault> {
    Ok(parts(session, row).await?.finished)
}

/// The parts of an attempt that the journal knows, by their numbers from 1.
pub(crate) struct Parts {
    pub(crate) finished: Vec<i32>,
    /// Begun, and no end is recorded: it may have done anything, up to all of it.
    pub(crate) begun: Vec<i32>,
}

pub(crate) async fn parts(session: &Session, row: &Row) -> Result<Parts, Fault> {
    let known = journal::entries(session, &row.id).await?;
    let (finished, begun): (Vec<_>, Vec<_>) =
        known.iter().partition(|(_, entry)| entry.end == End::Finished);
    let numbers = |parts: Vec<(&i32, &journal::Entry)>| {
        parts.into_iter().map(|(number, _)| number.saturating_add(1)).collect()
    };
    Ok(Parts { finished: numbers(finished), begun: numbers(begun) })
}

/// The numbers in words.
pub(crate) fn statements(numbers: &[i32]) -> String {
    let mut shown: Vec<String> = numbers.iter().take(NUMBERS).map(i32::to_string).collect();
    if numbers.len() > NUMBERS {
        shown.push("…".to_owned());
    }
    match numbers.len() {
        1 => format!("statement {} is", shown.concat()),
        _ => format!("statements {} are", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words() {
        assert_eq!(statements(&[1]), "statement 1 is");
        assert_eq!(statements(&[1, 2, 4]), "statements 1, 2, 4 are");
        let many: Vec<i32> = (1..100).collect();
        assert!(statements(&many).ends_with("19, 20, … are"));
    }
}
