//! Owns a cancel that arrives where a CancelRequest does not: RDS Proxy passes none on (AWS: "RDS
//! Proxy limitations"), nor do some other proxies.

use crate::connect::connect;
use crate::settings::ConnectionSettings;
use tokio_postgres::types::Type;

/// Asks the server from a second connection to cancel what `backend` runs.
pub(crate) async fn aside(settings: &ConnectionSettings, backend: i32) {
    // The statement's own answer says whether it worked.
    if let Ok(session) = connect(settings).await {
        let _asked = session
            .query("SELECT pg_catalog.pg_cancel_backend($1)", &[(&backend, Type::INT4)])
            .await;
        session.close().await;
    }
}
