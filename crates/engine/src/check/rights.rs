//! Owns what the role may do: in the schema, with its tables, and beside it.

use super::Finding;
use crate::error::Error;
use crate::session::Session;
use crate::way::need_journal;
use migrations::{Migration, Script};
use tokio_postgres::types::Type;

/// Where to look.
pub(super) struct Place<'a> {
    pub(super) session: &'a Session,
    pub(super) schema: &'a str,
    pub(super) pending: &'a [Migration],
}

/// What the role may do, in one look. Tables of extensions are none of a migration's.
const RIGHTS: &str = "SELECT pg_catalog.quote_ident(current_user), pg_catalog.quote_ident(pg_catalog.current_database()), \
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), \
    n.oid IS NOT NULL, \
    COALESCE(pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_schema_privilege(n.oid, 'CREATE'), false), \
    pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'), \
    pg_catalog.to_regnamespace('ecs_migrate') IS NOT NULL, \
    COALESCE(pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace('ecs_migrate')::oid, 'CREATE'), false), \
    pg_catalog.quote_ident($1) \
    FROM (SELECT 1) AS one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1";

/// Tables of the schema: how many there are, how many the role may not alter, one of those and its
/// owner. ALTER TABLE asks for the owner's rights, which no GRANT on the table gives.
const TABLES: &str = "SELECT pg_catalog.count(*), \
    pg_catalog.count(*) FILTER (WHERE NOT mine), \
    pg_catalog.min(name) FILTER (WHERE NOT mine), pg_catalog.quote_ident(pg_catalog.min(owner) FILTER (WHERE NOT mine)) \
    FROM (SELECT c.relname::text AS name, pg_catalog.pg_get_userbyid(c.relowner)::text AS owner, \
            pg_catalog.pg_has_role(c.relowner, 'USAGE') AS mine \
          FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
          WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT EXISTS ( \
            SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass \
              AND d.objid = c.oid AND d.deptype = 'e')) AS tables";

#[expect(clippy::struct_excessive_bools, reason = "one row of answers")]
struct Rights {
    role: String,
    database: String,
    make_schemas: bool,
    schema_exists: bool,
    make_in_schema: bool,
    read_statistics: bool,
    journal_exists: bool,
    make_in_journal: bool,
    /// The schema's name as SQL has it.
    schema: String,
}

pub(super) async fn look(place: &Place<'_>) -> Result<[Finding; 4], Error> {
    let schema = place.schema;
    let row = place.session.one(RIGHTS, &[(&schema, Type::TEXT)]).await?;
    let rights = Rights {
        role: row.get(0)?,
        database: row.get(1)?,
        make_schemas: row.get(2)?,
        schema_exists: row.get(3)?,
        make_in_schema: row.get(4)?,
        read_statistics: row.get(5)?,
        journal_exists: row.get(6)?,
        make_in_journal: row.get(7)?,
        schema: row.get(8)?,
    };
    Ok([
        in_schema(&rights),
        tables(place, &rights.role).await?,
        journal(&rights, place.pending),
        statistics(&rights),
    ])
}

fn in_schema(rights: &Rights) -> Finding {
    let Rights { role, database, schema, .. } = rights;
    if rights.make_in_schema {
        return Finding::ok("schema_rights", format!("{role} may make tables in schema {schema}"));
    }
    if rights.schema_exists {
        return Finding::no(
            "schema_rights",
            format!("{role} may not make tables in schema {schema}"),
        )
        .fix(format!("let its owner run: GRANT USAGE, CREATE ON SCHEMA {schema} TO {role}"));
    }
    if rights.make_schemas {
        return Finding::ok(
            "schema_rights",
            format!("{role} may make schema {schema}, which is not there yet"),
        );
    }
    Finding::no("schema_rights", format!("there is no schema {schema}, and {role} may not make it"))
        .fix(format!("let the database's owner run: GRANT CREATE ON DATABASE {database} TO {role}"))
}

async fn tables(place: &Place<'_>, role: &str) -> Result<Finding, Error> {
    let row = place.session.one(TABLES, &[(&place.schema, Type::TEXT)]).await?;
    let (all, foreign): (i64, i64) = (row.get(0)?, row.get(1)?);
    if foreign == 0 {
        return Ok(Finding::ok(
            "table_rights",
            format!("all tables of schema `{}` may be altered ({all})", place.schema),
        ));
    }
    let (table, owner): (String, String) = (row.get(2)?, row.get(3)?);
    let sentence = format!(
        "{foreign} of {all} tables of schema `{}` belong to others and cannot be altered, such as `{table}` of {owner}",
        place.schema
    );
    let found = if foreign == all {
        Finding::no("table_rights", sentence)
    } else {
        Finding::skip(
            "table_rights",
            format!("{sentence}; a migration that alters one of them fails"),
        )
    };
    Ok(found.fix(format!(
        "let an administrator run: GRANT {owner} TO {role}, or ALTER TABLE … OWNER TO {role}"
    )))
}

/// Only scripts that cannot be one transaction need a journal.
fn journal(rights: &Rights, pending: &[Migration]) -> Finding {
    let Rights { role, database, .. } = rights;
    let may = if rights.journal_exists { rights.make_in_journal } else { rights.make_schemas };
    if may {
        return Finding::ok(
            "journal_rights",
            format!("{role} may keep a journal in schema ecs_migrate"),
        );
    }
    let fix = if rights.journal_exists {
        format!("let its owner run: GRANT USAGE, CREATE ON SCHEMA ecs_migrate TO {role}")
    } else {
        format!("let the database's owner run: GRANT CREATE ON DATABASE {database} TO {role}")
    };
    let needs = |migration: &&Migration| {
        migration.read().is_ok_and(|text| need_journal(&Script::parse(&*text)))
    };
    let found = match pending.iter().find(needs) {
        Some(migration) => Finding::no(
            "journal_rights",
            format!(
                "`{}` cannot be one transaction and needs a journal, and {role} may not make the schema ecs_migrate",
                migration.name
            ),
        ),
        None => Finding::skip(
            "journal_rights",
            format!(
                "{role} may not make the schema ecs_migrate; nothing that is to be applied needs it"
            ),
        ),
    };
    found.fix(fix)
}

fn statistics(rights: &Rights) -> Finding {
    let role = &rights.role;
    if rights.read_statistics {
        return Finding::ok("statistics_rights", format!("{role} sees what other sessions do"));
    }
    Finding::skip(
        "statistics_rights",
        format!("{role} does not see what other roles' sessions do, so of a blocker only process and application are shown"),
    )
    .fix(format!("let an administrator run: GRANT pg_read_all_stats TO {role}"))
}
