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

/// Of one answer, and the default (CloudWatch Logs API, DescribeLogStreams).
const MAXIMUM_STREAMS: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeLogStreams {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name_prefix: Option<String>,
    #[serde(default)]
    order_by: OrderBy,
    #[serde(default)]
    descending: bool,
    next_token: Option<String>,
    limit: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
enum OrderBy {
    #[default]
    LogStreamName,
    LastEventTime,
}

pub(crate) fn describe(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: DescribeLogStreams = parse(input)?;
    let group_name =
        group_name(input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    if input.order_by == OrderBy::LastEventTime && input.log_stream_name_prefix.is_some() {
        return Err(ApiError::invalid_parameter(
            "Cannot order by LastEventTime with a logStreamNamePrefix.",
        ));
    }
    let limit = input.limit.unwrap_or(MAXIMUM_STREAMS);
    if !(1..=MAXIMUM_STREAMS).contains(&limit) {
        return Err(ApiError::invalid_parameter(format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have \
             value between 1 and {MAXIMUM_STREAMS}"
        )));
    }
    let from: usize = match &input.next_token {
        None => 0,
        Some(token) => token
            .parse()
            .map_err(|_| ApiError::invalid_parameter("The specified nextToken is invalid."))?,
    };
    let arn = core.identity.log_group(group_name);
    let state = core.state();
    let group = state.logs.groups.get(group_name).ok_or(Absent::Group)?;
    let prefix = input.log_stream_name_prefix.as_deref().unwrap_or_default();
    let mut found: Vec<(&String, &Stream)> =
        group.streams.iter().filter(|(name, _)| name.starts_with(prefix)).collect();
    found.sort_by_key(|(name, stream)| {
        let last = stream.events.last_key_value().map(|(position, _)| position.timestamp);
        (last.filter(|_| input.order_by == OrderBy::LastEventTime), *name)
    });
    if input.descending {
        found.reverse();
    }
    let streams: Vec<Value> = found
        .iter()
        .skip(from)
        .take(limit)
        .map(|(name, stream)| view(&arn, name, stream))
        .collect();
    let next = from + limit;
    Ok(Fields::default()
        .set("logStreams", streams)
        .maybe("nextToken", (next < found.len()).then(|| next.to_string()))
        .into())
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
