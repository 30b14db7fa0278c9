//! The real runner against a real PostgreSQL: a database of its own for each test.

#![expect(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "tests")]

mod deploy;
mod history;
mod input;
mod interrupted;
mod lock;
mod output;
mod statements;
mod status;
mod support;
