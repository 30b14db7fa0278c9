//! Owns what has to hold at the moment in which a task is started: RunTask may be tried for minutes, and what
//! was true before the first try need not be before the last.

use crate::error::Error;
use crate::report::Report;
use crate::signal::Listener;
use std::pin::Pin;

/// Whom a wait tells of itself, and who ends it.
pub(crate) struct Bystander<'a> {
    pub(crate) report: &'a mut Report,
    pub(crate) listener: &'a mut Listener,
}

/// The wait for a precondition.
pub(crate) type Held<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

/// Asked before each RunTask.
pub(crate) trait Precondition: Sync {
    /// Ends when it holds; an error is why no task may be started.
    fn hold<'a>(&'a self, watch: &'a mut Bystander<'_>) -> Held<'a>;
}

/// Nothing has to hold.
pub(crate) struct Nothing;

impl Precondition for Nothing {
    fn hold<'a>(&'a self, _watch: &'a mut Bystander<'_>) -> Held<'a> {
        Box::pin(std::future::ready(Ok(())))
    }
}
