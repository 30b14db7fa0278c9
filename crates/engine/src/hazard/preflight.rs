//! Owns what stands around a deployment and does not stop it: said as notices.

use crate::error::Error;
use crate::progress::{Progress, Sink};
use crate::session::Session;

/// One row a warning. Other roles' queries may be hidden; then there is nothing to warn of.
const WARNINGS: &str = "\
SELECT 'invalid_index', 'the index ' || indexrelid::regclass::text || ' of ' || indrelid::regclass::text || ' is invalid: every write pays for it and no query uses it'
FROM pg_catalog.pg_index WHERE NOT indisvalid AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = indexrelid)
UNION ALL
SELECT 'connections_left', 'only ' || greatest(0, free) || ' of ' || most || ' connections are left'
FROM (SELECT current_setting('max_connections')::int AS most,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - (SELECT count(*)::int FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend') AS free) AS slots
WHERE free < greatest(5, most / 20)
UNION ALL
SELECT 'old_transaction', 'a transaction of `' || coalesce(nullif(application_name, ''), usename, '?') || '` (pid ' || pid || ') is open for ' || date_trunc('second', now() - xact_start) || ': what it has locked has to be waited for'
FROM pg_catalog.pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND now() - xact_start > interval '5 minutes'
UNION ALL
SELECT 'replica_lag', 'the replica `' || coalesce(nullif(application_name, ''), '?') || '` is ' || date_trunc('second', replay_lag) || ' behind'
FROM pg_catalog.pg_stat_replication WHERE replay_lag > interval '10 seconds'
UNION ALL
SELECT 'wraparound_vacuum', 'an autovacuum against wraparound runs on ' || coalesce(substring(query FROM 'VACUUM (.*) \\('), '?') || ': it does not give way to a schema change'
FROM pg_catalog.pg_stat_activity WHERE backend_type = 'autovacuum worker' AND query LIKE '%to prevent wraparound%'";

/// Looks around; `rewritten` is the size of the largest table that is written again, in bytes.
pub(super) async fn look(
    session: &Session,
    rewritten: u64,
    sink: &mut dyn Sink,
) -> Result<(), Error> {
    for row in session.query(WARNINGS, &[]).await? {
        let code = match row.get::<&str>(0)? {
            "invalid_index" => "invalid_index",
            "connections_left" => "connections_left",
            "old_transaction" => "old_transaction",
            "replica_lag" => "replica_lag",
            _ => "wraparound_vacuum",
        };
        sink.emit(Progress::Notice {
            code,
            text: row.get::<Option<String>>(1)?.unwrap_or_default(),
        });
    }
    if rewritten > 0 {
        let text = format!(
            "a table of {} MB is written again and needs as much room beside itself: how much disk is left cannot be asked from here, see FreeStorageSpace",
            rewritten.div_ceil(1_000_000)
        );
        sink.emit(Progress::Notice { code: "disk_unknown", text });
    }
    Ok(())
}
