//! Owns which events one GetLogEvents answer holds, and where its two tokens point. Pure.

use std::collections::{BTreeMap, btree_map};
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
    /// A fault: so many events from before a forward cursor come again, beside the limit.
    pub(crate) repeats: usize,
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

/// Costs as much as the page is long, wherever in the stream it is.
pub(crate) fn read(events: &BTreeMap<Position, Event>, request: PageRequest) -> Page<'_> {
    let span = Span { cursor: request.cursor, start: request.start_time, end: request.end_time };
    let forward = match (request.cursor, request.order) {
        (Some(Cursor::Forward(_)), _) | (None, Order::FromHead) => true,
        (Some(Cursor::Backward(_)), _) | (None, Order::FromTail) => false,
    };
    let page = if forward {
        take(span.of(events), request.limit)
    } else {
        let mut page = take(span.of(events).rev(), request.limit);
        page.reverse();
        page
    };
    let nowhere = request.cursor.map_or(
        Position { timestamp: request.start_time.unwrap_or_default(), arrival: 0 },
        |cursor| match cursor {
            Cursor::Forward(position) | Cursor::Backward(position) => position,
        },
    );
    let first = page.first().map_or(nowhere, |(position, _)| *position);
    let last = page.last().map_or(nowhere, |(position, _)| *position);
    let mut again = Vec::new();
    if let Some(Cursor::Forward(seen)) = request.cursor {
        let from = from_time(request.start_time);
        again.extend(range(events, from, Bound::Included(seen)).rev().take(request.repeats));
        again.reverse();
    }
    again.extend(page);
    Page { events: again, forward: Cursor::Forward(last), backward: Cursor::Backward(first) }
}

/// A part of a stream: the stricter of the cursor and the times on either side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) cursor: Option<Cursor>,
    /// Inclusive, in milliseconds.
    pub(crate) start: Option<u64>,
    /// Exclusive, in milliseconds.
    pub(crate) end: Option<u64>,
}

impl Span {
    pub(crate) fn of(
        self,
        events: &BTreeMap<Position, Event>,
    ) -> impl DoubleEndedIterator<Item = (Position, &Event)> {
        let (lower, upper) = self.bounds();
        range(events, lower, upper)
    }

    fn bounds(self) -> (Bound<Position>, Bound<Position>) {
        let end = self.end.map(position_before);
        match self.cursor {
            Some(Cursor::Forward(after)) => {
                let lower = self.start.map_or(after, |start| position_before(start).max(after));
                (Bound::Excluded(lower), up_to(end))
            }
            Some(Cursor::Backward(before)) => {
                let upper = end.map_or(before, |end| end.min(before));
                (from_time(self.start), Bound::Excluded(upper))
            }
            None => (from_time(self.start), up_to(end)),
        }
    }
}

/// Before every event of this millisecond: arrivals count from 1.
fn position_before(timestamp: u64) -> Position {
    Position { timestamp, arrival: 0 }
}

fn from_time(start: Option<u64>) -> Bound<Position> {
    start.map_or(Bound::Unbounded, |start| Bound::Excluded(position_before(start)))
}

fn up_to(end: Option<Position>) -> Bound<Position> {
    end.map_or(Bound::Unbounded, Bound::Excluded)
}

type Events<'store> = btree_map::Range<'store, Position, Event>;

/// Nothing when the bounds cross, where the map itself would panic.
fn range(
    events: &BTreeMap<Position, Event>,
    lower: Bound<Position>,
    upper: Bound<Position>,
) -> impl DoubleEndedIterator<Item = (Position, &Event)> {
    let crossed = match (lower, upper) {
        (
            Bound::Excluded(lower) | Bound::Included(lower),
            Bound::Excluded(upper) | Bound::Included(upper),
        ) => lower >= upper,
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
    };
    let found: Option<Events<'_>> = (!crossed).then(|| events.range((lower, upper)));
    found.into_iter().flatten().map(|(position, event)| (*position, event))
}

fn take<'store>(
    events: impl Iterator<Item = (Position, &'store Event)>,
    limit: usize,
) -> Vec<(Position, &'store Event)> {
    let mut size = PageSize::default();
    events.take(limit.min(MAXIMUM_EVENTS)).take_while(|(_, event)| size.takes(event)).collect()
}

/// How full a page is.
#[derive(Debug, Default)]
pub(crate) struct PageSize {
    bytes: usize,
}

impl PageSize {
    /// Whether another event goes in; one always does.
    pub(crate) fn takes(&mut self, event: &Event) -> bool {
        let first = self.bytes == 0;
        self.bytes += event.message.len() + EVENT_OVERHEAD;
        first || self.bytes <= MAXIMUM_BYTES
    }
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
        repeats: 0,
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
        let first = read(&stored, request);
        assert_eq!(texts(&first), ["1", "2"]);
        let next = read(&stored, PageRequest { cursor: Some(first.forward), ..request });
        assert_eq!((texts(&next).len(), next.forward), (0, first.forward));
        let before = read(&stored, PageRequest { cursor: Some(first.backward), ..request });
        assert!(texts(&before).is_empty());
        let nonsense = PageRequest { start_time: Some(30), end_time: Some(10), ..FROM_HEAD };
        assert!(texts(&read(&stored, nonsense)).is_empty());
    }

    #[test]
    fn a_page_can_repeat_what_was_seen() {
        let stored = short(5);
        let request = PageRequest { limit: 2, repeats: 3, ..FROM_HEAD };
        let mut cursor = None;
        for expected in [&["0", "1"][..], &["0", "1", "2", "3"], &["1", "2", "3", "4"]] {
            let page = read(&stored, PageRequest { cursor, ..request });
            assert_eq!(texts(&page), expected);
            cursor = Some(page.forward);
        }
        let end = read(&stored, PageRequest { cursor, ..request });
        assert_eq!((texts(&end), Some(end.forward)), (vec!["2", "3", "4"], cursor));
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
