//! Owns a task definition as JSON, never typed: what the SDK does not know is not lost. All PURE.

mod advice;
mod canonical;
mod containers;
mod difference;
mod document;
mod fingerprint;
mod image;
mod import;
mod label;
mod log_source;
mod render;

pub(crate) use advice::{Advice, advice};
pub(crate) use containers::choose;
pub(crate) use difference::{Change, changes};
pub(crate) use document::{Document, Registered, short_name};
pub(crate) use fingerprint::fingerprint;
pub(crate) use image::{EcrImage, is_pinned};
pub(crate) use import::import;
pub(crate) use label::{is_labelled, names_the_runner, with_label};
pub(crate) use log_source::{Driver, LogSource, log_sources};
pub(crate) use render::{registrable, with_image};
