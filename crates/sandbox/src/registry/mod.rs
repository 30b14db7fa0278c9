//! ECR: repositories, their images, and the blobs that say for which platform an image is.

mod operations;
mod store;

pub(crate) use self::operations::{answer, blob};
pub(crate) use self::store::RegistryStore;
