//! Owns FilterLogEvents: events of a whole group in order of time, each with an id.

use serde::Deserialize;
use serde_json::{Value, json};

use super::operations::group_name;
use super::page::{MAXIMUM_EVENTS, PageSize, Span};
use super::store::{Absent, Event};
use super::token::{Cursor, Position, Token};
use crate::core::Core;
use crate::faults::PageShape;
use crate::wire::{ApiError, Fields, parse};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FilterLogEvents {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_names: Option<Vec<String>>,
    #[serde(default)]
    log_stream_name_prefix: String,
    start_time: Option<u64>,
    end_time: Option<u64>,
    #[serde(default)]
    filter_pattern: String,
    next_token: Option<String>,
    limit: Option<usize>,
}

/// A page of this shape. Understands the empty pattern and one term, quoted or not; anything else is refused, not guessed.
pub(crate) fn filter_log_events(
    core: &Core,
    input: &Value,
    shape: PageShape,
) -> Result<Value, ApiError> {
    let input: FilterLogEvents = parse(input)?;
    let group = group_name(input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let term = term(&input.filter_pattern)?;
    let after = match input.next_token.as_deref().map(Token::read) {
        None => None,
        Some(Some(Token { cursor: after @ Cursor::Forward(_), .. })) => Some(after),
        Some(_) => {
            return Err(ApiError::invalid_parameter("The specified nextToken is invalid."));
        }
    };
    let state = core.state();
    let group = state.logs.groups.get(group).ok_or(Absent::Group)?;
    let limit = input.limit.unwrap_or(MAXIMUM_EVENTS).min(MAXIMUM_EVENTS);
    let limit = limit.min(shape.events.unwrap_or(limit));
    let span = Span {
        cursor: after,
        start: input.start_time,
        end: input.end_time.map(|end| end.saturating_add(1)),
    };
    let mut found: Vec<(Position, &str, &Event)> = group
        .streams
        .iter()
        .filter(|(name, _)| {
            name.starts_with(&input.log_stream_name_prefix)
                && input.log_stream_names.as_ref().is_none_or(|names| names.contains(name))
        })
        .flat_map(|(name, stream)| {
            let events = span.of(&stream.events).filter(|(_, event)| event.message.contains(term));
            events.map(move |(position, event)| (position, name.as_str(), event)).take(limit + 1)
        })
        .collect();
    found.sort_by_key(|(position, _, _)| *position);
    let mut size = PageSize::default();
    let fitting = found.iter().take(limit).take_while(|(_, _, event)| size.takes(event)).count();
    let next = (found.len() > fitting).then(|| {
        found.truncate(fitting);
        let last = found.last().map(|(position, _, _)| Cursor::Forward(*position));
        let beginning = Cursor::Forward(Position { timestamp: 0, arrival: 0 });
        Token::from(last.or(after).unwrap_or(beginning)).write()
    });
    let events: Vec<Value> =
        found.into_iter().map(|(position, stream, event)| view(position, stream, event)).collect();
    Ok(Fields::default()
        .set("events", events)
        .set("searchedLogStreams", json!([]))
        .maybe("nextToken", next)
        .into())
}

fn view(position: Position, stream: &str, event: &Event) -> Value {
    json!({
        "logStreamName": stream,
        "timestamp": position.timestamp,
        "message": event.message,
        "ingestionTime": event.ingested_at.millis(),
        "eventId": format!("{:020}{:020}", position.timestamp, position.arrival),
    })
}

fn term(pattern: &str) -> Result<&str, ApiError> {
    let pattern = pattern.trim();
    if let Some(quoted) = pattern.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return Ok(quoted);
    }
    let simple = |character: char| character.is_alphanumeric() || "_-.:/".contains(character);
    if pattern.chars().all(simple) {
        Ok(pattern)
    } else {
        Err(ApiError::invalid_parameter(format!(
            "ecs-migrate-sandbox does not understand the filter pattern {pattern}"
        )))
    }
}
