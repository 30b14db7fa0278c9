//! Owns what the state of a stack means for who wants it up to date. PURE and total.

use super::stack::Stack;

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// A change set that makes the stack.
    Create,
    /// A change set that changes it.
    Update,
    /// An operation is under way: its end decides.
    Wait,
    /// What a failed creation or deletion left has to go before the stack can be made.
    DeleteLeftovers,
    /// The last update failed and so did its rollback.
    ContinueRollback,
    /// Somebody left it in a state that only he understands; the text says what to do.
    Refuse(&'static str),
}

/// The next step (CloudFormation User Guide, "Stack status codes").
pub(crate) fn next(stack: Option<&Stack>) -> Next {
    let Some(stack) = stack else { return Next::Create };
    match stack.status.as_str() {
        "DELETE_COMPLETE" | "REVIEW_IN_PROGRESS" => Next::Create,
        "CREATE_COMPLETE"
        | "UPDATE_COMPLETE"
        | "UPDATE_ROLLBACK_COMPLETE"
        | "IMPORT_COMPLETE"
        | "IMPORT_ROLLBACK_COMPLETE" => Next::Update,
        "CREATE_FAILED" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "DELETE_FAILED" => {
            Next::DeleteLeftovers
        }
        "UPDATE_ROLLBACK_FAILED" => Next::ContinueRollback,
        "UPDATE_FAILED" => Next::Refuse(
            "somebody updated it with rollback disabled: `aws cloudformation rollback-stack` \
             takes it back, then run setup-infra again",
        ),
        "IMPORT_ROLLBACK_FAILED" => Next::Refuse(
            "an import failed and so did its rollback: finish it in the CloudFormation console, \
             then run setup-infra again",
        ),
        busy if busy.ends_with("_IN_PROGRESS") => Next::Wait,
        _ => Next::Refuse("this version of ecs-migrate does not know the state"),
    }
}

/// Why the stack is in a state that has to be mended first, in a sentence.
pub(crate) fn explain(status: &str) -> &'static str {
    match status {
        "CREATE_FAILED" => "its creation failed",
        "ROLLBACK_COMPLETE" => "its creation failed and was rolled back; it can only be deleted",
        "ROLLBACK_FAILED" => "its creation failed, and so did taking it back",
        "DELETE_FAILED" => "its deletion failed half-way",
        "UPDATE_ROLLBACK_FAILED" => "its last update failed, and so did taking that back",
        _ => "it is not in a state to be changed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_next_step() {
        for (status, expected) in [
            ("REVIEW_IN_PROGRESS", Next::Create),
            ("DELETE_COMPLETE", Next::Create),
            ("CREATE_COMPLETE", Next::Update),
            ("UPDATE_COMPLETE", Next::Update),
            ("UPDATE_ROLLBACK_COMPLETE", Next::Update),
            ("IMPORT_COMPLETE", Next::Update),
            ("IMPORT_ROLLBACK_COMPLETE", Next::Update),
            ("CREATE_FAILED", Next::DeleteLeftovers),
            ("ROLLBACK_COMPLETE", Next::DeleteLeftovers),
            ("ROLLBACK_FAILED", Next::DeleteLeftovers),
            ("DELETE_FAILED", Next::DeleteLeftovers),
            ("UPDATE_ROLLBACK_FAILED", Next::ContinueRollback),
            ("CREATE_IN_PROGRESS", Next::Wait),
            ("ROLLBACK_IN_PROGRESS", Next::Wait),
            ("DELETE_IN_PROGRESS", Next::Wait),
            ("UPDATE_IN_PROGRESS", Next::Wait),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Next::Wait),
            ("UPDATE_ROLLBACK_IN_PROGRESS", Next::Wait),
            ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", Next::Wait),
            ("IMPORT_IN_PROGRESS", Next::Wait),
            ("IMPORT_ROLLBACK_IN_PROGRESS", Next::Wait),
        ] {
            let stack = Stack { status: status.to_owned(), ..Stack::default() };
            assert_eq!(next(Some(&stack)), expected, "{status}");
        }
        assert_eq!(next(None), Next::Create);
        for status in ["UPDATE_FAILED", "IMPORT_ROLLBACK_FAILED", "STATE_OF_TOMORROW"] {
            let stack = Stack { status: status.to_owned(), ..Stack::default() };
            assert!(matches!(next(Some(&stack)), Next::Refuse(_)), "{status}");
        }
    }
}
