//! What a directory of migrations would do, before anybody merges it.
//!
//! | module | owns |
//! |---|---|
//! | `directory` | where the migrations are when nobody says it |
//! | `base` | what the base branch has of them |
//! | `tree` | where they were in a commit, by asking git: there, moved, in a submodule |
//! | `history` | what may not change in a history that others have: PURE |
//! | `name` | whether a name says something: PURE |
//! | `replay` | everything on an empty database, by the runner |
//! | `review` | everything that is found, and what it comes to |

mod base;
mod directory;
mod history;
mod name;
mod replay;
mod review;
mod tree;

pub(crate) use base::{Base, base};
pub(crate) use directory::find;
pub(crate) use replay::{Replayed, replay};
pub(crate) use review::{Compared, Located, Review, review};
