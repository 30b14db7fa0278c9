//! A schema as a set of sentences, so that two databases can be compared.

use crate::error::Fault;
use crate::quote;
use crate::session::Session;
use std::collections::BTreeSet;
use tokio_postgres::types::Type;

/// Everything in a schema but the history and what extensions own.
const SENTENCES: &str = "\
WITH schema AS (SELECT oid FROM pg_namespace WHERE nspname = $1),
owned AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
relation AS (
    SELECT c.* FROM pg_class c JOIN schema ON c.relnamespace = schema.oid
    WHERE c.relname <> '_prisma_migrations' AND (1259, c.oid) NOT IN (SELECT classid, objid FROM owned)
),
routine AS (
    SELECT p.* FROM pg_proc p JOIN schema ON p.pronamespace = schema.oid
    WHERE p.prokind IN ('f', 'p') AND (1255, p.oid) NOT IN (SELECT classid, objid FROM owned)
)
SELECT CASE relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'S' THEN 'sequence ' ELSE 'table ' END || relname
FROM relation WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
UNION SELECT 'column ' || r.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
    || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum WHERE r.relkind IN ('r', 'p', 'f')
UNION SELECT 'constraint ' || r.relname || '.' || c.conname || ' ' || pg_get_constraintdef(c.oid)
FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid WHERE c.contype <> 'n'
UNION SELECT 'index ' || pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END
FROM relation r JOIN pg_index i ON i.indrelid = r.oid
UNION SELECT 'definition of view ' || relname || ' ' || md5(pg_get_viewdef(oid)) FROM relation WHERE relkind IN ('v', 'm')
UNION SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal
UNION SELECT 'policy ' || r.relname || '.' || p.polname || ' ' || p.polcmd::text || coalesce(' using ' || pg_get_expr(p.polqual, p.polrelid), '')
    || coalesce(' check ' || pg_get_expr(p.polwithcheck, p.polrelid), '')
FROM relation r JOIN pg_policy p ON p.polrelid = r.oid
UNION SELECT 'routine ' || oid::regprocedure::text || ' ' || md5(pg_get_functiondef(oid)) FROM routine
UNION SELECT 'enum ' || t.typname || ' (' || string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) || ')'
FROM pg_type t JOIN schema ON t.typnamespace = schema.oid JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY t.oid, t.typname";

/// How two schemas differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    /// What only the first has.
    pub(crate) only_first: Vec<String>,
    /// What only the second has.
    pub(crate) only_second: Vec<String>,
}

/// Reads a schema.
pub(crate) async fn read(session: &Session, schema: &str) -> Result<BTreeSet<String>, Fault> {
    // Names are then rendered the same way in both databases.
    session.run(&format!("SET search_path = {}, pg_catalog", quote::identifier(schema))).await?;
    let rows = session.query(SENTENCES, &[(&schema, Type::TEXT)]).await?;
    session.reset().await?;
    Ok(rows.iter().filter_map(|row| row.get::<_, Option<String>>(0)).collect())
}

/// Compares two schemas.
pub(crate) fn compare(first: &BTreeSet<String>, second: &BTreeSet<String>) -> Differences {
    Differences {
        only_first: first.difference(second).cloned().collect(),
        only_second: second.difference(first).cloned().collect(),
    }
}
