//! Owns child processes: the only module that starts any.
//!
//! | module | owns |
//! |---|---|
//! | [`program`] | what to run: words, the search in PATH, becoming it |
//! | [`address`] | the database for the child: `DATABASE_URL` and `PG*` |
//! | [`lent_roots`] | the embedded roots as a file for the child |
//! | [`family`] | who descends from us, and their connections to the database |
//! | [`supervise`] | a running child under the lock, to its end |
//! | [`output`] | its lines as events |
//! | [`mask`] | no secret in them |
//! | [`signals`] | what is forwarded |
//! | [`reap`] | how it ended; as process 1 also everybody's orphans |

pub(crate) mod address;
mod family;
pub(crate) mod lent_roots;
pub(crate) mod mask;
mod output;
pub(crate) mod program;
mod reap;
mod signals;
pub(crate) mod supervise;
