//! Owns `deploy-service`.

use super::arguments::{DefinitionArguments, EnvironmentArguments, PlaceArguments};
use super::context::Context;
use super::proof;
use super::services::{Hands, ServiceArguments, Shown};
use crate::aws::connect;
use crate::cli;
use crate::error::{Error, Kind};
use crate::report::Event;
use crate::service::{Contract, Released};
use crate::settings::{Flags, Key, ServiceSettings, image_of};
use clap::Args;

/// Deploy services whose migration is green: the second half of `release`
///
/// For pipelines with an approval in between. It needs the record of a green run of the migration for the
/// same commit, cluster, family, environment and database: the newest one in the log, and ECS's word as long
/// as ECS remembers the task. A later red run revokes an earlier green one, whoever started it; what is in
/// progress, or cannot be read, proves nothing. Without the record nothing is changed (85).
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    services: ServiceArguments,
    #[command(flatten)]
    definition: DefinitionArguments,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    whose: EnvironmentArguments,
    /// Commit that needs a green run [default: GITHUB_SHA]
    #[arg(long, value_name = "SHA")]
    commit: Option<String>,
    /// Deploy although no green run is proved; the reason is reported
    #[arg(long, value_name = "REASON", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    without_verdict: Option<String>,
}

impl Arguments {
    pub(super) fn flags(&self) -> Flags {
        let mut flags = self.definition.flags();
        flags.extend(self.place.flags());
        flags.extend(self.services.flags());
        flags.extend(self.whose.flags());
        flags.extend(cli::flags([(Key::Commit, &self.commit)]));
        flags
    }
}

/// Looks for the proof, then deploys.
pub(super) async fn deploy_service(
    arguments: Arguments,
    context: Context<'_>,
) -> Result<u8, Error> {
    let services = arguments
        .services
        .resolve(ServiceSettings::resolve(&context.layers)?, context.tags.clone())?;
    // An empty one is a lost one, also where nothing is proved.
    image_of(&context.layers)?;
    let claim = match arguments.without_verdict {
        Some(_) => None,
        None => Some(proof::Wanted::resolve(&context.layers)?),
    };
    let cluster = context.layers.cluster().value;
    let mut listener = context.signals.listen().map_err(|cause| {
        Error::new(Kind::Unexpected, "cannot listen to signals").caused_by(cause)
    })?;
    let Context { report, pace, access, tags, .. } = context;
    let dry_run = arguments.services.dry_run;
    let prepared = async {
        let aws = connect(context.aws, &access).await?;
        if let Some(claim) = &claim {
            proof::find((&aws, &tags), &cluster, claim, report).await?;
        }
        let mut hands = Hands { aws: &aws, cluster: &cluster, pace: &pace, report: &mut *report };
        services.look(&mut hands, if dry_run { Shown::Everything } else { Shown::Nothing }).await?;
        Ok::<_, Error>(aws)
    };
    let aws = tokio::select! {
        biased;
        signal = listener.next() => {
            let message = format!("cancelled by {}, nothing was changed", signal.name());
            return Err(Error::new(Kind::Cancelled, message));
        }
        prepared = prepared => prepared?,
    };
    if dry_run {
        return Ok(0);
    }
    if let Some(reason) = &arguments.without_verdict {
        report.emit(&Event::Warning {
            text: format!("deployed without the proof of a green migration: {reason}"),
            hint: None,
        });
    }
    let hands = Hands { aws: &aws, cluster: &cluster, pace: &pace, report: &mut *report };
    let services = services.deploy(hands, &mut listener).await;
    let released = Released {
        migration: None,
        unproved: arguments.without_verdict,
        services,
        contract: Contract::Nothing,
    };
    let (code, _) = released.exit();
    report.emit(&Event::Released(Box::new(released)));
    Ok(code)
}
