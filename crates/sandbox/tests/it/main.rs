//! The sandbox through the unmodified AWS SDK: over HTTP with real processes, in memory with virtual time.

mod binary;
mod connections;
mod containers;
mod credentials;
mod definitions;
mod endings;
mod examples;
mod faults;
mod fuzz;
mod log_faults;
mod logs;
mod not_yet;
mod preflight;
mod rates;
mod refusals;
mod secrets;
mod services;
mod start_failures;
mod stopping;
mod story;
mod support;
mod tokens;
mod virtual_time;
