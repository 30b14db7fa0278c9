//! Steps after the migrations: commands that run once, under the same lock.
//!
//! Remembered in `ecs_migrate.steps` by their words and the history that they follow. A step is not ours to roll back, so it runs at
//! least once: what was started and not finished runs again.

use crate::error::{DatabaseState, Error, Fault, Kind};
use crate::history::History;
use crate::hold::Hold;
use crate::journal;
use crate::quote;
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

/// Columns that a table of an older version has not.
const ADDED: &str = "ADD COLUMN IF NOT EXISTS history text, ADD COLUMN IF NOT EXISTS history_oid oid, \
    ADD COLUMN IF NOT EXISTS first_row text";

/// Makes the table, before anything is applied that could not be followed by its steps; or gives one of
/// an older version what it lacks.
pub(crate) async fn ensure(session: &Session) -> Result<(), Error> {
    if !exists(session).await? {
        let table = format!(
            "CREATE TABLE IF NOT EXISTS ecs_migrate.steps (\
             name text NOT NULL, run text NOT NULL, attempts integer NOT NULL, \
             started_at timestamptz NOT NULL, finished_at timestamptz, exit_code integer); \
             ALTER TABLE ecs_migrate.steps {ADDED}"
        );
        let reason = "steps after the migrations are remembered in a table";
        return journal::create(session, &table, reason).await;
    }
    let row = session
        .one(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute \
             WHERE attrelid = pg_catalog.to_regclass('ecs_migrate.steps') AND attname = 'first_row'), \
             EXISTS (SELECT FROM pg_catalog.pg_constraint \
             WHERE conrelid = pg_catalog.to_regclass('ecs_migrate.steps') AND conname = 'steps_pkey')",
            &[],
        )
        .await?;
    if row.get(0)? && !row.get::<bool>(1)? {
        return Ok(());
    }
    // Two histories may have the same step, so its words are no key any more.
    let alter = format!(
        "ALTER TABLE ecs_migrate.steps DROP CONSTRAINT IF EXISTS steps_pkey, ALTER COLUMN name SET NOT NULL, {ADDED}"
    );
    match session.run(&alter).await {
        Err(Fault::Server(db)) if db.code().code() == "42501" => Err(Error::new(
            Kind::AccessDenied,
            "the steps of an older version are not kept by history, and the role may not change that",
        )
        .hint(format!("let the owner of ecs_migrate.steps run: {alter}"))),
        ended => Ok(ended?),
    }
}

async fn exists(session: &Session) -> Result<bool, Fault> {
    let row =
        session.one("SELECT pg_catalog.to_regclass('ecs_migrate.steps') IS NOT NULL", &[]).await?;
    row.get(0)
}

/// Whether a row `t` of the steps is of this history, as a condition. By its table, which another one
/// replaces when it is dropped and made anew; or by its schema and its first row, which stay the same
/// when a database is restored from a dump.
///
/// A row of an older version says neither: it is of the only history that there is, unless that began
/// after it.
fn of(history: &History) -> String {
    let (table, name) = (history.table(), quote::literal(history.table()));
    let schema = quote::literal(history.schema());
    format!(
        "CASE WHEN pg_catalog.to_jsonb(t) ->> 'history_oid' IS NULL THEN \
           t.started_at >= (SELECT pg_catalog.min(h.started_at) FROM {table} h) \
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relname = '_prisma_migrations' \
             AND c.relkind IN ('r', 'p') AND c.oid <> pg_catalog.to_regclass({name})) \
         ELSE (pg_catalog.to_jsonb(t) ->> 'history_oid')::pg_catalog.oid = pg_catalog.to_regclass({name}) \
           OR pg_catalog.to_jsonb(t) ->> 'history' = {schema} AND EXISTS (SELECT FROM {table} h \
             WHERE h.id::text = pg_catalog.to_jsonb(t) ->> 'first_row') END"
    )
}

