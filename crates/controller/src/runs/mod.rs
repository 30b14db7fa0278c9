//! Owns runs of the past and in flight: which there are, and which one is meant.

mod choose;
mod moment;
mod record;
mod reference;
mod rights;
mod summary;

pub(crate) use choose::{Choice, Described, choose};
pub(crate) use record::{Record, join};
pub(crate) use reference::Reference;
pub(crate) use rights::allow;
pub(crate) use summary::Summary;
