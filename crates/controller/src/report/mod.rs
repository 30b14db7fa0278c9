//! Owns everything that is shown: the only writer of stdout and stderr.
//!
//! Commands emit [`Event`]s; a renderer turns each into text. In text form data (log lines, the
//! ending, an ARN, a difference) goes to stdout and everything else to stderr. In GitHub's form
//! everything after the launch goes to stdout, because commands and the text between them must
//! stay in order. In JSON form everything goes to stdout, one object a line, the result last.

mod actions;
mod changes;
mod checklist;
mod checkout;
mod clean;
mod cut;
mod event;
mod format;
mod github;
mod github_files;
mod handle;
mod human;
mod image;
mod json;
mod line;
mod living;
mod log_view;
mod mermaid;
mod on_call;
mod page;
mod release;
mod review;
mod rows;
mod screen;
mod setup;
mod silence;
mod summary;
mod usage;
mod writer;

pub(crate) use checklist::Checklist;
pub(crate) use event::{Arrival, Event, Progress, Registration, Secrets};
pub(crate) use format::{Format, format_before_settings};
pub(crate) use handle::Report;
pub(crate) use log_view::{LogForm, LogView};
pub(crate) use on_call::{Explanation, OnCall, RunRow, RunState};
pub(crate) use page::PageFile;
pub(crate) use review::sarif;
pub use screen::Terminal;
pub(crate) use usage::show_usage;
