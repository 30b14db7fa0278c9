//! Owns what the application's role can use of what the migrations made. The question is asked
//! after a deployment and by `check`; the answer has the GRANTs.

mod grants;

use crate::error::{Error, Fault, Kind};
use crate::history::History;
use crate::interrupt::Interrupt;
use crate::progress::Sink;
use crate::reach::{Purpose, reach};
use crate::row::Row;
use crate::session::Session;
use crate::settings::ConnectionSettings;
use grants::{Lacking, Object, Sort};
use tokio_postgres::types::Type;

/// Whose rights, and what it is not meant to use.
#[derive(Debug, Clone, Copy)]
pub struct Application<'a> {
    /// Name of the role.
    pub role: &'a str,
    /// Objects by the names that the answer gives them, e.g. `public.audit_log`.
    pub except: &'a [String],
}

/// Schemas that migrations fill: the history's, and each other one in which the migrating role owns
/// tables, unless it has a history of its own.
pub(crate) const SCHEMAS: &str = "SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n \
    WHERE n.nspname = $1 OR (n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'ecs_migrate') \
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_class h WHERE h.relnamespace = n.oid AND h.relname = '_prisma_migrations') \
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_namespace'::regclass AND e.objid = n.oid AND e.deptype = 'e') \
      AND EXISTS (SELECT FROM pg_catalog.pg_class o WHERE o.relnamespace = n.oid AND o.relkind IN ('r', 'p') \
        AND o.relowner = pg_catalog.quote_ident(current_user)::regrole))";

/// What the role lacks, an object a row: its sort, schema, name, and the rights. Of a table the rights
/// on single columns count: somebody decided. A partition is used through its parent, an identity's
/// sequence and a trigger's function by the server.
const LACKING: &str = "\
WITH who AS (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $2),
extension AS (SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'),
-- The columns behind the last one that the role may use, of a table whose columns are granted one by one.
behind AS (
  SELECT pg_catalog.quote_ident(s.nspname) AS place, pg_catalog.quote_ident(c.relname) AS name, c.oid AS table_oid, r, a.attnum, pg_catalog.quote_ident(a.attname) AS column_name
  FROM pg_catalog.pg_class c JOIN schema s ON s.oid = c.relnamespace CROSS JOIN pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) r
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped, who
  WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition AND c.relname <> '_prisma_migrations'
    AND ('pg_catalog.pg_class'::regclass, c.oid) NOT IN (SELECT classid, objid FROM extension)
    AND NOT pg_catalog.has_table_privilege(who.oid, c.oid, r) AND NOT pg_catalog.has_column_privilege(who.oid, c.oid, a.attnum, r)
    AND a.attnum > (SELECT pg_catalog.max(g.attnum) FROM pg_catalog.pg_attribute g WHERE g.attrelid = c.oid AND g.attnum > 0 AND NOT g.attisdropped
      AND pg_catalog.has_column_privilege(who.oid, c.oid, g.attnum, r))
),
lacking AS (
  SELECT 'schema' AS sort, pg_catalog.quote_ident(s.nspname) AS place, '' AS name, ARRAY['USAGE'] AS rights
  FROM schema s, who WHERE NOT pg_catalog.has_schema_privilege(who.oid, s.oid, 'USAGE')
  UNION ALL
  SELECT 'table', pg_catalog.quote_ident(s.nspname), pg_catalog.quote_ident(c.relname),
    ARRAY(SELECT r FROM pg_catalog.unnest(CASE WHEN c.relkind IN ('v', 'm') THEN ARRAY['SELECT'] ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] END) r
      WHERE NOT CASE r WHEN 'DELETE' THEN pg_catalog.has_table_privilege(who.oid, c.oid, r) ELSE pg_catalog.has_any_column_privilege(who.oid, c.oid, r) END)
  FROM pg_catalog.pg_class c JOIN schema s ON s.oid = c.relnamespace, who
  WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT c.relispartition AND c.relname <> '_prisma_migrations'
    AND ('pg_catalog.pg_class'::regclass, c.oid) NOT IN (SELECT classid, objid FROM extension)
  UNION ALL
  SELECT 'table', place, name, ARRAY(SELECT r || ' (' || pg_catalog.string_agg(column_name, ', ' ORDER BY attnum) || ')' FROM behind GROUP BY table_oid, r HAVING table_oid = t.table_oid ORDER BY r)
  FROM (SELECT DISTINCT place, name, table_oid FROM behind) AS t
  UNION ALL
  SELECT 'sequence', pg_catalog.quote_ident(s.nspname), pg_catalog.quote_ident(c.relname), ARRAY['USAGE']
  FROM pg_catalog.pg_class c JOIN schema s ON s.oid = c.relnamespace, who
  WHERE c.relkind = 'S' AND NOT pg_catalog.has_sequence_privilege(who.oid, c.oid, 'USAGE')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('i', 'e'))
  UNION ALL
  SELECT 'routine', pg_catalog.quote_ident(s.nspname),
    pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')', ARRAY['EXECUTE']
  FROM pg_catalog.pg_proc p JOIN schema s ON s.oid = p.pronamespace, who
  WHERE NOT pg_catalog.has_function_privilege(who.oid, p.oid, 'EXECUTE')
    AND p.prorettype NOT IN ('pg_catalog.trigger'::regtype, 'pg_catalog.event_trigger'::regtype)
    AND ('pg_catalog.pg_proc'::regclass, p.oid) NOT IN (SELECT classid, objid FROM extension)
  UNION ALL
  SELECT 'type', pg_catalog.quote_ident(s.nspname), pg_catalog.quote_ident(t.typname), ARRAY['USAGE']
  FROM pg_catalog.pg_type t JOIN schema s ON s.oid = t.typnamespace LEFT JOIN pg_catalog.pg_class r ON r.oid = t.typrelid, who
  WHERE NOT pg_catalog.has_type_privilege(who.oid, t.oid, 'USAGE') AND t.typcategory <> 'A' AND (t.typrelid = 0 OR r.relkind = 'c')
    AND ('pg_catalog.pg_type'::regclass, t.oid) NOT IN (SELECT classid, objid FROM extension))
