//! CloudWatch Logs: its store, its API, and the log driver that feeds it.

mod driver;
mod filter;
mod get_events;
mod groups;
mod late;
mod lines;
mod operations;
mod page;
mod sink;
mod store;
mod streams;
mod token;

pub(crate) use self::filter::filter_log_events;
pub(crate) use self::get_events::get_log_events;
pub(crate) use self::operations::answer;
pub(crate) use self::sink::{Destination, LineSink};
pub(crate) use self::store::LogStore;
