//! Owns the API of log streams.

use serde::Deserialize;
use serde_json::{Value, json};

use super::operations::group_name;
use super::store::{Absent, Stream};
use crate::core::Core;
use crate::wire::{ApiError, Fields, parse};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateLogStream {
    log_group_name: String,
    log_stream_name: String,
}

pub(crate) fn create(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: CreateLogStream = parse(input)?;
    let now = core.clock.now();
    let created =
        core.state().logs.create_stream(&input.log_group_name, &input.log_stream_name, now)?;
    if created {
        Ok(json!({}))
    } else {
        Err(ApiError::client(
            "ResourceAlreadyExistsException",
            "The specified log stream already exists",
        ))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeLogStreams {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    #[serde(default)]
    log_stream_name_prefix: String,
}

/// Everything in one page, by name.
pub(crate) fn describe(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: DescribeLogStreams = parse(input)?;
    let group_name =
        group_name(input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let arn = core.identity.log_group(group_name);
    let state = core.state();
    let group = state.logs.groups.get(group_name).ok_or(Absent::Group)?;
    let streams: Vec<Value> = group
        .streams
        .iter()
        .filter(|(name, _)| name.starts_with(&input.log_stream_name_prefix))
        .map(|(name, stream)| view(&arn, name, stream))
        .collect();
    Ok(json!({"logStreams": streams}))
}

fn view(group_arn: &str, name: &str, stream: &Stream) -> Value {
    let first = stream.events.first_key_value();
    let last = stream.events.last_key_value();
    Fields::default()
        .set("logStreamName", name)
        .set("creationTime", stream.created_at.millis())
        .maybe("firstEventTimestamp", first.map(|(position, _)| position.timestamp))
        .maybe("lastEventTimestamp", last.map(|(position, _)| position.timestamp))
        .maybe("lastIngestionTime", last.map(|(_, event)| event.ingested_at.millis()))
        .set("arn", format!("{group_arn}:log-stream:{name}"))
        .set("storedBytes", 0)
        .into()
}
