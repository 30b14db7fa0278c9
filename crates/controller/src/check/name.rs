//! Owns whether a migration's name says something. PURE.

use migrations::hazard::{Finding, Rule};

/// What people call a migration when they do not call it anything.
const NOTHING: [&str; 14] = [
    "change",
    "changes",
    "fix",
    "fixes",
    "migration",
    "misc",
    "new",
    "schema",
    "stuff",
    "temp",
    "test",
    "tmp",
    "update",
    "wip",
];

/// What is wrong with a name.
pub(super) fn complaint(name: &str) -> Option<Finding> {
    let digits = name.chars().take_while(char::is_ascii_digit).count();
    let (number, words) = name.split_at(digits);
    let words = words.trim_start_matches('_');
    if number.is_empty() {
        let sentence = format!("`{name}` has no timestamp, so it comes behind every one that has");
        return Some(Finding::of_file(Rule::BadName, name, sentence));
    }
    let bare = words.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_').to_lowercase();
    let says_nothing = bare.len() < 2 || NOTHING.contains(&bare.as_str());
    says_nothing
        .then(|| Finding::of_file(Rule::EmptyName, name, format!("the name `{name}` says nothing")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_timestamp_and_says_something() {
        for (name, rule) in [
            ("20260101000000_add_users", None),
            ("0_init", None),
            ("20260101000000_changes2", Some(Rule::EmptyName)),
            ("20260101000000", Some(Rule::EmptyName)),
            ("20260101000000_", Some(Rule::EmptyName)),
            ("add_users", Some(Rule::BadName)),
        ] {
            assert_eq!(complaint(name).map(|finding| finding.rule), rule, "{name}");
        }
    }
}
