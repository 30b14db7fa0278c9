//! The real runner against a real PostgreSQL: a database of its own for each test.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout,
    reason = "tests"
)]

mod compat;
mod deploy;
mod exec;
mod first_process;
mod history;
mod image;
mod input;
mod interrupted;
mod lock;
mod output;
mod pooler;
mod prisma;
mod resolve;
mod secret;
mod start;
mod statements;
mod status;
mod steps;
mod support;
mod wrapped;
