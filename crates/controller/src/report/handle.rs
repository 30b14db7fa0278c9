//! Owns the report that everybody holds: one desk, which a watcher of silence shares.

use super::event::Event;
use super::format::Format;
use super::log_view::LogView;
use super::page::PageFile;
use super::writer::Desk;
use crate::surroundings::{Clock, Surroundings};
use serde_json::Value;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::{Instant, sleep_until};

/// Shows events.
pub(crate) struct Report(Arc<Mutex<Desk>>);

/// Speaks where nobody else does.
pub(crate) struct Watcher(Arc<Mutex<Desk>>);

impl Watcher {
    /// Shows a line for each minute in which nothing else was shown.
    pub(crate) async fn break_silence(self) -> Infallible {
        loop {
            let next = lock(&self.0).speak_up();
            sleep_until(next).await;
        }
    }
}

impl Report {
    /// Takes the streams out of the surroundings.
    pub(crate) fn new(format: Format, surroundings: &mut Surroundings) -> Self {
        Self(Arc::new(Mutex::new(Desk::new(format, surroundings))))
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        lock(&self.0)
    }

    /// Who breaks the silence.
    pub(crate) fn watcher(&self) -> Watcher {
        Watcher(Arc::clone(&self.0))
    }

    /// What is waited for from here on; empty for what the last step says.
    pub(crate) fn awaits(&mut self, what: &str) {
        self.desk().awaits(what);
    }

    /// The settings may ask for another form than the command line alone did.
    pub(crate) fn choose(&mut self, format: Format) {
        self.desk().choose(format);
    }

    /// A command that is told the result of this invocation.
    pub(crate) fn tell_at_the_end(&mut self, command: String) {
        self.desk().tell_at_the_end(command);
    }

    /// From here on everything goes into a page as well.
    pub(crate) fn write_a_page(&mut self, file: PageFile, clock: Clock) {
        self.desk().write_a_page(file, clock);
    }

    /// Writes the page, if the run came to any ending. Its failure changes nothing about the run.
    pub(crate) fn finish_the_page(&mut self) {
        self.desk().finish_the_page();
    }

    /// The command and the result, once.
    pub(crate) fn take_to_tell(&mut self) -> Option<(String, Value)> {
        self.desk().take_to_tell()
    }

    /// A signal came.
    pub(crate) fn note_signal(&mut self) {
        self.desk().note_signal();
    }

    /// When the first signal came.
    pub(crate) fn signalled(&self) -> Option<Instant> {
        self.desk().signalled()
    }

    /// What went wrong after the result. In JSON form nothing follows the result on stdout.
    pub(crate) fn complain(&mut self, text: &str) {
        self.desk().complain(text);
    }

    /// How many containers the log lines come from; of several each line names its own.
    pub(crate) fn expect_containers(&mut self, count: usize) {
        self.desk().expect_containers(count);
    }

    /// From here on the log of the task is not shown: what it says comes in another form.
    pub(crate) fn hide_log(&mut self) {
        self.desk().hide_log();
    }

    /// The name of the command, for a result that has no other.
    pub(crate) fn begin(&mut self, command: &'static str) {
        self.desk().begin(command);
    }

    /// Nothing follows on stdout. Programs read the result now.
    pub(crate) fn close(&mut self, code: u8) {
        self.desk().close(code);
    }

    /// From here on only some lines of the log are shown.
    pub(crate) fn show_log_through(&mut self, view: LogView) {
        self.desk().show_log_through(view);
    }

    /// How many lines were shown through a view.
    pub(crate) fn lines_shown(&self) -> u64 {
        self.desk().lines_shown()
    }

    /// Shows one event. A reader that went away is no reason to stop watching a migration, so
    /// failing writes are ignored.
    pub(crate) fn emit(&mut self, event: &Event) {
        self.desk().emit(event);
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}
