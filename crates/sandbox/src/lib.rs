//! A local AWS: ECS tasks that really run, their logs and secrets, for the unmodified AWS SDK and CLI.
//!
//! Never shipped, and depends on none of our other crates, so that it cannot share their mistakes.
//! Two ways in: [`Sandbox::serve`] answers over HTTP and runs tasks as local processes in real time;
//! [`Sandbox::http_client`] answers an SDK client of the same runtime without sockets, where tokio's
//! paused clock makes hours of a [`Script`]ed task pass in milliseconds. Do not mix the two: a paused
//! clock fires every timeout while a socket or a process answers.

mod clock;
mod cloudformation;
mod config;
mod core;
mod credentials;
mod dispatch;
mod ecs;
mod endpoints;
mod faults;
mod host;
mod iam;
mod identity;
mod image;
mod in_memory;
mod journal;
mod lease;
mod logs;
mod outcome;
mod process_groups;
mod rds;
mod registry;
mod sandbox;
mod script;
mod secrets;
mod server;
mod speed;
mod task;
mod traffic;
mod wire;
mod words;

pub use crate::clock::WallClock;
pub use crate::cloudformation::{ResourceScript, StackScript};
pub use crate::config::Config;
pub use crate::faults::{
    ConnectionFate, FailureFault, Faults, FaultsError, LineFate, PageShape, RequestAnswer,
    RequestFate, RequestFault, ServiceEffect, ServiceFault, StartPhase, TaskEffect, TaskFault,
};
pub use crate::host::HostEnvironment;
pub use crate::image::{Launch, Program};
pub use crate::in_memory::InMemoryClient;
pub use crate::journal::JournalEntry;
pub use crate::outcome::TaskOutcome;
pub use crate::rds::RdsInstance;
pub use crate::sandbox::Sandbox;
pub use crate::script::{OnTerminate, Script, ScriptExit};
pub use crate::server::Server;
pub use crate::speed::{Dwell, Speed};
pub use crate::traffic::Traffic;
pub use crate::words::WordsError;
