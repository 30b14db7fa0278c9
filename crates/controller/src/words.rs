//! Owns small matters of wording: plurals, durations, and the nearest known word.

use std::time::Duration;

/// `1 line`, `2 lines`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `812 bytes`, `41 kB`, `3.1 MB`.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => count(bytes, "byte"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// `41 ms`, `1.2 s`, `2 m 05 s`, `1 h 00 m`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.as_millis() < 1000 => format!("{} ms", duration.as_millis()),
        0..=59 => format!("{}.{} s", seconds, duration.subsec_millis() / 100),
        60..=3599 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// The known word that is nearest to `word`, if one is near enough to have been meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words; two neighbours that changed places are one edit.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for row in 1..=left.len() {
        let mut current = vec![row; right.len() + 1];
        for column in 1..=right.len() {
            let changed = usize::from(left[row - 1] != right[column - 1]);
            let mut best = (rows[row - 1][column] + 1)
                .min(current[column - 1] + 1)
                .min(rows[row - 1][column - 1] + changed);
            let swapped = row > 1
                && column > 1
                && left[row - 1] == right[column - 2]
                && left[row - 2] == right[column - 1];
            if swapped {
                best = best.min(rows[row - 2][column - 2] + 1);
            }
            current[column] = best;
        }
        rows.push(current);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_word_and_nonsense_does_not() {
        let known = ["cluster", "container", "image"];
        assert_eq!(nearest("clutser", known), Some("cluster"));
        assert_eq!(nearest("imgae", known), Some("image"));
        assert_eq!(nearest("retries", known), None);
    }

    #[test]
    fn durations_read_well() {
        for (milliseconds, text) in
            [(41, "41 ms"), (1_250, "1.2 s"), (125_000, "2 m 05 s"), (3_600_000, "1 h 00 m")]
        {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in
            [(0, "0 bytes"), (999, "999 bytes"), (41_900, "41 kB"), (3_190_000, "3.1 MB")]
        {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(count(1, "line"), "1 line");
        assert_eq!(count(0, "line"), "0 lines");
    }
}
