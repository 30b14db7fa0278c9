//! Owns the API of CloudWatch Logs that reads and writes events; groups and streams have their own files.

use serde::Deserialize;
use serde_json::{Value, json};

use super::page::{self, MAXIMUM_EVENTS, Order, PageRequest};
use super::store::Absent;
use super::token::Cursor;
use super::{filter, groups, streams};
use crate::clock::Timestamp;
use crate::core::Core;
use crate::identity::log_group_name;
use crate::wire::{ApiError, parse};

pub(crate) fn answer(
    core: &Core,
    operation: &str,
    input: &Value,
) -> Option<Result<Value, ApiError>> {
    match operation {
        "CreateLogGroup" => Some(groups::create(core, input)),
        "DescribeLogGroups" => Some(groups::describe(core, input)),
        "CreateLogStream" => Some(streams::create(core, input)),
        "DescribeLogStreams" => Some(streams::describe(core, input)),
        "GetLogEvents" => Some(get_log_events(core, input)),
        "FilterLogEvents" => Some(filter::filter_log_events(core, input)),
        "PutLogEvents" => Some(put_log_events(core, input)),
        _ => None,
    }
}

impl From<Absent> for ApiError {
    fn from(absent: Absent) -> Self {
        Self::not_found(match absent {
            Absent::Group => "The specified log group does not exist.",
            Absent::Stream => "The specified log stream does not exist.",
        })
    }
}

/// A group is given by name, or by name or ARN in another member.
pub(crate) fn group_name<'input>(
    name: Option<&'input str>,
    identifier: Option<&'input str>,
) -> Result<&'input str, ApiError> {
    name.or(identifier.map(log_group_name)).ok_or_else(|| {
        ApiError::invalid_parameter("Either logGroupName or logGroupIdentifier must be given")
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetLogEvents {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name: String,
    start_time: Option<u64>,
    end_time: Option<u64>,
    next_token: Option<String>,
    limit: Option<usize>,
    start_from_head: Option<bool>,
}

fn get_log_events(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: GetLogEvents = parse(input)?;
    let group = group_name(input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let limit = input.limit.unwrap_or(MAXIMUM_EVENTS);
    if !(1..=MAXIMUM_EVENTS).contains(&limit) {
        return Err(ApiError::invalid_parameter(format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have \
             value between 1 and {MAXIMUM_EVENTS}"
        )));
    }
    let cursor =
        match input.next_token.as_deref() {
            None => None,
            Some(token) => Some(Cursor::read(token).ok_or_else(|| {
                ApiError::invalid_parameter("The specified nextToken is invalid.")
            })?),
        };
    let state = core.state();
    let stream = state.logs.stream(group, &input.log_stream_name)?;
    let page = page::read(
        &stream.events,
        PageRequest {
            cursor,
            order: match input.start_from_head {
                Some(true) => Order::FromHead,
                Some(false) | None => Order::FromTail,
            },
            start_time: input.start_time,
            end_time: input.end_time,
            limit,
        },
    );
    let events: Vec<Value> = page
        .events
        .iter()
        .map(|(position, event)| {
            json!({
                "timestamp": position.timestamp,
                "message": event.message,
                "ingestionTime": event.ingested_at.millis(),
            })
        })
        .collect();
    Ok(json!({
        "events": events,
        "nextForwardToken": page.forward.write(),
        "nextBackwardToken": page.backward.write(),
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PutLogEvents {
    log_group_name: String,
    log_stream_name: String,
    log_events: Vec<InputEvent>,
}

#[derive(Deserialize)]
struct InputEvent {
    timestamp: u64,
    message: String,
}

fn put_log_events(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: PutLogEvents = parse(input)?;
    let events = input
        .log_events
        .into_iter()
        .map(|event| (Timestamp::from_millis(event.timestamp), event.message));
    let now = core.clock.now();
    core.state().logs.append((&input.log_group_name, &input.log_stream_name), events, now)?;
    Ok(json!({"nextSequenceToken": core.random_id()}))
}
