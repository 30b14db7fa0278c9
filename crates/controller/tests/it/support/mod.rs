//! What the stories share.

pub(crate) mod act;
pub(crate) mod binary;
pub(crate) mod endpoint;
pub(crate) mod infra;
pub(crate) mod place;
pub(crate) mod policy;
pub(crate) mod real;
pub(crate) mod runner;
pub(crate) mod sdk;
pub(crate) mod shop;
pub(crate) mod story;
pub(crate) mod tools;
