//! Owns how each unit of a script runs that cannot be one transaction. PURE.

use migrations::script::{Class, Form, Script, Thing, Trace};
use std::ops::Range;

/// How a unit may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// A setting of the session: again in every attempt that comes by it, never in the journal.
    Setting,
    /// In a transaction of ours, together with its end in the journal.
    Wrapped,
    /// The file says `transaction=off`: in a transaction of ours only if the statement does not mind,
    /// because then its end is never in doubt; else alone.
    Either,
    /// In its own transaction, whose COMMIT is its last statement.
    Own,
    /// Alone; the journal follows.
    Alone,
    /// Alone, and it leaves this index of this table, valid or not.
    Index(String, String),
    /// Alone, and it leaves an index of this table under a name that the server chooses, valid or not.
    Unnamed(String),
    /// Alone, and this index is gone after it.
    Drop(String),
    /// Alone, and of this table this partition is detached after it.
    Detach(String, String),
    /// Alone, and indexes are built again beside themselves.
    Reindex,
}

impl Way {
    /// Whether no transaction is around it from the start.
    pub(crate) fn is_alone(&self) -> bool {
        match self {
            Self::Alone
            | Self::Index(..)
            | Self::Unnamed(_)
            | Self::Drop(_)
            | Self::Detach(..)
            | Self::Reindex => true,
            Self::Setting | Self::Wrapped | Self::Either | Self::Own => false,
        }
    }
}

/// How a unit runs.
pub(crate) fn of(script: &Script, unit: &Range<usize>) -> Way {
    let first = &script.statements[unit.start];
    match &first.class {
        Class::Setting => Way::Setting,
        Class::Begin { .. } => {
            let last = &script.statements[unit.end - 1].class;
            // PREPARE TRANSACTION and ROLLBACK take nothing of ours with them.
            if *last == (Class::Commit { plain: true }) { Way::Own } else { Way::Alone }
        }
        Class::ConcurrentIndex { index, table } => match (script.trace_of(first), index) {
            // Without comments and other blanks.
            (Trace::Made(Thing::Index { index, table }), _) => Way::Index(index, table),
            (Trace::Made(Thing::IndexOf(table)), _) => Way::Unnamed(table),
            (_, Some(index)) => Way::Index(index.clone(), table.clone()),
            (_, None) => Way::Unnamed(table.clone()),
        },
        Class::ConcurrentDrop { index } => Way::Drop(index.clone()),
        Class::Alone(words) if words.starts_with("DETACH") => {
            let Trace::Gone(Thing::Partition { parent, child }) = script.trace_of(first) else {
                return Way::Alone;
            };
            Way::Detach(parent, child)
        }
        Class::Alone(words) if words.starts_with("REINDEX") => Way::Reindex,
        Class::Alone(_) | Class::Commit { .. } | Class::Rollback => Way::Alone,
        Class::Opaque if script.directive && script.may_commit_inside(first) => Way::Alone,
        // No trigger may end a transaction, so a change of data never minds one.
        Class::Data => Way::Wrapped,
        Class::Opaque
        | Class::Ordinary
        | Class::TransactionMode
        | Class::ReadOnly
        | Class::EnumValue { .. }
        | Class::CreateEnum { .. }
        | Class::CopyByClient => {
            if script.directive {
                Way::Either
            } else {
                Way::Wrapped
            }
        }
    }
}

/// Whether what is done has to be remembered. One index build or drop does not need it, because the
/// catalog knows; so the role needs no right to create the journal's schema.
pub(crate) fn need_journal(script: &Script) -> bool {
    let Form::Statements { units, .. } = &script.form else { return false };
    let mut ways =
        units.iter().map(|unit| of(script, unit)).filter(|way| !matches!(way, Way::Setting));
    match (ways.next(), ways.next()) {
        (None | Some(Way::Index(..) | Way::Drop(_)), None) => false,
        (_, _) => true,
    }
}

/// What the server says to a statement that minds a transaction: it is rolled back whole
/// (PostgreSQL, "Error Codes": active SQL transaction, invalid transaction termination).
pub(crate) fn minds_transactions(sqlstate: Option<&str>) -> bool {
    matches!(sqlstate, Some("25001" | "2D000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directive_is_off() {
        let off = |text: &str| Script::parse(format!("-- ecs-migrate: transaction=off\n{text}"));
        for (script, way) in [
            (off("REINDEX TABLE p"), Way::Either),
            (off("CREATE TABLE t(a int)"), Way::Either),
            (off("SELECT f()"), Way::Either),
            (off("INSERT INTO t VALUES (1)"), Way::Wrapped),
            (off("CALL p()"), Way::Alone),
            (off("DO $$ BEGIN COMMIT; END $$"), Way::Alone),
            (off("DO $$ BEGIN PERFORM 1; END $$"), Way::Either),
            (off("SET search_path = app"), Way::Setting),
            (off("VACUUM t"), Way::Alone),
            (
                off("ALTER TABLE app.p DETACH PARTITION q CONCURRENTLY"),
                Way::Detach("app.p".to_owned(), "q".to_owned()),
            ),
            (off("SET NAMES 'utf8'; INSERT INTO t VALUES (1)"), Way::Either),
            (off("SET NAMES 'utf8'; INSERT INTO t VALUES (1); COMMIT"), Way::Alone),
            (off("WITH x AS (INSERT INTO t VALUES (1) RETURNING a) SELECT * FROM x"), Way::Either),
            (off("BEGIN; SELECT 1; COMMIT"), Way::Own),
            (off("BEGIN; SELECT 1; ROLLBACK"), Way::Alone),
            (off("BEGIN; SELECT 1; PREPARE TRANSACTION 'g'"), Way::Alone),
            (Script::parse("SELECT f(); VACUUM t"), Way::Wrapped),
            (Script::parse("DISCARD ALL"), Way::Alone),
            (Script::parse("CREATE INDEX CONCURRENTLY ON t(a)"), Way::Unnamed("t".to_owned())),
            (
                Script::parse("CREATE INDEX CONCURRENTLY i ON /* c */ ONLY  s . t(a)"),
                Way::Index("i".to_owned(), "s.t".to_owned()),
            ),
        ] {
            let Form::Statements { units, .. } = &script.form else { panic!("{script:?}") };
            assert_eq!(of(&script, &units[0]), way, "{}", script.text);
        }
    }
}
