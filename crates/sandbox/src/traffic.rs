//! Owns counting requests: how many, how many too many, how fast. Pure.

use std::collections::VecDeque;

use crate::journal::JournalEntry;

/// What a set of requests amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// All of them, throttled ones too.
    pub calls: usize,
    /// Those answered with `Rate exceeded`.
    pub throttled: usize,
    /// The most calls within any one second.
    pub peak: usize,
    /// Calls a second from the first to the last, 0 for fewer than two.
    pub per_second: f64,
}

/// Milliseconds.
const SECOND: u64 = 1_000;

impl Traffic {
    /// Counts entries in the order of the journal.
    pub fn of<'journal>(entries: impl IntoIterator<Item = &'journal JournalEntry>) -> Self {
        let mut traffic = Self::default();
        let mut first = None;
        let mut last_second: VecDeque<u64> = VecDeque::new();
        for entry in entries {
            let first = *first.get_or_insert(entry.at);
            traffic.calls += 1;
            traffic.throttled += usize::from(is_throttle(entry));
            last_second.push_back(entry.at);
            while last_second.front().is_some_and(|at| at + SECOND <= entry.at) {
                last_second.pop_front();
            }
            traffic.peak = traffic.peak.max(last_second.len());
            traffic.per_second = rate(traffic.calls - 1, entry.at.saturating_sub(first));
        }
        traffic
    }
}

fn is_throttle(entry: &JournalEntry) -> bool {
    matches!(entry.error.as_deref(), Some("ThrottlingException" | "Throttling"))
}

fn rate(calls: usize, millis: u64) -> f64 {
    let number = |count: u64| u32::try_from(count).map_or(f64::from(u32::MAX), f64::from);
    if millis == 0 { 0.0 } else { number(calls as u64) * number(SECOND) / number(millis) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: u64, error: Option<&str>) -> JournalEntry {
        JournalEntry {
            at,
            operation: "DescribeTasks".to_owned(),
            status: 200,
            error: error.map(str::to_owned),
            access_key: None,
            parameters: serde_json::Map::new(),
        }
    }

    #[test]
    fn counts() {
        let throttle = Some("ThrottlingException");
        let entries = [(0, None), (900, throttle), (999, None), (1_000, None), (4_000, throttle)];
        let entries = entries.map(|(at, error)| entry(at, error));
        assert_eq!(
            Traffic::of(&entries),
            Traffic { calls: 5, throttled: 2, peak: 3, per_second: 1.0 }
        );
        assert_eq!(
            Traffic::of(&entries[..1]),
            Traffic { calls: 1, throttled: 0, peak: 1, per_second: 0.0 }
        );
        assert_eq!(Traffic::of(&[]), Traffic::default());
    }
}
