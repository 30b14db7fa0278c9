//! Owns the point that a database can be brought back to, noted before the first change, and how to
//! get there.

use crate::error::Fault;
use crate::host::Host;
use crate::session::Session;
use crate::settings::ConnectionSettings;

/// Where a database was before a run changed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestorePoint {
    /// The server's time, whole seconds: RFC 3339 in UTC.
    pub at: String,
    /// The place in the write-ahead log, where the server says it.
    pub lsn: Option<String>,
    /// How to bring a copy back to there.
    pub way_back: String,
}

/// Asks the server where it is.
pub(crate) async fn note(
    session: &Session,
    settings: &ConnectionSettings,
) -> Result<RestorePoint, Fault> {
    let row = session
        .one(
            "SELECT to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
            &[],
        )
        .await?;
    let at: String = row.get(0);
    // Some services have no write-ahead log to speak of, and refuse the question.
    let lsn = match session.one("SELECT pg_catalog.pg_current_wal_lsn()::text", &[]).await {
        Ok(row) => Some(row.get(0)),
        Err(Fault::Server(_)) => None,
        Err(lost @ Fault::Lost(_)) => return Err(lost),
    };
    let way_back = way_back(settings, &at, lsn.as_deref());
    Ok(RestorePoint { at, lsn, way_back })
}

/// The command, as far as the host's name says what the server is. PURE. AWS: point-in-time recovery
/// makes a new instance or cluster, from a restorable time that is about five minutes behind.
fn way_back(settings: &ConnectionSettings, at: &str, lsn: Option<&str>) -> String {
    const LATER: &str =
        "it makes a copy beside this one, and is accepted about five minutes after that time";
    let host = settings.host.trim_end_matches('.').to_ascii_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    if let (Host::Rds(Some(region)), [id, place, ..]) = (settings.host_kind(), labels.as_slice()) {
        let digits: String = at.chars().filter(char::is_ascii_digit).collect();
        let copy = format!("{id}-before-{digits}");
        if place.starts_with("cluster-custom-") {
            return format!("restore the cluster behind {host} to {at}; {LATER}");
        }
        return if place.starts_with("cluster-") {
            format!(
                "aws rds restore-db-cluster-to-point-in-time --source-db-cluster-identifier {id} --db-cluster-identifier {copy} --restore-to-time {at} --region {region} ({LATER}; then add an instance with create-db-instance)"
            )
        } else {
            format!(
                "aws rds restore-db-instance-to-point-in-time --source-db-instance-identifier {id} --target-db-instance-identifier {copy} --restore-time {at} --region {region} ({LATER})"
            )
        };
    }
    let place = lsn.map_or(String::new(), |lsn| format!(" or recovery_target_lsn = '{lsn}'"));
    format!(
        "restore the last base backup beside this server with recovery_target_time = '{at}'{place}, or ask whoever runs it for a copy of that time"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{ChannelBinding, Roots, TlsMode};
    use std::time::Duration;

    fn at(host: &str) -> String {
        let settings = ConnectionSettings {
            host: host.to_owned(),
            port: 5432,
            user: "u".into(),
            password: None,
            logins: None,
            database: "d".into(),
            schema: None,
            tls: TlsMode::Disable,
            root_certificates: Roots::ByHost,
            client_certificate: None,
            channel_binding: ChannelBinding::Disable,
            connect_timeout: None,
            connect_wait: Duration::ZERO,
            reconnect_wait: Duration::ZERO,
            application_name: String::new(),
            environment: None,
            options: None,
        };
        way_back(&settings, "2026-11-21T12:00:05Z", Some("0/16B3748"))
    }

    #[test]
    fn the_way_back_follows_the_hosts_name() {
        for (host, words) in [
            (
                "shop.c1.eu-west-1.rds.amazonaws.com",
                "aws rds restore-db-instance-to-point-in-time --source-db-instance-identifier shop --target-db-instance-identifier shop-before-20261121120005 --restore-time 2026-11-21T12:00:05Z --region eu-west-1",
            ),
            (
                "Shop.cluster-c1.eu-west-1.rds.amazonaws.com.",
                "aws rds restore-db-cluster-to-point-in-time --source-db-cluster-identifier shop --db-cluster-identifier shop-before-20261121120005 --restore-to-time 2026-11-21T12:00:05Z --region eu-west-1",
            ),
            (
                "some.cluster-custom-c1.eu-west-1.rds.amazonaws.com",
                "restore the cluster behind some.cluster-custom-c1",
            ),
            (
                "p.proxy-c1.eu-west-1.rds.amazonaws.com",
                "recovery_target_time = '2026-11-21T12:00:05Z'",
            ),
            ("localhost", "or recovery_target_lsn = '0/16B3748'"),
        ] {
            let said = at(host);
            assert!(said.contains(words), "{host}: {said}");
        }
    }
}
