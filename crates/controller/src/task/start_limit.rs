//! Owns how long a task may take to get started, and that one which takes longer is stopped.

use super::intent::{self, Intent};
use super::session::StartLimit;
use super::session_state::Session;
use crate::words;
use std::time::Duration;
use tokio::time::Instant;

/// A look at the task that is older says nothing of now: it may be running, and reads are throttled.
const FRESH: Duration = Duration::from_secs(30);

impl Session<'_> {
    /// A pull has its own time: a large image is no lack of capacity.
    pub(super) fn see_pull(&mut self) {
        let times = self.seen.latest().map(|task| task.times);
        let pulling = times.is_some_and(|times| times.pull_started.is_some());
        if pulling {
            self.pulling_since.get_or_insert_with(Instant::now);
        }
    }

    /// When a task that has not started is given up.
    pub(super) fn start_limit(&self) -> Option<Instant> {
        match self.plan.start {
            StartLimit::None => None,
            StartLimit::By { by, limit } => {
                let pull = self.pulling_since.map(|since| since + limit);
                Some(pull.map_or(by, |pull| pull.max(by)))
            }
        }
    }

    /// Stops a task that was seen not to run when its time was over.
    pub(super) fn check_start_limit(&mut self, now: Instant) {
        let StartLimit::By { limit, .. } = self.plan.start else { return };
        let over = self.start_limit().is_some_and(|by| by <= now);
        if !over || self.intent != Intent::None || self.ended.is_some() {
            return;
        }
        let ran = self.tails.decisive().transcript.lines() > 0;
        let Some(task) = self.seen.latest().filter(|_| self.seen.is_fresh(FRESH, now)) else {
            return;
        };
        if ran || task.has_begun(&self.plan.container) {
            return;
        }
        let why = format!(
            "{} {} for the start (--capacity-timeout) was reached, the task is {}",
            intent::TIME_LIMIT,
            words::duration(limit),
            task.status
        );
        let patience = self.whole_stop();
        self.request_stop(Intent::Timeout, &why, patience);
    }
}
