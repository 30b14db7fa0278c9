//! Owns what CloudFormation says about a stack, as plain data. Empty texts stand for absent ones.

use std::collections::BTreeMap;

/// The resource that does nothing: a stack whose parts all exist already needs one too.
pub(crate) const MARKER: &str = "AWS::CloudFormation::WaitConditionHandle";

/// A stack. Statuses are kept as texts: AWS adds new ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Stack {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
}

/// A resource of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StackResource {
    pub(crate) logical_id: String,
    pub(crate) physical_id: String,
    pub(crate) kind: String,
    pub(crate) status: String,
}

/// Whether a change set is for a stack that has no resources yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeSetKind {
    Create,
    Update,
}

/// What a change set is asked for with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChangeSetRequest<'a> {
    pub(crate) stack: &'a str,
    /// Used once; also the token that marks the events of carrying it out.
    pub(crate) name: &'a str,
    pub(crate) kind: ChangeSetKind,
    pub(crate) template: &'a str,
    pub(crate) parameters: &'a BTreeMap<String, String>,
    pub(crate) tags: &'a BTreeMap<String, String>,
}

/// A change set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ChangeSet {
    /// Of the stack, which the change set may have brought to life.
    pub(crate) stack_id: String,
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) changes: Vec<ResourceChange>,
}

/// What a change set does to a resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ResourceChange {
    /// `Add`, `Modify`, `Remove`, `Import`, `Dynamic`.
    pub(crate) action: String,
    /// `Retain` and its kin, when the resource outlives its removal.
    pub(crate) policy_action: String,
    pub(crate) logical_id: String,
    pub(crate) physical_id: String,
    pub(crate) kind: String,
    /// `True`, `False`, `Conditional`.
    pub(crate) replacement: String,
    /// Property, or attribute such as `Tags`, and the parameter or resource that causes the change.
    pub(crate) causes: Vec<(String, String)>,
}

/// One event of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StackEvent {
    pub(crate) id: String,
    /// Of the call that began the operation.
    pub(crate) token: String,
    pub(crate) logical_id: String,
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) reason: String,
}

impl Stack {
    /// Whether an operation is under way. A stack that was never made waits for its first change
    /// set and calls itself `REVIEW_IN_PROGRESS`.
    pub(crate) fn is_busy(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS") && self.status != "REVIEW_IN_PROGRESS"
    }
}

impl StackEvent {
    /// Whether it is about the resource that does nothing.
    pub(crate) fn is_of_marker(&self) -> bool {
        self.kind == MARKER
    }

    /// Whether it is about the stack itself.
    pub(crate) fn is_of_stack(&self) -> bool {
        self.kind == "AWS::CloudFormation::Stack"
    }
}
