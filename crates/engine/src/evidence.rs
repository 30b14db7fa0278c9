//! What is known of an attempt whose end nobody recorded.

use crate::error::Fault;
use crate::session::Session;
use migrations::Script;
use migrations::script::{Fact, Shown};
use std::fmt;
use tokio_postgres::types::Type;

/// What somebody says of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// All of it is in the database.
    Applied,
    /// Nothing of it is.
    RolledBack,
}

/// What the catalog shows of a script.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// What it makes and is there.
    pub(crate) present: Vec<String>,
    /// What it makes and is not there.
    pub(crate) absent: Vec<String>,
    /// What it takes away and is gone.
    gone: Vec<String>,
    /// What it takes away and is there still.
    still: Vec<String>,
    /// Places of the statements that are seen to be done, or not done.
    done: Vec<usize>,
    undone: Vec<usize>,
    /// Statements of which the catalog shows nothing, by their places from 0, and their lines.
    unclear: Vec<(usize, u32)>,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |words: &str, names: &[String]| format!("{words}: {}", names.join(", "));
        let Self { present, absent, gone, still, .. } = self;
        if gone.is_empty() && still.is_empty() {
            return match (present.as_slice(), absent.as_slice()) {
                ([], []) => f.write_str("the script makes nothing that the catalog could show"),
                (present, []) => {
                    f.write_str(&list("everything that the script makes is there", present))
                }
                ([], absent) => {
                    f.write_str(&list("nothing that the script makes is there", absent))
                }
                (present, absent) => {
                    write!(f, "{}; {}", list("there", present), list("not there", absent))
                }
            };
        }
        let said: Vec<String> = [
            ("there", present),
            ("not there", absent),
            ("taken away", gone),
            ("not taken away", still),
        ]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(words, names)| list(words, names))
        .collect();
        f.write_str(&said.join("; "))
    }
}

impl Evidence {
    /// Whether it contradicts what somebody says.
    pub(crate) fn contradicts(&self, claim: Claim) -> bool {
        match claim {
            Claim::Applied => !self.undone.is_empty(),
            Claim::RolledBack => !self.done.is_empty(),
        }
    }

    /// The lines of which nobody can know. Statements are run in their order, so one that is done shows
    /// that those before it are, and one that is not shows that those behind it are not. PURE.
    pub(crate) fn unknown(&self, claim: Claim) -> Vec<u32> {
        let open = self.unclear.iter().filter(|(place, _line)| match claim {
            Claim::Applied => !self.done.iter().any(|done| done > place),
            Claim::RolledBack => !self.undone.iter().any(|undone| undone < place),
        });
        open.map(|(_place, line)| *line).collect()
    }
}

/// Looks for what the script makes and takes away. Statements that the journal has as done are known.
pub(crate) async fn gather(
    session: &Session,
    script: &Script,
    journalled: &[usize],
) -> Result<Evidence, Fault> {
    let shows = script.shows();
    let unclear = shows.unclear.iter().filter(|place| !journalled.contains(place));
    let line = |place: usize| script.statements.get(place).map_or(0, |statement| statement.line);
    let mut evidence = Evidence {
        unclear: unclear.map(|place| (*place, line(*place))).collect(),
        ..Evidence::default()
    };
    for fact in &shows.facts {
        note(&mut evidence, session, fact).await?;
    }
    Ok(evidence)
}

async fn note(evidence: &mut Evidence, session: &Session, fact: &Fact) -> Result<(), Fault> {
    if fact.was == Some(fact.is) {
        // Made and taken away again, or the other way round.
        return Ok(());
    }
    let (mut words, mut there) = look(session, &fact.after).await?;
    if !fact.is && fact.before != fact.after {
        let before = look(session, &fact.before).await?;
        if before.1 {
            (words, there) = before;
        }
    }
    let as_made = there == fact.is;
    match (fact.is, there) {
        (true, true) => evidence.present.push(words),
        (true, false) => evidence.absent.push(words),
        (false, false) => evidence.gone.push(words),
        (false, true) => evidence.still.push(words),
    }
    match fact.was {
        Some(_) if as_made => evidence.done.push(fact.statement),
        // It may have been so before.
        None if as_made => {}
        Some(_) | None => evidence.undone.push(fact.statement),
    }
    Ok(())
}

async fn look(session: &Session, thing: &Shown) -> Result<(String, bool), Fault> {
    let (words, sql, first, second) = match thing {
        Shown::Relation(name) => return relation(session, name).await,
        Shown::Type(name) => (
            format!("type {name}"),
            "SELECT pg_catalog.to_regtype($1) IS NOT NULL AND $2 = ''",
            name.as_str(),
            "",
        ),
        Shown::Column(table, column) => (
            format!("{table}.{column}"),
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) \
             AND attname = (pg_catalog.parse_ident($2))[1]::pg_catalog.name AND NOT attisdropped)",
            table.as_str(),
            column.as_str(),
        ),
        Shown::Constraint(table, name) => (
            format!("constraint {name} of {table}"),
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = pg_catalog.to_regclass($1) \
             AND conname = (pg_catalog.parse_ident($2))[1]::pg_catalog.name)",
            table.as_str(),
            name.as_str(),
        ),
        Shown::EnumValue(name, value) => (
            format!("value '{value}' of {name}"),
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_enum WHERE enumtypid = pg_catalog.to_regtype($1) \
             AND enumlabel = $2::pg_catalog.name)",
            name.as_str(),
            value.as_str(),
        ),
    };
    let row = session.one(sql, &[(&first, Type::TEXT), (&second, Type::TEXT)]).await?;
    Ok((words, row.get(0)?))
}

/// An invalid index serves no query: it is what a failed build leaves.
async fn relation(session: &Session, name: &str) -> Result<(String, bool), Fault> {
    let row = session
        .one(
            "SELECT pg_catalog.to_regclass($1) IS NOT NULL, EXISTS (SELECT FROM pg_catalog.pg_index \
             WHERE indexrelid = pg_catalog.to_regclass($1) AND NOT indisvalid)",
            &[(&name, Type::TEXT)],
        )
        .await?;
    Ok(match (row.get(0)?, row.get(1)?) {
        (true, true) => (format!("{name} (an invalid index)"), false),
        (there, _) => (name.to_owned(), there),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_statements_says_what_the_catalog_does_not() {
        let evidence = |done: &[usize], undone: &[usize]| Evidence {
            done: done.to_vec(),
            undone: undone.to_vec(),
            unclear: vec![(1, 10), (3, 30)],
            ..Evidence::default()
        };
        for (done, undone, claim, unknown) in [
            (&[][..], &[][..], Claim::Applied, vec![10, 30]),
            (&[2], &[], Claim::Applied, vec![30]),
            (&[4], &[], Claim::Applied, vec![]),
            (&[0], &[], Claim::Applied, vec![10, 30]),
            (&[], &[0], Claim::RolledBack, vec![]),
            (&[], &[2], Claim::RolledBack, vec![10]),
            (&[], &[4], Claim::RolledBack, vec![10, 30]),
        ] {
            let evidence = evidence(done, undone);
            assert_eq!(evidence.unknown(claim), unknown, "{evidence:?} {claim:?}");
        }
    }
}
