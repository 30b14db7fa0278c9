//! Secrets Manager: its store, its API, and how ECS injects secrets into containers.

mod describe;
mod inject;
mod operations;
mod store;
mod value_from;

pub(crate) use self::inject::resolve;
pub(crate) use self::operations::{answer, put};
pub(crate) use self::store::SecretStore;
