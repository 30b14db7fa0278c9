//! The real runner against a real PostgreSQL: a database of its own for each test.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout,
    reason = "tests"
)]

mod compat;
mod deploy;
mod history;
mod input;
mod interrupted;
mod lock;
mod observe;
mod output;
mod pooler;
mod prisma;
mod resolve;
mod secret;
mod statements;
mod status;
mod support;
mod traffic;
mod unblock;
