//! Owns what may not change in a history that others have. PURE.

use super::base::Base;
use migrations::hazard::{Finding, Rule};
use migrations::order;
use std::borrow::Cow;

/// Holds what is on disk (name and script) against the base branch; with each finding the name of
/// its migration.
pub(super) fn differences(base: &Base, here: &[(String, Cow<'_, str>)]) -> Vec<(String, Finding)> {
    let mut findings = Vec::new();
    let mut say = |name: &str, rule, sentence| {
        findings.push((name.to_owned(), Finding::of_file(rule, name, sentence)));
    };
    for name in &base.edited {
        say(name, Rule::Edited, format!("`{name}` is not as it is on the base branch"));
    }
    let newest = base.names.iter().max_by(|a, b| order::compare(a, b));
    let mut moved = Vec::new();
    for (name, script) in &base.gone {
        let now = here.iter().find(|(new, text)| !base.names.contains(new) && **text == **script);
        if let Some((new, _)) = now {
            moved.push(new.clone());
            say(new, Rule::Renamed, format!("`{new}` was `{name}` on the base branch"));
        } else {
            say(name, Rule::Deleted, format!("`{name}` is on the base branch and not here"));
        }
    }
    for (name, _) in here.iter().filter(|(name, _)| !base.names.contains(name)) {
        if let Some(newest) = newest
            && order::compare(name, newest).is_lt()
            && !moved.contains(name)
        {
            let sentence = format!("`{name}` is new, but the base branch has the newer `{newest}`");
            say(name, Rule::OutOfOrder, sentence);
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_only_grows() {
        let base = Base {
            commit: "abc".to_owned(),
            names: ["1_a", "2_b", "3_c", "4_d"].map(str::to_owned).into(),
            edited: ["1_a".to_owned()].into(),
            gone: [("2_b", "B"), ("3_c", "C")].map(|(n, s)| (n.to_owned(), s.to_owned())).into(),
        };
        let here = [("1_a", "A"), ("2_bb", "B"), ("30_late", "L"), ("4_d", "D"), ("5_e", "E")]
            .map(|(name, script)| (name.to_owned(), Cow::Borrowed(script)));
        let found: Vec<String> =
            differences(&base, &here).iter().map(|(_, finding)| finding.name()).collect();
        assert_eq!(
            found,
            [
                "edited-migration:1_a",
                "renamed-migration:2_bb",
                "deleted-migration:3_c",
                "out-of-order-migration:30_late"
            ]
        );
    }
}
