//! Owns what kind of server it is: version, primary or replica, a pooler in between.

use super::Finding;
use crate::environment::{self, Bearing};
use crate::error::Error;
use crate::host::Host;
use crate::pooler;
use crate::progress::Progress;
use crate::session::Session;
use crate::settings::ConnectionSettings;

/// The oldest version that the community still mends (postgresql.org/support/versioning, 2026-11).
const OLDEST: u32 = 14;

pub(super) fn version(session: &Session) -> Finding {
    let found = Finding::ok("server_version", format!("PostgreSQL {}", session.server_version));
    if session.major() < OLDEST {
        return found.fix(format!(
            "nobody mends this version any more, plan the upgrade; before PostgreSQL {OLDEST} the \
             server notices a killed run late, and shows less of its progress"
        ));
    }
    found
}

pub(super) fn primary(session: &Session, settings: &ConnectionSettings) -> Finding {
    if session.standby {
        let fix = match settings.host_kind() {
            Host::RdsReader(_) => format!(
                "use the cluster's endpoint: {}",
                settings.host.replacen(".cluster-ro-", ".cluster-", 1)
            ),
            Host::Rds(_) | Host::RdsProxy(_) | Host::Pooler(_) | Host::Other => {
                "name the primary, not a replica".to_owned()
            }
        };
        return Finding::no("primary", "the server is a replica: nothing can be written there")
            .fix(fix);
    }
    if session.read_only {
        return Finding::no(
            "primary",
            "the server makes every transaction read-only (default_transaction_read_only)",
        )
        .fix(
            "wait until a switchover is over, or reset the setting for the role and the database",
        );
    }
    Finding::ok("primary", "the server takes writes")
}

pub(super) async fn pooler(session: &Session, settings: &ConnectionSettings) -> Finding {
    let mut quiet = |_progress: Progress| {};
    if let Err(error) = pooler::probe(session, settings, &mut quiet).await {
        return Finding::blocked_by("pooler", &error);
    }
    if let Some(cause) = settings.second.refused() {
        return Finding::skip(
            "pooler",
            format!("a run has this one connection only, which is enough: {cause}"),
        );
    }
    match settings.host_kind() {
        Host::RdsProxy(_) => Finding::ok(
            "pooler",
            "this is an RDS Proxy: the migration lock pins its connection, so it works",
        )
        .fix(
            "use the endpoint of the instance or the cluster: through the proxy nothing is gained",
        ),
        Host::Rds(_) | Host::RdsReader(_) | Host::Pooler(_) | Host::Other => {
            Finding::ok("pooler", "no transaction pooler stands in between")
        }
    }
}

/// Whose database it is.
pub(super) async fn environment(
    session: &Session,
    settings: &ConnectionSettings,
) -> Result<Finding, Error> {
    const NAME: &str = "environment";
    let bearing = environment::read(session).await?;
    if let Err(error) = environment::refuse_another(&bearing, settings) {
        return Ok(Finding::blocked_by(NAME, &error));
    }
    Ok(match (bearing, &settings.environment) {
        (Bearing::Name(name), Some(_)) => {
            Finding::ok(NAME, format!("the database belongs to `{name}`, as this run says"))
        }
        (Bearing::Name(name), None) => Finding::skip(
            NAME,
            format!("the database belongs to `{name}`; this run does not say for which it is"),
        )
        .fix(format!("set ECS_MIGRATE_ENVIRONMENT or --environment to `{name}`")),
        (Bearing::Nothing, Some(ours)) => Finding::ok(
            NAME,
            format!("the database bears no name yet; the next deployment makes it `{ours}`'s"),
        ),
        (Bearing::Nothing, None) => Finding::skip(
            NAME,
            "the database bears no name, and this run does not say for which environment it is",
        )
        .fix("name it with ECS_MIGRATE_ENVIRONMENT or --environment"),
        (Bearing::Hidden, _) => {
            Finding::skip(NAME, "the database bears a name that this role may not read")
                .fix(environment::SHOW)
        }
    })
}
