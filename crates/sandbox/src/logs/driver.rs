//! Owns the awslogs driver of one container: batches its lines and sends them late, as Fargate's does.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::sink::{Destination, Line};
use crate::clock::Timestamp;

/// One PutLogEvents takes 10,000 events or 1 MiB; a full batch does not wait for the flush.
const BATCH_EVENTS: usize = 10_000;
const BATCH_BYTES: usize = 1_048_576;
const EVENT_OVERHEAD: usize = 26;
/// A driver with nothing to send sleeps; one with a line sends it, but not line by line.
const SHORTEST_FLUSH: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(crate) struct LogDriver {
    pub(crate) destination: Destination,
    pub(crate) lines: mpsc::Receiver<Line>,
}

#[derive(Debug, Default)]
struct Batch {
    events: Vec<(Timestamp, String)>,
    bytes: usize,
}

impl LogDriver {
    /// Ends after the container's last line was sent.
    pub(crate) async fn run(mut self) {
        let flush = self.destination.core.config.dwell.log_flush.max(SHORTEST_FLUSH);
        let started = Instant::now();
        let mut batch = Batch::default();
        let mut due = started;
        loop {
            let held = !batch.events.is_empty();
            tokio::select! {
                biased;
                line = self.lines.recv() => match line {
                    Some(line) => batch.add(line),
                    None => break,
                },
                () = sleep_until(due), if held => self.send(&mut batch),
            }
            if batch.is_full() {
                self.send(&mut batch);
            }
            if !held {
                due = next_tick(started, flush);
            }
        }
        let tail = self.tail_delay();
        sleep(tail).await;
        self.send(&mut batch);
    }

    /// The driver sleeps up to 12 s at a container's exit, and the tail may come that late (aws-facts 3.1).
    fn tail_delay(&self) -> Duration {
        let part = self.destination.core.random().f64();
        self.destination.core.config.dwell.log_tail.mul_f64(part)
    }

    fn send(&self, batch: &mut Batch) {
        self.destination.append(std::mem::take(batch).events);
    }
}

impl Batch {
    fn add(&mut self, line: Line) {
        for (at, message) in line.events() {
            self.bytes += message.len() + EVENT_OVERHEAD;
            self.events.push((at, message));
        }
    }

    fn is_full(&self) -> bool {
        self.events.len() >= BATCH_EVENTS || self.bytes >= BATCH_BYTES
    }
}

/// The driver's flushes are one period apart from its start on, whether or not there is something to send.
fn next_tick(started: Instant, flush: Duration) -> Instant {
    let passed = started.elapsed();
    let into_this_period = passed.as_nanos() % flush.as_nanos();
    let into_this_period = u64::try_from(into_this_period).map_or(flush, Duration::from_nanos);
    started + passed - into_this_period + flush
}
