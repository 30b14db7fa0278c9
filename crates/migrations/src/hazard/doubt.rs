//! Owns doubt in what the scripts call new. They cannot tell a table of one schema from its namesake in
//! another where a search path or a temporary table stands before it; the database can.

use super::action::Action;
use super::{Finding, Grade, Known, Rule};

/// What is known of whether the thing was there before the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The script needs it. If the database has nothing of the name, nobody can tell what it means.
    Needed,
    /// `IF EXISTS`, or made only if it is not there: if the database has none, none is hurt.
    Perhaps,
    /// The scripts make it: a hazard only if the database has one of the name.
    Doubted,
}

/// How a table that is called new could be one with rows; none where that is out of the question.
pub(super) fn of_table(finding: Finding, known: &Known) -> Option<Finding> {
    let table = finding.table.clone()?;
    // Who had the name before gave it away.
    if known.was_given_away(&table) {
        return None;
    }
    doubted(finding)
}

/// The same of a column that is made only if it is not there.
pub(super) fn of_column(finding: Finding, column: &str) -> Option<Finding> {
    doubted(Finding { column_name: Some(column.to_owned()), ..finding })
}

fn doubted(finding: Finding) -> Option<Finding> {
    let loses = finding.grades.contains(&Grade::Loses);
    loses.then(|| Finding { presence: Presence::Doubted, grades: vec![Grade::Loses], ..finding })
}

/// What is doubted of an action that hurts nobody, as far as the scripts tell.
pub(super) fn of_action(
    (rule, action): (Rule, &Action),
    known: &Known,
    found: impl FnOnce() -> Option<Finding>,
) -> Option<Finding> {
    if !rule.grades().contains(&Grade::Loses) && rule != Rule::ChangeColumnType {
        return None;
    }
    let table = action.table.as_deref()?;
    if known.has_only_new_rows(table) {
        return of_table(found()?, known);
    }
    let column = action.column_that_goes()?;
    if known.is_perhaps_new_column(table, column) { of_column(found()?, column) } else { None }
}
