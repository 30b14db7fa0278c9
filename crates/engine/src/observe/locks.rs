//! Owns which tables a backend has locked, and which it has rewritten.

use super::Observer;
use crate::error::Fault;
use crate::row::Row;
use crate::session::Session;
use std::collections::BTreeMap;
use tokio_postgres::types::Type;

/// A lock on a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableLock {
    /// Schema and name.
    pub relation: String,
    /// The server's name of the mode, e.g. `AccessExclusiveLock`.
    pub mode: String,
}

/// Tables that were there before the transaction, by their object id: the observer cannot see what
/// is not committed.
pub(crate) type Held = BTreeMap<u32, Grip>;

/// The strongest lock on one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grip {
    pub(crate) lock: TableLock,
    /// Its file as committed.
    pub(crate) file: u32,
}

/// The bookkeeping's own tables are left out.
pub(super) const HELD: &str = "\
SELECT c.oid, n.nspname || '.' || c.relname, l.mode, c.relfilenode
FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = $1 AND l.granted AND l.locktype = 'relation' AND c.relkind IN ('r', 'p', 'm', 'f', 'v', 'S')
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'ecs_migrate') AND c.relname <> '_prisma_migrations'";

const FILES: &str = "SELECT oid, relfilenode FROM pg_catalog.pg_class WHERE oid = ANY ($1) AND relkind IN ('r', 'm')";

impl Observer {
    /// What this backend holds now.
    pub(crate) async fn held(&self, backend: i32) -> Option<Held> {
        let (session, held) = (self.session.as_ref()?, self.held.as_ref()?);
        let rows = self.answer(session.query_prepared(held, &[&backend])).await?;
        read_held(&rows).ok()
    }

    /// Those of these tables that have another file now: what ran alone is committed.
    pub(crate) async fn rewritten(&self, held: &Held) -> Vec<String> {
        let tables = exclusive(held);
        if tables.is_empty() {
            return Vec::new();
        }
        let rows = self.ask(FILES, &[(&tables, Type::OID_ARRAY)]).await.unwrap_or_default();
        files(&rows).map_or_else(|_strange| Vec::new(), |files| changed(held, &files))
    }
}

/// Those of these tables that have another file in the session's own, uncommitted view.
pub(crate) async fn rewritten_in(session: &Session, held: &Held) -> Result<Vec<String>, Fault> {
    let tables = exclusive(held);
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let rows = session.query(FILES, &[(&tables, Type::OID_ARRAY)]).await?;
    Ok(changed(held, &files(&rows)?))
}

fn read_held(rows: &[Row]) -> Result<Held, Fault> {
    let mut held = Held::new();
    for row in rows {
        let lock = TableLock { relation: row.get(1)?, mode: row.get(2)? };
        let grip = Grip { lock, file: row.get(3)? };
        let known = held.entry(row.get(0)?).or_insert_with(|| grip.clone());
        if strength(&grip.lock.mode) > strength(&known.lock.mode) {
            *known = grip;
        }
    }
    Ok(held)
}

/// The file of each table.
fn files(rows: &[Row]) -> Result<BTreeMap<u32, u32>, Fault> {
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// A rewrite needs the strongest lock.
fn exclusive(held: &Held) -> Vec<u32> {
    held.iter()
        .filter(|(_, grip)| grip.lock.mode == "AccessExclusiveLock" && grip.file != 0)
        .map(|(table, _)| *table)
        .collect()
}

fn changed(held: &Held, files: &BTreeMap<u32, u32>) -> Vec<String> {
    held.iter()
        .filter(|(table, grip)| files.get(table).is_some_and(|file| *file != grip.file))
        .map(|(_, grip)| grip.lock.relation.clone())
        .collect()
}

/// The strongest lock that `now` has and `before` had not.
pub(crate) fn strongest(before: &Held, now: &Held) -> Option<TableLock> {
    now.iter()
        .filter(|(table, grip)| {
            before
                .get(table)
                .is_none_or(|known| strength(&known.lock.mode) < strength(&grip.lock.mode))
        })
        .map(|(_, grip)| &grip.lock)
        .max_by_key(|lock| strength(&lock.mode))
        .cloned()
}

/// The order in which the documentation of PostgreSQL lists the modes.
fn strength(mode: &str) -> usize {
    const MODES: [&str; 8] = [
        "AccessShareLock",
        "RowShareLock",
        "RowExclusiveLock",
        "ShareUpdateExclusiveLock",
        "ShareLock",
        "ShareRowExclusiveLock",
        "ExclusiveLock",
        "AccessExclusiveLock",
    ];
    MODES.iter().position(|known| *known == mode).map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(locks: &[(u32, &str)]) -> Held {
        locks
            .iter()
            .map(|(table, mode)| {
                let lock = TableLock { relation: format!("t{table}"), mode: (*mode).into() };
                (*table, Grip { lock, file: *table })
            })
            .collect()
    }

    #[test]
    fn only_what_is_new_counts() {
        let share = held(&[(1, "AccessShareLock")]);
        let both = held(&[(1, "AccessShareLock"), (2, "RowExclusiveLock")]);
        let upgraded = held(&[(1, "AccessExclusiveLock"), (2, "RowExclusiveLock")]);
        let name = |lock: Option<TableLock>| lock.map(|lock| lock.relation);
        assert_eq!(name(strongest(&Held::new(), &both)), Some("t2".into()));
        assert_eq!(name(strongest(&share, &both)), Some("t2".into()));
        assert_eq!(name(strongest(&both, &upgraded)), Some("t1".into()));
        assert_eq!(name(strongest(&upgraded, &upgraded)), None);
    }

    #[test]
    fn another_file_is_a_rewrite_and_a_dropped_table_is_none() {
        let held =
            held(&[(1, "AccessExclusiveLock"), (2, "AccessExclusiveLock"), (3, "ShareLock")]);
        assert_eq!(exclusive(&held), [1, 2]);
        assert_eq!(changed(&held, &BTreeMap::from([(1, 77)])), ["t1"]);
        assert!(changed(&held, &BTreeMap::from([(1, 1), (2, 2)])).is_empty());
    }
}
