//! The real runner against a real PostgreSQL: a database of its own for each test.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout,
    reason = "tests"
)]

mod application;
mod asked;
mod blank;
mod check;
mod compat;
mod deploy;
mod directive;
mod drift;
mod environment;
mod examples;
mod exec;
mod failover;
mod first_process;
mod follow;
mod held_history;
mod history;
mod iam;
mod image;
mod input;
mod interrupted;
mod kept_lock;
mod last_word;
mod left_sessions;
mod limits;
mod lock;
mod looking;
mod loss;
mod met;
mod nonsense;
mod observe;
mod output;
mod own_server;
mod part_way;
mod part_way_gone;
mod pooler;
mod prisma;
mod proxy;
mod rds;
mod reading;
mod resolve;
mod restore;
mod resumed_session;
mod review;
mod rotation;
mod rude;
mod same_session;
mod same_statements;
mod second_history;
mod secret;
mod start;
mod statements;
mod status;
mod steps;
mod support;
mod terminal;
mod tls;
mod traffic;
mod unblock;
mod unrecorded;
mod waiting;
mod words;
mod wrapped;
