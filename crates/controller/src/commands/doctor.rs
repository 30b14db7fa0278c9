//! Owns `doctor`.

use super::arguments::{
    DefinitionArguments, EnvironmentArguments, NetworkArguments, PlaceArguments,
};
use super::context::Context;
use super::definition::{self, Wanted};
use super::look_inside;
use super::network::{self, FoundNetwork};
use super::pin::Tags;
use crate::aws::{Aws, connect};
use crate::cli;
use crate::doctor::{
    self, AROUND, Container, Finding, NAMED, judge_definition, judge_network, judge_versions, no,
    skip,
};
use crate::error::Error;
use crate::report::{Checklist, Event};
use crate::settings::{DoctorSettings, Flags, Key};
use clap::Args;

/// Say what stands between this repository and a deployment, before anything changes
///
/// Each line is `[ok]`, `[no]` or `[skip]`, with the cause and what to do; what blocks comes first. A right
/// that only this command would need is a `[skip]` with the action to allow. Exit code 89 when something
/// blocks. docs/doctor.md lists the looks and the rights that they need.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    definition: DefinitionArguments,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    network: NetworkArguments,
    #[command(flatten)]
    whose: EnvironmentArguments,
    /// Service that is deployed after the migration [default: the one of --network-from]
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Look from inside the VPC too: run the runner's `check` as a one-off task, which changes nothing
    #[arg(long)]
    in_vpc: bool,
    /// With --in-vpc: the application's role, whether it can connect and use the schema
    #[arg(long, value_name = "NAME", requires = "in_vpc")]
    app_role: Option<String>,
    /// With --in-vpc: stop the task after this time, e.g. 5m; none by default
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
}

impl Arguments {
    pub(super) fn flags(&self) -> Flags {
        let mut flags = self.definition.flags();
        flags.extend(self.place.flags());
        flags.extend(self.network.flags());
        flags.extend(self.whose.flags());
        flags.extend(cli::flags([(Key::Service, &self.service), (Key::Timeout, &self.timeout)]));
        flags
    }

    /// The runner's command line.
    pub(super) fn check(&self) -> Vec<String> {
        let mut words = vec!["check".to_owned()];
        if let Some(role) = &self.app_role {
            words.extend(["--app-role".to_owned(), role.clone()]);
        }
        words
    }
}

/// Looks, and shows the list.
pub(super) async fn doctor(arguments: &Arguments, mut context: Context<'_>) -> Result<u8, Error> {
    let settings = DoctorSettings::resolve(&context.layers)?;
    let list = Checklist::new(look(arguments, &settings, &mut context).await?);
    let code = list.exit_code();
    context.report.emit(&Event::Checked(list));
    Ok(code)
}

async fn look(
    arguments: &Arguments,
    settings: &DoctorSettings,
    context: &mut Context<'_>,
) -> Result<Vec<Finding>, Error> {
    let aws = match connect(context.aws.clone(), &context.access).await {
        Ok(aws) => aws,
        Err(error) => {
            return Ok(vec![no(
                "credentials",
                error.to_string(),
                error.hint().unwrap_or_default(),
            )]);
        }
    };
    let (credentials, caller) = doctor::credentials(&aws).await;
    if caller.is_none() {
        let why = "not looked at without credentials";
        let unseen = [AROUND, &["network", "task_definition"], NAMED].concat();
        return Ok([vec![credentials], doctor::unseen(&unseen, why)].concat());
    }
    let mut found = vec![credentials];
    found.extend(doctor::surroundings(&aws, settings, &context.environment).await);
    let network = find_network(&aws, settings).await;
    found.push(judge_network(&network));
    let wanted = find_definition((&aws, &context.tags), settings).await;
    found.push(judge_definition(wanted.as_ref().map(Wanted::existing)));
    match &wanted {
        Ok(wanted) => {
            let container = Container { document: wanted.document(), name: &wanted.container };
            found.extend(doctor::named_by(&aws, container, caller.as_deref()).await);
            found.extend(doctor::hardening(container));
        }
        Err(_) => found.extend(doctor::unseen(NAMED, "not looked at without a task definition")),
    }
    let ours = env!("CARGO_PKG_VERSION");
    if !arguments.in_vpc {
        found.push(judge_versions(ours, None));
        return Ok(found);
    }
    match (wanted, network) {
        (Ok(wanted), Ok(network)) => {
            let inside = look_inside::Inside { aws, wanted, network: network.task_network };
            let seen = look_inside::look(arguments.check(), inside, context).await?;
            found.push(judge_versions(ours, seen.version.as_deref()));
            found.extend(seen.findings);
        }
        (Err(_), _) | (_, Err(_)) => {
            found.push(skip("in_vpc", "no task is run without a task definition and a network"));
        }
    }
    Ok(found)
}

async fn find_network(aws: &Aws, settings: &DoctorSettings) -> Result<FoundNetwork, Error> {
    match &settings.network {
        Ok(asked) => network::find(aws, &settings.cluster.value, asked).await,
        Err(error) => Err(again(error)),
    }
}

async fn find_definition(
    (aws, tags): (&Aws, &Tags),
    settings: &DoctorSettings,
) -> Result<Wanted, Error> {
    match &settings.definition {
        Ok(source) => {
            definition::find((aws, tags), source, (&settings.container, settings.expect)).await
        }
        Err(error) => Err(again(error)),
    }
}

/// The same failure of the settings once more.
fn again(error: &Error) -> Error {
    let same = Error::usage(error.to_string());
    match error.hint() {
        Some(hint) => same.hinted(hint),
        None => same,
    }
}
