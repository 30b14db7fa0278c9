//! Owns a cancel that arrives where a CancelRequest does not: RDS Proxy passes none on (AWS: "RDS
//! Proxy limitations"), nor do some other proxies.

use crate::connect::connect;
use crate::settings::ConnectionSettings;
use std::convert::Infallible;
use std::time::Duration;
use tokio_postgres::types::Type;

/// How long to pause before it is asked once more.
const PAUSE: Duration = Duration::from_millis(100);

/// Asks the server from a second connection to cancel what `backend` runs, again and again: the
/// connection may be refused, and the statement's own answer says whether it worked. Dropped when
/// that is there, or nobody waits for it any longer.
pub(crate) async fn aside(settings: &ConnectionSettings, backend: i32) -> Infallible {
    loop {
        if let Ok(session) = connect(settings).await {
            let asked = session
                .query_as_login(
                    "SELECT pg_catalog.pg_cancel_backend($1)",
                    &[(&backend, Type::INT4)],
                )
                .await;
            session.close().await;
            if asked.is_ok() {
                std::future::pending::<()>().await;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