/// What a row keeps of its history.
fn key(history: &History) -> String {
    let table = history.table();
    format!(
        "{}, pg_catalog.to_regclass({})::pg_catalog.oid, \
         (SELECT h.id::text FROM {table} h ORDER BY h.started_at, h.id LIMIT 1)",
        quote::literal(history.schema()),
        quote::literal(table)
    )
}

/// Whether every one of them has ended well.
pub(crate) async fn finished(
    session: &Session,
    history: &History,
    names: &[String],
) -> Result<bool, Error> {
    if names.is_empty() {
        return Ok(true);
    }
    if !history.exists() || !exists(session).await? {
        return Ok(false);
    }
    let sql = format!(
        "SELECT NOT EXISTS (SELECT FROM pg_catalog.unnest($1) AS wanted WHERE wanted NOT IN \
         (SELECT t.name FROM ecs_migrate.steps t WHERE t.finished_at IS NOT NULL AND {}))",
        of(history)
    );
    Ok(session.one(&sql, &[(&names, Type::TEXT_ARRAY)]).await?.get(0)?)
}

impl Hold {
    /// Notes that a step starts, unless it has ended well before and is not to run again.
    pub async fn start_step(
        &mut self,
        name: &str,
        run: &str,
        again: Again,
    ) -> Result<Earlier, Error> {
        let history = History::locate(&self.session).await?;
        let earlier =
            self.retry(async |session, _fence| earlier(session, &history, name).await).await?;
        if matches!(earlier, Earlier::Finished(_)) && again == Again::No {
            return Ok(earlier);
        }
        let sql = format!(
            "WITH key(history, history_oid, first_row) AS (SELECT {}), \
             again AS (UPDATE ecs_migrate.steps t SET run = $2, attempts = t.attempts + 1, \
             started_at = pg_catalog.clock_timestamp(), finished_at = NULL, exit_code = NULL, \
             history = key.history, history_oid = key.history_oid, first_row = key.first_row \
             FROM key WHERE t.name = $1 AND ({}) RETURNING t.name) \
             INSERT INTO ecs_migrate.steps (name, run, attempts, started_at, history, history_oid, first_row) \
             SELECT $1, $2, 1, pg_catalog.clock_timestamp(), key.history, key.history_oid, key.first_row \
             FROM key WHERE NOT EXISTS (SELECT FROM again)",
            key(&history),
            of(&history)
        );
        self.retry(async |session, _fence| {
            session.execute(&sql, &[(&name, Type::TEXT), (&run, Type::TEXT)]).await
        })
        .await?;
        self.history = Some(history);
        Ok(earlier)
    }

    /// Notes how a step ended.
    pub async fn finish_step(&mut self, name: &str, exit_code: i32) -> Result<(), Error> {
        let of_this = self.history.as_ref().map_or_else(|| "false".to_owned(), of);
        let touched = self
            .retry(async |session, fence| {
                let sql = format!(
                    "UPDATE ecs_migrate.steps t SET exit_code = $2, \
                     finished_at = CASE WHEN $2 = 0 THEN pg_catalog.clock_timestamp() END \
                     WHERE t.name = $1 AND ({of_this}) AND {fence}"
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

async fn earlier(session: &Session, history: &History, name: &str) -> Result<Earlier, Fault> {
    let utc = |column: &str| {
        format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
    };
    let sql = format!(
        "SELECT {}, exit_code, {} FROM ecs_migrate.steps t WHERE name = $1 AND ({})",
        utc("finished_at"),
        utc("started_at"),
        of(history)
    );
    let rows = session.query(&sql, &[(&name, Type::TEXT)]).await?;
    let Some(row) = rows.first() else { return Ok(Earlier::New) };
    Ok(match (row.get::<Option<String>>(0)?, row.get::<Option<i32>>(1)?) {
        (Some(at), _) => Earlier::Finished(at),
        (None, Some(code)) => Earlier::Failed(code),
        (None, None) => Earlier::Unfinished(row.get(2)?),
    })
}
