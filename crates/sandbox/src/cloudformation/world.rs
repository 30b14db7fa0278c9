//! Owns what exists in the account, whoever made it: ids by kind, with their tags.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::core::State;

pub(crate) type Tags = BTreeMap<String, String>;

/// Kind and physical id.
pub(crate) type Thing = (String, String);

const LOG_GROUP: &str = "AWS::Logs::LogGroup";
const CLUSTER: &str = "AWS::ECS::Cluster";

#[derive(Debug, Default)]
pub(crate) struct World {
    things: BTreeMap<Thing, Tags>,
}

impl World {
    /// The tags of a thing, `None` when it does not exist.
    pub(crate) fn tags(&self, kind: &str, id: &str) -> Option<&Tags> {
        self.things.get(&(kind.to_owned(), id.to_owned()))
    }

    /// The ids of a kind.
    pub(crate) fn ids(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.things.keys().filter(move |(found, _)| found == kind).map(|(_, id)| id.as_str())
    }
}

/// Brings a thing to life, for the services that know its kind, too.
pub(crate) fn make(state: &mut State, thing: Thing, tags: Tags, now: Timestamp) {
    match thing.0.as_str() {
        LOG_GROUP => {
            state.logs.create_group(&thing.1, now);
        }
        CLUSTER => {
            state.clusters.insert(thing.1.clone());
        }
        _ => {}
    }
    state.world.things.insert(thing, tags);
}

/// Ends a thing's life; `false` when there was none.
pub(crate) fn unmake(state: &mut State, thing: &Thing) -> bool {
    match thing.0.as_str() {
        LOG_GROUP => {
            state.logs.groups.remove(&thing.1);
        }
        CLUSTER => {
            state.clusters.remove(&thing.1);
        }
        _ => {}
    }
    state.world.things.remove(thing).is_some()
}

/// Whether a thing exists.
pub(crate) fn exists(state: &State, kind: &str, id: &str) -> bool {
    match kind {
        LOG_GROUP => state.logs.groups.contains_key(id),
        CLUSTER => state.clusters.contains(id),
        _ => state.world.tags(kind, id).is_some(),
    }
}
