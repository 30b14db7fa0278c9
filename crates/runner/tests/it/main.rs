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
mod copied_out;
mod deploy;
mod directive;
mod drift;
mod drift_catalogs;
mod drift_dump;
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
mod lesser;
mod limits;
mod lock;
mod looking;
mod looking_files;
mod loss;
mod met;
mod nonsense;
mod observe;
mod other_encoding;
mod output;
mod own_server;
mod part_way;
mod part_way_gone;
mod pooler;
mod prisma;
mod proxy;
mod random;
mod random_drift;
mod random_loss;
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
mod session_behind;
mod start;
mod statements;
mod status;
mod steps;
mod subscription;
mod support;
mod terminal;
mod tls;
mod traffic;
mod unblock;
mod unrecorded;
mod waiting;
mod words;
mod wrapped;
