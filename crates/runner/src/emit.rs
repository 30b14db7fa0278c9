//! The only writer of stdout.
//!
//! Lines go through a queue to a thread of its own: with `mode=blocking` the log driver makes
//! `write(2)` wait when CloudWatch is slow, and a migration that holds locks must not wait with it.

use crate::cli::{Compat, Connection, LogFormat};
use crate::environment::Environment;
use crate::prisma::Prisma;
use crate::words;
use jiff::Timestamp;
use protocol::event::{Output, OutputDropped};
use protocol::limits::WRITER_GRACE;
use protocol::{Event, EventLine, env};
use std::cell::Cell;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::time::Instant;

/// The most output of a wrapped command that waits to be written, in bytes; what comes while it is
/// full is dropped and counted.
const MAX_WAITING: usize = 8 * 1024 * 1024;

/// Once output was dropped, no more of it may wait than this before some is taken again.
const ROOM: usize = MAX_WAITING / 4;

/// What a waiting line takes beside its text, in bytes, about.
const ENTRY: usize = 256;

/// The sentence beside a line of a wrapped command is the line, up to here, in bytes.
const MAX_OUTPUT_MSG: usize = 512;

/// Something to write: the event, and the sentence for people.
struct Entry {
    at: Timestamp,
    event: Event,
    msg: String,
}

/// What the writer gets.
enum Order {
    Write(Entry),
    /// A line of a wrapped command, and what it takes of [`MAX_WAITING`].
    WriteOutput(Entry, usize),
    /// Says when everything before is written.
    Flush(Sender<()>),
}

/// The way into the queue. Never blocks.
#[derive(Debug)]
pub struct Emitter {
    queue: Sender<Order>,
    writer: JoinHandle<()>,
    run: String,
    last: Cell<Instant>,
    waiting: Arc<AtomicUsize>,
    /// Lines and bytes that were dropped and not yet told.
    dropped: Cell<(u64, u64)>,
    /// Whether output is dropped until there is room for a good deal of it: else a flood would be
    /// every other line, with a word between them about each that is missing.
    overfull: Cell<bool>,
}

impl Emitter {
    /// Starts the writer.
    pub fn start(connection: &Connection, environment: &Environment) -> Self {
        let random = || uuid::Uuid::new_v4().simple().to_string();
        let run = environment.get(env::RUN).map_or_else(random, str::to_owned);
        let (queue, orders) = mpsc::channel::<Order>();
        let waiting = Arc::new(AtomicUsize::new(0));
        let freed = Arc::clone(&waiting);
        let mut format = Format::choose(connection);
        let mut lines = Lines { run: run.clone(), process: random(), seq: 0 };
        let writer = std::thread::spawn(move || {
            for order in orders {
                match order {
                    Order::Write(entry) => write(&format.render(&mut lines, entry)),
                    Order::WriteOutput(entry, size) => {
                        write(&format.render(&mut lines, entry));
                        freed.fetch_sub(size, Ordering::Relaxed);
                    }
                    Order::Flush(told) => {
                        // Nobody waits any longer.
                        let _told = told.send(());
                    }
                }
            }
        });
        let (last, dropped) = (Cell::new(Instant::now()), Cell::new((0, 0)));
        let overfull = Cell::new(false);
        Self { queue, writer, run, last, waiting, dropped, overfull }
    }

    /// The run that the lines belong to.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// How long nothing was put into the queue.
    pub fn silent_for(&self) -> Duration {
        self.last.get().elapsed()
    }

    /// Puts one event into the queue.
    pub fn emit(&self, event: Event, msg: String) {
        self.tell_dropped();
        self.send(Order::Write(entry(event, msg)));
    }

    /// Says where lines are missing.
    fn tell_dropped(&self) {
        let (lines, bytes) = self.dropped.take();
        if lines > 0 {
            let msg = format!(
                "{} of output dropped: more came than could be written",
                words::plural(lines, "line")
            );
            let event = Event::OutputDropped(OutputDropped { lines, bytes });
            self.send(Order::Write(entry(event, msg)));
        }
    }

    /// Puts a line of a wrapped command into the queue, or a part of one, unless too much waits.
    pub fn output(&self, stream: &str, text: String, partial: bool) {
        let size = text.len() + ENTRY;
        let waiting = self.waiting.load(Ordering::Relaxed);
        self.overfull.set(waiting + size > MAX_WAITING || (self.overfull.get() && waiting > ROOM));
        if self.overfull.get() {
            let (lines, bytes) = self.dropped.get();
            self.dropped.set((lines + 1, bytes + text.len() as u64));
            return;
        }
        self.tell_dropped();
        let end = text.floor_char_boundary(MAX_OUTPUT_MSG);
        let msg = words::printable(&text[..end]) + if end < text.len() { "…" } else { "" };
        self.waiting.fetch_add(size, Ordering::Relaxed);
        let output = Output { stream: stream.to_owned(), text, partial };
        self.send(Order::WriteOutput(entry(Event::Output(output), msg), size));
    }

    fn send(&self, order: Order) {
        self.last.set(Instant::now());
        // The writer lives until the queue is closed.
        let _queued = self.queue.send(order);
    }

    /// Waits until everything so far is written, for at most [`WRITER_GRACE`]; whether it is.
    pub fn flush(&self) -> bool {
        let (told, done) = mpsc::channel();
        self.send(Order::Flush(told));
        done.recv_timeout(WRITER_GRACE).is_ok()
    }

    /// As [`Self::flush`], for the last time.
    pub fn close(self) {
        if self.flush() {
            drop(self.queue);
            // It has written everything.
            let _ended = self.writer.join();
        }
    }
}

fn entry(event: Event, msg: String) -> Entry {
    Entry { at: Timestamp::now(), event, msg }
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

    fn of(output: &Output) -> Self {
        let text = if output.partial { output.text.clone() } else { output.text.clone() + "\n" };
        if output.stream == "stderr" { Self::err(text) } else { Self::out(text) }
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
    fn choose(connection: &Connection) -> Self {
        match (connection.log_format, connection.compat) {
            (LogFormat::Json, _) => Self::Json,
            (_, Some(Compat::Prisma)) => Self::Prisma(Box::default()),
            (LogFormat::Text, None) => Self::Text,
            (LogFormat::Auto, None) if std::io::stdout().is_terminal() => Self::Text,
            (LogFormat::Auto, None) => Self::Json,
        }
    }
}

impl Format {
    fn render(&mut self, lines: &mut Lines, entry: Entry) -> Block {
        match (self, &entry.event) {
            (Self::Json, _) => Block::out(lines.encode(entry)),
            // As the command wrote it.
            (Self::Text | Self::Prisma(_), Event::Output(output)) => Block::of(output),
            (Self::Text, event) => Block::out(words::text(entry.at, event, &entry.msg)),
            (Self::Prisma(prisma), event) => prisma.render(event),
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
