//! Owns a token bucket: so many calls at once, so many a second in the long run. Pure.

use std::time::Duration;

/// Less than any refill that matters, more than what rounding loses.
const ROUNDING: f64 = 1e-6;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bucket {
    capacity: f64,
    per_second: f64,
    tokens: f64,
    filled_at: Duration,
}

impl Bucket {
    /// Full at time zero.
    pub(super) fn new(capacity: u32, per_second: f64) -> Self {
        let capacity = f64::from(capacity);
        Self { capacity, per_second, tokens: capacity, filled_at: Duration::ZERO }
    }

    /// Fills up to `now`, and says whether there is a token.
    pub(super) fn has_token(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.filled_at).as_secs_f64();
        self.filled_at = now.max(self.filled_at);
        self.tokens = (self.tokens + passed * self.per_second).min(self.capacity);
        self.tokens + ROUNDING >= 1.0
    }

    pub(super) fn take(&mut self) {
        self.tokens -= 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(bucket: &mut Bucket, millis: u64) -> bool {
        let has = bucket.has_token(Duration::from_millis(millis));
        if has {
            bucket.take();
        }
        has
    }

    #[test]
    fn a_burst_then_the_rate() {
        let mut bucket = Bucket::new(3, 10.0);
        let table = [
            (0, true),
            (0, true),
            (0, true),
            (0, false),
            (99, false),
            (100, true),
            (150, false),
            (200, true),
            (10_000, true),
            (10_000, true),
            (10_000, true),
            (10_000, false),
        ];
        for (index, (millis, expected)) in table.into_iter().enumerate() {
            assert_eq!(taken(&mut bucket, millis), expected, "call {index} at {millis} ms");
        }
    }

    #[test]
    fn the_long_run_is_the_rate() {
        let mut bucket = Bucket::new(5, 20.0);
        let calls = (0..60_000).step_by(7);
        let passed = calls.filter(|millis| taken(&mut bucket, *millis)).count();
        assert!((1_203..=1_205).contains(&passed), "{passed} in a minute");
    }
}
