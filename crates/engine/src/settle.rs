//! What an earlier run of ours left unfinished.
//!
//! Only rows with our marker: Prisma since 7.4 commits statement by statement, so a row of its may
//! stand for half a migration.

use crate::error::{Error, Fault, Kind};
use crate::history::History;
use crate::progress::{Progress, Sink};
use crate::session::Session;
use migrations::{Mode, Row};
use std::collections::BTreeMap;
use tokio_postgres::types::Type;

/// Unfinished attempts that go on where they stopped, by the migration's name.
pub(crate) type Resumable = BTreeMap<String, Row>;

/// Settles our unfinished rows and returns the rows that are left, and those that are resumed. The
/// caller holds the migration lock, so the attempt's backend has let it go.
pub(crate) async fn settle(
    session: &Session,
    history: &History,
    rows: Vec<Row>,
    sink: &mut dyn Sink,
) -> Result<(Vec<Row>, Resumable), Error> {
    let mut left = Vec::new();
    let mut resumable = Resumable::new();
    for row in rows {
        let marker = if row.unfinished() { row.marker() } else { None };
        let Some(marker) = marker else {
            left.push(row);
            continue;
        };
        if still_runs(session, &row, marker.backend).await? {
            return Err(Error::new(
                Kind::LockNotObtained,
                format!(
                    "backend {} of an earlier run still works on `{}`",
                    marker.backend, row.name
                ),
            )
            .hint("wait until it has ended, then run again")
            .migration(&row.name));
        }
        match marker.mode {
            Mode::Transaction => {
                let logs = format!(
                    "ecs-migrate: run {} ended before its commit, so nothing of it is left",
                    marker.run
                );
                history.roll_back(session, &row.id, &logs).await?;
                sink.emit(Progress::Settled {
                    migration: row.name.clone(),
                    outcome: "rolled back",
                });
            }
            Mode::Statements => {
                sink.emit(Progress::Settled { migration: row.name.clone(), outcome: "resumed" });
                resumable.insert(row.name.clone(), row);
            }
        }
    }
    Ok((left, resumable))
}

/// A backend outlives its killed client until it notices; it has released the lock only if its
/// script did that itself. A process id alone is not enough: it is used again.
async fn still_runs(session: &Session, row: &Row, backend: i32) -> Result<bool, Fault> {
    let row = session
        .one(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND pid <> pg_catalog.pg_backend_pid() \
             AND datname = pg_catalog.current_database() AND backend_start <= $2::text::timestamptz)",
            &[(&backend, Type::INT4), (&row.started_at, Type::TEXT)],
        )
        .await?;
    Ok(row.get(0))
}
