//! The controller against a local AWS: the library in virtual time, the binary over HTTP.
#![expect(clippy::unwrap_used, reason = "tests")]

mod act;
mod asked;
mod changes;
mod credentials;
mod deploy_service;
mod doctor;
mod endings;
mod fault_table;
mod fifty;
mod fuzz;
mod github_signals;
mod image;
mod minimal;
mod ministack;
mod on_call;
mod on_call_input;
mod on_call_real;
mod on_finish;
mod once;
mod policies;
mod processes;
mod registering;
mod release;
mod release_killed;
mod scenarios;
mod service_faults;
mod setup;
mod setup_github;
mod shown;
mod stopping;
mod support;
mod templates;
mod torn_logs;
mod trouble;
mod workflows;
