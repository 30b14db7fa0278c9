//! One event as one log line, and back.
//!
//! Encoding never exceeds [`MAX_LINE_BYTES`]: what is too long is cut and marked. Decoding is
//! total: a line that is not ours is [`Line::Text`], never an error.

use crate::event::Event;
use crate::limits::{MAX_LINE_BYTES, PROTOCOL_VERSION};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a log line of ours starts with, whatever its version.
const MARKER: &str = "{\"ecs_migrate\":";

/// How a cut text ends.
const CUT: &str = "… [cut]";

/// A line of ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventLine {
    /// Version of the protocol; see [`PROTOCOL_VERSION`].
    #[serde(rename = "ecs_migrate")]
    pub version: u32,
    /// The run, from the environment: a wrapped command cannot forge the end by accident.
    pub run: String,
    /// The process, random at its start: sequence numbers count within it.
    pub process: String,
    /// Position in the process's lines, from 1, without gaps.
    pub seq: u64,
    /// When it was written: RFC 3339 in UTC with milliseconds.
    pub at: String,
    /// The event as one readable sentence, for the AWS console.
    pub msg: String,
    /// The event.
    pub event: Event,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// One of ours.
    Event(Box<EventLine>),
    /// Anything else, untouched.
    Text(String),
}

impl EventLine {
    /// A line of this version.
    pub fn new(run: &str, process: &str, seq: u64, event: Event) -> Self {
        Self {
            version: PROTOCOL_VERSION,
            run: run.to_owned(),
            process: process.to_owned(),
            seq,
            at: String::new(),
            msg: String::new(),
            event,
        }
    }

    /// The line without its newline, at most [`MAX_LINE_BYTES`] long.
    pub fn encode(&self) -> String {
        let line =
            serde_json::to_string(self).expect("invariant: an event line has only string keys");
        if line.len() <= MAX_LINE_BYTES {
            return line;
        }
        let mut value =
            serde_json::to_value(self).expect("invariant: an event line is a JSON object");
        let mut excess = line.len() - MAX_LINE_BYTES;
        while excess > 0 {
            cut_longest(&mut value, excess);
            // A map would sort its keys and lose the marker at the front, so the order of the
            // fields is given back by going through the type.
            let cut: Self = serde_json::from_value(value.clone())
                .expect("invariant: cutting texts and lists keeps the types");
            let line =
                serde_json::to_string(&cut).expect("invariant: an event line has only string keys");
            if line.len() <= MAX_LINE_BYTES {
                return line;
            }
            excess = line.len() - MAX_LINE_BYTES;
        }
        unreachable!("the loop ends by returning a line that fits")
    }
}

impl Line {
    /// What `text`, one line of a log, is.
    pub fn decode(text: &str) -> Self {
        let candidate = text.trim_end_matches(['\r', '\n']);
        if candidate.starts_with(MARKER)
            && let Ok(line) = serde_json::from_str::<EventLine>(candidate)
        {
            return Self::Event(Box::new(line));
        }
        Self::Text(candidate.to_owned())
    }
}

/// A place in the JSON tree that can be made shorter.
enum Long<'a> {
    Text(&'a mut String),
    List(&'a mut Vec<Value>),
}

/// Makes the longest text or list shorter by about `excess` encoded bytes.
fn cut_longest(value: &mut Value, excess: usize) {
    let size = longest(value);
    match find(value, size) {
        Some(Long::Text(text)) => cut_text(text, excess),
        Some(Long::List(list)) => list.truncate(list.len() / 2),
        None => {}
    }
}

fn encoded(value: &Value) -> usize {
    value.to_string().len()
}

/// Encoded size of the longest thing that can be cut. A list counts as one thing unless one of its
/// items makes up half of it.
fn longest(value: &Value) -> usize {
    match value {
        Value::String(_) => encoded(value),
        Value::Array(items) => {
            let own = encoded(value);
            let item = items.iter().map(longest).max().unwrap_or(0);
            if item * 2 >= own { item } else { own }
        }
        Value::Object(fields) => fields.values().map(longest).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// The thing of encoded size `size`, by the same walk as [`longest`].
fn find(value: &mut Value, size: usize) -> Option<Long<'_>> {
    if longest(value) != size {
        return None;
    }
    let own = encoded(value);
    match value {
        Value::String(text) => Some(Long::Text(text)),
        Value::Array(items) => {
            if own == size {
                Some(Long::List(items))
            } else {
                items.iter_mut().find_map(|item| find(item, size))
            }
        }
        Value::Object(fields) => fields.values_mut().find_map(|field| find(field, size)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Cuts at a character, and always makes progress: an escaped character takes up to six bytes, so
/// `excess` bytes of the line may be fewer characters of the text.
fn cut_text(text: &mut String, excess: usize) {
    let keep = text.trim_end_matches(CUT).len();
    let wanted = keep.saturating_sub(excess / 6 + CUT.len() + 1);
    let end = (0..=wanted).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.truncate(end);
    if end > 0 {
        text.push_str(CUT);
    }
}
