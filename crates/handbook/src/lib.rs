//! What keeps the pages in `docs/` true: how a page is read, and the pages that are made from code.
//!
//! | module | owns |
//! |---|---|
//! | [`page`] | a page: its headings, links, and the commands that it shows |
//! | [`anchor`] | what a heading is called in a link |
//! | `binaries` | the binaries of this workspace, built and asked |
//! | [`commands`] | `docs/commands.md`, from what the binaries answer to `--help` |
//! | [`events`] | `docs/events.md`, from the protocol's source |
//!
//! `cargo run -p handbook` writes the pages that are made; the tests compare, follow every link,
//! build the book, and run the commands that the pages show.

pub mod anchor;
mod binaries;
pub mod commands;
pub mod events;
pub mod page;

pub use binaries::{answer, binaries};
use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").components().collect()
}
