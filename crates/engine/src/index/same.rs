//! Owns whether an index is the one that a statement makes, by the server's own reading: the statement is
//! run on an empty table with the same columns, in a transaction that is rolled back. A name proves
//! nothing; anybody can make an index under it.

use crate::error::Fault;
use crate::session::Session;
use migrations::script::IndexStatement;
use tokio_postgres::types::Type;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Same {
    /// It is the one.
    Yes,
    /// It is another one under its name.
    No,
    /// The server would not say.
    Unknown,
}

/// The table beside which the statement is run.
const BESIDE: &str = "pg_temp.ecs_migrate_beside";

/// Everything of an index but its name, its table and where it is kept. Parts by number are of the same
/// database, so they can be compared.
const DEFINITION: &str = "SELECT pg_catalog.concat_ws(' | ', m.amname, i.indisunique, i.indnkeyatts, \
      pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct', \
      (SELECT pg_catalog.string_agg(pg_catalog.pg_get_indexdef(i.indexrelid, n, true), ', ' ORDER BY n) \
       FROM pg_catalog.generate_series(1, i.indnatts::integer) AS n), \
      i.indclass, i.indcollation, i.indoption, \
      COALESCE(pg_catalog.pg_get_expr(i.indpred, i.indrelid, true), '-'), COALESCE(c.reloptions::text, '-')) \
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
    JOIN pg_catalog.pg_am m ON m.oid = c.relam";

/// Compares the index that is there under the statement's name.
pub(crate) async fn compare(session: &Session, statement: &IndexStatement) -> Result<Same, Fault> {
    session.run("BEGIN").await?;
    let compared = look(session, statement).await;
    match compared {
        Err(Fault::Server(_)) => {
            session.run("ROLLBACK").await?;
            Ok(Same::Unknown)
        }
        Ok(same) => {
            session.run("ROLLBACK").await?;
            Ok(same)
        }
        Err(fault) => Err(fault),
    }
}

async fn look(session: &Session, statement: &IndexStatement) -> Result<Same, Fault> {
    let IndexStatement { index, table, .. } = statement;
    let there = format!(
        "{DEFINITION} WHERE i.indrelid = pg_catalog.to_regclass($1) \
         AND c.relname = (pg_catalog.parse_ident($2))[1]::pg_catalog.name"
    );
    let rows = session.query(&there, &[(table, Type::TEXT), (index, Type::TEXT)]).await?;
    let there: Option<String> = crate::row::first(&rows, 0)?;
    session.run(&format!("CREATE TEMPORARY TABLE ecs_migrate_beside (LIKE {table})")).await?;
    session.run(&statement.on(BESIDE)).await?;
    let made = format!("{DEFINITION} WHERE i.indrelid = pg_catalog.to_regclass($1)");
    let rows = session.query(&made, &[(&BESIDE, Type::TEXT)]).await?;
    let made: Option<String> = crate::row::first(&rows, 0)?;
    Ok(match (there, made) {
        (Some(there), Some(made)) if there == made => Same::Yes,
        (Some(_), Some(_)) => Same::No,
        (_, _) => Same::Unknown,
    })
}
