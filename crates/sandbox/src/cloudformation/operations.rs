//! Owns CloudFormation's API: change sets and stacks, in the words of AWS.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};

use super::book::{continue_rollback, delete, execute, new_id};
use super::stack::{Action, ChangeSet, Stack, changes, fill};
use super::world::Tags;
use crate::clock::Timestamp;
use crate::core::{Core, State};
use crate::wire::ApiError;

const EMPTY: &str = "The submitted information didn't contain changes. Submit different information to create a \
                     change set.";

pub(crate) fn answer(
    core: &Core,
    operation: &str,
    input: &Value,
) -> Option<Result<Value, ApiError>> {
    let now = core.clock.now();
    let mut state = core.state();
    let state = &mut *state;
    let text = |name: &str| input[name].as_str().unwrap_or_default();
    let stack = text("StackName");
    Some(match operation {
        "CreateChangeSet" => create_change_set(core, state, input, now),
        "DescribeChangeSet" => describe_change_set(state, stack, text("ChangeSetName"), now),
        "ExecuteChangeSet" => execute_change_set(state, stack, input, now),
        "DeleteChangeSet" => with(state, stack, |stack| {
            stack.change_sets.remove(text("ChangeSetName"));
            Ok(json!({}))
        }),
        "DescribeStacks" => describe(core, state, stack),
        "DescribeStackResources" => with(state, stack, |stack| Ok(resources(stack))),
        "DescribeStackEvents" => with(state, stack, |stack| Ok(events(stack))),
        "DeleteStack" => {
            if let Some(found) =
                state.stacks.find(stack).map(|found| (found.name.clone(), found.id.clone()))
            {
                delete(state, (&found.0, &found.1), text("ClientRequestToken"), now);
            }
            Ok(json!({}))
        }
        "ContinueUpdateRollback" => {
            let found = with(state, stack, |stack| Ok((stack.name.clone(), stack.id.clone())));
            found.map(|(name, id)| {
                continue_rollback(state, (&name, &id), text("ClientRequestToken"), now);
                json!({})
            })
        }
        _ => return None,
    })
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationError", message)
}

fn with<T>(
    state: &mut State,
    name: &str,
    act: impl FnOnce(&mut Stack) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let absent = || invalid(format!("Stack with id {name} does not exist"));
    act(state.stacks.find(name).ok_or_else(absent)?)
}

/// `LIST.member.1.KEY` and its value, as a map.
fn pairs(input: &Value, list: &str, (key, value): (&str, &str)) -> Tags {
    let text = |name: String| input[name].as_str().map(str::to_owned);
    (1..)
        .map_while(|number| text(format!("{list}.member.{number}.{key}")).map(|key| (number, key)))
        .map(|(number, key)| {
            (key, text(format!("{list}.member.{number}.{value}")).unwrap_or_default())
        })
        .collect()
}

fn create_change_set(
    core: &Core,
    state: &mut State,
    input: &Value,
    now: Timestamp,
) -> Result<Value, ApiError> {
    let text = |name: &str| input[name].as_str().unwrap_or_default();
    let (name, set_name) = (text("StackName"), text("ChangeSetName"));
    let script = state.stacks.scripts.get(name).cloned();
    let script =
        script.ok_or_else(|| invalid(format!("the sandbox has no script for stack {name}")))?;
    if input["Capabilities.member.1"] != "CAPABILITY_NAMED_IAM" {
        let message = "Requires capabilities : [CAPABILITY_NAMED_IAM]";
        return Err(ApiError::client("InsufficientCapabilitiesException", message));
    }
    let status = state.stacks.find(name).map(|stack| stack.status.clone());
    match (text("ChangeSetType"), status.as_deref()) {
        ("CREATE", None) => {
            state.stacks.begin(name, new_id(core, name), "REVIEW_IN_PROGRESS");
        }
        ("CREATE", Some("REVIEW_IN_PROGRESS")) => {}
        ("CREATE", Some(_)) => {
            return Err(invalid(format!(
                "Stack [{name}] already exists and cannot be created again with the changeSet [{set_name}]."
            )));
        }
        (_, None) => return Err(invalid(format!("Stack [{name}] does not exist"))),
        (
            _,
            Some(
                "CREATE_COMPLETE"
                | "UPDATE_COMPLETE"
                | "UPDATE_ROLLBACK_COMPLETE"
                | "IMPORT_COMPLETE",
            ),
        ) => {}
        (_, Some(status)) => {
            return Err(invalid(format!(
                "Stack:{name} is in {status} state and can not be updated."
            )));
        }
    }
    let parameters = pairs(input, "Parameters", ("ParameterKey", "ParameterValue"));
    let tags = pairs(input, "Tags", ("Key", "Value"));
    with(state, name, |stack| {
        if stack.change_sets.contains_key(set_name) {
            let message = format!("ChangeSet {set_name} already exists");
            return Err(ApiError::client("AlreadyExistsException", message));
        }
        let changes = changes(stack, &script.resources, &parameters);
        let set = ChangeSet { made_at: now, parameters, tags, changes, executed: false };
        stack.change_sets.insert(set_name.to_owned(), set);
        Ok(json!({"Id": set_name, "StackId": stack.id}))
    })
}

fn change_set<'a>(stack: &'a mut Stack, name: &str) -> Result<&'a mut ChangeSet, ApiError> {
    stack.change_sets.get_mut(name).ok_or_else(|| {
        let message = format!("ChangeSet [{name}] does not exist");
        ApiError::new(StatusCode::NOT_FOUND, "ChangeSetNotFound", message)
    })
}

