//! Owns whether the application's role can use what a migration makes.

use super::rights::Place;
use super::{Finding, Verdict};
use crate::application::{Application, lacking};
use crate::error::Error;
use tokio_postgres::types::Type;

/// What the role may do, and whether tables that we make from now on will be its to read: by
/// membership, or by default privileges.
const ROLE: &str = "SELECT r.rolcanlogin, \
    pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CONNECT'), \
    n.oid IS NULL OR pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE'), \
    pg_catalog.pg_has_role(r.oid, pg_catalog.quote_ident(current_user)::regrole, 'USAGE') OR EXISTS ( \
        SELECT FROM pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) a \
        WHERE d.defaclobjtype = 'r' AND d.defaclnamespace IN (0, n.oid) \
          AND d.defaclrole = pg_catalog.quote_ident(current_user)::regrole \
          AND a.privilege_type = 'SELECT' \
          AND (a.grantee = 0 OR pg_catalog.pg_has_role(r.oid, a.grantee, 'USAGE'))), \
    pg_catalog.quote_ident(current_user), pg_catalog.quote_ident(pg_catalog.current_database()), \
    pg_catalog.quote_ident($1), pg_catalog.quote_ident($2) \
    FROM pg_catalog.pg_roles r LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $2 \
    WHERE r.rolname = $1";

const NAME: &str = "application_role";

pub(super) async fn look(
    place: &Place<'_>,
    application: Option<Application<'_>>,
) -> Result<Vec<Finding>, Error> {
    let Some(application) = application else {
        return Ok(vec![
            Finding::skip(NAME, "no role of the application is named")
                .fix("name it with --app-role NAME"),
        ]);
    };
    let role = role(place, application.role).await?;
    if role.verdict == Verdict::No {
        return Ok(vec![role]);
    }
    let lacking = lacking(place.session, place.schema, application).await?;
    let rights = if lacking.is_empty() {
        vec![Finding::ok(
            "application_rights",
            format!("{} can use everything that the migrations made", application.role),
        )]
    } else {
        lacking.findings()
    };
    Ok([vec![role], rights, lacking.advice()].concat())
}

/// Whether the role can come in, and will be able to use what is made next.
async fn role(place: &Place<'_>, role: &str) -> Result<Finding, Error> {
    let parameters = [(&role as _, Type::TEXT), (&place.schema as _, Type::TEXT)];
    let rows = place.session.query(ROLE, &parameters).await?;
    let Some(row) = rows.first() else {
        return Ok(Finding::no(NAME, format!("there is no role `{role}`"))
            .fix("check the name, or make the role with CREATE ROLE … LOGIN"));
    };
    let (login, connect, usage, future): (bool, bool, bool, bool) =
        (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    let (us, database): (String, String) = (row.get(4)?, row.get(5)?);
    let (shown, schema): (String, String) = (row.get(6)?, row.get(7)?);
    Ok(if !login {
        Finding::no(NAME, format!("{shown} may not sign in"))
            .fix(format!("run: ALTER ROLE {shown} LOGIN"))
    } else if !connect {
        Finding::no(NAME, format!("{shown} may not connect to the database {database}"))
            .fix(format!("run: GRANT CONNECT ON DATABASE {database} TO {shown}"))
    } else if !usage {
        Finding::no(NAME, format!("{shown} may not use the schema {schema}"))
            .fix(format!("run: GRANT USAGE ON SCHEMA {schema} TO {shown}"))
    } else if !future {
        let fix = format!(
            "unless the migrations grant it themselves, run: ALTER DEFAULT PRIVILEGES FOR ROLE {us} IN SCHEMA {schema} \
             GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {shown}"
        );
        Finding::ok(
            NAME,
            format!("{shown} can connect and use the schema {schema}, but will not see tables that {us} makes"),
        )
        .fix(fix)
    } else {
        Finding::ok(
            NAME,
            format!("{shown} can connect, use the schema {schema}, and read new tables"),
        )
    })
}
