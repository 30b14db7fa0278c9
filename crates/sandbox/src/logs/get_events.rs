//! Owns GetLogEvents: one stream, page by page.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::operations::group_name;
use super::page::{self, MAXIMUM_EVENTS, Order, Page, PageRequest};
use super::token::{Cursor, Token};
use crate::core::Core;
use crate::faults::PageShape;
use crate::wire::{ApiError, Body, parse};

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

/// Written straight from the store: a page may hold a megabyte.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'store> {
    events: Vec<OutputEvent<'store>>,
    next_forward_token: String,
    next_backward_token: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputEvent<'store> {
    timestamp: u64,
    message: &'store str,
    ingestion_time: u64,
}

/// `shape` is a fault's, or none.
pub(crate) fn get_log_events(
    core: &Core,
    input: &Value,
    shape: PageShape,
) -> Result<Body, ApiError> {
    let input: GetLogEvents = parse(input)?;
    let group = group_name(input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let limit = input.limit.unwrap_or(MAXIMUM_EVENTS);
    if !(1..=MAXIMUM_EVENTS).contains(&limit) {
        return Err(ApiError::invalid_parameter(format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have \
             value between 1 and {MAXIMUM_EVENTS}"
        )));
    }
    let token =
        match input.next_token.as_deref() {
            None => None,
            Some(token) => Some(Token::read(token).ok_or_else(|| {
                ApiError::invalid_parameter("The specified nextToken is invalid.")
            })?),
        };
    let state = core.state();
    let stream = state.logs.stream(group, &input.log_stream_name)?;
    let page = page::read(
        &stream.events,
        PageRequest {
            cursor: token.map(|token| token.cursor),
            order: match input.start_from_head {
                Some(true) => Order::FromHead,
                Some(false) | None => Order::FromTail,
            },
            start_time: input.start_time,
            end_time: input.end_time,
            limit: limit.min(shape.events.unwrap_or(limit)),
            repeats: shape.repeats,
        },
    );
    Body::write(&Answer {
        next_forward_token: next_token(token, page.forward, shape).write(),
        next_backward_token: next_token(token, page.backward, shape).write(),
        events: output(&page),
    })
}

/// At the end of a stream the token is the one that was passed (aws-facts 3.2); an empty page of a fault moves
/// it on.
fn next_token(passed: Option<Token>, cursor: Cursor, shape: PageShape) -> Token {
    let empty = u32::from(shape.events == Some(0));
    match passed.filter(|passed| passed.cursor == cursor) {
        Some(passed) => Token { cursor, empty_pages: passed.empty_pages + empty },
        None => Token { cursor, empty_pages: empty },
    }
}

fn output<'store>(page: &Page<'store>) -> Vec<OutputEvent<'store>> {
    let events = page.events.iter();
    events
        .map(|(position, event)| OutputEvent {
            timestamp: position.timestamp,
            message: &event.message,
            ingestion_time: event.ingested_at.millis(),
        })
        .collect()
}
