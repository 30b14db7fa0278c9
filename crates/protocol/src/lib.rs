//! The words that the runner and the controller share. No I/O, no clock, no async.
//!
//! A run writes one line for each thing that happened, and CloudWatch carries it:
//!
//! ```text
//! {"ecs_migrate":1,"run":"r-1","process":"p-1","seq":1,"at":"2026-11-21T03:08:34.123Z","msg":"run started","event":{"kind":"run_started",…}}
//! {"ecs_migrate":1,"run":"r-1","process":"p-1","seq":2,"at":"2026-11-21T03:08:34.310Z","msg":"applied `20260101000000_init` in 41 ms","event":{"kind":"migration_applied",…}}
//! {"ecs_migrate":1,"run":"r-1","process":"p-1","seq":3,"at":"2026-11-21T03:08:34.318Z","msg":"1 migration applied","event":{"kind":"run_finished",…}}
//! ```
//!
//! | module | owns |
//! |---|---|
//! | [`event`] | what can happen in a run |
//! | [`traffic`] | what a migration and the application do to each other |
//! | [`failure`] | what a failed run says of the cause and of the database |
//! | [`command`] | what a runner can be asked, and which command migrates |
//! | [`mod@line`] | one event as one log line, and back |
//! | [`word`] | what the first and the last line of a run say together |
//! | [`sequence`] | the reader's proof that no line of a process is missing |
//! | [`exit_code`] | the exit codes of both binaries |
//! | [`mod@env`] | the names of environment variables |
//! | [`limits`] | sizes and periods that both sides rely on |
#![warn(missing_docs)]

pub mod command;
pub mod env;
pub mod event;
pub mod exit_code;
pub mod failure;
pub mod limits;
pub mod line;
pub mod sequence;
pub mod traffic;
pub mod word;

pub use command::{RunnerCommand, Share, Standing};
pub use event::Event;
pub use exit_code::ExitCode;
pub use failure::{DatabaseState, Failure};
pub use line::{EventLine, Line};
pub use word::{Ran, Word};
