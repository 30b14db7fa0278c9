//! Finding a transaction pooler before any lock is taken.
//!
//! Through PgBouncer in transaction mode the lock is taken on one server connection, the scripts
//! run on others, and the lock stays behind when we leave (measured with PgBouncer 1.18).

use crate::error::{Error, Fault, Kind};
use crate::host::Host;
use crate::progress::Sink;
use crate::reach::second;
use crate::session::Session;
use crate::settings::ConnectionSettings;
use tokio_postgres::types::Type;

/// Fails if statements of one connection can run on different backends.
///
/// A mark is left on the session's backend; a second connection then opens a transaction, which
/// binds whatever backend the pooler hands out. Without a pooler that is another backend, and the
/// first session still finds its mark on its own.
pub(crate) async fn probe(
    session: &Session,
    settings: &ConnectionSettings,
    sink: &mut dyn Sink,
) -> Result<(), Error> {
    let mark = uuid::Uuid::new_v4().to_string();
    session
        .query(
            "SELECT pg_catalog.set_config('ecs_migrate.probe', $1, false)",
            &[(&mark, Type::TEXT)],
        )
        .await?;
    let other = second(settings, sink).await?;
    // It may be lost as well as refused: what this session finds by itself still counts.
    let other_backend = match &other {
        Some(other) => bound(other).await.ok(),
        None => None,
    };
    let row = session
        .one("SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('ecs_migrate.probe', true)", &[])
        .await;
    if let Some(other) = other {
        other.close().await;
    }
    let row = row?;
    let (backend, found): (i32, Option<String>) = (row.get(0)?, row.get(1)?);
    if backend == session.backend
        && other_backend != Some(session.backend)
        && found.as_deref() == Some(&mark)
    {
        return Ok(());
    }
    Err(Error::new(
        Kind::Configuration,
        format!(
            "{}:{} is a transaction pooler: a lock taken through it does not hold",
            settings.host, settings.port
        ),
    )
    .hint(match settings.host_kind() {
        Host::Pooler(Some(direct)) => format!("connect to the database directly: {direct}"),
        Host::Pooler(None)
        | Host::Rds(_)
        | Host::RdsReader(_)
        | Host::RdsProxy(_)
        | Host::Other => {
            "connect to the database directly, or to a pooler in session mode".to_owned()
        }
    }))
}

/// The backend of a session, which a transaction binds to it. Closing the session ends that.
async fn bound(session: &Session) -> Result<i32, Fault> {
    session.run("BEGIN").await?;
    session.one("SELECT pg_catalog.pg_backend_pid()", &[]).await?.get(0)
}
