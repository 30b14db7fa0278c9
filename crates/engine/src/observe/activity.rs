//! Owns asking who blocks a backend.

use super::Observer;
use super::blocker::{Activity, Blocker, BlockerKind, Edge, describe, printable, tree};
use crate::error::Fault;
use crate::row::{self, Row};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio_postgres::types::Type;

/// What one look at a waiting backend shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// What it waits for, e.g. `AccessExclusiveLock on public.orders`; nothing if it does not wait.
    pub(crate) waits_for: Option<String>,
    /// Who blocks it, and who blocks those.
    pub(crate) blockers: Vec<Blocker>,
}

/// Who waits for whom, from one backend on. `pg_blocking_pids` stops the lock table for a moment,
/// so it is only asked of who waits; of another role's session only `pg_locks` shows that. The depth bounds circles, which live until `deadlock_timeout`.
const WAITS: &str = "\
WITH RECURSIVE waits (blocked, pid, depth) AS (
    SELECT a.pid, b.pid, 1 FROM pg_catalog.pg_stat_activity a, LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) AS b (pid)
    WHERE a.pid = $1 AND (a.wait_event_type = 'Lock' \
        OR a.state IS NULL AND EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND NOT l.granted))
  UNION
    SELECT w.pid, b.pid, w.depth + 1 FROM waits w, LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) AS b (pid)
    WHERE w.pid > 0 AND w.depth < 5
)
SELECT w.blocked, w.pid, a.application_name, a.usename::text, a.state, a.backend_type, pg_catalog.left(a.query, 1000),
    EXTRACT(epoch FROM pg_catalog.clock_timestamp() - COALESCE(a.xact_start, a.query_start, a.backend_start))::float8, i.pid IS NOT NULL,
    (SELECT COALESCE(l.mode || ' on ' || n.nspname || '.' || c.relname, CASE l.locktype WHEN 'virtualxid' THEN 'the end of a transaction' \
        WHEN 'transactionid' THEN 'the end of a transaction that changed the same row' ELSE 'a lock of type ' || l.locktype END)
     FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE l.pid = $1 AND NOT l.granted LIMIT 1)
FROM (SELECT DISTINCT blocked, pid FROM waits ORDER BY 1, 2 LIMIT 100) w
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = w.pid
LEFT JOIN pg_catalog.pg_stat_progress_create_index i ON i.pid = w.pid";

/// A prepared transaction has no process, and `pg_blocking_pids` says 0. Its locks in `pg_locks` have
/// no process either; the one on its own transaction id tells whose they are.
const PREPARED: &str = "\
SELECT p.gid, p.owner::text, EXTRACT(epoch FROM pg_catalog.clock_timestamp() - p.prepared)::float8
FROM pg_catalog.pg_prepared_xacts p
JOIN pg_catalog.pg_locks x ON x.pid IS NULL AND x.locktype = 'transactionid' AND x.transactionid = p.transaction
WHERE p.database = pg_catalog.current_database() AND EXISTS (
    SELECT FROM pg_catalog.pg_locks w JOIN pg_catalog.pg_locks h ON h.granted AND h.pid IS NULL AND h.locktype = w.locktype
        AND h.relation IS NOT DISTINCT FROM w.relation AND h.transactionid IS NOT DISTINCT FROM w.transactionid
    WHERE w.pid = $1 AND NOT w.granted AND h.virtualtransaction = x.virtualtransaction)
ORDER BY p.prepared LIMIT 5";

impl Observer {
    /// Who blocks this backend now; nothing if it does not wait or cannot be looked at.
    pub(crate) async fn look(&self, backend: i32) -> Look {
        let Some(rows) = self.ask(WAITS, &[(&backend, Type::INT4)]).await else {
            return Look::default();
        };
        let Ok(Some(Waiting { waits_for, edges, sessions })) = waiting(&rows) else {
            return Look::default();
        };
        let mut blockers = Vec::new();
        for (edge, depth) in tree(backend, &edges) {
            if edge.by == 0 {
                blockers.extend(self.prepared(edge, depth).await);
            } else if let Some(activity) = sessions.get(&edge.by) {
                blockers.push(describe(edge.by, activity, (edge.blocked, depth)));
            }
        }
        Look { waits_for: Some(waits_for.unwrap_or_else(|| "a lock".to_owned())), blockers }
    }

    async fn prepared(&self, edge: Edge, depth: u32) -> Vec<Blocker> {
        let rows = self.ask(PREPARED, &[(&edge.blocked, Type::INT4)]).await.unwrap_or_default();
        let blocker = |gid: String, user: String, seconds: Option<f64>| Blocker {
            pid: 0,
            kind: BlockerKind::PreparedTransaction,
            application: String::new(),
            user,
            since: seconds.and_then(age),
            query: printable(&gid),
            blocks: edge.blocked,
            depth,
        };
        if rows.is_empty() {
            return vec![blocker(String::new(), String::new(), None)];
        }
        let read = |row: &Row| Ok::<_, Fault>(blocker(row.get(0)?, row.get(1)?, row.get(2)?));
        rows.iter().filter_map(|row| read(row).ok()).collect()
    }
}

/// What [`WAITS`] answers.
struct Waiting {
    waits_for: Option<String>,
    edges: Vec<Edge>,
    sessions: BTreeMap<i32, Activity>,
}

fn waiting(rows: &[Row]) -> Result<Option<Waiting>, Fault> {
    let Some(waits_for) = row::first(rows, 9)? else { return Ok(None) };
    let edge = |row: &Row| Ok::<_, Fault>(Edge { blocked: row.get(0)?, by: row.get(1)? });
    let edges = rows.iter().map(edge).collect::<Result<_, _>>()?;
    let session = |row: &Row| Ok::<_, Fault>((row.get(1)?, activity(row)?));
    let sessions = rows.iter().map(session).collect::<Result<_, _>>()?;
    Ok(Some(Waiting { waits_for, edges, sessions }))
}

/// Columns 2 to 8 of a row, as [`WAITS`] has them.
pub(crate) fn activity(row: &Row) -> Result<Activity, Fault> {
    let text = |column| row.get::<Option<String>>(column);
    Ok(Activity {
        application: text(2)?.unwrap_or_default(),
        user: text(3)?.unwrap_or_default(),
        state: text(4)?,
        backend_type: text(5)?,
        query: text(6)?.unwrap_or_default(),
        since: row.get::<Option<f64>>(7)?.and_then(age),
        builds_index: row.get(8)?,
    })
}

fn age(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}
