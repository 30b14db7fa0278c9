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

/// The name by which the catalog finds the index: an index lives in the schema of its table.
pub(crate) fn qualified(index: &str, table: &str) -> String {
    let table = table.strip_prefix("ONLY ").unwrap_or(table);
    match table.rsplit_once('.') {
        Some((schema, _table)) => format!("{schema}.{index}"),
        None => index.to_owned(),
    }
}

/// Looks the index up; `name` as SQL writes it.
pub(crate) async fn find(session: &Session, name: &str) -> Result<Found, Fault> {
    let rows = session
        .query(
            "SELECT i.indisvalid FROM pg_catalog.pg_index i WHERE i.indexrelid = pg_catalog.to_regclass($1)",
            &[(&name, Type::TEXT)],
        )
        .await?;
    Ok(match rows.first().map(|row| row.get(0)) {
        None => Found::Nothing,
        Some(true) => Found::Valid,
        Some(false) => Found::Invalid,
    })
}

/// How long a failed attempt may take to clean up: a signal leaves two seconds for everything.
const CLEAN_UP: &str = "1500";

/// Drops the index if it is invalid and nobody holds that up; what is there afterwards.
pub(crate) async fn drop_in_time(session: &Session, name: &str) -> Result<Found, Fault> {
    let found = find(session, name).await?;
    if found != Found::Invalid {
        return Ok(found);
    }
    let limit = "SELECT pg_catalog.current_setting('statement_timeout'), pg_catalog.set_config('statement_timeout', $1, false)";
    let before: String = session.one(limit, &[(&CLEAN_UP, Type::TEXT)]).await?.get(0);
    let dropped = session.run(&format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")).await;
    session.one(limit, &[(&before, Type::TEXT)]).await?;
    match dropped {
        Ok(()) => Ok(Found::Nothing),
        Err(Fault::Server(_)) => find(session, name).await,
        Err(lost @ Fault::Lost(_)) => Err(lost),
    }
}
