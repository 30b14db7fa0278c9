//! What requests and answers look like as bytes.

mod answer;
mod call;
mod error;
mod fields;

pub(crate) use self::answer::{Body, encode, escape, json_answer, text_answer};
pub(crate) use self::call::{Call, Refused, Service, read_call};
pub(crate) use self::error::ApiError;
pub(crate) use self::fields::{Fields, parse};
