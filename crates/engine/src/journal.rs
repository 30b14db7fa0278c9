//! Which units of a script that cannot be one transaction are done.
//!
//! An intent is committed before a unit, its end with the unit where the unit allows it. Rows are
//! keyed by the attempt's history row: after a reset of the database nothing finds them any more.
//! Beside its end a row has what the session was after the unit, and what was there before it.

use crate::carried::{self, Carried};
use crate::error::{Error, Fault, Kind};
use crate::lock;
use crate::quote;
use crate::row::Row;
use crate::session::Session;
use std::collections::BTreeMap;
use tokio_postgres::types::{ToSql, Type};

/// What the journal knows of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Digest of the unit's text.
    pub(crate) fingerprint: String,
    /// How it ended, as far as that is recorded.
    pub(crate) end: End,
    /// Whether a transaction was around it, so that without an end nothing of it is there; unknown
    /// in a journal of an older version.
    pub(crate) alone: Option<bool>,
    /// What was there of its thing before it, see `trace`.
    pub(crate) before: Option<String>,
    /// What the session was after it.
    pub(crate) after: Option<After>,
}

/// How a unit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It is done.
    Finished,
    /// The server said that it failed, and something of it may be there.
    Failed,
    /// The attempt may have died at any point of it.
    Unknown,
}

/// What the session was after a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct After {
    /// The session.
    pub(crate) session: Carried,
    /// Whether it was looked at when the unit's transaction was over: inside, what is set for a
    /// transaction only looks the same.
    pub(crate) settled: bool,
    /// Digest of the script's settings up to the unit.
    pub(crate) settings: String,
}

/// Columns that a journal of an older version has not.
const ADDED: [(&str, &str); 6] = [
    ("failed_at", "timestamptz"),
    ("alone", "boolean"),
    ("before", "text"),
    ("session", "jsonb"),
    ("settled", "boolean"),
    ("settings", "text"),
];

/// Makes the journal's table, or gives one of an older version what it lacks. A schema of our own:
/// an extra table beside the history would be "not empty" for Prisma.
pub(crate) async fn ensure(session: &Session) -> Result<(), Error> {
    let row = session
        .one(
            "SELECT pg_catalog.to_regclass('ecs_migrate.journal') IS NOT NULL, EXISTS (SELECT FROM pg_catalog.pg_attribute \
             WHERE attrelid = pg_catalog.to_regclass('ecs_migrate.journal') AND attname = 'settings')",
            &[],
        )
        .await?;
    let added = |prefix: &str| {
        let columns = ADDED.map(|(name, sort)| format!("{prefix}{name} {sort}"));
        columns.join(", ")
    };
    match (row.get(0)?, row.get(1)?) {
        (true, true) => Ok(()),
        (true, false) => {
            let add =
                format!("ALTER TABLE ecs_migrate.journal {}", added("ADD COLUMN IF NOT EXISTS "));
            match session.run(&add).await {
                Err(Fault::Server(db)) if db.code().code() == "42501" => Err(Error::new(
                    Kind::AccessDenied,
                    "the journal of an older version lacks columns, and the role may not add them",
                )
                .hint(format!("let the owner of ecs_migrate.journal run: {add}"))),
                ended => Ok(ended?),
            }
        }
        (false, _) => {
            let table = format!(
                "CREATE TABLE IF NOT EXISTS ecs_migrate.journal (\
                 history_id varchar(36) NOT NULL, unit integer NOT NULL, fingerprint varchar(64) NOT NULL, \
                 started_at timestamptz NOT NULL, finished_at timestamptz, {}, \
                 PRIMARY KEY (history_id, unit))",
                added("")
            );
            create(session, &table, "a script that cannot be one transaction needs a journal").await
        }
    }
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

/// The number of the journal's table, if there is one: another one has another number.
pub(crate) async fn number(session: &Session) -> Result<Option<String>, Fault> {
    let row = session
        .one("SELECT pg_catalog.to_regclass('ecs_migrate.journal')::pg_catalog.oid::text", &[])
        .await?;
    row.get(0)
}

/// What is known of an attempt; nothing, where there never was a journal.
pub(crate) async fn entries(session: &Session, id: &str) -> Result<BTreeMap<i32, Entry>, Fault> {
    if !exists(session).await? {
        return Ok(BTreeMap::new());
    }
    let sql = format!(
        "SELECT j.unit, j.fingerprint, j.finished, j.failed, j.alone, j.before, j.settled, j.settings, {} \
         FROM (SELECT unit, fingerprint::text, finished_at IS NOT NULL AS finished, \
         r.whole ->> 'failed_at' IS NOT NULL AS failed, (r.whole ->> 'alone')::boolean AS alone, \
         r.whole ->> 'before' AS before, COALESCE((r.whole ->> 'settled')::boolean, false) AS settled, \
         COALESCE(r.whole ->> 'settings', '') AS settings, r.whole -> 'session' AS json \
         FROM ecs_migrate.journal t, LATERAL (SELECT pg_catalog.to_jsonb(t) AS whole) AS r \
         WHERE t.history_id = $1) AS j",
        carried::PARTS
    );
    let rows = session.query(&sql, &[(&id, Type::TEXT)]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, entry(row)?))).collect()
}

