//! Which parts of a repository a push touches.
//!
//! | module | owns |
//! |---|---|
//! | `part` | a part and its globs, and whether a file belongs to it |
//! | `origin` | what to compare with, from the flags and from what GitHub says: PURE |
//! | `git` | asking git |
//! | `answer` | which parts changed, or why nobody can know: PURE |

mod answer;
mod git;
mod origin;
mod part;

pub(crate) use answer::{Answer, answer};
pub(crate) use git::{Comparison, Git, changed_files};
pub(crate) use origin::{Asked, Occasion, Origin, origin};
pub(crate) use part::Part;
