//! Which parts of a repository a push touches.
//!
//! | module | owns |
//! |---|---|
//! | `part` | a part and its globs, and whether a file belongs to it: PURE |
//! | `list` | the file that says what is built and deployed, held against the parts |
//! | `origin` | what to compare with, from the flags and from what GitHub says: PURE |
//! | `green` | which commit was green last, and which may have been deployed since |
//! | `git` | asking git |
//! | `comparison` | with which commits it is compared, and what differs |
//! | `touched` | what git says of two trees: PURE |
//! | `answer` | which parts changed, or why nobody can know: PURE |

mod answer;
mod comparison;
mod git;
mod green;
mod list;
mod origin;
mod part;
mod touched;

pub(crate) use answer::{Answer, answer};
pub(crate) use comparison::{Comparison, bases, difference};
pub(crate) use git::Git;
pub(crate) use green::last_green;
pub(crate) use list::compare_with_list;
pub(crate) use origin::{Asked, Occasion, Origin, origin};
pub(crate) use part::Part;
