//! What a concurrent index build left behind.
//!
//! A build that fails leaves an invalid index: it may be maintained on every write, serves no
//! query, and `IF NOT EXISTS` calls it done (measured on PostgreSQL 15; squawk#1230).

mod same;

pub(crate) use same::{Same, compare};

use crate::error::Fault;
use crate::row;
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
             WHERE i.indrelid = pg_catalog.to_regclass($1) AND c.relname = (pg_catalog.parse_ident($2))[1]::pg_catalog.name",
            &[(&table, Type::TEXT), (&index, Type::TEXT)],
        )
        .await?;
    rows.first().map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}

/// Looks up an index by its own name, as SQL writes it.
pub(crate) async fn named(session: &Session, name: &str) -> Result<Found, Fault> {
    let rows = session
        .query(
            "SELECT i.indisvalid FROM pg_catalog.pg_index i WHERE i.indexrelid = pg_catalog.to_regclass($1)",
            &[(&name, Type::TEXT)],
        )
        .await?;
    Ok(Found::read(row::first(&rows, 0)?))
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
    row::column(&rows, 0)
}

/// An invalid index, by its number and as SQL can name it.
pub(crate) struct Invalid {
    pub(crate) oid: String,
    pub(crate) name: String,
}

/// Those of a table.
pub(crate) async fn invalid_of(session: &Session, table: &str) -> Result<Vec<Invalid>, Fault> {
    let table = table.strip_prefix("ONLY ").unwrap_or(table);
    let rows = session
        .query(
            "SELECT i.indexrelid::text, i.indexrelid::pg_catalog.regclass::text FROM pg_catalog.pg_index i \
             WHERE NOT i.indisvalid AND i.indrelid = pg_catalog.to_regclass($1) ORDER BY 1",
            &[(&table, Type::TEXT)],
        )
        .await?;
    rows.iter().map(|row| Ok(Invalid { oid: row.get(0)?, name: row.get(1)? })).collect()
}

/// Drops an index of a table that is invalid, as SQL can name it; none if it is not there or valid.
pub(crate) async fn drop_statement(
    session: &Session,
    place: (&str, &str),
) -> Result<Option<String>, Fault> {
    let invalid = locate(session, place).await?.filter(|(valid, _name)| !valid);
    Ok(invalid.map(|(_valid, name)| format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")))
}

/// Whether a statement may take an index that is there for its own.
pub(crate) fn may_skip(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut index = false;
    words.by_ref().any(|word| {
        let skips = index && word.eq_ignore_ascii_case("exists");
        index |= word.eq_ignore_ascii_case("index");
        skips
    })
}

/// The invalid index of this name in the schema of the table, as SQL can name it: the one for which
/// `CREATE INDEX IF NOT EXISTS` is passed by, on whatever table of the schema it is.
pub(crate) async fn invalid_beside(
    session: &Session,
    (index, table): (&str, &str),
) -> Result<Option<String>, Fault> {
    let rows = session
        .query(
            "SELECT i.indexrelid::pg_catalog.regclass::text \
             FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
             WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relname = (pg_catalog.parse_ident($1))[1] \
             AND c.relnamespace = (SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass($2))",
            &[(&index, Type::TEXT), (&table, Type::TEXT)],
        )
        .await?;
    row::first(&rows, 0)
}

/// The first invalid index whose name is in one of these texts, as SQL can name it, where one may be
/// meant: its schema is searched, or named, or no other schema has a valid one of that name. A partitioned
/// one is invalid until all its partitions have theirs, which is no failure.
pub(crate) async fn invalid_among(
    session: &Session,
    texts: &[&str],
) -> Result<Option<String>, Fault> {
    let rows = session
        .query(
            "SELECT c.relname::text, i.indexrelid::pg_catalog.regclass::text, n.nspname::text, \
             n.nspname = ANY (pg_catalog.current_schemas(true)) OR NOT EXISTS (\
               SELECT FROM pg_catalog.pg_class o JOIN pg_catalog.pg_index v ON v.indexrelid = o.oid \
               WHERE o.relname = c.relname AND v.indisvalid) \
             FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE NOT i.indisvalid AND c.relkind = 'i' ORDER BY 1",
            &[],
        )
        .await?;
    for row in &rows {
        let name: String = row.get(0)?;
        let (schema, meant): (String, bool) = (row.get(2)?, row.get(3)?);
        let meant = meant || texts.iter().any(|text| has_word(text, &schema));
        if meant && texts.iter().any(|text| has_word(text, &name)) {
            return Ok(Some(row.get(1)?));
        }
    }
    Ok(None)
}

/// Whether a name stands in a text, in any case: SQL folds what is not quoted.
fn has_word(text: &str, name: &str) -> bool {
    let of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    text.match_indices(&name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(of_name) && !after.is_some_and(of_name)
    })
}

/// How long a failed attempt may take to clean up: a signal leaves two seconds for everything.
const CLEAN_UP: &str = "1500";

/// Drops the index if it is invalid and nobody holds that up; what is there afterwards.
pub(crate) async fn drop_in_time(session: &Session, place: (&str, &str)) -> Result<Found, Fault> {
    if let Some(drop) = drop_statement(session, place).await? {
        run_in_time(session, &drop).await?;
    }
    of(session, place).await
}

/// Runs the statement, unless somebody holds it up for too long.
pub(crate) async fn run_in_time(session: &Session, drop: &str) -> Result<(), Fault> {
    let limit = "SELECT pg_catalog.current_setting('statement_timeout'), pg_catalog.set_config('statement_timeout', $1, false)";
    let before: String = session.one(limit, &[(&CLEAN_UP, Type::TEXT)]).await?.get(0)?;
    let dropped = session.run(drop).await;
    session.one(limit, &[(&before, Type::TEXT)]).await?;
    match dropped {
        Ok(()) | Err(Fault::Server(_)) => Ok(()),
        Err(fault @ (Fault::Lost(_) | Fault::Answer(_))) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_skip_an_index_is_known_by_its_words() {
        for (text, wanted) in [
            ("CREATE INDEX IF NOT EXISTS i ON t(a)", true),
            ("create unique index /* x */ if\nnot exists i on t(a)", true),
            ("DO $$ BEGIN EXECUTE 'CREATE INDEX IF NOT EXISTS i ON t(a)'; END $$", true),
            ("CREATE INDEX i ON t(a)", false),
            ("CREATE TABLE IF NOT EXISTS t(a int)", false),
        ] {
            assert_eq!(may_skip(text), wanted, "{text}");
        }
        for (text, name, wanted) in [
            ("... EXISTS ti ON t", "ti", true),
            ("... EXISTS \"Ti\" ON t", "Ti", true),
            ("... EXISTS TI ON t", "ti", true),
            ("... EXISTS s.ti", "ti", true),
            ("... EXISTS ti_2 ON t", "ti", false),
            ("... EXISTS ünti ON t", "ti", false),
        ] {
            assert_eq!(has_word(text, name), wanted, "{text} {name}");
        }
    }
}
