//! Owns log groups, streams and events, in memory.

use std::collections::BTreeMap;

use super::token::Position;
use crate::clock::Timestamp;

#[derive(Debug, Default)]
pub(crate) struct LogStore {
    pub(crate) groups: BTreeMap<String, Group>,
    arrivals: u64,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) created_at: Timestamp,
    pub(crate) streams: BTreeMap<String, Stream>,
}

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) created_at: Timestamp,
    pub(crate) events: BTreeMap<Position, Event>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) message: String,
    pub(crate) ingested_at: Timestamp,
}

/// Why something cannot be made or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    Group,
    Stream,
}

impl LogStore {
    /// `false` when the group was there already.
    pub(crate) fn create_group(&mut self, name: &str, created_at: Timestamp) -> bool {
        let before = self.groups.len();
        self.groups
            .entry(name.to_owned())
            .or_insert(Group { created_at, streams: BTreeMap::new() });
        self.groups.len() > before
    }

    /// `Ok(false)` when the stream was there already.
    pub(crate) fn create_stream(
        &mut self,
        group: &str,
        name: &str,
        created_at: Timestamp,
    ) -> Result<bool, Absent> {
        let streams = &mut self.groups.get_mut(group).ok_or(Absent::Group)?.streams;
        let before = streams.len();
        streams.entry(name.to_owned()).or_insert(Stream { created_at, events: BTreeMap::new() });
        Ok(streams.len() > before)
    }

    pub(crate) fn stream(&self, group: &str, name: &str) -> Result<&Stream, Absent> {
        let group = self.groups.get(group).ok_or(Absent::Group)?;
        group.streams.get(name).ok_or(Absent::Stream)
    }

    /// Adds events, each with its own timestamp.
    pub(crate) fn append(
        &mut self,
        (group, name): (&str, &str),
        events: impl IntoIterator<Item = (Timestamp, String)>,
        ingested_at: Timestamp,
    ) -> Result<(), Absent> {
        let group = self.groups.get_mut(group).ok_or(Absent::Group)?;
        let stream = group.streams.get_mut(name).ok_or(Absent::Stream)?;
        for (timestamp, message) in events {
            self.arrivals += 1;
            let position = Position { timestamp: timestamp.millis(), arrival: self.arrivals };
            stream.events.insert(position, Event { message, ingested_at });
        }
        Ok(())
    }

    pub(crate) fn messages(&self, group: &str, stream: &str) -> Vec<String> {
        self.stream(group, stream)
            .map(|stream| stream.events.values())
            .into_iter()
            .flatten()
            .map(|event| event.message.clone())
            .collect()
    }
}
