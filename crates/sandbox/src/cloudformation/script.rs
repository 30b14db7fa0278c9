//! Owns what a test says about a stack: its resources, its outputs, and what goes wrong. No template is read.

use std::collections::BTreeMap;

/// How a stack behaves. `${Name}` in ids and outputs stands for the parameter of that name, `${AccountId}` and
/// `${Region}` for the sandbox's own.
#[derive(Clone, Debug, Default)]
pub struct StackScript {
    pub(crate) resources: Vec<ResourceScript>,
    pub(crate) outputs: Vec<(String, String)>,
    pub(crate) failures: Vec<Failure>,
    pub(crate) begins: Option<Beginning>,
}

/// What a parameter must be for a resource to be wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Is(String),
    Set,
}

impl Wanted {
    pub(crate) fn holds(&self, value: &str) -> bool {
        match self {
            Self::Is(wanted) => wanted == value,
            Self::Set => !value.is_empty(),
        }
    }
}

/// A resource of a scripted stack.
#[derive(Clone, Debug)]
pub struct ResourceScript {
    pub(crate) logical_id: String,
    pub(crate) kind: String,
    pub(crate) physical_id: String,
    /// All of them must hold.
    pub(crate) conditions: Vec<(String, Wanted)>,
    pub(crate) reads: Vec<(String, String)>,
    pub(crate) retained: bool,
}

/// What goes wrong in one operation of a stack, counted from 1: change sets that are carried out, deletions,
/// rollbacks that are continued.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) operation: usize,
    pub(crate) logical_id: String,
    pub(crate) reason: String,
    /// The rollback fails as well.
    pub(crate) for_good: bool,
}

/// A stack that is there from the start, without resources.
#[derive(Clone, Debug)]
pub(crate) struct Beginning {
    pub(crate) status: String,
    pub(crate) tags: BTreeMap<String, String>,
}

impl StackScript {
    /// An empty stack.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more resource.
    #[must_use]
    pub fn resource(mut self, resource: ResourceScript) -> Self {
        self.resources.push(resource);
        self
    }

    /// One more output.
    #[must_use]
    pub fn output(mut self, name: &str, value: &str) -> Self {
        self.outputs.push((name.to_owned(), value.to_owned()));
        self
    }

    /// In the given operation the resource fails for this reason, and everything is rolled back.
    #[must_use]
    pub fn fails(mut self, operation: usize, logical_id: &str, reason: &str) -> Self {
        self.failures.push(Failure {
            operation,
            logical_id: logical_id.to_owned(),
            reason: reason.to_owned(),
            for_good: false,
        });
        self
    }

    /// As [`Self::fails`], and the rollback fails too.
    #[must_use]
    pub fn fails_for_good(mut self, operation: usize, logical_id: &str, reason: &str) -> Self {
        self = self.fails(operation, logical_id, reason);
        if let Some(failure) = self.failures.last_mut() {
            failure.for_good = true;
        }
        self
    }

    /// The stack is there from the start, in this status and with these tags.
    #[must_use]
    pub fn begins(mut self, status: &str, tags: &[(&str, &str)]) -> Self {
        let tags = tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.begins = Some(Beginning { status: status.to_owned(), tags: tags.collect() });
        self
    }
}

impl ResourceScript {
    /// A resource that is always wanted.
    pub fn new(logical_id: &str, kind: &str, physical_id: &str) -> Self {
        Self {
            logical_id: logical_id.to_owned(),
            kind: kind.to_owned(),
            physical_id: physical_id.to_owned(),
            conditions: Vec::new(),
            reads: Vec::new(),
            retained: false,
        }
    }

    /// Only wanted while the parameter has this value, and every other condition holds.
    #[must_use]
    pub fn when(mut self, parameter: &str, value: &str) -> Self {
        self.conditions.push((parameter.to_owned(), Wanted::Is(value.to_owned())));
        self
    }

    /// Only wanted while the parameter is not empty, and every other condition holds.
    #[must_use]
    pub fn when_set(mut self, parameter: &str) -> Self {
        self.conditions.push((parameter.to_owned(), Wanted::Set));
        self
    }

    /// A change of the parameter changes this property.
    #[must_use]
    pub fn reads(mut self, parameter: &str, property: &str) -> Self {
        self.reads.push((parameter.to_owned(), property.to_owned()));
        self
    }

    /// Outlives its stack.
    #[must_use]
    pub fn retained(mut self) -> Self {
        self.retained = true;
        self
    }
}
