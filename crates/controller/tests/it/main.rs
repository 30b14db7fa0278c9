//! The controller against a local AWS: the library in virtual time, the binary over HTTP.
#![expect(clippy::unwrap_used, reason = "tests")]

mod credentials;
mod doctor;
mod endings;
mod fault_table;
mod fifty;
mod fuzz;
mod github_signals;
mod minimal;
mod ministack;
mod on_finish;
mod once;
mod policies;
mod processes;
mod registering;
mod scenarios;
mod setup;
mod setup_github;
mod shown;
mod stopping;
mod support;
mod templates;
mod torn_logs;
mod trouble;
