//! The real runner against a real PostgreSQL: a database of its own for each test.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout,
    reason = "tests"
)]

mod compat;
mod deploy;
mod failover;
mod follow;
mod history;
mod iam;
mod input;
mod interrupted;
mod lock;
mod output;
mod own_server;
mod pooler;
mod prisma;
mod proxy;
mod resolve;
mod rotation;
mod secret;
mod statements;
mod status;
mod support;
mod tls;
mod waiting;
