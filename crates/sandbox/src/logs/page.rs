//! Owns which events one GetLogEvents answer holds, and where its two tokens point. Pure.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::store::Event;
use super::token::{Cursor, Position};

/// Limits of one answer (aws-facts 3.2): 10,000 events and 1 MB, 26 bytes of it for each event.
pub(crate) const MAXIMUM_EVENTS: usize = 10_000;
const MAXIMUM_BYTES: usize = 1_048_576;
const EVENT_OVERHEAD: usize = 26;

/// What to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageRequest {
    pub(crate) cursor: Option<Cursor>,
    pub(crate) order: Order,
    /// Inclusive, in milliseconds.
    pub(crate) start_time: Option<u64>,
    /// Exclusive, in milliseconds.
    pub(crate) end_time: Option<u64>,
    pub(crate) limit: usize,
}

/// Where to begin without a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    FromHead,
    /// The newest page, which is the default of the API.
    FromTail,
}

#[derive(Debug)]
pub(crate) struct Page<'store> {
    /// Oldest first, whichever way it was read.
    pub(crate) events: Vec<(Position, &'store Event)>,
    pub(crate) forward: Cursor,
    pub(crate) backward: Cursor,
}

pub(crate) fn read(events: &BTreeMap<Position, Event>, request: PageRequest) -> Page<'_> {
    let in_time = |position: &Position| {
        request.start_time.is_none_or(|start| position.timestamp >= start)
            && request.end_time.is_none_or(|end| position.timestamp < end)
    };
    let (lower, upper) = match request.cursor {
        Some(Cursor::Forward(position)) => (Bound::Excluded(position), Bound::Unbounded),
        Some(Cursor::Backward(position)) => (Bound::Unbounded, Bound::Excluded(position)),
        None => (Bound::Unbounded, Bound::Unbounded),
    };
    let candidates = events
        .range((lower, upper))
        .map(|(position, event)| (*position, event))
        .filter(|(position, _)| in_time(position));
    let forward = match (request.cursor, request.order) {
        (Some(Cursor::Forward(_)), _) | (None, Order::FromHead) => true,
        (Some(Cursor::Backward(_)), _) | (None, Order::FromTail) => false,
    };
    let page = if forward {
        take(candidates, request.limit)
    } else {
        let mut page = take(candidates.rev(), request.limit);
        page.reverse();
        page
    };
    let nowhere = request.cursor.map_or(
        Position { timestamp: request.start_time.unwrap_or_default(), arrival: 0 },
        |cursor| match cursor {
            Cursor::Forward(position) | Cursor::Backward(position) => position,
        },
    );
    Page {
        forward: Cursor::Forward(page.last().map_or(nowhere, |(position, _)| *position)),
        backward: Cursor::Backward(page.first().map_or(nowhere, |(position, _)| *position)),
        events: page,
    }
}

fn take<'store>(
    events: impl Iterator<Item = (Position, &'store Event)>,
    limit: usize,
) -> Vec<(Position, &'store Event)> {
    let mut bytes = 0;
    events
        .take(limit.min(MAXIMUM_EVENTS))
        .take_while(|(_, event)| {
            let first = bytes == 0;
            bytes += event.message.len() + EVENT_OVERHEAD;
            first || bytes <= MAXIMUM_BYTES
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    const FROM_HEAD: PageRequest = PageRequest {
        cursor: None,
        order: Order::FromHead,
        start_time: None,
        end_time: None,
        limit: MAXIMUM_EVENTS,
    };

    fn events(messages: &[(u64, String)]) -> BTreeMap<Position, Event> {
        (1..)
            .zip(messages)
            .map(|(arrival, (timestamp, message))| {
                let position = Position { timestamp: *timestamp, arrival };
                let event =
                    Event { message: message.clone(), ingested_at: Timestamp::from_millis(0) };
                (position, event)
            })
            .collect()
    }

    fn short(count: u64) -> BTreeMap<Position, Event> {
        events(&(0..count).map(|n| (n * 10, n.to_string())).collect::<Vec<_>>())
    }

    fn texts<'page>(page: &'page Page<'_>) -> Vec<&'page str> {
        page.events.iter().map(|(_, event)| event.message.as_str()).collect()
    }

    #[test]
    fn the_end_gives_back_the_token_it_was_given() {
        let mut stored = short(5);
        let request = PageRequest { limit: 3, ..FROM_HEAD };
        let first = read(&stored, request);
        assert_eq!(texts(&first), ["0", "1", "2"]);
        let second = read(&stored, PageRequest { cursor: Some(first.forward), ..request });
        assert_eq!(texts(&second), ["3", "4"]);
        let end = second.forward;
        let third = read(&stored, PageRequest { cursor: Some(end), ..request });
        assert_eq!((texts(&third).len(), third.forward), (0, end));

        let late = Position { timestamp: 1_000, arrival: 99 };
        let event = Event { message: "late".to_owned(), ingested_at: Timestamp::from_millis(0) };
        stored.insert(late, event);
        let fourth = read(&stored, PageRequest { cursor: Some(end), ..request });
        assert_eq!(texts(&fourth), ["late"]);
    }

    #[test]
    fn an_empty_stream_has_tokens_too() {
        let stored = short(0);
        let page = read(&stored, FROM_HEAD);
        let again = read(&stored, PageRequest { cursor: Some(page.forward), ..FROM_HEAD });
        assert_eq!(page.forward, again.forward);
        assert_eq!(
            texts(&read(&short(1), PageRequest { cursor: Some(page.forward), ..FROM_HEAD })),
            ["0"]
        );
    }

    #[test]
    fn the_default_is_the_newest_page() {
        let stored = short(5);
        let request = PageRequest { order: Order::FromTail, limit: 2, ..FROM_HEAD };
        let newest = read(&stored, request);
        assert_eq!(texts(&newest), ["3", "4"]);
        let older = read(&stored, PageRequest { cursor: Some(newest.backward), ..request });
        assert_eq!(texts(&older), ["1", "2"]);
    }

    #[test]
    fn times_are_inclusive_and_exclusive() {
        let stored = short(5);
        let request = PageRequest { start_time: Some(10), end_time: Some(30), ..FROM_HEAD };
        assert_eq!(texts(&read(&stored, request)), ["1", "2"]);
    }

    #[test]
    fn a_page_is_at_most_one_megabyte_but_never_stuck() {
        let big = "x".repeat(600_000);
        let stored = events(&[(1, big.clone()), (2, big), (3, "y".repeat(2_000_000))]);
        let mut cursor = None;
        for expected in [1, 1, 1, 0] {
            let page = read(&stored, PageRequest { cursor, ..FROM_HEAD });
            assert_eq!(page.events.len(), expected);
            cursor = Some(page.forward);
        }
    }
}
