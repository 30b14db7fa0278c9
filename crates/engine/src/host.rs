//! Owns what the name of a host says about the server behind it. Advice, and which roots to trust;
//! never a proof: that is the pooler's probe, and the certificate.

/// What stands behind a host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// An RDS instance, or the writer of an Aurora or Multi-AZ cluster.
    Rds(Option<String>),
    /// The reader endpoint of a cluster: replicas, as long as there are any.
    RdsReader(Option<String>),
    /// RDS Proxy. Its certificate is a public one from ACM, not from the RDS roots (AWS: "RDS Proxy
    /// uses certificates from AWS Certificate Manager").
    RdsProxy(Option<String>),
    /// A pooler, and where the database itself is, if that can be told.
    Pooler(Option<String>),
    /// Nothing known.
    Other,
}

impl Host {
    /// What `host` and `port` tell; some poolers put the project into the role's name.
    pub fn of(host: &str, port: u16, user: &str) -> Self {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        rds(&host).or_else(|| pooler(&host, port, user)).unwrap_or(Self::Other)
    }

    /// The AWS Region in the name.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Rds(region) | Self::RdsReader(region) | Self::RdsProxy(region) => {
                region.as_deref()
            }
            Self::Pooler(_) | Self::Other => None,
        }
    }

    /// Whether the name belongs to RDS, where encryption is always there.
    pub fn is_rds(&self) -> bool {
        matches!(self, Self::Rds(_) | Self::RdsReader(_) | Self::RdsProxy(_))
    }
}

/// `db.id.REGION.rds.amazonaws.com`; in China `db.id.rds.REGION.amazonaws.com.cn`.
fn rds(host: &str) -> Option<Host> {
    let labels: Vec<&str> = host
        .strip_suffix(".amazonaws.com")
        .or_else(|| host.strip_suffix(".amazonaws.com.cn"))?
        .split('.')
        .collect();
    let (region, front) = match labels.as_slice() {
        [front @ .., region, "rds"] | [front @ .., "rds", region] => (*region, front),
        _ => return None,
    };
    // The writer endpoint of a global database names no Region.
    let region = (region != "global").then(|| region.to_owned());
    let id = front.last()?;
    Some(if id.starts_with("proxy-") {
        Host::RdsProxy(region)
    } else if id.starts_with("cluster-ro-") {
        Host::RdsReader(region)
    } else {
        Host::Rds(region)
    })
}

/// The names and ports that hosted poolers are known by.
fn pooler(host: &str, port: u16, user: &str) -> Option<Host> {
    let direct = if host.ends_with(".neon.tech") {
        let (name, rest) = host.split_once('.')?;
        Some(format!("{}.{rest}", name.strip_suffix("-pooler")?))
    } else if host.ends_with(".pooler.supabase.com") {
        // Its port 5432 is the session mode, which holds locks.
        (port != 5432).then_some(())?;
        user.split_once('.').map(|(_, project)| format!("db.{project}.supabase.co:5432"))
    } else if host.ends_with(".supabase.co") && port == 6543
        || host.ends_with(".postgres.database.azure.com") && port == 6432
    {
        Some(format!("{host}:5432"))
    } else if host.ends_with(".db.ondigitalocean.com") && port == 25061 {
        Some(format!("{host}:25060"))
    } else if host.starts_with("pgbouncer.") && host.ends_with(".flympg.net") {
        Some(host.replacen("pgbouncer.", "direct.", 1))
    } else {
        let named = ["pgbouncer", "pooler", "pgcat", "odyssey", "supavisor"];
        let known = named.iter().any(|word| host.contains(word)) || matches!(port, 6432 | 6543);
        known.then_some(())?;
        None
    };
    Some(Host::Pooler(direct))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rds() {
        let region = |name: &str| Some(name.to_owned());
        for (host, wanted) in [
            ("db.c1.eu-west-1.rds.amazonaws.com", Host::Rds(region("eu-west-1"))),
            ("DB.c1.EU-west-1.rds.amazonaws.com.", Host::Rds(region("eu-west-1"))),
            ("db.cluster-c1.us-gov-west-1.rds.amazonaws.com", Host::Rds(region("us-gov-west-1"))),
            ("db.cluster-custom-c1.eu-west-1.rds.amazonaws.com", Host::Rds(region("eu-west-1"))),
            ("db.cluster-ro-c1.eu-west-1.rds.amazonaws.com", Host::RdsReader(region("eu-west-1"))),
            ("p.proxy-c1.eu-west-1.rds.amazonaws.com", Host::RdsProxy(region("eu-west-1"))),
            (
                "e.endpoint.proxy-c1.eu-west-1.rds.amazonaws.com",
                Host::RdsProxy(region("eu-west-1")),
            ),
            ("db.c1.rds.cn-north-1.amazonaws.com.cn", Host::Rds(region("cn-north-1"))),
            ("db.c1.cn-north-1.rds.amazonaws.com.cn", Host::Rds(region("cn-north-1"))),
            ("g.global-c1.global.rds.amazonaws.com", Host::Rds(None)),
            ("rds.amazonaws.com.example.com", Host::Other),
            ("evilrds.amazonaws.com", Host::Other),
            ("rds.eu-west-1.amazonaws.com", Host::Other),
            ("s3.eu-west-1.amazonaws.com", Host::Other),
            ("db.internal", Host::Other),
            ("10.0.0.5", Host::Other),
            ("::1", Host::Other),
            ("/var/run/postgresql", Host::Other),
            ("", Host::Other),
        ] {
            assert_eq!(Host::of(host, 5432, "u"), wanted, "{host}");
        }
    }

    #[test]
    fn names_of_poolers() {
        for (host, port, user, direct) in [
            (
                "ep-a-b-1-pooler.us-east-2.aws.neon.tech",
                5432,
                "u",
                Some("ep-a-b-1.us-east-2.aws.neon.tech"),
            ),
            (
                "aws-0-eu-central-1.pooler.supabase.com",
                6543,
                "postgres.abc",
                Some("db.abc.supabase.co:5432"),
            ),
            ("aws-0-eu-central-1.pooler.supabase.com", 6543, "postgres", None),
            ("db.abc.supabase.co", 6543, "u", Some("db.abc.supabase.co:5432")),
            (
                "x.postgres.database.azure.com",
                6432,
                "u",
                Some("x.postgres.database.azure.com:5432"),
            ),
            ("x.db.ondigitalocean.com", 25061, "u", Some("x.db.ondigitalocean.com:25060")),
            ("pgbouncer.x.flympg.net", 5432, "u", Some("direct.x.flympg.net")),
            ("pgbouncer.internal", 5432, "u", None),
            ("db.internal", 6432, "u", None),
        ] {
            let wanted = Host::Pooler(direct.map(str::to_owned));
            assert_eq!(Host::of(host, port, user), wanted, "{host}:{port}");
        }
        for (host, port) in [
            ("ep-a-b-1.us-east-2.aws.neon.tech", 5432),
            ("aws-0-eu-central-1.pooler.supabase.com", 5432),
            ("db.abc.supabase.co", 5432),
            ("x.db.ondigitalocean.com", 25060),
        ] {
            assert_eq!(Host::of(host, port, "u"), Host::Other, "{host}:{port}");
        }
    }
}
