//! Owns task definitions: families of revisions whose numbers are never given twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::reference::DefinitionReference;
use super::spec::TaskSpec;

#[derive(Debug, Default)]
pub(crate) struct Definitions {
    families: BTreeMap<String, Vec<Arc<Revision>>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub(crate) arn: String,
    pub(crate) number: usize,
    pub(crate) status: RevisionStatus,
    pub(crate) spec: TaskSpec,
    /// What DescribeTaskDefinition answers.
    pub(crate) echo: Map<String, Value>,
    /// A list, beside the definition and never in it.
    pub(crate) tags: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RevisionStatus {
    Active,
    Inactive,
}

impl Definitions {
    pub(crate) fn next_number(&self, family: &str) -> usize {
        self.families.get(family).map_or(0, Vec::len) + 1
    }

    pub(crate) fn add(&mut self, revision: Arc<Revision>) {
        let family = revision.spec.family.clone();
        self.families.entry(family).or_default().push(revision);
    }

    /// A family is its latest ACTIVE revision; a revision is itself, whatever its status.
    pub(crate) fn find(&self, reference: &str) -> Option<&Arc<Revision>> {
        let reference = DefinitionReference::read(reference)?;
        let revisions = self.families.get(reference.family)?;
        match reference.revision {
            Some(number) => revisions.get(number.checked_sub(1)?),
            None => revisions.iter().rfind(|revision| revision.status == RevisionStatus::Active),
        }
    }

    /// Only by revision; tasks that run already keep what they have.
    pub(crate) fn replace(&mut self, revision: Arc<Revision>) {
        let place = self
            .families
            .get_mut(&revision.spec.family)
            .and_then(|revisions| revisions.get_mut(revision.number - 1));
        if let Some(place) = place {
            *place = revision;
        }
    }
}