/// A row of an older version says less.
fn entry(row: &Row) -> Result<Entry, Fault> {
    let session = Carried::of(row, 8);
    let (settled, settings): (bool, String) = (row.get(6)?, row.get(7)?);
    Ok(Entry {
        fingerprint: row.get(1)?,
        end: match (row.get(2)?, row.get(3)?) {
            (true, _) => End::Finished,
            (false, true) => End::Failed,
            (false, false) => End::Unknown,
        },
        alone: row.get(4)?,
        before: row.get(5)?,
        after: session.map(|session| After { session, settled, settings }),
    })
}

/// What is about to be run.
pub(crate) struct Intent<'a> {
    pub(crate) fingerprint: &'a str,
    /// Whether it will run without a transaction.
    pub(crate) alone: bool,
    /// What is there of its thing, see `trace`.
    pub(crate) before: &'a str,
}

/// Commits the intent to run a unit.
pub(crate) async fn intend(
    session: &Session,
    (id, unit): (&str, i32),
    intent: &Intent<'_>,
) -> Result<(), Fault> {
    session
        .execute(
            "INSERT INTO ecs_migrate.journal (history_id, unit, fingerprint, started_at, alone, before) \
             VALUES ($1, $2, $3, pg_catalog.clock_timestamp(), $4, $5) \
             ON CONFLICT (history_id, unit) DO UPDATE SET fingerprint = excluded.fingerprint, \
             started_at = excluded.started_at, failed_at = NULL, alone = excluded.alone, before = excluded.before",
            &[
                (&id, Type::TEXT),
                (&unit, Type::INT4),
                (&intent.fingerprint, Type::TEXT),
                (&intent.alone, Type::BOOL),
                (&intent.before, Type::TEXT),
            ],
        )
        .await
        .map(|_touched| ())
}

/// How far a change of the role reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// Whom the script has become: neither role need reach our schema.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disguise {
    user: Option<String>,
    role: Option<String>,
}

/// Leaves role and user that the script took on; what they were.
pub(crate) async fn leave_role(
    session: &Session,
    carried: &Carried,
    reach: Reach,
) -> Result<Disguise, Fault> {
    let disguise = Disguise {
        user: Some(&carried.user).filter(|user| **user != session.signed_in).cloned(),
        role: Some(&carried.role).filter(|role| **role != session.first_role).cloned(),
    };
    let word = reach.word();
    if disguise.user.is_some() {
        session.run(&format!("SET {word} SESSION AUTHORIZATION DEFAULT")).await?;
    }
    if disguise.user.is_some() || disguise.role.is_some() {
        session.run(&format!("SET {word} ROLE {}", role(&session.first_role))).await?;
    }
    Ok(disguise)
}

/// Takes them on again.
pub(crate) async fn take_role(
    session: &Session,
    disguise: &Disguise,
    carried: &Carried,
    reach: Reach,
) -> Result<(), Fault> {
    let word = reach.word();
    if let Some(user) = &disguise.user {
        let user = quote::identifier(user);
        session.run(&format!("SET {word} SESSION AUTHORIZATION {user}")).await?;
    }
    if disguise.user.is_some() || disguise.role.is_some() {
        session.run(&format!("SET {word} ROLE {}", role(&carried.role))).await?;
    }
    Ok(())
}

/// As `SET ROLE` takes it.
fn role(name: &str) -> String {
    if name == "none" { "NONE".to_owned() } else { quote::identifier(name) }
}

/// Marks a unit as done; false if the locks are not ours any more.
pub(crate) async fn finish(
    session: &Session,
    (id, unit): (&str, i32),
    (after, keys): (&After, &[i64]),
) -> Result<bool, Fault> {
    let sql = format!(
        "UPDATE ecs_migrate.journal SET finished_at = pg_catalog.clock_timestamp(), failed_at = NULL, \
         session = $3::text::jsonb, settled = $4, settings = $5 \
         WHERE history_id = $1 AND unit = $2 AND {}",
        lock::fence(keys)
    );
    let parameters: &[(&(dyn ToSql + Sync), Type)] = &[
        (&id, Type::TEXT),
        (&unit, Type::INT4),
        (&after.session.json, Type::TEXT),
        (&after.settled, Type::BOOL),
        (&after.settings, Type::TEXT),
    ];
    Ok(session.execute(&sql, parameters).await? == 1)
}

/// Writes what the session is after a unit's transaction, where that was not sure inside it.
pub(crate) async fn settle(
    session: &Session,
    (id, unit): (&str, i32),
    carried: &Carried,
) -> Result<(), Fault> {
    session
        .execute(
            "UPDATE ecs_migrate.journal SET session = $3::text::jsonb, settled = true \
             WHERE history_id = $1 AND unit = $2",
            &[(&id, Type::TEXT), (&unit, Type::INT4), (&carried.json, Type::TEXT)],
        )
        .await
        .map(|_touched| ())
}

/// Notes that the server ended a unit of which something may be there.
pub(crate) async fn fail(session: &Session, (id, unit): (&str, i32)) -> Result<(), Fault> {
    session
        .execute(
            "UPDATE ecs_migrate.journal SET failed_at = pg_catalog.clock_timestamp() \
             WHERE history_id = $1 AND unit = $2 AND finished_at IS NULL",
            &[(&id, Type::TEXT), (&unit, Type::INT4)],
        )
        .await
        .map(|_touched| ())
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
