//! Owns reading a form of the query protocol: every member by its whole name.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// The members; text that is no form has none.
pub(super) fn members(body: &[u8]) -> Map<String, Value> {
    let decoded =
        |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    String::from_utf8_lossy(body)
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decoded(name), Value::String(decoded(value))))
        .collect()
}
