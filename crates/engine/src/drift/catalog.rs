//! Owns reading what schemas hold, object by object, each definition as the server itself writes it.

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

/// A row for each facet of each object: sort, name, the table it belongs to, facet, value. Partitions are
/// left out: they come and go with time. NOT NULL is a facet of the column, though PostgreSQL 18 names
/// it a constraint; the index behind a constraint is the constraint.
const FACETS: &str = "\
WITH schema AS (SELECT oid, quote_ident(nspname) AS name, nspacl, nspowner FROM pg_namespace WHERE nspname = ANY ($1)),
extension AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
relation AS (
    SELECT c.*, s.name || '.' || quote_ident(c.relname) AS full_name FROM pg_class c JOIN schema s ON s.oid = c.relnamespace
    WHERE c.relname <> '_prisma_migrations' AND NOT c.relispartition AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')
      AND ('pg_class'::regclass, c.oid) NOT IN (SELECT classid, objid FROM extension)
),
routine AS (
    SELECT p.*, s.name || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS full_name
    FROM pg_proc p JOIN schema s ON s.oid = p.pronamespace
    WHERE ('pg_proc'::regclass, p.oid) NOT IN (SELECT classid, objid FROM extension)
),
kind AS (
    SELECT t.*, s.name || '.' || quote_ident(t.typname) AS full_name FROM pg_type t JOIN schema s ON s.oid = t.typnamespace
    WHERE t.typtype IN ('e', 'd', 'r') AND ('pg_type'::regclass, t.oid) NOT IN (SELECT classid, objid FROM extension)
),
facet AS (
    SELECT 'schema' AS sort, name, NULL::text AS parent, NULL::text AS facet, NULL::text AS value FROM schema
    UNION ALL SELECT CASE relkind WHEN 'f' THEN 'foreign table' ELSE 'table' END, full_name, NULL, f.facet, f.value
    FROM relation, LATERAL (VALUES
        ('persistence', CASE relpersistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END),
        ('row security', CASE WHEN relforcerowsecurity THEN 'forced' WHEN relrowsecurity THEN 'on' ELSE 'off' END),
        ('partition key', pg_get_partkeydef(oid)),
        ('parents', (SELECT string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = oid))
    ) AS f(facet, value) WHERE relkind IN ('r', 'p', 'f')
    UNION ALL SELECT 'column', full_name || '.' || quote_ident(a.attname), full_name, f.facet, f.value
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum, LATERAL (VALUES
        ('type', format_type(a.atttypid, a.atttypmod)),
        ('nullability', CASE WHEN a.attnotnull THEN 'not null' ELSE 'null' END),
        (CASE a.attgenerated WHEN '' THEN 'default' ELSE 'generated' END, pg_get_expr(d.adbin, d.adrelid)),
        ('identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END),
        ('collation', (SELECT quote_ident(c.collname) FROM pg_collation c, pg_type t WHERE t.oid = a.atttypid AND c.oid = a.attcollation AND a.attcollation <> t.typcollation))
    ) AS f(facet, value) WHERE r.relkind IN ('r', 'p', 'f')
    UNION ALL SELECT 'constraint', full_name || '.' || quote_ident(c.conname), full_name, 'definition', pg_get_constraintdef(c.oid)
    FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid WHERE c.contype IN ('c', 'f', 'p', 'u', 'x') AND c.conparentid = 0
    UNION ALL SELECT 'index', n.name || '.' || quote_ident(x.relname), full_name, f.facet, f.value
    FROM relation r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class x ON x.oid = i.indexrelid JOIN schema n ON n.oid = x.relnamespace, LATERAL (VALUES
        ('definition', pg_get_indexdef(i.indexrelid)), ('state', CASE WHEN i.indisvalid THEN 'valid' ELSE 'invalid' END)
    ) AS f(facet, value) WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))
    UNION ALL SELECT CASE relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END, full_name, NULL, f.facet, f.value
    FROM relation, LATERAL (VALUES ('definition', pg_get_viewdef(oid)), ('options', array_to_string(reloptions, ', '))) AS f(facet, value)
    WHERE relkind IN ('v', 'm')
    UNION ALL SELECT 'sequence', r.full_name, owner.name, f.facet, f.value
    FROM relation r JOIN pg_sequence q ON q.seqrelid = r.oid
    LEFT JOIN LATERAL (
        SELECT o.full_name AS name, o.full_name || '.' || quote_ident(a.attname) AS place
        FROM pg_depend d JOIN relation o ON o.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    ) AS owner ON true, LATERAL (VALUES
        ('type', format_type(q.seqtypid, NULL)), ('start', q.seqstart::text), ('increment', q.seqincrement::text),
        ('range', q.seqmin || ' to ' || q.seqmax), ('cycle', CASE WHEN q.seqcycle THEN 'yes' ELSE 'no' END), ('owner', owner.place)
    ) AS f(facet, value)
    UNION ALL SELECT 'trigger', full_name || '.' || quote_ident(t.tgname), full_name, f.facet, f.value
    FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal, LATERAL (VALUES
        ('definition', pg_get_triggerdef(t.oid)),
        ('state', CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'A' THEN 'always' WHEN 'R' THEN 'replica' ELSE 'enabled' END)
    ) AS f(facet, value)
    UNION ALL SELECT 'rule', full_name || '.' || quote_ident(w.rulename), full_name, 'definition', pg_get_ruledef(w.oid)
    FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid WHERE w.rulename <> '_RETURN'
    UNION ALL SELECT 'policy', full_name || '.' || quote_ident(p.polname), full_name, f.facet, f.value
    FROM relation r JOIN pg_policy p ON p.polrelid = r.oid, LATERAL (VALUES
        ('command', p.polcmd::text), ('permissive', p.polpermissive::text),
        ('roles', (SELECT string_agg(CASE m WHEN 0 THEN 'public' ELSE m::regrole::text END, ', ' ORDER BY m) FROM unnest(p.polroles) m)),
        ('using', pg_get_expr(p.polqual, p.polrelid)), ('check', pg_get_expr(p.polwithcheck, p.polrelid))
    ) AS f(facet, value)
    UNION ALL SELECT 'routine', full_name, NULL, 'definition', CASE prokind WHEN 'a' THEN
        (SELECT 'aggregate ' || a.aggtransfn || ' ' || format_type(a.aggtranstype, NULL) || coalesce(' ' || a.agginitval, '') FROM pg_aggregate a WHERE a.aggfnoid = routine.oid)
        ELSE pg_get_functiondef(oid) END FROM routine
    UNION ALL SELECT 'type', full_name, NULL, f.facet, f.value FROM kind t, LATERAL (VALUES
        ('values', (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)),
        ('base', CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) END),
        ('default', t.typdefault), ('nullability', CASE WHEN t.typnotnull THEN 'not null' END),
        ('checks', (SELECT string_agg(pg_get_constraintdef(c.oid), ', ' ORDER BY c.conname) FROM pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c')),
        ('range of', (SELECT format_type(g.rngsubtype, NULL) FROM pg_range g WHERE g.rngtypid = t.oid))
    ) AS f(facet, value)
    UNION ALL SELECT 'type', full_name, NULL, 'attributes', (
        SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped)
    FROM relation r WHERE relkind = 'c'
    UNION ALL SELECT g.sort, g.name, NULL, 'rights of ' || CASE a.grantee WHEN 0 THEN 'public' ELSE a.grantee::regrole::text END,
        string_agg(a.privilege_type || CASE WHEN a.is_grantable THEN ' with grant option' ELSE '' END, ', ' ORDER BY a.privilege_type)
    FROM (
        SELECT 'schema' AS sort, name, coalesce(nspacl, acldefault('n', nspowner)) AS acl, nspowner AS owner FROM schema
        UNION ALL SELECT CASE relkind WHEN 'f' THEN 'foreign table' WHEN 'm' THEN 'materialized view' WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'table' END,
            full_name, coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", relowner)), relowner FROM relation WHERE relkind <> 'c'
        UNION ALL SELECT 'routine', full_name, coalesce(proacl, acldefault('f', proowner)), proowner FROM routine
        UNION ALL SELECT 'type', full_name, coalesce(typacl, acldefault('T', typowner)), typowner FROM kind
    ) AS g, LATERAL aclexplode(g.acl) AS a
    WHERE $2 AND a.grantee NOT IN (g.owner, current_user::regrole) GROUP BY g.sort, g.name, a.grantee
)
SELECT sort, name, parent, facet, value FROM facet WHERE value IS NOT NULL OR facet IS NULL";

