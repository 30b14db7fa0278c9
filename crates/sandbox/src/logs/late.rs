//! Owns a log's late lines, each held back until it is due, and the stream that is late itself.

use std::collections::BTreeMap;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::sink::{Destination, Line};

#[derive(Debug)]
pub(crate) struct LateLines {
    pub(crate) destination: Destination,
    /// Nothing is due before.
    pub(crate) stream_from: Instant,
    pub(crate) queue: mpsc::UnboundedReceiver<(Instant, Line)>,
}

impl LateLines {
    /// Ends after the container's last line was due.
    pub(crate) async fn run(mut self) {
        sleep_until(self.stream_from).await;
        self.create_stream();
        let mut held: BTreeMap<Instant, Vec<Line>> = BTreeMap::new();
        let mut open = true;
        while open || !held.is_empty() {
            let next = held.first_key_value().map(|(due, _)| *due);
            tokio::select! {
                biased;
                line = self.queue.recv(), if open => match line {
                    Some((due, line)) => held.entry(due).or_default().push(line),
                    None => open = false,
                },
                () = reached(next) => {
                    let lines = held.pop_first().map(|(_, lines)| lines).unwrap_or_default();
                    self.destination.append(lines.into_iter().flat_map(Line::events));
                }
            }
        }
    }

    /// It is there already unless it is late; without its group it never comes.
    fn create_stream(&self) {
        let Destination { core, group, stream } = &self.destination;
        let now = core.clock.now();
        let _there_or_never = core.state().logs.create_stream(group, stream, now);
    }
}

async fn reached(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