fn describe_change_set(
    state: &mut State,
    name: &str,
    set: &str,
    now: Timestamp,
) -> Result<Value, ApiError> {
    let making = state.stacks.step;
    with(state, name, |stack| {
        let id = stack.id.clone();
        let same_outside =
            |set: &ChangeSet, stack: &Stack| set.tags == stack.tags || stack.tags.is_empty();
        let empty = {
            let found = change_set(stack, set)?.clone();
            found.changes.is_empty() && same_outside(&found, stack)
        };
        let found = change_set(stack, set)?;
        let (status, execution, reason) = if now < found.made_at.after(making) {
            ("CREATE_IN_PROGRESS", "UNAVAILABLE", "")
        } else if empty {
            ("FAILED", "UNAVAILABLE", EMPTY)
        } else if found.executed {
            ("CREATE_COMPLETE", "EXECUTE_IN_PROGRESS", "")
        } else {
            ("CREATE_COMPLETE", "AVAILABLE", "")
        };
        let changes: Vec<Value> = if status == "CREATE_COMPLETE" {
            found.changes.iter().map(change).collect()
        } else {
            Vec::new()
        };
        Ok(json!({
            "ChangeSetName": set, "StackId": id, "StackName": name, "Status": status,
            "ExecutionStatus": execution, "StatusReason": reason, "Changes": changes,
        }))
    })
}

fn change(change: &super::stack::Change) -> Value {
    let details: Vec<Value> = change
        .causes
        .iter()
        .flat_map(|(property, parameter)| {
            let target = json!({"Attribute": "Properties", "Name": property});
            [
                json!({"Target": target, "ChangeSource": "DirectModification"}),
                json!({"Target": target, "ChangeSource": "ParameterReference", "CausingEntity": parameter}),
            ]
        })
        .collect();
    let resource = &change.resource;
    let (action, replacement, physical_id, policy) = match change.action {
        Action::Add => ("Add", "", "", ""),
        Action::Modify => ("Modify", "False", resource.physical_id.as_str(), ""),
        Action::Remove => {
            let policy = if resource.script.retained { "Retain" } else { "Delete" };
            ("Remove", "", resource.physical_id.as_str(), policy)
        }
    };
    json!({"Type": "Resource", "ResourceChange": {
        "Action": action, "PolicyAction": policy, "Replacement": replacement,
        "LogicalResourceId": resource.script.logical_id, "PhysicalResourceId": physical_id,
        "ResourceType": resource.script.kind, "Details": details,
    }})
}

fn execute_change_set(
    state: &mut State,
    name: &str,
    input: &Value,
    now: Timestamp,
) -> Result<Value, ApiError> {
    let text = |name: &str| input[name].as_str().unwrap_or_default();
    let set_name = text("ChangeSetName");
    let making = state.stacks.step;
    let (place, set) = with(state, name, |stack| {
        let place = (stack.name.clone(), stack.id.clone());
        let set = change_set(stack, set_name)?;
        if set.executed || now < set.made_at.after(making) {
            let state = if set.executed { "EXECUTE_IN_PROGRESS" } else { "UNAVAILABLE" };
            return Err(ApiError::client(
                "InvalidChangeSetStatus",
                format!(
                    "ChangeSet [{set_name}] cannot be executed in its current execution status of [{state}]"
                ),
            ));
        }
        set.executed = true;
        Ok((place, set.clone()))
    })?;
    execute(state, (&place.0, &place.1), (set, text("ClientRequestToken")), now);
    Ok(json!({}))
}

fn members(map: &BTreeMap<String, String>, (key, value): (&str, &str)) -> Vec<Value> {
    map.iter().map(|(name, content)| json!({key: name, value: content})).collect()
}

fn describe(core: &Core, state: &mut State, name: &str) -> Result<Value, ApiError> {
    let scripts = state.stacks.scripts.clone();
    with(state, name, |stack| {
        let mut filling = stack.parameters.clone();
        filling.insert("AccountId".to_owned(), core.identity.account.clone());
        filling.insert("Region".to_owned(), core.identity.region.clone());
        let outputs: BTreeMap<String, String> = scripts
            .get(&stack.name)
            .into_iter()
            .flat_map(|script| &script.outputs)
            .filter(|_| stack.status.ends_with("_COMPLETE") && !stack.resources.is_empty())
            .map(|(name, value)| (name.clone(), fill(value, &filling)))
            .collect();
        Ok(json!({"Stacks": [{
            "StackId": stack.id, "StackName": stack.name, "StackStatus": stack.status,
            "Parameters": members(&stack.parameters, ("ParameterKey", "ParameterValue")),
            "Outputs": members(&outputs, ("OutputKey", "OutputValue")),
            "Tags": members(&stack.tags, ("Key", "Value")),
        }]}))
    })
}

fn resources(stack: &Stack) -> Value {
    let resources: Vec<Value> = stack
        .resources
        .values()
        .map(|held| {
            json!({
                "LogicalResourceId": held.script.logical_id, "PhysicalResourceId": held.physical_id,
                "ResourceType": held.script.kind, "ResourceStatus": held.status,
            })
        })
        .collect();
    json!({"StackResources": resources})
}

fn events(stack: &Stack) -> Value {
    let events: Vec<Value> = stack
        .events
        .iter()
        .enumerate()
        .rev()
        .map(|(number, event)| {
            json!({
                "EventId": format!("{}-{number}", event.logical_id), "ClientRequestToken": event.token,
                "LogicalResourceId": event.logical_id, "PhysicalResourceId": event.physical_id,
                "ResourceType": event.kind, "ResourceStatus": event.status,
                "ResourceStatusReason": event.reason, "Timestamp": event.at.millis(),
            })
        })
        .collect();
    json!({"StackEvents": events})
}
