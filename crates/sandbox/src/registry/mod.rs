//! ECR: repositories, their images, and the registry that they are pushed to and pulled from.

mod distribution;
mod operations;
mod store;

pub(crate) use self::distribution::{answer as distribution, is_for_it};
pub(crate) use self::operations::{answer, blob};
pub(crate) use self::store::{RegistryStore, Repository};
