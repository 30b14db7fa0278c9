//! Which units of a script that cannot be one transaction are done.
//!
//! An intent is committed before a unit, its end with the unit where the unit allows it. Rows are
//! keyed by the attempt's history row: after a reset of the database nothing finds them any more.

use crate::error::{Error, Fault, Kind};
use crate::lock;
use crate::quote;
use crate::row::Row;
use crate::session::Session;
use std::collections::BTreeMap;
use tokio_postgres::types::Type;

/// What the journal knows of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Digest of the unit's text.
    pub(crate) fingerprint: String,
    /// Whether its end is recorded; otherwise the attempt may have died at any point of it.
    pub(crate) finished: bool,
}

/// Makes the journal's table. A schema of our own: an extra table beside the history would be
/// "not empty" for Prisma.
pub(crate) async fn ensure(session: &Session) -> Result<(), Error> {
    let row = session
        .one("SELECT pg_catalog.to_regclass('ecs_migrate.journal') IS NOT NULL", &[])
        .await?;
    if row.get(0)? {
        return Ok(());
    }
    create(
        session,
        "CREATE TABLE IF NOT EXISTS ecs_migrate.journal (\
         history_id varchar(36) NOT NULL, unit integer NOT NULL, fingerprint varchar(64) NOT NULL, \
         started_at timestamptz NOT NULL, finished_at timestamptz, PRIMARY KEY (history_id, unit))",
        "a script that cannot be one transaction needs a journal",
    )
    .await
}

/// Makes a table in our own schema; `reason` says what for.
pub(crate) async fn create(session: &Session, table: &str, reason: &str) -> Result<(), Error> {
    let made = session.run(&format!("CREATE SCHEMA IF NOT EXISTS ecs_migrate; {table}")).await;
    match made {
        Ok(()) => Ok(()),
        Err(Fault::Server(db)) if db.code().code() == "42501" => {
            let row = session
                .one("SELECT pg_catalog.quote_ident(pg_catalog.current_database()), pg_catalog.quote_ident(current_user)", &[])
                .await?;
            let (database, role): (String, String) = (row.get(0)?, row.get(1)?);
            Err(Error::new(
                Kind::AccessDenied,
                format!("{reason}, and the role may not create its schema"),
            )
            .hint(format!("let the owner run: GRANT CREATE ON DATABASE {database} TO {role}")))
        }
        Err(fault) => Err(fault.into()),
    }
}

async fn exists(session: &Session) -> Result<bool, Fault> {
    let row = session
        .one("SELECT pg_catalog.to_regclass('ecs_migrate.journal') IS NOT NULL", &[])
        .await?;
    row.get(0)
}

/// What is known of an attempt; nothing, where there never was a journal.
pub(crate) async fn entries(session: &Session, id: &str) -> Result<BTreeMap<i32, Entry>, Fault> {
    if !exists(session).await? {
        return Ok(BTreeMap::new());
    }
    let rows = session
        .query(
            "SELECT unit, fingerprint::text, finished_at IS NOT NULL FROM ecs_migrate.journal WHERE history_id = $1",
            &[(&id, Type::TEXT)],
        )
        .await?;
    let entry =
        |row: &Row| Ok((row.get(0)?, Entry { fingerprint: row.get(1)?, finished: row.get(2)? }));
    rows.iter().map(entry).collect()
}

/// Commits the intent to run a unit.
pub(crate) async fn intend(
    session: &Session,
    (id, unit): (&str, i32),
    fingerprint: &str,
) -> Result<(), Fault> {
    session
        .execute(
            "INSERT INTO ecs_migrate.journal (history_id, unit, fingerprint, started_at) \
             VALUES ($1, $2, $3, pg_catalog.clock_timestamp()) \
             ON CONFLICT (history_id, unit) DO UPDATE SET fingerprint = excluded.fingerprint, started_at = excluded.started_at",
            &[(&id, Type::TEXT), (&unit, Type::INT4), (&fingerprint, Type::TEXT)],
        )
        .await
        .map(|_touched| ())
}

/// How far a change of the role reaches.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reach {
    /// Until the transaction ends: afterwards what the script set holds again.
    Transaction,
    /// Until it is set again.
    Session,
}

impl Reach {
    fn word(self) -> &'static str {
        match self {
            Self::Transaction => "LOCAL",
            Self::Session => "SESSION",
        }
    }
}

/// Leaves the role that the script took on, which need not reach our schema; what it was.
pub(crate) async fn leave_role(session: &Session, reach: Reach) -> Result<Option<String>, Fault> {
    let role: String =
        session.one("SELECT pg_catalog.current_setting('role')", &[]).await?.get(0)?;
    if role == "none" {
        return Ok(None);
    }
    session.run(&format!("SET {} ROLE NONE", reach.word())).await?;
    Ok(Some(role))
}

/// Takes it on again.
pub(crate) async fn take_role(
    session: &Session,
    role: Option<String>,
    reach: Reach,
) -> Result<(), Fault> {
    let Some(role) = role else { return Ok(()) };
    session.run(&format!("SET {} ROLE {}", reach.word(), quote::identifier(&role))).await
}

/// Marks a unit as done; false if the lock is not ours any more.
pub(crate) async fn finish(
    session: &Session,
    (id, unit): (&str, i32),
    key: i64,
) -> Result<bool, Fault> {
    let sql = format!(
        "UPDATE ecs_migrate.journal SET finished_at = pg_catalog.clock_timestamp() \
         WHERE history_id = $1 AND unit = $2 AND {}",
        lock::fence(key)
    );
    Ok(session.execute(&sql, &[(&id, Type::TEXT), (&unit, Type::INT4)]).await? == 1)
}

/// Takes back the intent to run a unit of which nothing is left.
pub(crate) async fn withdraw(session: &Session, (id, unit): (&str, i32)) -> Result<(), Fault> {
    session
        .execute(
            "DELETE FROM ecs_migrate.journal WHERE history_id = $1 AND unit = $2 AND finished_at IS NULL",
            &[(&id, Type::TEXT), (&unit, Type::INT4)],
        )
        .await
        .map(|_touched| ())
}

/// Forgets an attempt that is over.
pub(crate) async fn forget(session: &Session, id: &str) -> Result<(), Fault> {
    if !exists(session).await? {
        return Ok(());
    }
    session
        .execute("DELETE FROM ecs_migrate.journal WHERE history_id = $1", &[(&id, Type::TEXT)])
        .await
        .map(|_touched| ())
}
