//! Owns the environment's name in the database: crossed secrets and forgotten port forwards end in
//! a sentence, not in production.

use crate::error::{Error, Fault, Kind};
use crate::identity;
use crate::journal;
use crate::progress::{Progress, Sink};
use crate::row;
use crate::session::Session;
use crate::settings::ConnectionSettings;
use tokio_postgres::types::Type;

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bearing {
    /// No run has given it a name yet.
    Nothing,
    /// The name that a run gave it.
    Name(String),
    /// It has one, which this role may not read.
    Hidden,
}

/// One row, readable by everybody: whoever connects shall see where he is.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS ecs_migrate.environment (\
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), name text NOT NULL, \
    written_by text NOT NULL, written_at timestamptz NOT NULL); \
    COMMENT ON TABLE ecs_migrate.environment IS 'whose database this is; written by ecs-migrate'; \
    GRANT USAGE ON SCHEMA ecs_migrate TO PUBLIC; \
    GRANT SELECT ON ecs_migrate.environment TO PUBLIC";

/// What makes a hidden name readable.
pub(crate) const SHOW: &str = "let its owner run: GRANT USAGE ON SCHEMA ecs_migrate TO PUBLIC; \
    GRANT SELECT ON ecs_migrate.environment TO PUBLIC";

/// Whether there is a name and whether it can be read. `to_regclass` would be an error without the
/// right to use the schema.
const READABLE: &str = "SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
    AND pg_catalog.has_table_privilege(c.oid, 'SELECT') \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = 'ecs_migrate' AND c.relname = 'environment'";

/// Reads the name.
pub(crate) async fn read(session: &Session) -> Result<Bearing, Fault> {
    let readable = session.query(READABLE, &[]).await?;
    match row::first::<Option<bool>>(&readable, 0)? {
        None => return Ok(Bearing::Nothing),
        Some(Some(true)) => {}
        Some(_) => return Ok(Bearing::Hidden),
    }
    let rows = session.query("SELECT name FROM ecs_migrate.environment", &[]).await?;
    Ok(row::first(&rows, 0)?.map_or(Bearing::Nothing, Bearing::Name))
}

/// Reads name and identity into the session, and refuses a database that bears another one than the run.
pub(crate) async fn meet(
    session: &mut Session,
    settings: &ConnectionSettings,
) -> Result<(), Error> {
    let bearing = read(session).await?;
    refuse_another(&bearing, settings)?;
    if let Bearing::Name(name) = bearing {
        session.environment = Some(name);
    }
    session.identity = identity::read(session).await?;
    Ok(())
}

/// The refusal, if this is another environment's database. A run without a name goes everywhere.
pub(crate) fn refuse_another(
    bearing: &Bearing,
    settings: &ConnectionSettings,
) -> Result<(), Error> {
    let (Bearing::Name(theirs), Some(ours)) = (bearing, &settings.environment) else {
        return Ok(());
    };
    if theirs == ours {
        return Ok(());
    }
    let ConnectionSettings { host, port, database, .. } = settings;
    Err(Error::new(
        Kind::Contradicted,
        format!(
            "this run is for the environment `{ours}`, but the database `{database}` at {host}:{port} belongs to `{theirs}`"
        ),
    )
    .hint(format!(
        "check the secret and the port forward; if it is a copy that is `{ours}`'s now: resolve --environment {theirs} --rename-environment {ours}"
    )))
}

/// Gives a database without a name the run's. Under the lock. Without the right to keep it the run
/// says so and goes on: it was never needed to migrate.
pub(crate) async fn claim(
    session: &Session,
    settings: &ConnectionSettings,
    sink: &mut dyn Sink,
) -> Result<(), Error> {
    let Some(name) = &settings.environment else { return Ok(()) };
    let bearing = read(session).await?;
    // Another run may have named it while this one waited for the lock.
    refuse_another(&bearing, settings)?;
    let text = match bearing {
        Bearing::Name(_) => return Ok(()),
        Bearing::Hidden => {
            format!("the database bears an environment's name that this role may not read; {SHOW}")
        }
        Bearing::Nothing => match write(session, (settings, name)).await {
            Ok(()) => {
                let text = format!(
                    "this database is `{name}`'s from now on: runs for another environment are refused"
                );
                sink.emit(Progress::Notice { code: "environment_named", text });
                return Ok(());
            }
            Err(error) if error.kind == Kind::AccessDenied => {
                let hint = error.hint.map_or(String::new(), |hint| format!("; {hint}"));
                format!("{}{hint}", error.message)
            }
            Err(error) => return Err(error),
        },
    };
    sink.emit(Progress::Notice { code: "environment_not_named", text });
    Ok(())
}

/// Gives a database another name. Whoever renames has to know the one that it bears.
pub(crate) async fn rename(
    session: &Session,
    (settings, name): (&ConnectionSettings, &str),
    sink: &mut dyn Sink,
) -> Result<(), Error> {
    if let (Bearing::Name(theirs), None) = (read(session).await?, &settings.environment) {
        return Err(Error::new(
            Kind::Contradicted,
            format!("the database `{}` belongs to `{theirs}`", settings.database),
        )
        .hint(format!("to rename it, say --environment {theirs} as well")));
    }
    write(session, (settings, name)).await?;
    let text = format!("this database is `{name}`'s from now on");
    sink.emit(Progress::Notice { code: "environment_named", text });
    Ok(())
}

async fn write(
    session: &Session,
    (settings, name): (&ConnectionSettings, &str),
) -> Result<(), Error> {
    if read(session).await? == Bearing::Nothing {
        journal::create(session, TABLE, "the environment's name is kept in the database").await?;
    }
    session
        .execute(
            "INSERT INTO ecs_migrate.environment (name, written_by, written_at) \
             VALUES ($1, $2, pg_catalog.clock_timestamp()) \
             ON CONFLICT (only_row) DO UPDATE SET name = excluded.name, written_by = excluded.written_by, \
             written_at = excluded.written_at",
            &[(&name, Type::TEXT), (&settings.application_name, Type::TEXT)],
        )
        .await?;
    Ok(())
}
