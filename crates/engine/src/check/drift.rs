//! Owns whether the schema was changed beside the migrations.

use super::{Check, Finding};
use crate::drift::{
    Compared, Drift, DriftSearch, SHOWN, find, is_about_the_scratch, passing_sentence, sentence,
};
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::session::Session;

const NAME: &str = "drift";

/// A finding for each difference, as far as they are told.
pub(super) async fn look(
    check: &Check<'_>,
    session: &Session,
    search: DriftSearch<'_>,
    interrupt: &mut Interrupt,
) -> Result<Vec<Finding>, Error> {
    let Ok(directory) = check.directory else {
        return Ok(vec![Finding::skip(NAME, "not compared without the migrations")]);
    };
    let found = find(session, (check.connection, directory), search, interrupt).await;
    let (Compared { differences, passing, left_out }, migrations) = match found {
        Ok(Drift::Compared { compared, migrations }) => (compared, migrations),
        Ok(Drift::Incomparable(reason)) => {
            return Ok(vec![Finding::skip(NAME, format!("not compared: {reason}"))]);
        }
        Err(error) if is_about_the_scratch(error.kind) => {
            let skipped = Finding::skip(NAME, error.message);
            return Ok(vec![match error.hint {
                Some(hint) => skipped.fix(hint),
                None => skipped,
            }]);
        }
        Err(error) => return Err(error),
    };
    let mut findings: Vec<Finding> =
        left_out.into_iter().map(|text| Finding::skip(NAME, text)).collect();
    let passing = passing_sentence(&passing).map(|text| Finding::ok(NAME, text));
    if differences.is_empty() {
        let sentence = format!("the database is what its applied migrations make ({migrations})");
        findings.push(Finding::ok(NAME, sentence));
        findings.extend(passing);
        return Ok(findings);
    }
    let shown = differences.iter().take(SHOWN);
    findings.extend(shown.map(|difference| Finding::no(NAME, difference.to_string())));
    findings.push(
        Finding::no(NAME, sentence(differences.len()))
            .fix("write a migration for what shall stay, and take back the rest"),
    );
    findings.extend(passing);
    Ok(findings)
}
