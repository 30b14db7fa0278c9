//! Owns waiting for old transactions before an index is built concurrently.
//!
//! The build would wait for them itself, but meanwhile it leaves an index that every write pays
//! for and no query uses; and if it fails there, the index stays behind invalid.

use super::retry::give_up;
use crate::error::{Error, Fault, Kind};
use crate::interrupt::Interrupt;
use crate::observe::{Blocker, activity, blocker};
use crate::progress::{Progress, Sink};
use crate::row::Row;
use crate::transaction::{Attempt, Stop};
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::types::Type;

const FIRST_LOOK: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const HEARTBEAT_PERIOD: Duration = Duration::from_secs(10);

/// Those who began before `$2` and either hold a snapshot, of whatever table, or have locked this
/// one so that the build has to wait. Vacuums do not count, and since PostgreSQL 14 builds of other
/// indexes do not (`GetCurrentVirtualXIDs` in `storage/ipc/procarray.c`).
const OLD: &str = "\
SELECT 0, a.pid, a.application_name, a.usename::text, a.state, a.backend_type, pg_catalog.left(a.query, 1000),
    EXTRACT(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::float8, i.pid IS NOT NULL
FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_stat_progress_create_index i ON i.pid = a.pid
WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid() AND a.xact_start < pg_catalog.to_timestamp($2)
    AND a.backend_type <> 'autovacuum worker' AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_vacuum v WHERE v.pid = a.pid)
    AND (a.backend_xmin IS NOT NULL AND (i.pid IS NULL OR pg_catalog.current_setting('server_version_num')::int < 140000)
      OR EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND l.granted AND l.relation = pg_catalog.to_regclass($1)
        AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')))
ORDER BY a.xact_start";

/// Waits until every transaction has ended that is more than a second old now; later ones are the
/// build's own affair, or it would never begin on a busy database. `table` as the script writes it,
/// empty if it names none.
pub(crate) async fn wait_for_old_transactions(
    attempt: &Attempt<'_>,
    table: &str,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Stop> {
    let traffic = attempt.pace.traffic;
    if traffic.lock_timeout.is_zero() {
        return Ok(());
    }
    let row = attempt
        .session
        // As a number: not every time zone is read as it is written (`IST` in the style `SQL`).
        .one("SELECT EXTRACT(epoch FROM pg_catalog.clock_timestamp())::float8 - 1", &[])
        .await?;
    let before: f64 = row.get(0)?;
    let begun = Instant::now();
    let (mut pause, mut said) = (FIRST_LOOK, None::<Instant>);
    loop {
        let old = old(attempt, table, before).await?;
        if old.is_empty() {
            return Ok(());
        }
        if begun.elapsed() >= traffic.budget {
            let first = old.first().map(Blocker::to_string).unwrap_or_default();
            let message = format!(
                "no index build was begun, because older transactions were still open after {}: {first}",
                blocker::age(begun.elapsed())
            );
            let error = Error::new(Kind::Blocked, message).migration(attempt.name);
            return Err(Stop::Failed(Box::new(give_up(error, old))));
        }
        if said.is_none_or(|at| at.elapsed() >= HEARTBEAT_PERIOD) {
            said = Some(Instant::now());
            sink.emit(Progress::Heartbeat {
                doing: format!("waiting to build an index of `{}`", attempt.name),
                elapsed: begun.elapsed(),
                waits_for: Some("the end of older transactions".to_owned()),
                blockers: old,
                work: None,
            });
        }
        tokio::select! {
            biased;
            () = interrupt.wait() => return Err(Stop::Interrupted),
            () = tokio::time::sleep(pause.min(traffic.budget.saturating_sub(begun.elapsed()))) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn old(attempt: &Attempt<'_>, table: &str, before: f64) -> Result<Vec<Blocker>, Stop> {
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&table, Type::TEXT), (&before, Type::FLOAT8)];
    let rows = attempt.session.query(OLD, &parameters).await?;
    let blocker = |row: &Row| {
        let activity = activity::activity(row)?;
        Ok(blocker::describe(row.get(1)?, &activity, (attempt.session.backend, 1)))
    };
    Ok(rows.iter().map(blocker).collect::<Result<_, Fault>>()?)
}
