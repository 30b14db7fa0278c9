//! Owns telling a line that was read before from a second line that says the same, for lines
//! without a number. PURE, in constant memory.
//!
//! CloudWatch gives a log event no identity: time and text are all there is. So equal lines of one
//! millisecond all count, a page that begins with the end of the one before is recognised by its
//! order, and a second reading from the head is held against what was read last.

use super::tail::RawEvent;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

/// Lines that are remembered: 1.5 MB, and more than six pages of GetLogEvents.
const REMEMBERED: usize = 1 << 16;

/// The longest overlap of two pages that is recognised.
const OVERLAP: usize = 1 << 10;

/// Two lines that differ, in their order and of the same times: no coincidence any more.
const PROOF: usize = 2;

/// What was read of the lines without a number.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    hasher: RandomState,
    /// What was read last, in this reading.
    last: VecDeque<Key>,
    /// What is remembered over all readings.
    recent: VecDeque<Key>,
    /// The newest time of a line that is not remembered any more.
    forgotten: Option<i64>,
    /// While the log is read again: what of `recent` was not met yet.
    again: Option<HashMap<Key, u32>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    at: i64,
    text: u64,
}

impl Repeats {
    /// The next line comes from the head of the log again.
    pub(super) fn restart(&mut self) {
        let mut unmet = HashMap::new();
        for key in &self.recent {
            *unmet.entry(*key).or_default() += 1;
        }
        self.again = Some(unmet);
        self.last.clear();
    }

    /// How many of the first lines of this page were the last ones of the page before.
    pub(super) fn overlap(&self, page: &[&RawEvent]) -> usize {
        let keys: Vec<Key> = page.iter().take(OVERLAP).map(|event| self.key(event)).collect();
        let length = longest_border(&keys, self.last.iter().copied());
        let distinct = keys.windows(2).take(length.saturating_sub(1)).any(|two| two[0] != two[1]);
        if length >= PROOF && distinct { length } else { 0 }
    }

    /// Notes a line; false if it was read before.
    pub(super) fn note(&mut self, event: &RawEvent) -> bool {
        let key = self.key(event);
        if self.last.len() == OVERLAP {
            self.last.pop_front();
        }
        self.last.push_back(key);
        if let Some(unmet) = &mut self.again {
            if let Some(count) = unmet.get_mut(&key).filter(|count| **count > 0) {
                *count -= 1;
                return false;
            }
            if self.forgotten.is_some_and(|newest| key.at <= newest) {
                return false;
            }
        }
        if self.recent.len() == REMEMBERED
            && let Some(oldest) = self.recent.pop_front()
        {
            self.forgotten = self.forgotten.max(Some(oldest.at));
        }
        self.recent.push_back(key);
        true
    }

    fn key(&self, event: &RawEvent) -> Key {
        Key { at: event.at, text: self.hasher.hash_one(&event.message) }
    }
}

/// The length of the longest beginning of `page` with which `before` ends (Knuth, Morris, Pratt).
fn longest_border(page: &[Key], before: impl Iterator<Item = Key>) -> usize {
    let mut borders = vec![0; page.len()];
    for position in 1..page.len() {
        borders[position] = extended(page, &borders, borders[position - 1], page[position]);
    }
    before.fold(0, |length, key| extended(page, &borders, length, key))
}

/// The longest beginning of `page` that ends with `key`, after one of this length.
fn extended(page: &[Key], borders: &[usize], mut length: usize, key: Key) -> usize {
    while length > 0 && page.get(length) != Some(&key) {
        length = borders[length - 1];
    }
    if page.get(length) == Some(&key) { length + 1 } else { length }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<RawEvent> {
        text.chars().map(|letter| RawEvent { at: 7, message: letter.to_string() }).collect()
    }

    fn overlap_of(before: &str, page: &str) -> usize {
        let mut repeats = Repeats::default();
        for event in lines(before) {
            assert!(repeats.note(&event));
        }
        repeats.overlap(&lines(page).iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_page_that_begins_with_the_end_of_the_last_one() {
        for (before, page, expected) in [
            ("abcde", "cdefg", 3),
            ("abcde", "abcde", 5),
            ("abab", "ababc", 4),
            ("xabab", "abab", 4),
            ("abcde", "fgh", 0),
            ("abcde", "bcdf", 0),
            ("", "abc", 0),
            ("abc", "", 0),
            // One line, or one line many times: both may have been written again.
            ("abcde", "efg", 0),
            ("aaaa", "aaab", 0),
        ] {
            assert_eq!(overlap_of(before, page), expected, "{before} {page}");
        }
    }

    #[test]
    fn a_second_reading_brings_only_what_is_new() {
        let mut repeats = Repeats::default();
        assert!(lines("abca").iter().all(|line| repeats.note(line)));
        for _ in 0..2 {
            repeats.restart();
            let fresh: Vec<bool> = lines("abca").iter().map(|line| repeats.note(line)).collect();
            assert_eq!(fresh, [false; 4]);
        }
        assert!(repeats.note(&lines("a")[0]), "the third one is new");
    }

    #[test]
    fn pages_of_a_second_reading_overlap_too() {
        let mut repeats = Repeats::default();
        assert!(lines("abcd").iter().all(|line| repeats.note(line)));
        repeats.restart();
        assert!(lines("abc").iter().all(|line| !repeats.note(line)));
        assert_eq!(repeats.overlap(&lines("bcdx").iter().collect::<Vec<_>>()), 2);
        let fresh: Vec<bool> = lines("dx").iter().map(|line| repeats.note(line)).collect();
        assert_eq!(fresh, [false, true]);
    }

    #[test]
    fn memory_has_an_end_and_what_it_let_go_is_not_shown_again() {
        let number = |number: usize| RawEvent {
            at: i64::try_from(number).unwrap(),
            message: number.to_string(),
        };
        let many = 3 * REMEMBERED;
        let mut repeats = Repeats::default();
        assert!((0..many).all(|line| repeats.note(&number(line))));
        assert_eq!(repeats.recent.len(), REMEMBERED);
        repeats.restart();
        assert!((0..many).all(|line| !repeats.note(&number(line))));
        assert!(repeats.note(&number(many)));
    }
}
