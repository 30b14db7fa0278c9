//! Owns where a container's lines go: into its log stream, in time or late, or nowhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::driver::LogDriver;
use super::late::LateLines;
use super::lines::messages;
use crate::clock::Timestamp;
use crate::core::Core;
use crate::faults::{LineFaults, StreamFault, Way};

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
    Log(Arc<Log>),
}

#[derive(Debug)]
pub(crate) struct Log {
    core: Arc<Core>,
    in_time: InTime,
    trouble: Option<Trouble>,
}

#[derive(Debug)]
enum InTime {
    /// Flushing takes no time: what a container wrote is readable before its exit is.
    AtOnce(Destination),
    Driver(mpsc::Sender<Line>),
}

/// Faults of this log.
#[derive(Debug)]
struct Trouble {
    lines: LineFaults,
    written: AtomicU64,
    /// The stream is not there before; what is written before is late.
    stream_from: Instant,
    late: mpsc::UnboundedSender<(Instant, Line)>,
}

/// Lines a pipe may be ahead of the driver.
const QUEUE: usize = 1_024;

impl LineSink {
    /// Starts what feeds a stream.
    pub(crate) fn open(destination: Destination, stream: StreamFault, lines: LineFaults) -> Self {
        let core = Arc::clone(&destination.core);
        let trouble = match stream {
            StreamFault::Never => return Self::Nowhere,
            StreamFault::None if lines.is_empty() => None,
            StreamFault::None => Some(Trouble::new(&destination, lines, Duration::ZERO)),
            StreamFault::After(absent) => Some(Trouble::new(&destination, lines, absent)),
        };
        let dwell = &core.config.dwell;
        let in_time = if dwell.log_flush.is_zero() && dwell.log_tail.is_zero() {
            InTime::AtOnce(destination)
        } else {
            let (sender, lines) = mpsc::channel(QUEUE);
            core.spawn(LogDriver { destination, lines }.run());
            InTime::Driver(sender)
        };
        Self::Log(Arc::new(Log { core, in_time, trouble }))
    }

    /// Takes one line without its newline.
    pub(crate) async fn send(&self, bytes: Vec<u8>) {
        if let Self::Log(log) = self {
            let line = Line { at: log.core.clock.now(), bytes };
            let line = match &log.trouble {
                None => Some(line),
                Some(trouble) => trouble.befall(line),
            };
            if let Some(line) = line {
                log.in_time.send(line).await;
            }
        }
    }
}

impl InTime {
    async fn send(&self, line: Line) {
        match self {
            Self::AtOnce(destination) => destination.append(line.events()),
            // The driver is gone only when the sandbox is.
            Self::Driver(sender) => drop(sender.send(line).await),
        }
    }
}

impl Trouble {
    fn new(destination: &Destination, lines: LineFaults, absent: Duration) -> Self {
        let (late, queue) = mpsc::unbounded_channel();
        let stream_from = Instant::now() + absent;
        let late_lines = LateLines { destination: destination.clone(), stream_from, queue };
        destination.core.spawn(late_lines.run());
        Self { lines, written: AtomicU64::new(0), stream_from, late }
    }

    /// The line when it goes its normal way.
    fn befall(&self, mut line: Line) -> Option<Line> {
        let number = self.written.fetch_add(1, Ordering::Relaxed) + 1;
        let Way::Arrives { late, off_by } = self.lines.way(number) else {
            return None;
        };
        line.at = line.at.off_by(off_by);
        let now = Instant::now();
        let due = (now + late.unwrap_or_default()).max(self.stream_from);
        if late.is_none() && due == now {
            return Some(line);
        }
        // The late lane is gone only when the sandbox is.
        drop(self.late.send((due, line)));
        None
    }
}

impl Line {
    pub(crate) fn events(self) -> impl Iterator<Item = (Timestamp, String)> {
        let at = self.at;
        messages(self.bytes).into_iter().map(move |message| (at, message))
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
