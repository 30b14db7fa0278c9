//! Owns what will happen to a stack, line by line, with the reason. PURE.

use super::choice::Choice;
use super::part::{Part, Presence};
use super::stack::{ChangeSet, MARKER, ResourceChange};
use std::collections::BTreeMap;

/// What happens to one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Change,
    /// The old one goes, another one comes.
    Replace,
    Remove,
    /// It leaves the stack and stays.
    Leave,
    Adopt,
    Restore,
    /// Something in the way goes first.
    Mend,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlanLine {
    pub(crate) verb: Verb,
    pub(crate) what: String,
    pub(crate) reason: String,
}

/// What will happen to one stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) stack: String,
    pub(crate) lines: Vec<PlanLine>,
}

impl PlanLine {
    /// A line.
    pub(crate) fn new(verb: Verb, what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { verb, what: what.into(), reason: reason.into() }
    }
}

/// What is known when the lines are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Knowledge<'a> {
    pub(crate) choices: &'a BTreeMap<Part, Choice>,
    pub(crate) presences: &'a BTreeMap<Part, Presence>,
    /// The parameters that the template gets.
    pub(crate) parameters: &'a BTreeMap<String, String>,
    /// The parameters that it has.
    pub(crate) deployed: &'a BTreeMap<String, String>,
}

impl Knowledge<'_> {
    fn name(&self, part: Part) -> String {
        let own = part.name_parameter().and_then(|name| self.parameters.get(name));
        let name = own.map_or("", String::as_str);
        format!("{} {name}", part.words()).trim_end().to_owned()
    }

    /// The lines that the parts alone explain.
    fn part_lines(&self) -> Vec<PlanLine> {
        let mut lines = Vec::new();
        for (part, choice) in self.choices {
            match choice {
                Choice::Adopt(id) if !self.has_adopted(*part, id) => {
                    let named = self.name(*part);
                    let what = if part.name_parameter().is_some_and(|_| id.ends_with(last(&named)))
                    {
                        named
                    } else {
                        format!("{} {id}", part.words())
                    };
                    let reason = "exists already and is used as it is";
                    lines.push(PlanLine::new(Verb::Adopt, what, reason));
                }
                Choice::Restore(_) => {
                    let reason = "somebody deleted it; the stack forgets it, then makes it again";
                    lines.push(PlanLine::new(Verb::Restore, self.name(*part), reason));
                }
                Choice::Adopt(_)
                | Choice::Keep
                | Choice::Create
                | Choice::Missing(_)
                | Choice::None => {}
            }
        }
        lines
    }

    /// Whether the deployed stack uses it already.
    fn has_adopted(&self, part: Part, id: &str) -> bool {
        use super::part::Switch;
        match part.switch() {
            Switch::Flag(name) => {
                let same = part
                    .name_parameter()
                    .is_none_or(|name| self.deployed.get(name) == self.parameters.get(name));
                same && self.deployed.get(name).is_some_and(|value| value == "false")
            }
            Switch::Existing(name) => self.deployed.get(name).is_some_and(|value| value == id),
        }
    }

    /// What is made although it could not be looked for.
    fn blind(&self, part: Part) -> bool {
        matches!(self.presences.get(&part), Some(Presence::Unknown(_)))
    }

    /// What a stack that cannot take a change set yet will get once it is mended.
    pub(crate) fn lines_without_change_set(&self) -> Vec<PlanLine> {
        let mut lines = self.part_lines();
        for (part, choice) in self.choices {
            if *choice == Choice::Create {
                lines.push(PlanLine::new(Verb::Create, self.name(*part), self.why_create(*part)));
            }
        }
        lines
    }

    fn why_create(&self, part: Part) -> &'static str {
        if self.blind(part) {
            "whether it exists may not be looked up; if it does, this will fail"
        } else {
            "does not exist"
        }
    }

    /// The lines of a change set.
    pub(crate) fn lines(&self, change_set: &ChangeSet) -> Vec<PlanLine> {
        let mut lines = self.part_lines();
        for change in &change_set.changes {
            let part = Part::of(&change.logical_id);
            let choice = part.and_then(|part| self.choices.get(&part));
            // The line of the part says it, and better.
            let told = change.kind == MARKER
                || matches!(choice, Some(Choice::Restore(_)))
                || (change.action == "Add"
                    && matches!(choice, Some(Choice::Adopt(_) | Choice::None)));
            if !told {
                lines.push(self.line(change, part));
            }
        }
        lines
    }

    fn line(&self, change: &ResourceChange, part: Option<Part>) -> PlanLine {
        let what = part.map_or_else(
            || format!("{} {} {}", change.kind, change.logical_id, change.physical_id),
            |part| self.name(part),
        );
        let what = what.trim_end().to_owned();
        match change.action.as_str() {
            "Add" => {
                PlanLine::new(Verb::Create, what, part.map_or("", |part| self.why_create(part)))
            }
            "Import" => PlanLine::new(Verb::Adopt, what, "exists already"),
            "Remove"
                if change.policy_action.starts_with("Retain")
                    || part.is_some_and(Part::is_retained) =>
            {
                PlanLine::new(Verb::Leave, what, "no longer part of the stack; it stays")
            }
            "Remove" => PlanLine::new(Verb::Remove, what, "no longer asked for"),
            _ => {
                let (verb, before) = match change.replacement.as_str() {
                    "True" => (Verb::Replace, ""),
                    "Conditional" => (Verb::Change, "perhaps by another one: "),
                    _ => (Verb::Change, ""),
                };
                PlanLine::new(verb, what, format!("{before}{}", self.causes(change)))
            }
        }
    }

    /// `RetentionInDays: LogRetentionInDays is 90 instead of 30`.
    fn causes(&self, change: &ResourceChange) -> String {
        let mut causes: Vec<String> = Vec::new();
        // AWS tells of a property twice: that it changes, and which parameter is behind it.
        let explained = |property: &String| {
            change.causes.iter().any(|(other, cause)| other == property && !cause.is_empty())
        };
        for (property, cause) in &change.causes {
            if cause.is_empty() && explained(property) {
                continue;
            }
            let text = match (self.deployed.get(cause), self.parameters.get(cause)) {
                (Some(before), Some(after)) if before != after => {
                    let shown = |value: &str| {
                        if value.is_empty() { "nothing".to_owned() } else { value.to_owned() }
                    };
                    format!("{property}: {cause} is {} instead of {}", shown(after), shown(before))
                }
                (None, Some(after)) => format!("{property}: {cause} is {after}"),
                _ if cause.is_empty() => property.clone(),
                _ => format!("{property}: because of {cause}"),
            };
            if !text.is_empty() && !causes.contains(&text) {
                causes.push(text);
            }
        }
        if causes.is_empty() { "the template changed".to_owned() } else { causes.join("; ") }
    }
}

fn last(words: &str) -> &str {
    words.rsplit(' ').next().unwrap_or_default()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
