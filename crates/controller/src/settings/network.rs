//! Owns where the task runs: network and capacity that were asked for. PURE.

use super::key::Key;
use super::layers::{Layers, Setting};
use super::parse;
use crate::error::Error;

/// The network that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Network {
    Given(GivenNetwork),
    /// The one of a service; while there is no such service, another one, if that is said too.
    FromService {
        service: Setting<String>,
        otherwise: Otherwise,
    },
}

/// A network that was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GivenNetwork {
    pub(crate) subnets: Setting<Vec<String>>,
    pub(crate) security_groups: Setting<Vec<String>>,
    pub(crate) public_ip: PublicIp,
}

/// What counts where the service does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Otherwise {
    Given(GivenNetwork),
    Nothing,
}

/// Whether the task's network interface gets a public address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublicIp {
    Assigned,
    None,
}

/// What runs the task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Capacity {
    /// Launch type FARGATE.
    Fargate,
    /// A capacity provider; excludes a launch type.
    Provider(String),
}

/// The network, or what is missing. Found before any call to AWS. Of a service and of subnets the
/// stronger layer counts, and the service where both are said in the same one: subnets beside it are
/// for the time before its first deployment.
pub(crate) fn network(layers: &Layers) -> Result<Network, Error> {
    let subnets = parse::list(layers, Key::Subnets)?;
    let service = layers.find(Key::NetworkFrom);
    match (subnets, service) {
        (Some(subnets), Some(service)) if subnets.strength() > service.strength() => {
            given(layers, subnets).map(Network::Given)
        }
        (Some(subnets), Some(service)) => {
            let otherwise = given(layers, subnets).map_or(Otherwise::Nothing, Otherwise::Given);
            Ok(Network::FromService { service, otherwise })
        }
        (None, Some(service)) => {
            Ok(Network::FromService { service, otherwise: Otherwise::Nothing })
        }
        (Some(subnets), None) => given(layers, subnets).map(Network::Given),
        (None, None) => Err(Error::usage("no subnets are set").hinted(
            "set --subnets and --security-groups (or VPC_SUBNETS and VPC_SECURITY_GROUPS), \
             or --network-from SERVICE to use the network of a service",
        )),
    }
}

fn given(layers: &Layers, subnets: Setting<Vec<String>>) -> Result<GivenNetwork, Error> {
    let Some(security_groups) = parse::list(layers, Key::SecurityGroups)? else {
        return Err(Error::usage(format!(
            "subnets are set ({}), but no security groups",
            subnets.origin
        ))
        .hinted("set --security-groups: one that the database lets in, e.g. the API's own"));
    };
    let public = parse::truth(layers, Key::AssignPublicIp)?.value;
    let public_ip = if public { PublicIp::Assigned } else { PublicIp::None };
    Ok(GivenNetwork { subnets, security_groups, public_ip })
}

/// The capacity; Spot is refused, because a reclaimed task dies in the middle of a migration.
pub(crate) fn capacity(layers: &Layers) -> Result<Capacity, Error> {
    let Some(provider) = layers.find(Key::CapacityProvider) else {
        return Ok(Capacity::Fargate);
    };
    if provider.value == "FARGATE_SPOT" {
        return Err(Error::usage(format!(
            "capacity provider FARGATE_SPOT ({}) can reclaim the task in the middle of a migration",
            provider.origin
        ))
        .hinted("use FARGATE"));
    }
    Ok(Capacity::Provider(provider.value))
}
