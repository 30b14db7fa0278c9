//! Owns the awslogs driver of one container: batches its lines and sends them late, as Fargate's does.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::lines::messages;
use super::sink::{Destination, Line};
use crate::clock::Timestamp;

/// One PutLogEvents takes 10,000 events or 1 MiB; a full batch does not wait for the flush.
const BATCH_EVENTS: usize = 10_000;
const BATCH_BYTES: usize = 1_048_576;
const EVENT_OVERHEAD: usize = 26;
/// tokio's interval takes no zero.
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
        let mut batch = Batch::default();
        let mut ticks = interval_at(Instant::now() + flush, flush);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                line = self.lines.recv() => match line {
                    Some(line) => batch.add(&line),
                    None => break,
                },
                _ = ticks.tick() => self.send(&mut batch),
            }
            if batch.is_full() {
                self.send(&mut batch);
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
    fn add(&mut self, line: &Line) {
        for message in messages(&line.bytes) {
            self.bytes += message.len() + EVENT_OVERHEAD;
            self.events.push((line.at, message));
        }
    }

    fn is_full(&self) -> bool {
        self.events.len() >= BATCH_EVENTS || self.bytes >= BATCH_BYTES
    }
}
