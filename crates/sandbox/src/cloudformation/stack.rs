//! Owns one stack: what it has, what happens to it and when.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::script::ResourceScript;
use super::world::{Tags, Thing};
use crate::clock::Timestamp;

#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) parameters: Tags,
    pub(crate) tags: Tags,
    /// By logical id.
    pub(crate) resources: BTreeMap<String, Held>,
    /// Oldest first.
    pub(crate) events: Vec<StackEvent>,
    pub(crate) change_sets: BTreeMap<String, ChangeSet>,
    pub(crate) due: VecDeque<(Timestamp, Step)>,
}

/// A resource that the stack has.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) script: ResourceScript,
    pub(crate) physical_id: String,
    pub(crate) status: String,
}

#[derive(Clone, Debug)]
pub(crate) struct StackEvent {
    pub(crate) at: Timestamp,
    pub(crate) token: String,
    pub(crate) logical_id: String,
    pub(crate) physical_id: String,
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) reason: String,
}

#[derive(Clone, Debug)]
pub(crate) struct ChangeSet {
    pub(crate) made_at: Timestamp,
    pub(crate) parameters: Tags,
    pub(crate) tags: Tags,
    pub(crate) changes: Vec<Change>,
    pub(crate) executed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Add,
    Modify,
    Remove,
}

#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) action: Action,
    pub(crate) resource: Held,
    /// Property and parameter.
    pub(crate) causes: Vec<(String, String)>,
}

/// An event and what it does.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) event: StackEvent,
    pub(crate) effect: Effect,
}

#[derive(Clone, Debug)]
pub(crate) enum Effect {
    None,
    /// The stack has it now, and the world too.
    Make(Box<Held>),
    Change(Box<Held>),
    /// The stack has it no more.
    Forget(String),
    /// The stack has it no more, and the world neither.
    Unmake(String, Thing),
}

/// The steps of one operation, one after the other.
#[derive(Debug)]
pub(crate) struct Timeline<'a> {
    stack: (&'a str, &'a str),
    token: &'a str,
    at: Timestamp,
    /// How long a resource takes.
    step: Duration,
    pub(crate) steps: Vec<(Timestamp, Step)>,
}

impl<'a> Timeline<'a> {
    pub(crate) fn new(
        stack: (&'a str, &'a str),
        token: &'a str,
        at: Timestamp,
        step: Duration,
    ) -> Self {
        Self { stack, token, at, step, steps: Vec::new() }
    }

    /// The stack itself says something.
    pub(crate) fn stack(&mut self, status: &str, reason: &str) {
        let (name, id) = self.stack;
        let event = self.event((name, id, "AWS::CloudFormation::Stack"), status, reason);
        self.steps.push((self.at, Step { event, effect: Effect::None }));
    }

    /// A resource says something, after a while.
    pub(crate) fn resource(&mut self, held: &Held, (status, reason): (&str, &str), effect: Effect) {
        if !status.ends_with("_IN_PROGRESS") {
            self.at = self.at.after(self.step);
        }
        let script = &held.script;
        let of = (script.logical_id.as_str(), held.physical_id.as_str(), script.kind.as_str());
        let event = self.event(of, status, reason);
        self.steps.push((self.at, Step { event, effect }));
    }

    fn event(
        &self,
        (logical, physical, kind): (&str, &str, &str),
        status: &str,
        reason: &str,
    ) -> StackEvent {
        StackEvent {
            at: self.at,
            token: self.token.to_owned(),
            logical_id: logical.to_owned(),
            physical_id: physical.to_owned(),
            kind: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

impl Held {
    /// With its parameters filled in.
    pub(crate) fn new(script: &ResourceScript, parameters: &Tags) -> Self {
        Self {
            physical_id: fill(&script.physical_id, parameters),
            script: script.clone(),
            status: "CREATE_COMPLETE".to_owned(),
        }
    }

    pub(crate) fn thing(&self) -> Thing {
        (self.script.kind.clone(), self.physical_id.clone())
    }

    pub(crate) fn unmade(&self) -> Effect {
        Effect::Unmake(self.script.logical_id.clone(), self.thing())
    }
}

/// Puts parameters in the place of `${Name}`.
pub(crate) fn fill(text: &str, parameters: &Tags) -> String {
    let mut filled = text.to_owned();
    for (name, value) in parameters {
        filled = filled.replace(&format!("${{{name}}}"), value);
    }
    filled
}

/// What differs between what a stack has and what its script wants for these parameters.
pub(crate) fn changes(
    stack: &Stack,
    resources: &[ResourceScript],
    parameters: &Tags,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for script in resources {
        let value = |name: &String| parameters.get(name).map_or("", String::as_str);
        let wanted = script.conditions.iter().all(|(name, wanted)| wanted.holds(value(name)));
        let resource = Held::new(script, parameters);
        let causes: Vec<(String, String)> = script
            .reads
            .iter()
            .filter(|(name, _)| stack.parameters.get(name) != parameters.get(name))
            .map(|(name, property)| (property.clone(), name.clone()))
            .collect();
        match (stack.resources.get(&script.logical_id), wanted) {
            (None, true) => {
                changes.push(Change { action: Action::Add, resource, causes: Vec::new() });
            }
            (Some(held), false) => {
                changes.push(Change {
                    action: Action::Remove,
                    resource: held.clone(),
                    causes: Vec::new(),
                });
            }
            (Some(_), true) if !causes.is_empty() => {
                changes.push(Change { action: Action::Modify, resource, causes });
            }
            (Some(_), true) | (None, false) => {}
        }
    }
    changes
}
