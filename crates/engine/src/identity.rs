//! Owns which database it is, whatever its address says: a name in DNS moves, and after a restore the
//! same name is another database.

use crate::error::Fault;
use crate::session::Session;

/// The database within its server; dropped and made again it is another one.
const DATABASE: &str = "SELECT oid::text FROM pg_catalog.pg_database \
    WHERE datname = pg_catalog.current_database()";

/// The server: its own number, which copies of its files keep, and the timeline, which a recovery to a
/// point in time and a promotion begin anew (PostgreSQL, "Continuous Archiving", Timelines).
const SERVER: &str = "SELECT system_identifier::text, \
    pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) \
    FROM pg_catalog.pg_control_system()";

/// `server/timeline/database`. Empty where nobody can say it: on a standby, which has no timeline of
/// its own.
pub(crate) async fn read(session: &Session) -> Result<String, Fault> {
    if session.standby {
        return Ok(String::new());
    }
    let database: String = session.one(DATABASE, &[]).await?.get(0)?;
    // Some services have no write-ahead log to speak of, and refuse the question.
    match session.one(SERVER, &[]).await {
        Ok(row) => {
            let (server, timeline): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(format!("{server}/{timeline}/{database}"))
        }
        Err(Fault::Server(_)) => Ok(format!("-/-/{database}")),
        Err(fault @ (Fault::Lost(_) | Fault::Answer(_))) => Err(fault),
    }
}