/// Schemas that hold something, and are neither the server's nor ours.
const FILLED: &str = "SELECT n.nspname::text FROM pg_namespace n \
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'ecs_migrate') \
      AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_namespace'::regclass AND e.objid = n.oid AND e.deptype = 'e') \
      AND (n.nspname <> 'public' \
        OR EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')) \
        OR EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')) \
        OR EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = n.oid AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e')))";

/// The schemas that migrations filled in a scratch database.
pub(super) async fn filled(session: &Session) -> Result<Vec<String>, Fault> {
    row::column(&session.query(FILLED, &[]).await?, 0)
}

/// Everything in these schemas but histories, partitions and what extensions own.
pub(super) async fn read(
    session: &Session,
    schemas: &[String],
    grants: Grants,
) -> Result<Catalog, Fault> {
    session.run(ALIKE).await?;
    let compared = grants == Grants::Compare;
    let parameters = [(&schemas as _, Type::TEXT_ARRAY), (&compared as _, Type::BOOL)];
    let rows = session.query(FACETS, &parameters).await;
    session.run("ROLLBACK").await?;
    let facet = |row: &Row| {
        Ok(Facet {
            sort: row.get(0)?,
            name: row.get(1)?,
            parent: row.get(2)?,
            facet: row.get(3)?,
            value: row.get(4)?,
        })
    };
    rows?.iter().map(facet).collect()
}
