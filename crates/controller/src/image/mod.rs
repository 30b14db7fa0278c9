//! The migration image, made and pushed without a container engine.
//!
//! | file | owns |
//! |---|---|
//! | `platform` | which CPU, and whether a program runs on it |
//! | `blob` | bytes by digest |
//! | `layer` | files as the same bytes every time |
//! | `base` | what the migrations are put on |
//! | `assembly` | configuration and manifest |
//! | `address` | how a repository is named and reached |
//! | `credentials` | who may push |
//! | `registry` | the registry: the only file that names the OCI client |
//! | `push` | what is missing is uploaded |
//! | `layout` | the image as a folder |

mod address;
mod assembly;
mod base;
mod blob;
mod credentials;
mod layer;
mod layout;
mod platform;
mod push;
mod registry;
#[cfg(test)]
mod test_files;

pub(crate) use address::{Address, Transport};
pub(crate) use assembly::{Image, Origin};
pub(crate) use base::Base;
pub(crate) use credentials::{Login, credentials};
pub(crate) use layer::{Beneath, migrations};
pub(crate) use layout::write;
pub(crate) use platform::Platform;
pub(crate) use push::{Fate, Packed, push};
pub(crate) use registry::{Purpose, Registry};
