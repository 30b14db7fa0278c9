//! Owns reading what a database holds, object by object, each definition as the server itself writes it:
//! everything that `pg_dump` writes of the schemas asked for, and of what belongs to no schema.

use super::compare::{Catalog, Facet};
use crate::error::Fault;
use crate::row::{self, Row};
use crate::session::Session;
use tokio_postgres::types::Type;

/// Whether rights are compared too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grants {
    /// They are not: most teams give them by hand.
    Ignore,
    /// They are.
    Compare,
}

/// What makes the server write the same definition in the same way everywhere: with `pg_catalog` alone
/// in the search path every other name is qualified; constants depend on the rest.
const ALIKE: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
    SET LOCAL search_path = pg_catalog; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; \
    SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; \
    SET LOCAL quote_all_identifiers = off; SET LOCAL lock_timeout = '5s'";

/// What every query begins with.
const PRELUDE: &str = include_str!("catalog/prelude.sql");

/// A row for each facet of each object: sort, name, the table it belongs to, facet, value. The index
/// behind a constraint is the constraint. Each from the version on that has its catalogs.
const QUERIES: [(u32, &str); 11] = [
    (0, include_str!("catalog/relations.sql")),
    (0, include_str!("catalog/columns.sql")),
    (0, include_str!("catalog/constraints.sql")),
    (0, include_str!("catalog/types.sql")),
    (0, include_str!("catalog/routines.sql")),
    (0, include_str!("catalog/operators.sql")),
    (0, include_str!("catalog/text_search.sql")),
    (0, include_str!("catalog/foreign.sql")),
    (0, include_str!("catalog/database.sql")),
    (15, include_str!("catalog/publications.sql")),
    (0, include_str!("catalog/rights.sql")),
];

/// Schemas that hold something, and are neither the server's nor ours.
const FILLED: &str = include_str!("catalog/filled.sql");

/// The schemas that migrations filled in a scratch database.
pub(super) async fn filled(session: &Session) -> Result<Vec<String>, Fault> {
    row::column(&session.query(FILLED, &[]).await?, 0)
}

/// Everything in these schemas but histories and what extensions own, and what belongs to the database.
pub(super) async fn read(
    session: &Session,
    schemas: &[String],
    grants: Grants,
) -> Result<Catalog, Fault> {
    session.run(ALIKE).await?;
    let read = facets(session, schemas, grants).await;
    session.run("ROLLBACK").await?;
    Ok(read?.into_iter().collect())
}

async fn facets(
    session: &Session,
    schemas: &[String],
    grants: Grants,
) -> Result<Vec<Facet>, Fault> {
    let compared = grants == Grants::Compare;
    let mut facets = Vec::new();
    for (since, query) in QUERIES {
        if session.major() < since {
            continue;
        }
        // Each query has both parameters, used or not.
        let sql = format!(
            "{PRELUDE}{query}) SELECT sort, name, parent, facet, value FROM facet \
             WHERE (value IS NOT NULL OR facet IS NULL) AND ($2::bool OR true) AND $1::text[] IS NOT NULL"
        );
        let parameters = [(&schemas as _, Type::TEXT_ARRAY), (&compared as _, Type::BOOL)];
        for row in session.query(&sql, &parameters).await? {
            facets.push(facet(&row)?);
        }
    }
    Ok(facets)
}

fn facet(row: &Row) -> Result<Facet, Fault> {
    Ok(Facet {
        sort: row.get(0)?,
        name: row.get(1)?,
        parent: row.get(2)?,
        facet: row.get(3)?,
        value: row.get(4)?,
    })
}
