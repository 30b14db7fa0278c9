//! Owns all stacks, and lets happen to them what is due.

use std::collections::BTreeMap;
use std::time::Duration;

use super::script::StackScript;
use super::stack::{Action, Change, ChangeSet, Effect, Held, Stack, Timeline};
use super::world::{exists, make, unmake};
use crate::clock::Timestamp;
use crate::core::{Core, State};

/// Stacks by name, and those that are gone.
#[derive(Debug, Default)]
pub(crate) struct StackBook {
    pub(crate) scripts: BTreeMap<String, StackScript>,
    pub(crate) stacks: Vec<Stack>,
    /// How many operations each name has seen.
    operations: BTreeMap<String, usize>,
    /// How long a resource or a change set is in the making.
    pub(crate) step: Duration,
}

impl StackBook {
    /// By name the one that is not deleted, by ARN any.
    pub(crate) fn find(&mut self, name: &str) -> Option<&mut Stack> {
        self.stacks.iter_mut().rev().find(|stack| {
            stack.id == name || (stack.name == name && stack.status != "DELETE_COMPLETE")
        })
    }

    /// A new one.
    pub(crate) fn begin(&mut self, name: &str, id: String, status: &str) -> &mut Stack {
        self.stacks.push(Stack {
            name: name.to_owned(),
            id,
            status: status.to_owned(),
            parameters: BTreeMap::new(),
            tags: BTreeMap::new(),
            resources: BTreeMap::new(),
            events: Vec::new(),
            change_sets: BTreeMap::new(),
            due: std::collections::VecDeque::new(),
        });
        self.stacks.last_mut().expect("invariant: one was pushed")
    }

    /// What goes wrong in the operation that begins now.
    fn next_failure(&mut self, name: &str) -> Option<(String, String, bool)> {
        let count = self.operations.entry(name.to_owned()).or_default();
        *count += 1;
        let script = self.scripts.get(name)?;
        let failure = script.failures.iter().find(|failure| failure.operation == *count)?;
        Some((failure.logical_id.clone(), failure.reason.clone(), failure.for_good))
    }
}

/// An ARN for a stack.
pub(crate) fn new_id(core: &Core, name: &str) -> String {
    let id = core.random_id();
    core.identity.stack(name, &id)
}

/// Lets happen what is due.
pub(crate) fn play(state: &mut State, now: Timestamp) {
    for index in 0..state.stacks.stacks.len() {
        while let Some((at, step)) = {
            let stack = &mut state.stacks.stacks[index];
            stack.due.pop_front_if(|(at, _)| *at <= now)
        } {
            let stack = &mut state.stacks.stacks[index];
            if step.event.logical_id == stack.name {
                stack.status.clone_from(&step.event.status);
            }
            let tags = stack.tags.clone();
            stack.events.push(step.event);
            match step.effect {
                Effect::None => {}
                Effect::Make(held) => {
                    let thing = held.thing();
                    stack.resources.insert(held.script.logical_id.clone(), *held);
                    make(state, thing, tags, at);
                }
                Effect::Change(held) => {
                    stack.resources.insert(held.script.logical_id.clone(), *held);
                }
                Effect::Forget(logical_id) => {
                    stack.resources.remove(&logical_id);
                }
                Effect::Unmake(logical_id, thing) => {
                    stack.resources.remove(&logical_id);
                    unmake(state, &thing);
                }
            }
        }
    }
}

/// What a failure does to an operation.
struct Course {
    failure: Option<(String, String, bool)>,
}

impl Course {
    fn of(&self, state: &State, change: &Change) -> Option<(String, bool)> {
        let held = &change.resource;
        match &self.failure {
            Some((logical_id, reason, for_good)) if *logical_id == held.script.logical_id => {
                Some((reason.clone(), *for_good))
            }
            _ if change.action == Action::Add
                && exists(state, &held.script.kind, &held.physical_id) =>
            {
                let reason = format!(
                    "Resource handler returned message: \"Resource of type '{}' with identifier '{}' already \
                     exists.\" (HandlerErrorCode: AlreadyExists)",
                    held.script.kind, held.physical_id
                );
                Some((reason, false))
            }
            _ => None,
        }
    }
}

