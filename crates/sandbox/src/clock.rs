//! Owns the sandbox's time: tokio's clock, shown as wall-clock milliseconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::time::Instant;

/// Hours from 1970 to 2026-11-21T03:00:00Z: where a [`WallClock::Fixed`] sandbox begins.
const FIXED_START: Duration = Duration::from_hours(498_675);

/// What the clock on the wall shows when the sandbox starts; from there on tokio's clock counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WallClock {
    /// 2026-11-21T03:00:00Z, so that a test sees the same timestamps on every day.
    Fixed,
    /// The machine's clock, so that timestamps agree with those the processes print.
    System,
}

#[derive(Debug)]
pub(crate) struct Clock {
    origin: Instant,
    start: Duration,
}

impl Clock {
    pub(crate) fn start(wall: WallClock) -> Self {
        Self {
            origin: Instant::now(),
            start: match wall {
                WallClock::Fixed => FIXED_START,
                WallClock::System => system_time(),
            },
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let since_epoch = self.start + self.origin.elapsed();
        Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the sandbox looks at the machine's clock, once"
)]
fn system_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(FIXED_START)
}

/// A moment in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(u64);

impl Timestamp {
    pub(crate) fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub(crate) fn millis(self) -> u64 {
        self.0
    }

    /// ECS and Secrets Manager put epoch seconds with milliseconds on the wire.
    pub(crate) fn seconds(self) -> Value {
        Value::from(Duration::from_millis(self.0).as_secs_f64())
    }

    /// RFC 3339, as the task metadata endpoint writes it.
    pub(crate) fn rfc3339(self) -> String {
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        aws_smithy_types::DateTime::from_millis(millis).to_string()
    }

    /// So much later.
    pub(crate) fn after(self, duration: Duration) -> Self {
        Self(self.0 + u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    /// So many milliseconds away from here.
    pub(crate) fn off_by(self, millis: i64) -> Self {
        Self(self.0.saturating_add_signed(millis))
    }

    /// Time from `earlier` to here, zero when it is the other way round.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn virtual_time_moves_the_wall_clock() {
        let clock = Clock::start(WallClock::Fixed);
        let before = clock.now();
        tokio::time::advance(Duration::from_millis(1_234)).await;
        assert_eq!(clock.now().since(before), Duration::from_millis(1_234));
        assert_eq!(before.rfc3339(), "2026-11-21T03:00:00Z");
        assert_eq!(clock.now().seconds(), Value::from(1_795_230_001.234));
    }
}
