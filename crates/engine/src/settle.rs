//! What an earlier run of ours left unfinished.
//!
//! Only rows with our marker: Prisma since 7.4 commits statement by statement, so a row of its may
//! stand for half a migration.

use crate::error::{DatabaseState, Error, Fault, Kind};
use crate::history::History;
use crate::interrupt::Interrupt;
use crate::progress::{Progress, Sink};
use crate::session::Session;
use crate::waiting::patiently;
use migrations::{Marker, Mode, Row};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::types::Type;

/// Unfinished attempts that go on where they stopped, by the migration's name.
pub(crate) type Resumable = BTreeMap<String, Row>;

/// Settles our unfinished rows and returns the rows that are left, and those that are resumed. The
/// caller holds the migration lock, so the attempt's backend has let it go.
pub(crate) async fn settle(
    session: &Session,
    history: &History,
    rows: Vec<Row>,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(Vec<Row>, Resumable), Error> {
    let mut left = Vec::new();
    let mut resumable = Resumable::new();
    for row in rows {
        let marker = if row.unfinished() { row.marker() } else { None };
        let Some(marker) = marker else {
            left.push(row);
            continue;
        };
        if stays(session, &row, &marker).await? {
            return Err(Error::new(
                Kind::LockNotObtained,
                format!(
                    "backend {} of an earlier run still works on `{}`",
                    marker.backend, row.name
                ),
            )
            .hint("wait until it has ended, then run again")
            .migration(&row.name)
            .database(DatabaseState::Unknown));
        }
        match marker.mode {
            Mode::Transaction => {
                let logs = format!(
                    "ecs-migrate: run {} ended before its commit, so nothing of it is left",
                    marker.run
                );
                let rolling = async { Ok(history.roll_back(session, &row.id, &logs).await?) };
                let doing = (session, "settling what an earlier run left");
                Box::pin(patiently(doing, (&mut *sink, &mut *interrupt), rolling)).await?;
                sink.emit(Progress::Settled {
                    migration: row.name.clone(),
                    outcome: "rolled back",
                });
            }
            // That it goes on is said when it does: its directory may be gone.
            Mode::Whole => return Err(cut_off(&row)),
            Mode::Statements => {
                resumable.insert(row.name.clone(), row);
            }
        }
    }
    Ok((left, resumable))
}

/// It may have committed a part of itself before.
pub(crate) fn cut_off(row: &Row) -> Error {
    let message = format!(
        "an earlier run did not finish `{}`, which may have ended its own transaction",
        row.name
    );
    Error::new(Kind::PartlyApplied, message)
        .hint("find out what of it is in the database, then `resolve --rolled-back NAME` or `resolve --applied NAME`")
        .migration(&row.name)
        .database(DatabaseState::NeedsAttention)
}

/// A backend gives its locks away a moment before it is gone.
const GONE_WITHIN: Duration = Duration::from_secs(2);

const LOOK_EVERY: Duration = Duration::from_millis(100);

async fn stays(session: &Session, row: &Row, marker: &Marker) -> Result<bool, Fault> {
    let begun = Instant::now();
    while still_runs(session, row, marker).await? {
        if begun.elapsed() >= GONE_WITHIN {
            return Ok(true);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(false)
}

/// A backend outlives its killed client until it notices; it has released the lock only if its
/// script did that itself. A process id alone is not enough: it is used again, and a pooler lends
/// the backend itself to others.
pub(crate) async fn still_runs(
    session: &Session,
    row: &Row,
    marker: &Marker,
) -> Result<bool, Fault> {
    let row = session
        .one(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND pid <> pg_catalog.pg_backend_pid() \
             AND datname = pg_catalog.current_database() AND backend_start <= $2::text::timestamptz \
             AND state IS DISTINCT FROM 'idle' AND application_name IN \
             (pg_catalog.left('ecs-migrate ' || $3, 63), pg_catalog.current_setting('application_name')))",
            &[(&marker.backend, Type::INT4), (&row.started_at, Type::TEXT), (&marker.run, Type::TEXT)],
        )
        .await?;
    row.get(0)
}
