//! Owns the settings of each command once the layers are merged: PURE, and nothing that is
//! required is optional any more.

use super::definition::{self, ContainerChoice, DefinitionSource};
use super::key::Key;
use super::layers::{Flags, Layers, Origin, Setting};
use super::network::{self, Capacity, Network};
use super::parse::{self, OUTPUTS, OutputChoice, Word};
use super::reader::FamilyChoice;
use super::whose::EnvironmentName;
use super::{environment, file, value};
use crate::changes::Part;
use crate::error::Error;
use crate::task::{Expectation, IfRunning, OnCancel};
use protocol::env;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long RunTask is tried unless something else is set.
const CAPACITY_TIMEOUT: Duration = Duration::from_mins(5);

const EXPECTATIONS: &[Word<Expectation>] =
    &[("auto", Expectation::Auto), ("runner", Expectation::Runner), ("plain", Expectation::Plain)];

const ON_CANCEL: &[Word<OnCancel>] = &[("stop", OnCancel::Stop), ("detach", OnCancel::Detach)];

const IF_RUNNING: &[Word<IfRunning>] = &[("wait", IfRunning::Wait), ("fail", IfRunning::Fail)];

/// The limit of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TimeLimit {
    None,
    After(Setting<Duration>),
}

/// What makes invocations one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunKey {
    Given(String),
    Github(String),
    /// Nothing does: each invocation is a run of its own.
    Random,
    /// No gate's run at all: `doctor`'s look from inside. Each is its own, and nobody waits for it.
    Task,
}

/// Settings of `run`, without those that only the command line has.
#[derive(Debug, Clone)]
pub(crate) struct RunSettings {
    pub(crate) cluster: Setting<String>,
    pub(crate) definition: DefinitionSource,
    pub(crate) container: ContainerChoice,
    pub(crate) network: Network,
    pub(crate) capacity: Capacity,
    pub(crate) timeout: TimeLimit,
    pub(crate) capacity_timeout: Duration,
    pub(crate) on_cancel: OnCancel,
    pub(crate) if_running: IfRunning,
    pub(crate) expect: Expectation,
    pub(crate) environment: EnvironmentName,
    pub(crate) key: RunKey,
}

/// Settings of `register`.
#[derive(Debug, Clone)]
pub(crate) struct RegisterSettings {
    pub(crate) definition: DefinitionSource,
    pub(crate) container: ContainerChoice,
    pub(crate) expect: Expectation,
}

/// Settings of `attach`.
#[derive(Debug, Clone)]
pub(crate) struct AttachSettings {
    pub(crate) cluster: Setting<String>,
    pub(crate) container: ContainerChoice,
    pub(crate) timeout: TimeLimit,
    pub(crate) on_cancel: OnCancel,
    pub(crate) expect: Expectation,
}

/// Settings of `cancel`.
#[derive(Debug, Clone)]
pub(crate) struct CancelSettings {
    pub(crate) cluster: Setting<String>,
    pub(crate) container: ContainerChoice,
    pub(crate) key: RunKey,
    /// Whose tasks alone are meant, where the job knows.
    pub(crate) family: FamilyChoice,
    pub(crate) environment: EnvironmentName,
}

impl Layers {
    /// Reads file and environment and puts the flags on top.
    pub(crate) fn read(
        flags: Flags,
        config: Option<&str>,
        process: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let named = config.or_else(|| {
            process.get(env::CONFIG).map(String::as_str).filter(|path| !path.is_empty())
        });
        let file = file::read(named)?;
        let flags = flags
            .into_iter()
            .map(|(key, text)| Ok((key, value::read(key, &Origin::Flag(key), &text)?)))
            .collect::<Result<Flags, Error>>()?;
        Ok(Self {
            flags,
            environment: environment::read(process)?,
            file: file.values,
            file_path: file.path,
            file_is_there: file.is_there,
            parts: file.parts,
            check: file.check,
            services: file.services,
        })
    }

    /// The parts of the repository that `changes` tells apart, in the order of their names.
    pub(crate) fn parts(&self) -> Result<Vec<Part>, Error> {
        self.parts.iter().map(|(name, globs)| Part::new(name, globs)).collect()
    }

    /// The format of the output.
    pub(crate) fn output(&self) -> Result<OutputChoice, Error> {
        Ok(parse::word(self, Key::Output, OUTPUTS, OutputChoice::Auto)?.value)
    }

    pub(crate) fn cluster(&self) -> Setting<String> {
        self.find(Key::Cluster).unwrap_or_else(|| Setting::by_default("default".to_owned()))
    }

    fn timeout(&self) -> Result<TimeLimit, Error> {
        Ok(parse::duration(self, Key::Timeout)?.map_or(TimeLimit::None, TimeLimit::After))
    }

    fn run_key(&self, process: &BTreeMap<String, String>) -> RunKey {
        let github = process.get(env::GITHUB_RUN_ID).filter(|id| !id.trim().is_empty());
        match (self.find(Key::RunKey), github) {
            (Some(key), _) => RunKey::Given(key.value),
            (None, Some(id)) => RunKey::Github(id.clone()),
            (None, None) => RunKey::Random,
        }
    }
}

impl RunSettings {
    /// Resolves the layers, or names the first thing that is wrong.
    pub(crate) fn resolve(
        layers: &Layers,
        process: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        Ok(Self {
            cluster: layers.cluster(),
            definition: definition::source(layers)?,
            container: definition::container(layers),
            network: network::network(layers)?,
            capacity: network::capacity(layers)?,
            timeout: layers.timeout()?,
            capacity_timeout: parse::duration(layers, Key::CapacityTimeout)?
                .map_or(CAPACITY_TIMEOUT, |setting| setting.value),
            on_cancel: parse::word(layers, Key::OnCancel, ON_CANCEL, OnCancel::Stop)?.value,
            if_running: parse::word(layers, Key::IfRunning, IF_RUNNING, IfRunning::Wait)?.value,
            expect: expectation(layers)?,
            environment: EnvironmentName::of(layers)?,
            key: layers.run_key(process),
        })
    }
}

/// What the container is taken for.
pub(super) fn expectation(layers: &Layers) -> Result<Expectation, Error> {
    Ok(parse::word(layers, Key::Expect, EXPECTATIONS, Expectation::Auto)?.value)
}

impl RegisterSettings {
    /// Resolves the layers, or names the first thing that is wrong.
    pub(crate) fn resolve(layers: &Layers) -> Result<Self, Error> {
        let definition = definition::source(layers)?;
        if let DefinitionSource::Existing { image: definition::ImageChoice::AsDefined, .. } =
            definition
        {
            return Err(Error::usage("no image is set: there is nothing to register")
                .hinted("set --image URI"));
        }
        let expect = expectation(layers)?;
        Ok(Self { definition, container: definition::container(layers), expect })
    }
}

impl AttachSettings {
    /// Resolves the layers. Who looks on does not stop what he looks at: `detach` is the default.
    pub(crate) fn resolve(layers: &Layers) -> Result<Self, Error> {
        Ok(Self {
            cluster: layers.cluster(),
            container: definition::container(layers),
            timeout: layers.timeout()?,
            on_cancel: parse::word(layers, Key::OnCancel, ON_CANCEL, OnCancel::Detach)?.value,
            expect: expectation(layers)?,
        })
    }
}

impl CancelSettings {
    /// Resolves the layers.
    pub(crate) fn resolve(
        layers: &Layers,
        process: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        Ok(Self {
            cluster: layers.cluster(),
            container: definition::container(layers),
            key: layers.run_key(process),
            family: FamilyChoice::of(layers),
            environment: EnvironmentName::of(layers)?,
        })
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
