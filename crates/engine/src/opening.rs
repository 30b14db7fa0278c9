//! The first minutes of a run: a session that is really ours, and its database, if it is to be made.

use crate::environment;
use crate::error::{Error, Fault, Kind};
use crate::host::Host;
use crate::interrupt::Interrupt;
use crate::pooler;
use crate::progress::{Progress, Sink};
use crate::quote;
use crate::reach::{Purpose, reach};
use crate::session::{Made, Session};
use crate::settings::ConnectionSettings;

/// What to do about a database that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingDatabase {
    /// Stop: it is most likely a typo.
    Refuse,
    /// Create it.
    Create,
}

/// Connects, and makes sure that it is the primary and that no pooler stands in between.
pub(crate) async fn open(
    settings: &ConnectionSettings,
    missing: MissingDatabase,
    sink: &mut dyn Sink,
    interrupt: &mut Interrupt,
) -> Result<Session, Error> {
    let wanted = (Purpose::Write, settings.connect_wait);
    let mut session = match reach(settings, wanted, sink, interrupt).await {
        Err(error) if missing == MissingDatabase::Create && error.prisma_code == Some("P1003") => {
            create(settings, sink, interrupt).await?;
            let mut session = reach(settings, wanted, sink, interrupt).await?;
            session.made = Made::Now;
            session
        }
        opened => opened?,
    };
    if let Host::RdsProxy(_) = settings.host_kind() {
        sink.emit(Progress::Notice {
            code: "rds_proxy",
            text: "this is an RDS Proxy: the migration lock pins the connection to one server connection, so it works, but nothing is gained; the endpoint of the instance or cluster is better".to_owned(),
        });
    }
    tokio::select! {
        met = meet(&mut session, settings, sink) => met?,
        () = interrupt.wait() => {
            return Err(Error::new(Kind::Interrupted, "interrupted while connecting"));
        }
    }
    Ok(session)
}

/// Nothing stands in between, and it is the database that the run is for.
async fn meet(
    session: &mut Session,
    settings: &ConnectionSettings,
    sink: &mut dyn Sink,
) -> Result<(), Error> {
    pooler::probe(session, settings, sink).await?;
    environment::meet(session, settings).await
}

/// Somebody else made it: duplicate database, or a unique violation of the catalog where both began before
/// either was done (PostgreSQL, `dbcommands.c`).
fn was_made_meanwhile(code: &str) -> bool {
    matches!(code, "42P04" | "23505")
}

async fn create(
    settings: &ConnectionSettings,
    sink: &mut dyn Sink,
    interrupt: &mut Interrupt,
) -> Result<(), Error> {
    let maintenance =
        ConnectionSettings { database: "postgres".into(), schema: None, ..settings.clone() };
    let wanted = (Purpose::Write, settings.connect_wait);
    let session = reach(&maintenance, wanted, sink, interrupt).await?;
    let made =
        session.run(&format!("CREATE DATABASE {}", quote::identifier(&settings.database))).await;
    session.close().await;
    match made {
        Err(Fault::Server(db)) if was_made_meanwhile(db.code().code()) => return Ok(()),
        made => made?,
    }
    sink.emit(Progress::Notice {
        code: "database_created",
        text: format!("the database `{}` was created", settings.database),
    });
    Ok(())
}