/// Begins to carry a change set out.
pub(crate) fn execute(
    state: &mut State,
    (name, id): (&str, &str),
    (set, token): (ChangeSet, &str),
    now: Timestamp,
) {
    let step = state.stacks.step;
    let course = Course { failure: state.stacks.next_failure(name) };
    let creating = state.stacks.find(id).is_some_and(|stack| stack.status == "REVIEW_IN_PROGRESS");
    let verb = if creating { "CREATE" } else { "UPDATE" };
    let mut timeline = Timeline::new((name, id), token, now, step);
    timeline.stack(&format!("{verb}_IN_PROGRESS"), "User Initiated");
    let mut done: Vec<&Change> = Vec::new();
    let mut failed = None;
    // Removals come last, as in a real update.
    let (removals, others): (Vec<&Change>, Vec<&Change>) =
        set.changes.iter().partition(|change| change.action == Action::Remove);
    for change in others {
        let held = &change.resource;
        let doing = if change.action == Action::Add { "CREATE" } else { "UPDATE" };
        timeline.resource(held, (&format!("{doing}_IN_PROGRESS"), ""), Effect::None);
        if let Some((reason, for_good)) = course.of(state, change) {
            timeline.resource(held, (&format!("{doing}_FAILED"), &reason), Effect::None);
            failed = Some(for_good);
            break;
        }
        let effect = match change.action {
            Action::Add => Effect::Make(Box::new(held.clone())),
            Action::Modify | Action::Remove => Effect::Change(Box::new(held.clone())),
        };
        timeline.resource(held, (&format!("{doing}_COMPLETE"), ""), effect);
        done.push(change);
    }
    match failed {
        None => {
            for change in removals {
                let held = &change.resource;
                if held.script.retained {
                    let effect = Effect::Forget(held.script.logical_id.clone());
                    timeline.resource(held, ("DELETE_SKIPPED", ""), effect);
                } else {
                    timeline.resource(held, ("DELETE_COMPLETE", ""), held.unmade());
                }
            }
            timeline.stack(&format!("{verb}_COMPLETE"), "");
        }
        Some(for_good) => {
            let rolling = if creating { "ROLLBACK" } else { "UPDATE_ROLLBACK" };
            timeline.stack(&format!("{rolling}_IN_PROGRESS"), "The following resource(s) failed.");
            for change in done.into_iter().rev().filter(|change| change.action == Action::Add) {
                timeline.resource(
                    &change.resource,
                    ("DELETE_COMPLETE", ""),
                    change.resource.unmade(),
                );
            }
            let end = if for_good { "FAILED" } else { "COMPLETE" };
            timeline.stack(&format!("{rolling}_{end}"), "");
        }
    }
    let steps = timeline.steps;
    if let Some(stack) = state.stacks.find(id) {
        if failed.is_none() || creating {
            stack.parameters = set.parameters;
            stack.tags = set.tags;
        }
        stack.change_sets.retain(|name, _| name == token);
        stack.due.extend(steps);
    }
    play(state, now);
}

/// Begins to delete a stack.
pub(crate) fn delete(state: &mut State, (name, id): (&str, &str), token: &str, now: Timestamp) {
    let step = state.stacks.step;
    let failure = state.stacks.next_failure(name);
    let Some(stack) = state.stacks.find(id) else { return };
    let held: Vec<Held> = stack.resources.values().cloned().collect();
    let mut timeline = Timeline::new((name, id), token, now, step);
    timeline.stack("DELETE_IN_PROGRESS", "User Initiated");
    let mut end = "DELETE_COMPLETE";
    for held in held.iter().rev() {
        match &failure {
            Some((logical_id, reason, _)) if *logical_id == held.script.logical_id => {
                timeline.resource(held, ("DELETE_FAILED", reason), Effect::None);
                end = "DELETE_FAILED";
            }
            _ if held.script.retained => {
                let effect = Effect::Forget(held.script.logical_id.clone());
                timeline.resource(held, ("DELETE_SKIPPED", ""), effect);
            }
            _ => timeline.resource(held, ("DELETE_COMPLETE", ""), held.unmade()),
        }
    }
    timeline.stack(end, "");
    let steps = timeline.steps;
    stack.due.extend(steps);
    play(state, now);
}

/// Begins to go on with a rollback.
pub(crate) fn continue_rollback(
    state: &mut State,
    (name, id): (&str, &str),
    token: &str,
    now: Timestamp,
) {
    let step = state.stacks.step;
    let failure = state.stacks.next_failure(name);
    let mut timeline = Timeline::new((name, id), token, now, step);
    timeline.stack("UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated");
    match failure {
        None => timeline.stack("UPDATE_ROLLBACK_COMPLETE", ""),
        Some((logical_id, reason, _)) => {
            let held =
                state.stacks.find(id).and_then(|stack| stack.resources.get(&logical_id).cloned());
            if let Some(held) = held {
                timeline.resource(&held, ("UPDATE_FAILED", &reason), Effect::None);
            }
            timeline.stack("UPDATE_ROLLBACK_FAILED", &reason);
        }
    }
    let steps = timeline.steps;
    if let Some(stack) = state.stacks.find(id) {
        stack.due.extend(steps);
    }
    play(state, now);
}
