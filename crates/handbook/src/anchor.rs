//! Owns what a heading is called in a link, which GitHub and mdBook agree on for what we write.

use std::collections::BTreeMap;

/// Names for the headings of one page, in their order: a name that was there before gets a number.
#[derive(Debug, Default)]
pub struct Anchors {
    seen: BTreeMap<String, u32>,
}

impl Anchors {
    /// The name of the next heading: lower case, spaces as `-`, and of all other signs only `-` and `_`.
    pub fn next(&mut self, heading: &str) -> String {
        let kept = |sign: char| match sign {
            ' ' => Some('-'),
            '-' | '_' => Some(sign),
            letter if letter.is_alphanumeric() => Some(letter),
            _ => None,
        };
        let name: String = heading.to_lowercase().chars().filter_map(kept).collect();
        let count = self.seen.entry(name.clone()).and_modify(|count| *count += 1).or_insert(0);
        if *count == 0 { name } else { format!("{name}-{count}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_have_names() {
        let table = [
            ("What is in it", "what-is-in-it"),
            ("--on-finish", "--on-finish"),
            ("exec -- CMD: any command", "exec----cmd-any-command"),
            ("What is in it", "what-is-in-it-1"),
            ("When it's red?", "when-its-red"),
        ];
        let mut anchors = Anchors::default();
        for (heading, name) in table {
            assert_eq!(anchors.next(heading), name);
        }
    }
}
