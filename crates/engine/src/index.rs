//! What a concurrent index build left behind.
//!
//! A build that fails leaves an invalid index: it may be maintained on every write, serves no
//! query, and `IF NOT EXISTS` calls it done (measured on PostgreSQL 15; squawk#1230).

use crate::error::Fault;
use crate::session::Session;
use tokio_postgres::types::Type;

/// What the catalog says of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Valid,
    Invalid,
}

impl Found {
    fn read(valid: Option<bool>) -> Self {
        match valid {
            None => Self::Nothing,
            Some(true) => Self::Valid,
            Some(false) => Self::Invalid,
        }
    }
}

/// Looks up an index of a table, both as SQL writes them. It lives in its table's schema, whatever
/// the search path finds first by its name.
pub(crate) async fn of(session: &Session, place: (&str, &str)) -> Result<Found, Fault> {
    Ok(Found::read(locate(session, place).await?.map(|(valid, _name)| valid)))
}

async fn locate(
    session: &Session,
    (index, table): (&str, &str),
) -> Result<Option<(bool, String)>, Fault> {
    let table = table.strip_prefix("ONLY ").unwrap_or(table);
    let rows = session
        .query(
            "SELECT i.indisvalid, i.indexrelid::pg_catalog.regclass::text \
             FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
             WHERE i.indrelid = pg_catalog.to_regclass($1) AND c.relname = (pg_catalog.parse_ident($2))[1]",
            &[(&table, Type::TEXT), (&index, Type::TEXT)],
        )
        .await?;
    Ok(rows.first().map(|row| (row.get(0), row.get(1))))
}

/// Looks up an index by its own name, as SQL writes it.
pub(crate) async fn named(session: &Session, name: &str) -> Result<Found, Fault> {
    let rows = session
        .query(
            "SELECT i.indisvalid FROM pg_catalog.pg_index i WHERE i.indexrelid = pg_catalog.to_regclass($1)",
            &[(&name, Type::TEXT)],
        )
        .await?;
    Ok(Found::read(rows.first().map(|row| row.get(0))))
}

/// The invalid indexes that an unfinished `REINDEX CONCURRENTLY` leaves (PostgreSQL, "REINDEX").
pub(crate) async fn unfinished_rebuilds(session: &Session) -> Result<Vec<String>, Fault> {
    let rows = session
        .query(
            "SELECT i.indexrelid::pg_catalog.regclass::text \
             FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
             WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' ORDER BY 1",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Drops an index of a table that is invalid, as SQL can name it; none if it is not there or valid.
pub(crate) async fn drop_statement(
    session: &Session,
    place: (&str, &str),
) -> Result<Option<String>, Fault> {
    let invalid = locate(session, place).await?.filter(|(valid, _name)| !valid);
    Ok(invalid.map(|(_valid, name)| format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")))
}

/// How long a failed attempt may take to clean up: a signal leaves two seconds for everything.
const CLEAN_UP: &str = "1500";

/// Drops the index if it is invalid and nobody holds that up; what is there afterwards.
pub(crate) async fn drop_in_time(session: &Session, place: (&str, &str)) -> Result<Found, Fault> {
    let Some(drop) = drop_statement(session, place).await? else {
        return of(session, place).await;
    };
    let limit = "SELECT pg_catalog.current_setting('statement_timeout'), pg_catalog.set_config('statement_timeout', $1, false)";
    let before: String = session.one(limit, &[(&CLEAN_UP, Type::TEXT)]).await?.get(0);
    let dropped = session.run(&drop).await;
    session.one(limit, &[(&before, Type::TEXT)]).await?;
    match dropped {
        Ok(()) => Ok(Found::Nothing),
        Err(Fault::Server(_)) => of(session, place).await,
        Err(lost @ Fault::Lost(_)) => Err(lost),
    }
}
