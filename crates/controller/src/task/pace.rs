//! Owns how often AWS is asked. Constants of the program; only tests have others.

use std::time::Duration;

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
    /// DescribeTasks and GetLogEvents while a stop is under way.
    pub stopping: Duration,
    /// GetLogEvents; the log driver flushes every 5 s, so asking more often shows nothing sooner.
    pub log: Duration,
    /// GetLogEvents after it was throttled.
    pub log_throttled: Duration,
    /// The first pause before RunTask is tried again; it doubles up to a minute.
    pub launch_retry: Duration,
    /// The part of each period by which it may be longer or shorter, so that many controllers do
    /// not ask in step.
    pub jitter: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first_minute: Duration::from_secs(2),
            first_ten_minutes: Duration::from_secs(5),
            later: Duration::from_secs(10),
            stopping: Duration::from_secs(1),
            log: Duration::from_millis(1500),
            log_throttled: Duration::from_secs(5),
            launch_retry: Duration::from_secs(5),
            jitter: 0.2,
        }
    }
}

impl Pace {
    /// The pause before the next DescribeTasks of a watch of this age.
    pub(crate) fn watch(&self, age: Duration) -> Duration {
        match age.as_secs() {
            0..60 => self.first_minute,
            60..600 => self.first_ten_minutes,
            _ => self.later,
        }
    }

    /// A period with its jitter.
    pub(crate) fn jittered(&self, period: Duration) -> Duration {
        period.mul_f64(1.0 + self.jitter * (2.0 * fastrand::f64() - 1.0))
    }
}
