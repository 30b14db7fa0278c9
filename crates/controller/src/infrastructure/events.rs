//! Owns what the events of a stack say: which are new, how far it is, why it failed. PURE.

use super::stack::StackEvent;
use std::collections::BTreeSet;

/// Reasons of resources that failed only because another one had.
const CONSEQUENCES: [&str; 2] = ["cancelled", "canceled"];

/// The events of one operation, as they are read page by page.
#[derive(Debug, Default)]
pub(crate) struct Operation {
    /// Of the call that began it; empty for what somebody else began.
    token: String,
    shown: BTreeSet<String>,
    seen: Vec<StackEvent>,
}

impl Operation {
    /// The operation that began with this token.
    pub(crate) fn of(token: &str) -> Self {
        Self { token: token.to_owned(), ..Self::default() }
    }

    /// The operation of the newest event, whoever began it.
    pub(crate) fn newest(newest_first: &[StackEvent]) -> Self {
        Self::of(newest_first.first().map_or("", |event| event.token.as_str()))
    }

    /// Takes what was read, newest first; gives back what is new, oldest first, and how many
    /// resources were through by then.
    pub(crate) fn take(&mut self, newest_first: Vec<StackEvent>) -> Vec<(StackEvent, usize)> {
        let mut new = Vec::new();
        for event in newest_first.into_iter().rev() {
            if event.token == self.token && self.shown.insert(event.id.clone()) {
                self.seen.push(event.clone());
                new.push((event, self.done()));
            }
        }
        new
    }

    /// Whether the stack itself has said how the operation ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.seen
            .iter()
            .rev()
            .find(|event| event.is_of_stack())
            .is_some_and(|event| !event.status.ends_with("_IN_PROGRESS"))
    }

    /// How many resources are through.
    fn done(&self) -> usize {
        let through: BTreeSet<&str> = self
            .seen
            .iter()
            .filter(|event| !event.is_of_stack() && !event.is_of_marker())
            .filter(|event| event.status.ends_with("_COMPLETE") || event.status == "DELETE_SKIPPED")
            .map(|event| event.logical_id.as_str())
            .collect();
        through.len()
    }

    /// The first failure that is not the consequence of another.
    pub(crate) fn cause(&self) -> Option<&StackEvent> {
        let failed = |event: &&StackEvent| event.status.ends_with("_FAILED");
        let mut failures = self.seen.iter().filter(failed).filter(|event| !event.is_of_stack());
        let first = failures.clone().next();
        failures
            .find(|event| {
                let reason = event.reason.to_ascii_lowercase();
                !CONSEQUENCES.iter().any(|word| reason.contains(word))
            })
            .or(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, logical_id: &str, status: &str, reason: &str) -> StackEvent {
        let kind =
            if logical_id == "app" { "AWS::CloudFormation::Stack" } else { "AWS::IAM::Role" };
        StackEvent {
            id: id.to_owned(),
            token: "t".to_owned(),
            logical_id: logical_id.to_owned(),
            kind: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn events_come_once_in_their_order_and_others_operations_are_left_out() {
        let other =
            StackEvent { token: "u".to_owned(), ..event("0", "app", "CREATE_COMPLETE", "") };
        let begun = event("1", "app", "UPDATE_IN_PROGRESS", "User Initiated");
        let role = event("2", "A", "UPDATE_COMPLETE", "");
        let ended = event("3", "app", "UPDATE_COMPLETE", "");
        let mut operation = Operation::of("t");
        assert_eq!(operation.take(vec![begun.clone(), other.clone()]), [(begun.clone(), 0)]);
        assert!(!operation.has_ended());
        let page = vec![ended.clone(), role.clone(), begun, other];
        assert_eq!(operation.take(page), [(role, 1), (ended, 1)]);
        assert!(operation.has_ended());
    }

    #[test]
    fn the_cause_is_the_first_failure_that_nothing_else_caused() {
        let mut operation = Operation::of("t");
        operation.take(vec![
            event("4", "app", "ROLLBACK_COMPLETE", ""),
            event("3", "B", "CREATE_FAILED", "already exists"),
            event("2", "A", "CREATE_FAILED", "Resource creation cancelled"),
            event("1", "app", "CREATE_IN_PROGRESS", "User Initiated"),
        ]);
        assert_eq!(operation.cause().unwrap().logical_id, "B");
    }
}
