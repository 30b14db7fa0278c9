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
    /// What RDS keeps.
    pub kept: Option<Kept>,
    /// How to bring a copy back to there.
    pub way_back: String,
}

/// What RDS calls a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rds {
    /// Whether it is one instance or a cluster.
    pub sort: RdsSort,
    /// Its identifier.
    pub id: String,
    /// Where it is.
    pub region: String,
}

/// One instance, or a cluster of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RdsSort {
    /// A DB instance that is in no cluster.
    Instance,
    /// An Aurora or Multi-AZ cluster.
    Cluster,
}

/// What RDS has of the time before the first change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Of which database.
    pub of: Rds,
    /// Identifier of a snapshot that was made.
    pub snapshot: Option<String>,
    /// The newest point in time that RDS can restore, as it was then.
    pub latest_restorable: Option<String>,
}

impl Rds {
    /// The database behind the endpoint of an instance or a cluster's writer. An instance's may be of
    /// a member of a cluster. PURE.
    pub fn behind(settings: &ConnectionSettings) -> Option<Self> {
        let host = settings.host.trim_end_matches('.').to_ascii_lowercase();
        let labels: Vec<&str> = host.split('.').collect();
        let (Host::Rds(Some(region)), [id, place, ..]) = (settings.host_kind(), labels.as_slice())
        else {
            return None;
        };
        let sort = match place {
            // Its name says nothing of the cluster.
            place if place.starts_with("cluster-custom-") => return None,
            place if place.starts_with("cluster-") => RdsSort::Cluster,
            _ => RdsSort::Instance,
        };
        Some(Self { sort, id: (*id).to_owned(), region })
    }
}

/// Asks the server where it is.
pub(crate) async fn note(
    session: &Session,
    settings: &ConnectionSettings,
    kept: Option<&Kept>,
) -> Result<RestorePoint, Fault> {
    let row = session
        .one(
            "SELECT to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
            &[],
        )
        .await?;
    let at: String = row.get(0)?;
    // Some services have no write-ahead log to speak of, and refuse the question.
    let lsn = match session.one("SELECT pg_catalog.pg_current_wal_lsn()::text", &[]).await {
        Ok(row) => Some(row.get(0)?),
        Err(Fault::Server(_)) => None,
        Err(fault @ (Fault::Lost(_) | Fault::Answer(_))) => return Err(fault),
    };
    let way_back = way_back((settings, kept), &at, lsn.as_deref());
    Ok(RestorePoint { at, lsn, kept: kept.cloned(), way_back })
}

/// The command, as far as it is known what the server is. PURE. AWS: both a snapshot and point-in-time
/// recovery make a new instance or cluster; the restorable time is about five minutes behind.
fn way_back(
    (settings, kept): (&ConnectionSettings, Option<&Kept>),
    at: &str,
    lsn: Option<&str>,
) -> String {
    const LATER: &str =
        "it makes a copy beside this one, and is accepted about five minutes after that time";
    const COPY: &str = "it makes a copy beside this one";
    const MEMBER: &str = "then add an instance with create-db-instance";
    let Some(Rds { sort, id, region }) =
        kept.map(|kept| kept.of.clone()).or_else(|| Rds::behind(settings))
    else {
        let host = &settings.host;
        if let Host::Rds(_) = settings.host_kind() {
            return format!("restore the cluster behind {host} to {at}; {LATER}");
        }
        let place = lsn.map_or(String::new(), |lsn| format!(" or recovery_target_lsn = '{lsn}'"));
        return format!(
            "restore the last base backup beside this server with recovery_target_time = '{at}'{place}, or ask whoever runs it for a copy of that time"
        );
    };
    let digits: String = at.chars().filter(char::is_ascii_digit).collect();
    let copy = format!("{id}-before-{digits}");
    match (sort, kept.and_then(|kept| kept.snapshot.as_ref())) {
        (RdsSort::Instance, Some(snapshot)) => format!(
            "aws rds restore-db-instance-from-db-snapshot --db-snapshot-identifier {snapshot} --db-instance-identifier {copy} --region {region} ({COPY})"
        ),
        (RdsSort::Cluster, Some(snapshot)) => format!(
            "aws rds restore-db-cluster-from-snapshot --snapshot-identifier {snapshot} --db-cluster-identifier {copy} --engine aurora-postgresql --region {region} ({COPY}; {MEMBER})"
        ),
        (RdsSort::Cluster, None) => format!(
            "aws rds restore-db-cluster-to-point-in-time --source-db-cluster-identifier {id} --db-cluster-identifier {copy} --restore-to-time {at} --region {region} ({LATER}; {MEMBER})"
        ),
        (RdsSort::Instance, None) => format!(
            "aws rds restore-db-instance-to-point-in-time --source-db-instance-identifier {id} --target-db-instance-identifier {copy} --restore-time {at} --region {region} ({LATER})"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{ChannelBinding, Roots, TlsMode};
    use std::time::Duration;

    fn at(host: &str, kept: Option<&Kept>) -> String {
        let settings = ConnectionSettings {
            host: host.to_owned(),
            port: 5432,
            user: "u".into(),
            password: None,
            logins: None,
            database: "d".into(),
            schema: None,
            stands_for: None,
            unnamed: crate::meant::Unnamed::Remembered,
            second: crate::settings::Second::default(),
            password_place: crate::settings::PasswordPlace::Elsewhere,
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
        way_back((&settings, kept), "2026-11-21T12:00:05Z", Some("0/16B3748"))
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
            let said = at(host, None);
            assert!(said.contains(words), "{host}: {said}");
        }
    }

    #[test]
    fn a_snapshot_is_the_shortest_way_back() {
        for (sort, words) in [
            (
                RdsSort::Instance,
                "aws rds restore-db-instance-from-db-snapshot --db-snapshot-identifier s-1 --db-instance-identifier shop-before-20261121120005 --region eu-west-1",
            ),
            (
                RdsSort::Cluster,
                "aws rds restore-db-cluster-from-snapshot --snapshot-identifier s-1 --db-cluster-identifier shop-before-20261121120005 --engine aurora-postgresql --region eu-west-1",
            ),
        ] {
            let of = Rds { sort, id: "shop".into(), region: "eu-west-1".into() };
            let kept = Kept { of, snapshot: Some("s-1".into()), latest_restorable: None };
            let said = at("db.internal", Some(&kept));
            assert!(said.starts_with(words), "{said}");
        }
    }
}
