//! Owns when to try again. Pure: no clock, no chance of its own.

use std::time::Duration;

/// The `lock_timeout` of the first attempts in milliseconds; later ones double. Short ones first:
/// most blockers are short, and what a reader has to wait is the `lock_timeout` (measured on
/// PostgreSQL 15: 5.7 s of stall without one, 101 ms with 100 ms).
const FIRST_TIMEOUTS: [u64; 10] = [100, 100, 200, 300, 500, 500, 500, 1_000, 1_000, 1_000];

const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The `lock_timeout` of an attempt, from 1, where `longest` is allowed.
pub(super) fn lock_timeout(attempt: u32, longest: Duration) -> Duration {
    let at = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    match FIRST_TIMEOUTS.get(at) {
        Some(milliseconds) => longest.min(Duration::from_millis(*milliseconds)),
        None => {
            let doublings = u32::try_from(at - FIRST_TIMEOUTS.len()).unwrap_or(u32::MAX).min(20);
            longest.min(Duration::from_secs(2).saturating_mul(1 << doublings))
        }
    }
}

/// What to do after an attempt that others stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Try again after this pause.
    Again(Duration),
    /// The budget is used up.
    GiveUp,
}

/// Decides after `attempt`, from 1, where others have been in the way for `blocked`. `chance` is
/// from 0 to 1. A pause is at least as long as readers had to wait before it, so that they get half
/// of the time at the worst; the last one ends with the budget.
pub(super) fn next(attempt: u32, (blocked, budget): (Duration, Duration), chance: f64) -> Next {
    let left = budget.saturating_sub(blocked);
    if left.is_zero() {
        return Next::GiveUp;
    }
    let full = Duration::from_millis(100).saturating_mul(1 << attempt.min(20)).min(LONGEST_PAUSE);
    Next::Again(full.mul_f64(0.5 + chance / 2.0).min(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn timeouts_grow_up_to_what_is_allowed() {
        for (attempt, longest, timeout) in [
            (1, 2_000, 100),
            (2, 2_000, 100),
            (3, 2_000, 200),
            (5, 2_000, 500),
            (8, 2_000, 1_000),
            (11, 2_000, 2_000),
            (12, 2_000, 2_000),
            (11, 60_000, 2_000),
            (12, 60_000, 4_000),
            (u32::MAX, 60_000, 60_000),
            (1, 50, 50),
            (0, 2_000, 100),
        ] {
            assert_eq!(lock_timeout(attempt, ms(longest)), ms(timeout), "attempt {attempt}");
        }
    }

    #[test]
    fn pauses_grow_with_jitter_and_end_with_the_budget() {
        for (attempt, blocked, chance, next_is) in [
            (1, 0, 0.0, Next::Again(ms(100))),
            (1, 0, 1.0, Next::Again(ms(200))),
            (4, 0, 0.0, Next::Again(ms(800))),
            (30, 0, 1.0, Next::Again(ms(30_000))),
            (u32::MAX, 0, 0.0, Next::Again(ms(15_000))),
            (9, 899_900, 1.0, Next::Again(ms(100))),
            (9, 900_000, 0.0, Next::GiveUp),
            (9, 1_000_000, 0.0, Next::GiveUp),
        ] {
            assert_eq!(next(attempt, (ms(blocked), ms(900_000)), chance), next_is, "{attempt}");
        }
        assert_eq!(next(1, (ms(0), ms(0)), 1.0), Next::GiveUp, "no budget, no second attempt");
    }

    #[test]
    fn readers_get_at_least_as_long_as_they_had_to_wait() {
        for attempt in 1..60 {
            let Next::Again(pause) = next(attempt, (ms(0), ms(900_000)), 0.0) else {
                panic!("gave up at {attempt}")
            };
            assert!(pause >= lock_timeout(attempt, ms(2_000)), "{attempt}: {pause:?}");
        }
    }
}
