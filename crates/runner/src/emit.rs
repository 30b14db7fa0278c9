//! The only writer of stdout.
//!
//! Lines go through a queue to a thread of its own: with `mode=blocking` the log driver makes
//! `write(2)` wait when CloudWatch is slow, and a migration that holds locks must not wait with it.

use crate::cli::LogFormat;
use crate::environment::Environment;
use crate::words;
use jiff::Timestamp;
use protocol::limits::WRITER_GRACE;
use protocol::{Event, EventLine, env};
use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

/// Something to write: the event, and the sentence for people.
struct Entry {
    at: Timestamp,
    event: Event,
    msg: String,
}

/// The way into the queue. Never blocks.
#[derive(Debug)]
pub struct Emitter {
    queue: Sender<Entry>,
    done: Receiver<()>,
    writer: JoinHandle<()>,
    run: String,
}

impl Emitter {
    /// Starts the writer.
    pub fn start(format: LogFormat, environment: &Environment) -> Self {
        let random = || uuid::Uuid::new_v4().simple().to_string();
        let run = environment.get(env::RUN).map_or_else(random, str::to_owned);
        let (queue, entries) = mpsc::channel::<Entry>();
        let (finished, done) = mpsc::channel();
        let text = match format {
            LogFormat::Json => false,
            LogFormat::Text => true,
            LogFormat::Auto => std::io::stdout().is_terminal(),
        };
        let mut lines = Lines { run: run.clone(), process: random(), seq: 0 };
        let writer = std::thread::spawn(move || {
            for entry in entries {
                let block = if text {
                    words::text(entry.at, &entry.event, &entry.msg)
                } else {
                    lines.encode(entry)
                };
                let mut stdout = std::io::stdout().lock();
                // With stdout gone there is nobody to tell; the history keeps the truth.
                let _written = stdout.write_all(block.as_bytes()).and_then(|()| stdout.flush());
            }
            // The receiver is gone when the exit did not wait any longer.
            let _told = finished.send(());
        });
        Self { queue, done, writer, run }
    }

    /// The run that the lines belong to.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Puts one event into the queue.
    pub fn emit(&self, event: Event, msg: String) {
        // The writer lives until the queue is closed.
        let _queued = self.queue.send(Entry { at: Timestamp::now(), event, msg });
    }

    /// Waits until everything is written, for at most [`WRITER_GRACE`].
    pub fn close(self) {
        drop(self.queue);
        if self.done.recv_timeout(WRITER_GRACE).is_ok() {
            // It has said that it is done.
            let _ended = self.writer.join();
        }
    }
}

/// What the lines of this process have in common; `seq` is given when a line is written.
struct Lines {
    run: String,
    process: String,
    seq: u64,
}

impl Lines {
    fn encode(&mut self, entry: Entry) -> String {
        self.seq += 1;
        let mut line = EventLine::new(&self.run, &self.process, self.seq, entry.event);
        line.at = format!("{:.3}", entry.at);
        line.msg = entry.msg;
        line.encode() + "\n"
    }
}
