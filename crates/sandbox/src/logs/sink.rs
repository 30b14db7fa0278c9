//! Owns where a container's lines go: a log stream at once, a log stream through the driver, or nowhere.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::driver::LogDriver;
use super::lines::messages;
use crate::clock::Timestamp;
use crate::core::Core;

/// One line of output without its newline, and when it was read.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    pub(crate) bytes: Vec<u8>,
}

/// A stream of a group.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub(crate) core: Arc<Core>,
    pub(crate) group: String,
    pub(crate) stream: String,
}

#[derive(Clone, Debug)]
pub(crate) enum LineSink {
    Nowhere,
    /// Flushing takes no time: what a container wrote is readable before its exit is.
    AtOnce(Destination),
    Driver(Arc<Core>, mpsc::Sender<Line>),
}

/// Lines a pipe may be ahead of the driver.
const QUEUE: usize = 1_024;

impl LineSink {
    /// Starts the driver of a stream.
    pub(crate) fn open(destination: Destination) -> Self {
        let core = Arc::clone(&destination.core);
        if core.config.dwell.log_flush.is_zero() && core.config.dwell.log_tail.is_zero() {
            return Self::AtOnce(destination);
        }
        let (sender, lines) = mpsc::channel(QUEUE);
        core.spawn(LogDriver { destination, lines }.run());
        Self::Driver(core, sender)
    }

    /// Takes one line without its newline.
    pub(crate) async fn send(&self, bytes: Vec<u8>) {
        match self {
            Self::Nowhere => {}
            Self::AtOnce(destination) => {
                let at = destination.core.clock.now();
                let events = messages(&bytes).into_iter().map(|message| (at, message));
                destination.append(events);
            }
            Self::Driver(core, sender) => {
                let at = core.clock.now();
                // The driver is gone only when the sandbox is.
                drop(sender.send(Line { at, bytes }).await);
            }
        }
    }
}

impl Destination {
    /// The group may have been deleted meanwhile: the driver drops what it has and goes on.
    pub(crate) fn append(&self, events: impl IntoIterator<Item = (Timestamp, String)>) {
        let now = self.core.clock.now();
        let mut state = self.core.state();
        let _lost = state.logs.append((&self.group, &self.stream), events, now);
    }
}
