//! Steps after the migrations: commands that run once, under the same lock.
//!
//! Remembered in `ecs_migrate.steps` by their name. A step is not ours to roll back, so it runs at
//! least once: what was started and not finished runs again.

use crate::error::{DatabaseState, Error, Fault, Kind};
use crate::hold::Hold;
use crate::journal;
use crate::session::Session;
use tokio_postgres::types::Type;

/// What is known of a step from earlier runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing.
    New,
    /// It ended well at this time: RFC 3339 in UTC.
    Finished(String),
    /// It ended with this code.
    Failed(i32),
    /// It was started at this time, and nobody saw its end.
    Unfinished(String),
}

/// Whether a step runs again that has ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Once is enough.
    No,
    /// Somebody asked for it.
    Yes,
}

/// Makes the table, before anything is applied that could not be followed by its steps.
pub(crate) async fn ensure(session: &Session) -> Result<(), Error> {
    if exists(session).await? {
        return Ok(());
    }
    let table = "CREATE TABLE IF NOT EXISTS ecs_migrate.steps (\
                 name text PRIMARY KEY, run text NOT NULL, attempts integer NOT NULL, \
                 started_at timestamptz NOT NULL, finished_at timestamptz, exit_code integer)";
    journal::create(session, table, "steps after the migrations are remembered in a table").await
}

async fn exists(session: &Session) -> Result<bool, Fault> {
    let row =
        session.one("SELECT pg_catalog.to_regclass('ecs_migrate.steps') IS NOT NULL", &[]).await?;
    row.get(0)
}

/// Whether every one of them has ended well.
pub(crate) async fn finished(session: &Session, names: &[String]) -> Result<bool, Error> {
    if names.is_empty() {
        return Ok(true);
    }
    if !exists(session).await? {
        return Ok(false);
    }
    let row = session
        .one(
            "SELECT NOT EXISTS (SELECT FROM pg_catalog.unnest($1) AS wanted WHERE wanted NOT IN \
             (SELECT name FROM ecs_migrate.steps WHERE finished_at IS NOT NULL))",
            &[(&names, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(row.get(0)?)
}

impl Hold {
    /// Notes that a step starts, unless it has ended well before and is not to run again.
    pub async fn start_step(
        &mut self,
        name: &str,
        run: &str,
        again: Again,
    ) -> Result<Earlier, Error> {
        let earlier = self.retry(async |session, _fence| earlier(session, name).await).await?;
        if matches!(earlier, Earlier::Finished(_)) && again == Again::No {
            return Ok(earlier);
        }
        self.retry(async |session, _fence| {
            session
                .execute(
                    "INSERT INTO ecs_migrate.steps AS s (name, run, attempts, started_at) \
                     VALUES ($1, $2, 1, pg_catalog.clock_timestamp()) \
                     ON CONFLICT (name) DO UPDATE SET run = excluded.run, attempts = s.attempts + 1, \
                     started_at = excluded.started_at, finished_at = NULL, exit_code = NULL",
                    &[(&name, Type::TEXT), (&run, Type::TEXT)],
                )
                .await
        })
        .await?;
        Ok(earlier)
    }

    /// Notes how a step ended.
    pub async fn finish_step(&mut self, name: &str, exit_code: i32) -> Result<(), Error> {
        let touched = self
            .retry(async |session, fence| {
                let sql = format!(
                    "UPDATE ecs_migrate.steps SET exit_code = $2, \
                     finished_at = CASE WHEN $2 = 0 THEN pg_catalog.clock_timestamp() END \
                     WHERE name = $1 AND {fence}"
                );
                session.execute(&sql, &[(&name, Type::TEXT), (&exit_code, Type::INT4)]).await
            })
            .await?;
        if touched == 1 {
            return Ok(());
        }
        Err(Error::new(
            Kind::LockNotObtained,
            "the step ended, but the lock is not ours any more, so its end is not recorded",
        )
        .hint("run again: the step runs again")
        .database(DatabaseState::Unknown))
    }
}

async fn earlier(session: &Session, name: &str) -> Result<Earlier, Fault> {
    let utc = |column: &str| {
        format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
    };
    let sql = format!(
        "SELECT {}, exit_code, {} FROM ecs_migrate.steps WHERE name = $1",
        utc("finished_at"),
        utc("started_at")
    );
    let rows = session.query(&sql, &[(&name, Type::TEXT)]).await?;
    let Some(row) = rows.first() else { return Ok(Earlier::New) };
    Ok(match (row.get::<Option<String>>(0)?, row.get::<Option<i32>>(1)?) {
        (Some(at), _) => Earlier::Finished(at),
        (None, Some(code)) => Earlier::Failed(code),
        (None, None) => Earlier::Unfinished(row.get(2)?),
    })
}
