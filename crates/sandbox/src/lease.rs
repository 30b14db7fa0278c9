//! Owns the sandbox's end: with the last [`crate::Sandbox`] its tasks stop and their processes die.

use std::sync::Arc;

use crate::core::Core;

#[derive(Debug)]
pub(crate) struct Lease(pub(crate) Arc<Core>);

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.close();
    }
}
