//! The only writer of stdout.
//!
//! Lines go through a queue to a thread of its own: with `mode=blocking` the log driver makes
//! `write(2)` wait when CloudWatch is slow, and a migration that holds locks must not wait with it.

use crate::cli::{Compat, LogFormat, Options};
use crate::environment::Environment;
use crate::prisma::Prisma;
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
    pub fn start(options: &Options, environment: &Environment) -> Self {
        let random = || uuid::Uuid::new_v4().simple().to_string();
        let run = environment.get(env::RUN).map_or_else(random, str::to_owned);
        let (queue, entries) = mpsc::channel::<Entry>();
        let (finished, done) = mpsc::channel();
        let mut format = Format::choose(options);
        let mut lines = Lines { run: run.clone(), process: random(), seq: 0 };
        let writer = std::thread::spawn(move || {
            for entry in entries {
                let block = match &mut format {
                    Format::Json => Block::out(lines.encode(entry)),
                    Format::Text => Block::out(words::text(entry.at, &entry.event, &entry.msg)),
                    Format::Prisma(prisma) => prisma.render(&entry.event),
                };
                write(&block);
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

/// Text for stdout and for stderr.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Block {
    pub(crate) fn out(text: impl Into<String>) -> Self {
        Self { out: text.into(), err: String::new() }
    }

    pub(crate) fn err(text: impl Into<String>) -> Self {
        Self { out: String::new(), err: text.into() }
    }
}

fn write(block: &Block) {
    // With its reader gone there is nobody to tell; the history keeps the truth.
    if !block.out.is_empty() {
        let mut stdout = std::io::stdout().lock();
        let _written = stdout.write_all(block.out.as_bytes()).and_then(|()| stdout.flush());
    }
    if !block.err.is_empty() {
        let _written = std::io::stderr().lock().write_all(block.err.as_bytes());
    }
}

/// How lines look.
enum Format {
    Json,
    Text,
    Prisma(Box<Prisma>),
}

impl Format {
    /// Prisma's texts are for people: where JSON is asked for, only its habits and codes hold.
    fn choose(options: &Options) -> Self {
        match (options.log_format, options.compat) {
            (LogFormat::Json, _) => Self::Json,
            (_, Some(Compat::Prisma)) => Self::Prisma(Box::default()),
            (LogFormat::Text, None) => Self::Text,
            (LogFormat::Auto, None) if std::io::stdout().is_terminal() => Self::Text,
            (LogFormat::Auto, None) => Self::Json,
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
