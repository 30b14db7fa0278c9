//! Owns the API of task definitions: register, deregister, describe.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::check_definition::check;
use super::definitions::{Revision, RevisionStatus};
use super::echo::{Registration, echo};
use super::reference::DefinitionReference;
use super::spec::TaskSpec;
use crate::core::Core;
use crate::wire::{ApiError, Fields, parse};

/// Every call makes a revision, also of an identical definition (aws-facts 2).
pub(crate) fn register(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let spec: TaskSpec = parse(input)?;
    check(&spec)?;
    let mut state = core.state();
    let number = state.definitions.next_number(&spec.family);
    let arn = core.identity.definition(&spec.family, number);
    let echo = echo(
        input,
        &spec,
        &Registration {
            arn: &arn,
            number,
            registered_at: core.clock.now(),
            registered_by: &core.identity.caller(),
        },
    );
    let tags = input.get("tags").cloned().unwrap_or_else(|| json!([]));
    let answer = json!({"taskDefinition": echo, "tags": tags});
    state.definitions.add(Arc::new(Revision {
        arn,
        number,
        status: RevisionStatus::Active,
        spec,
        echo,
        tags,
    }));
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NamedDefinition {
    task_definition: String,
    #[serde(default)]
    include: Vec<String>,
}

pub(crate) fn describe(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: NamedDefinition = parse(input)?;
    let state = core.state();
    let revision = state
        .definitions
        .find(&input.task_definition)
        .ok_or_else(|| ApiError::client_exception("Unable to describe task definition."))?;
    let tags = input.include.iter().any(|name| name == "TAGS");
    Ok(Fields::default()
        .set("taskDefinition", revision.echo.clone())
        .maybe("tags", tags.then(|| revision.tags.clone()))
        .into())
}

pub(crate) fn deregister(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: NamedDefinition = parse(input)?;
    let reference = DefinitionReference::read(&input.task_definition);
    if reference.is_none_or(|reference| reference.revision.is_none()) {
        return Err(ApiError::invalid_parameter("Revision is missing."));
    }
    let mut state = core.state();
    let revision = state.definitions.find(&input.task_definition).ok_or_else(|| {
        ApiError::client_exception("The specified task definition does not exist.")
    })?;
    let inactive = Arc::new(Revision {
        status: RevisionStatus::Inactive,
        echo: inactive_echo(core, &revision.echo),
        ..Revision::clone(revision)
    });
    let answer = json!({"taskDefinition": inactive.echo});
    state.definitions.replace(inactive);
    Ok(answer)
}

fn inactive_echo(core: &Core, echo: &Map<String, Value>) -> Map<String, Value> {
    let mut echo = echo.clone();
    echo.insert("status".to_owned(), json!("INACTIVE"));
    echo.insert("deregisteredAt".to_owned(), core.clock.now().seconds());
    echo
}
