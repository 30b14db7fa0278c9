//! Owns finding the network that was asked for, and saying where it comes from.

use crate::aws::{Aws, AwsError, Class};
use crate::error::{Error, Kind};
use crate::report::{Event, Report};
use crate::settings::{GivenNetwork, Network, Otherwise, PublicIp};
use crate::task::TaskNetwork;

/// A network, where it comes from, and what went wrong on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundNetwork {
    pub(crate) task_network: TaskNetwork,
    /// One sentence.
    pub(crate) sentence: String,
    /// Why it is not the one of the service.
    pub(crate) instead: Option<String>,
}

/// The network. A service that does not exist yet is no error where something else is said too.
pub(crate) async fn find(aws: &Aws, cluster: &str, asked: &Network) -> Result<FoundNetwork, Error> {
    let (service, otherwise) = match asked {
        Network::Given(given) => return Ok(of_given(given, None)),
        Network::FromService { service, otherwise } => (service, otherwise),
    };
    let name = &service.value;
    let missing = match aws.find_service(cluster, name).await {
        Ok(Some(found)) => match found.network {
            Some(network) => return Ok(of_service(name, &service.origin.to_string(), network)),
            None => format!("service {name} of cluster {cluster} has no awsvpc network"),
        },
        Ok(None) => format!("there is no service {name} in cluster {cluster}"),
        Err(error) if may_be_replaced(&error) && *otherwise != Otherwise::Nothing => {
            format!("the network of service {name} is not known: {error}")
        }
        Err(error) => return Err(error.into()),
    };
    match otherwise {
        Otherwise::Given(given) => Ok(of_given(given, Some(missing))),
        Otherwise::Nothing => Err(Error::new(Kind::AwsRefused, missing).hinted(
            "check its name, or set --subnets and --security-groups for the time until it exists",
        )),
    }
}

/// A right that is missing, or a cluster that is: RunTask says so for itself.
fn may_be_replaced(error: &AwsError) -> bool {
    matches!(error.class, Class::AccessDenied | Class::Refused | Class::ResourceNotFound)
}

fn of_given(given: &GivenNetwork, instead: Option<String>) -> FoundNetwork {
    let GivenNetwork { subnets, security_groups, public_ip } = given;
    let sentence = format!(
        "network: subnets {} ({}), security groups {} ({}), {}",
        subnets.value.join(","),
        subnets.origin,
        security_groups.value.join(","),
        security_groups.origin,
        address(*public_ip),
    );
    let task_network = TaskNetwork {
        subnets: subnets.value.clone(),
        security_groups: security_groups.value.clone(),
        public_ip: *public_ip,
    };
    FoundNetwork { task_network, sentence, instead }
}

fn of_service(name: &str, origin: &str, network: TaskNetwork) -> FoundNetwork {
    let sentence = format!(
        "network of service {name} ({origin}): subnets {}, security groups {}, {}",
        network.subnets.join(","),
        network.security_groups.join(","),
        address(network.public_ip),
    );
    FoundNetwork { task_network: network, sentence, instead: None }
}

fn address(public_ip: PublicIp) -> &'static str {
    match public_ip {
        PublicIp::Assigned => "with a public address",
        PublicIp::None => "no public address",
    }
}

impl FoundNetwork {
    /// Shows it.
    pub(crate) fn say(&self, report: &mut Report) {
        if let Some(why) = &self.instead {
            report.emit(&Event::Warning {
                text: format!("{why}; another network is used"),
                hint: None,
            });
        }
        report.emit(&Event::Note(self.sentence.clone()));
    }
}
