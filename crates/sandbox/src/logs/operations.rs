//! Owns which operation of CloudWatch Logs is answered where, and PutLogEvents.

use serde::Deserialize;
use serde_json::{Value, json};

use super::get_events::get_log_events;
use super::store::Absent;
use super::{filter, groups, streams};
use crate::clock::Timestamp;
use crate::core::Core;
use crate::faults::PageShape;
use crate::identity::log_group_name;
use crate::wire::{ApiError, Body, parse};

pub(crate) fn answer(
    core: &Core,
    operation: &str,
    input: &Value,
) -> Option<Result<Body, ApiError>> {
    let answer = match operation {
        "CreateLogGroup" => Some(groups::create(core, input)),
        "DeleteLogGroup" => Some(groups::delete(core, input)),
        "ListTagsForResource" => Some(groups::tags(core, input)),
        "DescribeLogGroups" => Some(groups::describe(core, input)),
        "CreateLogStream" => Some(streams::create(core, input)),
        "DescribeLogStreams" => Some(streams::describe(core, input)),
        "GetLogEvents" => return Some(get_log_events(core, input, PageShape::default())),
        "FilterLogEvents" => Some(filter::filter_log_events(core, input, PageShape::default())),
        "PutLogEvents" => Some(put_log_events(core, input)),
        _ => None,
    };
    answer.map(|answer| answer.map(Body::from))
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
