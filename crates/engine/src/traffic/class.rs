//! Owns how each statement of a script waits for its locks. Pure.

use migrations::Script;
use migrations::script::{Class, Form, Statement};
use std::collections::BTreeSet;

/// How a statement waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Traffic queues behind it, or behind what the transaction holds already.
    Short,
    /// Nobody queues behind it, and to begin again would cost much.
    Patient,
}

/// How each statement waits; `None` leaves the session as it is. From the first statement that
/// sets `lock_timeout` itself, the script's own holds.
pub(super) fn waits(script: &Script) -> Vec<Option<Wait>> {
    let begins: BTreeSet<usize> = match &script.form {
        Form::Transaction { .. } | Form::Refused { .. } => BTreeSet::new(),
        Form::Statements { units, .. } => units.iter().map(|unit| unit.start).collect(),
    };
    let (mut own, mut schema_changed) = (false, false);
    let mut waits = Vec::with_capacity(script.statements.len());
    for (at, statement) in script.statements.iter().enumerate() {
        schema_changed &= !begins.contains(&at);
        own |= sets_lock_timeout(script, statement);
        let wait = wait(script, statement, &mut schema_changed);
        waits.push(if own { None } else { wait });
    }
    waits
}

/// Whether the script sets `lock_timeout` anywhere.
pub(super) fn has_its_own(script: &Script) -> bool {
    script.statements.iter().any(|statement| sets_lock_timeout(script, statement))
}

/// A `SET` of its own, or `set_config` in what cannot be seen through.
fn sets_lock_timeout(script: &Script, statement: &Statement) -> bool {
    matches!(statement.class, Class::Setting | Class::Opaque)
        && script.text_of(statement).to_ascii_lowercase().contains("lock_timeout")
}

fn wait(script: &Script, statement: &Statement, schema_changed: &mut bool) -> Option<Wait> {
    match &statement.class {
        Class::Setting
        | Class::TransactionMode
        | Class::ReadOnly
        | Class::Begin { .. }
        | Class::Commit { .. }
        | Class::Rollback
        | Class::CopyByClient => None,
        // These wait for old transactions, also of other tables, and `lock_timeout` counts that: a
        // short one leaves an invalid index (measured on PostgreSQL 15; squawk#1230).
        Class::ConcurrentIndex { .. } | Class::ConcurrentDrop { .. } | Class::Alone(_) => {
            Some(Wait::Patient)
        }
        Class::Data if !*schema_changed => Some(Wait::Patient),
        // It runs alone, may commit inside, and so is never tried again by itself.
        Class::Opaque if script.directive && script.may_commit_inside(statement) => {
            Some(Wait::Patient)
        }
        Class::Data
        | Class::Opaque
        | Class::Ordinary
        | Class::EnumValue { .. }
        | Class::CreateEnum { .. } => {
            *schema_changed = true;
            Some(Wait::Short)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One letter a statement: short, patient, left as it is.
    fn letters(text: &str) -> String {
        waits(&Script::parse(text))
            .into_iter()
            .map(|wait| match wait {
                Some(Wait::Short) => 's',
                Some(Wait::Patient) => 'p',
                None => '-',
            })
            .collect()
    }

    #[test]
    fn each_statement_waits_as_its_class_demands() {
        for (script, expected) in [
            ("ALTER TABLE t ADD a int; CREATE INDEX i ON t(a); LOCK TABLE t; TRUNCATE t;", "ssss"),
            (
                "UPDATE t SET a = 1; DELETE FROM u; ALTER TABLE t ADD b int; UPDATE t SET b = 2;",
                "ppss",
            ),
            ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x;", "p"),
            ("CREATE INDEX CONCURRENTLY i ON t(a);", "p"),
            ("DROP INDEX CONCURRENTLY i;", "p"),
            ("REINDEX INDEX CONCURRENTLY i; VACUUM t;", "pp"),
            ("ALTER TABLE p DETACH PARTITION q CONCURRENTLY;", "p"),
            ("SELECT 1; DO $$ BEGIN END $$;", "ss"),
            ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; UPDATE t SET a = 1;", "-p"),
            (
                "BEGIN; ALTER TABLE t ADD a int; UPDATE t SET a = 1; COMMIT; UPDATE t SET a = 2; VACUUM;",
                "-ss-pp",
            ),
            ("-- ecs-migrate: transaction=off\nCALL p(); ALTER TABLE t ADD a int;", "ps"),
            ("UPDATE a SET b = 1; FROBNICATE;", "s"),
        ] {
            assert_eq!(letters(script), expected, "{script}");
        }
    }

    #[test]
    fn a_script_keeps_its_own_timeout() {
        for (script, expected) in [
            ("SET lock_timeout = '5s'; ALTER TABLE t ADD a int;", "--"),
            (
                "ALTER TABLE t ADD a int; SET LOCAL LOCK_TIMEOUT TO 0; ALTER TABLE t ADD b int;",
                "s--",
            ),
            ("SELECT set_config('lock_timeout', '1s', true); ALTER TABLE t ADD a int;", "--"),
            ("SET lock_timeout = 0; CREATE INDEX CONCURRENTLY i ON t(a);", "--"),
            ("ALTER ROLE app SET lock_timeout = '5s'; ALTER TABLE t ADD a int;", "ss"),
            ("SET statement_timeout = 0; ALTER TABLE t ADD a int;", "-s"),
        ] {
            assert_eq!(letters(script), expected, "{script}");
        }
    }
}
