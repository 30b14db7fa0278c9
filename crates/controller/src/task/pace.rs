//! Owns how often AWS is asked. Constants of the program; only tests have others.

use std::time::Duration;

/// The longest that an end may be "near": a sidecar can keep a task alive for ever.
const NEAR: Duration = Duration::from_mins(1);

/// The longest pause between two reads that were throttled.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// The same in a burst that comes out of nothing: somebody else's, over within seconds, of which who
/// looks again only after many of them makes minutes.
const BURST_PAUSE: Duration = Duration::from_secs(5);

/// From here on a budget is known to be short for all who share it.
const SHORT: f64 = 2.0;

/// Periods between calls. The account-wide budget for DescribeTasks is 20 a second and for
/// GetLogEvents as low as 10, shared with every other tool.
#[derive(Debug, Clone)]
pub struct Pace {
    /// DescribeTasks in the first minute.
    pub first_minute: Duration,
    /// DescribeTasks until ten minutes have passed.
    pub first_ten_minutes: Duration,
    /// DescribeTasks afterwards.
    pub later: Duration,
    /// DescribeTasks and GetLogEvents for a minute after a stop was asked for, the runner said its
    /// last word, or the container ended.
    pub ending: Duration,
    /// GetLogEvents; the log driver flushes every 5 s, so asking more often shows nothing sooner.
    pub log: Duration,
    /// The first pause before RunTask is tried again; it doubles up to a minute.
    pub launch_retry: Duration,
    /// The part of each period by which it may be longer, so that many controllers do not ask in
    /// step.
    pub jitter: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first_minute: Duration::from_secs(2),
            first_ten_minutes: Duration::from_secs(5),
            later: Duration::from_secs(10),
            ending: Duration::from_secs(1),
            log: Duration::from_millis(1500),
            launch_retry: Duration::from_secs(5),
            jitter: 0.2,
        }
    }
}

impl Pace {
    /// The pause before the next DescribeTasks of a watch of this age. `near` is how long the end
    /// has been near.
    pub(crate) fn watch(&self, age: Duration, near: Option<Duration>) -> Duration {
        if near.is_some_and(|near| near < NEAR) {
            return self.ending;
        }
        match age.as_secs() {
            0..60 => self.first_minute,
            60..600 => self.first_ten_minutes,
            _ => self.later,
        }
    }

    /// The pause before the next GetLogEvents.
    pub(crate) fn log(&self, near: Option<Duration>) -> Duration {
        if near.is_some_and(|near| near < NEAR) { self.ending } else { self.log }
    }

    /// A period with its jitter.
    pub(crate) fn jittered(&self, period: Duration) -> Duration {
        period.mul_f64(1.0 + self.jitter * fastrand::f64())
    }
}

/// How much slower than planned an API is asked. Every throttle doubles it; the first answer after a
/// burst brings it back to twice what the burst began with, and every further one takes a tenth away,
/// so that many readers of one budget settle at what it allows, and one reader forgets a burst at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strain {
    now: f64,
    /// What it was when the burst began that goes on.
    before: Option<f64>,
}

/// Keeps the doubling finite.
const MOST_STRAIN: f64 = 64.0;

impl Default for Strain {
    fn default() -> Self {
        Self { now: 1.0, before: None }
    }
}

impl Strain {
    /// A call was throttled.
    pub(crate) fn throttled(&mut self) {
        self.before.get_or_insert(self.now);
        self.now = (self.now * 2.0).min(MOST_STRAIN);
    }

    /// A call was answered.
    pub(crate) fn answered(&mut self) {
        self.now = match self.before.take() {
            Some(before) => self.now.min(before * 2.0),
            None => (self.now * 0.9).max(1.0),
        };
    }

    /// The pause instead of the planned one.
    pub(crate) fn on(self, planned: Duration) -> Duration {
        let settled = self.before.unwrap_or(self.now);
        let longest = if settled < SHORT { BURST_PAUSE } else { LONGEST_PAUSE };
        planned.mul_f64(self.now).min(longest.max(planned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_get_rarer_with_age_and_denser_near_the_end() {
        let pace = Pace::default();
        let seconds = Duration::from_secs;
        for (age, near, expected) in [
            (0, None, 2),
            (59, None, 2),
            (60, None, 5),
            (600, None, 10),
            (86_400, None, 10),
            (600, Some(0), 1),
            (600, Some(59), 1),
            (600, Some(60), 10),
        ] {
            assert_eq!(pace.watch(seconds(age), near.map(seconds)), seconds(expected), "{age}");
        }
    }

    #[test]
    fn throttles_slow_down_and_answers_speed_up_again() {
        let second = Duration::from_secs(1);
        let mut strain = Strain::default();
        assert_eq!(strain.on(second), second);
        strain.throttled();
        assert_eq!(strain.on(second), 2 * second);
        for _ in 0..20 {
            strain.throttled();
        }
        assert_eq!(strain.on(second), BURST_PAUSE);
        assert_eq!(strain.on(2 * LONGEST_PAUSE), 2 * LONGEST_PAUSE);
        strain.answered();
        assert_eq!(strain.on(second), 2 * second, "one answer, and the burst is forgotten");
        for _ in 0..8 {
            strain.answered();
        }
        assert_eq!(strain.on(second), second);
    }

    #[test]
    fn who_is_throttled_again_and_again_settles() {
        let second = Duration::from_secs(1);
        let mut strain = Strain::default();
        for _ in 0..3 {
            strain.throttled();
            strain.answered();
        }
        assert!(strain.on(second) >= 4 * second, "{strain:?}");
    }

    #[test]
    fn eleven_throttled_reads_cost_less_than_a_minute() {
        let planned = Duration::from_millis(1500);
        let mut strain = Strain::default();
        let cost: Duration = (0..11)
            .map(|_| {
                strain.throttled();
                strain.on(planned)
            })
            .sum();
        assert!(cost < Duration::from_mins(1), "{cost:?}");
        strain.answered();
        assert!(strain.on(planned) <= Duration::from_secs(3));
    }
}
