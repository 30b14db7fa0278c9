//! Owns where the task runs: network and capacity that were asked for. PURE.

use super::key::Key;
use super::layers::{Layers, Setting};
use super::parse;
use crate::error::Error;

/// The network that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Network {
    Given {
        subnets: Vec<String>,
        security_groups: Vec<String>,
        public_ip: PublicIp,
    },
    /// The one of a service.
    FromService(Setting<String>),
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

/// The network, or what is missing. Found before any call to AWS.
pub(crate) fn network(layers: &Layers) -> Result<Network, Error> {
    let subnets = parse::list(layers, Key::Subnets)?;
    let service = layers.find(Key::NetworkFrom);
    match (subnets, service) {
        (Some(subnets), Some(service)) if subnets.strength() == service.strength() => {
            Err(Error::usage(format!(
                "both subnets ({}) and a service to take the network from ({}) are set",
                subnets.origin, service.origin
            ))
            .hinted("set one of them"))
        }
        (Some(subnets), Some(service)) if subnets.strength() < service.strength() => {
            Ok(Network::FromService(service))
        }
        (None, Some(service)) => Ok(Network::FromService(service)),
        (Some(subnets), _) => given(layers, subnets),
        (None, None) => Err(Error::usage("no subnets are set").hinted(
            "set --subnets and --security-groups (or VPC_SUBNETS and VPC_SECURITY_GROUPS), \
             or --network-from SERVICE to use the network of a service",
        )),
    }
}

fn given(layers: &Layers, subnets: Setting<Vec<String>>) -> Result<Network, Error> {
    let Some(groups) = parse::list(layers, Key::SecurityGroups)? else {
        return Err(Error::usage(format!(
            "subnets are set ({}), but no security groups",
            subnets.origin
        ))
        .hinted("set --security-groups: one that the database lets in, e.g. the API's own"));
    };
    let public = parse::truth(layers, Key::AssignPublicIp)?.value;
    Ok(Network::Given {
        subnets: subnets.value,
        security_groups: groups.value,
        public_ip: if public { PublicIp::Assigned } else { PublicIp::None },
    })
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
