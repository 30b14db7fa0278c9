//! Owns the settings of `doctor`: what is missing is a finding, not the end. PURE.

use super::definition::{self, ContainerChoice, DefinitionSource};
use super::key::Key;
use super::layers::{Layers, Setting};
use super::network::{self, Capacity, Network};
use crate::error::Error;

/// Settings of `doctor`.
#[derive(Debug)]
pub(crate) struct DoctorSettings {
    pub(crate) cluster: Setting<String>,
    pub(crate) definition: Result<DefinitionSource, Error>,
    pub(crate) container: ContainerChoice,
    pub(crate) network: Result<Network, Error>,
    pub(crate) capacity: Result<Capacity, Error>,
    pub(crate) service: ServiceChoice,
}

/// The service that the migration is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ServiceChoice {
    Named(Setting<String>),
    None,
}

impl DoctorSettings {
    /// Resolves the layers. The service is the one that is named, else the one whose network is used.
    pub(crate) fn resolve(layers: &Layers) -> Self {
        let service = layers.find(Key::Service).or_else(|| layers.find(Key::NetworkFrom));
        Self {
            cluster: layers.cluster(),
            definition: definition::source(layers),
            container: definition::container(layers),
            network: network::network(layers),
            capacity: network::capacity(layers),
            service: service.map_or(ServiceChoice::None, |service| {
                let first = service.value.split(',').next().unwrap_or_default().trim().to_owned();
                ServiceChoice::Named(service.with(first))
            }),
        }
    }
}
