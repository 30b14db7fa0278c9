//! Owns what the catalog and the statistics say of one table. Reads no row of it.

use crate::error::{Error, Fault};
use crate::quote;
use crate::session::Session;
use migrations::hazard::live::{Facts, TableFacts};
use migrations::hazard::{Finding, Grade};
use tokio_postgres::types::Type;

/// Rows that a page holds, where no statistics say it: as many as of narrow ones.
const ROWS_A_PAGE: &str = "100";

/// Size, rows and traffic of a table with its partitions and children. `reltuples` is of the last VACUUM, so it
/// is scaled as the planner does it. `pg_relation_size` reads the file system, so an empty table is
/// known for certain; rows of a view or a foreign table lie elsewhere.
fn query() -> String {
    format!(
        "WITH RECURSIVE part AS (
            SELECT $1::regclass::oid AS oid UNION
            SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN part ON i.inhparent = part.oid
        ), size AS (
            SELECT c.oid, c.reltuples, c.relpages, pg_catalog.pg_relation_size(c.oid) AS bytes,
                c.relkind NOT IN ('r', 'p', 'm') AS elsewhere
            FROM part JOIN pg_catalog.pg_class c USING (oid)
        ), span AS (
            SELECT greatest(1, extract(epoch FROM now() - coalesce(
                (SELECT stats_reset FROM pg_catalog.pg_stat_database WHERE datname = current_database()),
                pg_catalog.pg_postmaster_start_time())))::float8 AS seconds
        )
        SELECT coalesce(sum(bytes), 0)::int8,
            coalesce(sum(CASE WHEN bytes = 0 THEN 0
                WHEN reltuples > 0 AND relpages > 0 THEN reltuples::float8 / relpages * (bytes / 8192.0)
                ELSE bytes / 8192.0 * {ROWS_A_PAGE} END), 0)::int8,
            (coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::float8 / max(seconds))::int8,
            (coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0)::float8 / max(seconds))::int8,
            (SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = $1::regclass AND a.attname = $2 AND NOT a.attisdropped),
            EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = $1::regclass AND contype = 'c'
                AND convalidated AND pg_catalog.pg_get_constraintdef(oid) = 'CHECK ((' || quote_ident($2) || ' IS NOT NULL))'),
            bool_or(elsewhere)
        FROM size CROSS JOIN span LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = size.oid"
    )
}

/// What a name can stand for, the likeliest first. `public` was left out of it, and need not be in the
/// search path; a dot can be a part of a quoted name. Never three parts: those would name another
/// database, which is an error.
fn spellings(table: &str) -> Vec<String> {
    let whole = quote::identifier(table);
    let in_public = format!("public.{whole}");
    match table.split_once('.') {
        Some((schema, name)) => {
            let qualified = format!("{}.{}", quote::identifier(schema), quote::identifier(name));
            vec![qualified, whole, in_public]
        }
        None => vec![whole, in_public],
    }
}

/// What is known of `table`, for a finding about it. Where the name can stand for several, it is as bad as
/// the worst of them. A script may take on a role whose own schema comes first in the search path
/// (`"$user"`): what loses is looked for there as well.
pub(super) async fn of(session: &Session, table: &str, finding: &Finding) -> Result<Facts, Error> {
    let loses = finding.grades.contains(&Grade::Loses) && !table.contains('.');
    let found = session
        .query(
            "SELECT DISTINCT to_regclass(name)::oid::int8 FROM unnest($1::text[]) AS names(name) \
             WHERE to_regclass(name) IS NOT NULL \
             UNION SELECT c.oid::int8 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE $3 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'f', 'v', 'm') AND n.nspname IN (SELECT rolname FROM pg_catalog.pg_roles)",
            &[
                (&spellings(table), Type::TEXT_ARRAY),
                (&table, Type::TEXT),
                (&loses, Type::BOOL),
            ],
        )
        .await?;
    let mut worst: Option<TableFacts> = None;
    for row in &found {
        let oid: i64 = row.get(0)?;
        let facts = of_oid(session, u32::try_from(oid).unwrap_or_default(), finding).await?;
        worst = Some(match worst {
            None => facts,
            Some(other) => worse(other, facts),
        });
    }
    Ok(worst.map_or(Facts::Absent, Facts::Table))
}

/// Both in one, as bad as the worse of them.
fn worse(one: TableFacts, other: TableFacts) -> TableFacts {
    let column_type = match (one.column_type, other.column_type) {
        (Some(one), Some(other)) if one != other => Some(format!("{one} or {other}")),
        (one, other) => one.or(other),
    };
    TableFacts {
        bytes: one.bytes.max(other.bytes),
        rows: one.rows.max(other.rows),
        empty: one.empty && other.empty,
        writes_per_second: one.writes_per_second.max(other.writes_per_second),
        reads_per_second: one.reads_per_second.max(other.reads_per_second),
        column_type,
        known_not_null: one.known_not_null && other.known_not_null,
    }
}

async fn of_oid(session: &Session, oid: u32, finding: &Finding) -> Result<TableFacts, Error> {
    let row = session
        .one(
            &query(),
            &[(&oid, Type::OID), (&finding.column_name.as_deref().unwrap_or_default(), Type::TEXT)],
        )
        .await?;
    let count = |at| Ok::<_, Fault>(u64::try_from(row.get::<i64>(at)?).unwrap_or(0));
    Ok(TableFacts {
        bytes: count(0)?,
        rows: count(1)?,
        empty: count(0)? == 0 && !row.get::<bool>(6)?,
        writes_per_second: count(2)?,
        reads_per_second: count(3)?,
        column_type: row.get(4)?,
        known_not_null: session.major() >= 12 && row.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_its_schema_or_publics_and_never_three_parts() {
        assert_eq!(spellings("users"), ["\"users\"", "public.\"users\""]);
        assert_eq!(
            spellings("app.users"),
            ["\"app\".\"users\"", "\"app.users\"", "public.\"app.users\""]
        );
    }
}