SELECT sort, place, name, rights FROM lacking WHERE rights <> '{}' ORDER BY sort, place, name";

/// Looks after a deployment, on a connection of its own. What the role lacks is an error with the GRANTs;
/// nothing is changed by looking.
pub async fn require_rights(
    connection: &ConnectionSettings,
    application: Application<'_>,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Error> {
    let wanted = (Purpose::Read, connection.connect_wait);
    let session = reach(connection, wanted, sink, interrupt).await?;
    let looked = tokio::select! {
        looked = lacking_in(&session, application) => looked,
        () = interrupt.wait() => {
            Err(Error::new(Kind::Interrupted, "interrupted while looking at the application's rights"))
        }
    };
    session.close().await;
    let lacking = looked?;
    for finding in lacking.advice() {
        sink.emit(crate::Progress::Finding(finding));
    }
    if lacking.is_empty() {
        return Ok(());
    }
    for finding in lacking.findings() {
        sink.emit(crate::Progress::Finding(finding));
    }
    Err(Error::new(
        Kind::AccessDenied,
        format!("the schema is migrated, but {}", lacking.sentence()),
    )
    .hint("run the GRANTs that the lines with [no] show, then run again"))
}

async fn lacking_in(session: &Session, application: Application<'_>) -> Result<Lacking, Error> {
    let history = History::locate(session).await?;
    if !exists(session, application.role).await? {
        return Err(Error::new(
            Kind::AccessDenied,
            format!("the schema is migrated, but there is no role `{}`", application.role),
        )
        .hint("check the name after --app-role, or make the role with CREATE ROLE … LOGIN"));
    }
    Ok(lacking(session, history.schema(), application).await?)
}

async fn exists(session: &Session, role: &str) -> Result<bool, Fault> {
    let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)";
    session.one(sql, &[(&role, Type::TEXT)]).await?.get(0)
}

/// What the role, which must be there, lacks; `schema` is the history's.
pub(crate) async fn lacking(
    session: &Session,
    schema: &str,
    application: Application<'_>,
) -> Result<Lacking, Fault> {
    let sql = LACKING.replacen("WITH who", &format!("WITH schema AS ({SCHEMAS}), who"), 1);
    let parameters = [(&schema as _, Type::TEXT), (&application.role as _, Type::TEXT)];
    let rows = session.query(&sql, &parameters).await?;
    let names = "SELECT pg_catalog.quote_ident($1), pg_catalog.quote_ident(current_user)";
    let names = session.one(names, &[(&application.role, Type::TEXT)]).await?;
    let object = |row: &Row| {
        Ok::<_, Fault>(Object {
            sort: Sort::from_word(row.get(0)?),
            schema: row.get(1)?,
            name: row.get(2)?,
            rights: row.get(3)?,
        })
    };
    let mut objects = rows.iter().map(object).collect::<Result<Vec<_>, _>>()?;
    objects.retain(|object| !application.except.contains(&object.to_string()));
    let of_columns = |object: &Object| object.rights.iter().any(|right| right.contains('('));
    let (behind, objects) = objects.into_iter().partition(of_columns);
    Ok(Lacking { role: names.get(0)?, us: names.get(1)?, objects, behind })
}
