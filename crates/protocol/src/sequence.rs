//! The reader's proof that no line of a process is missing.
//!
//! Resilient against repetition, reordering and loss on the way: repetition is dropped, reordering
//! heals, loss stays visible as a gap. Not resilient against two processes of one name.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Which sequence numbers of each process were seen.
#[derive(Debug, Default, Clone)]
pub struct Sequences {
    processes: BTreeMap<String, Seen>,
}

/// Numbers seen of one process, as disjoint ranges that do not touch: a million lines in order
/// take one entry.
#[derive(Debug, Default, Clone)]
struct Seen {
    ranges: BTreeMap<u64, u64>,
    last: Option<u64>,
}

impl Sequences {
    /// Notes a line; false if it was seen before.
    pub fn note(&mut self, process: &str, seq: u64) -> bool {
        if !self.processes.contains_key(process) {
            self.processes.insert(process.to_owned(), Seen::default());
        }
        self.processes.get_mut(process).is_some_and(|seen| seen.insert(seq))
    }

    /// Notes that `seq` was the last line of the process.
    pub fn finish(&mut self, process: &str, seq: u64) {
        if let Some(seen) = self.processes.get_mut(process) {
            seen.last = Some(seq);
        }
    }

    /// The numbers that are missing below the highest one seen, per process.
    pub fn gaps(&self) -> Vec<(&str, RangeInclusive<u64>)> {
        let mut gaps = Vec::new();
        for (process, seen) in &self.processes {
            let mut expected = 1;
            for (first, last) in &seen.ranges {
                if *first > expected {
                    gaps.push((process.as_str(), expected..=first - 1));
                }
                expected = last.saturating_add(1);
            }
        }
        gaps
    }

    /// Whether every line of every process was seen, its last one included.
    pub fn complete(&self) -> bool {
        !self.processes.is_empty()
            && self.gaps().is_empty()
            && self.processes.values().all(|seen| seen.last.is_some())
    }
}

impl Seen {
    fn insert(&mut self, seq: u64) -> bool {
        let before = self.ranges.range(..=seq).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| last >= seq) {
            return false;
        }
        let first = match before {
            Some((first, last)) if last.checked_add(1) == Some(seq) => first,
            Some(_) | None => seq,
        };
        let last = match seq.checked_add(1) {
            Some(next) => self.ranges.remove(&next).unwrap_or(seq),
            None => seq,
        };
        self.ranges.insert(first, last);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_gap_is_named_and_heals() {
        let mut sequences = Sequences::default();
        for seq in [1, 2, 5, 4] {
            assert!(sequences.note("p", seq));
        }
        sequences.finish("p", 5);
        assert_eq!(sequences.gaps(), [("p", 3..=3)]);
        assert!(!sequences.complete());
        assert!(sequences.note("p", 3));
        assert!(!sequences.note("p", 3), "a repetition");
        assert!(sequences.complete());
    }

    #[test]
    fn nothing_seen_proves_nothing() {
        assert!(!Sequences::default().complete());
    }

    #[test]
    fn without_its_end_a_process_is_not_complete() {
        let mut sequences = Sequences::default();
        sequences.note("p", 1);
        assert!(sequences.gaps().is_empty());
        assert!(!sequences.complete());
    }

    proptest! {
        #[test]
        fn any_order_with_repetitions_is_complete(mut order in Just((1..=200_u64).collect::<Vec<_>>()).prop_shuffle(), again in 1..=200_u64) {
            order.push(again);
            let mut sequences = Sequences::default();
            let fresh = order.iter().filter(|seq| sequences.note("p", **seq)).count();
            sequences.finish("p", 200);
            prop_assert_eq!(fresh, 200);
            prop_assert!(sequences.complete());
            prop_assert_eq!(sequences.processes["p"].ranges.len(), 1);
        }

        #[test]
        fn any_numbers_never_panic(numbers in prop::collection::vec(any::<u64>(), 0..100)) {
            let mut sequences = Sequences::default();
            for number in numbers {
                sequences.note("p", number);
            }
            let _gaps = sequences.gaps();
        }
    }
}
