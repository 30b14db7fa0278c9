//! Owns the settings of `doctor`: what is missing is a finding, not the end. PURE.

use super::definition::{self, ContainerChoice, DefinitionSource};
use super::key::Key;
use super::layers::{Layers, Setting};
use super::network::{self, Capacity, Network};
use super::parse;
use super::whose::EnvironmentName;
use crate::error::Error;
use crate::task::Expectation;

/// Settings of `doctor`.
#[derive(Debug)]
pub(crate) struct DoctorSettings {
    pub(crate) cluster: Setting<String>,
    pub(crate) definition: Result<DefinitionSource, Error>,
    pub(crate) container: ContainerChoice,
    /// What the container is taken for; what is misspelt is said by `run`.
    pub(crate) expect: Expectation,
    pub(crate) network: Result<Network, Error>,
    pub(crate) capacity: Result<Capacity, Error>,
    /// The services that are deployed after the migration.
    pub(crate) services: Vec<String>,
}

impl DoctorSettings {
    /// Resolves the layers; a guard that is lost is refused as `run` does. The services are those that are named, else the one whose network is used.
    pub(crate) fn resolve(layers: &Layers) -> Result<Self, Error> {
        EnvironmentName::of(layers)?;
        let services = match parse::list(layers, Key::Service)? {
            Some(services) => services.value,
            None => layers.find(Key::NetworkFrom).into_iter().map(|from| from.value).collect(),
        };
        Ok(Self {
            cluster: layers.cluster(),
            definition: definition::source(layers),
            container: definition::container(layers),
            expect: super::resolve::expectation(layers).unwrap_or(Expectation::Auto),
            network: network::network(layers),
            capacity: network::capacity(layers),
            services,
        })
    }
}
