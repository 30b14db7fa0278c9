//! Owns when failing reads are worth a word: PURE. One warning a streak, and none for a throttle or
//! a 5xx that is over with the next read.

/// Passing failures in a row, after which a person should know.
const WORTH_SAYING: u32 = 3;

/// Failures in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Streak {
    failures: u32,
    said: bool,
}

impl Streak {
    /// Adds a failure; whether it is time to say so.
    pub(crate) fn failed(&mut self, transient: bool) -> bool {
        self.failures += 1;
        let say = !self.said && (!transient || self.failures >= WORTH_SAYING);
        self.said |= say;
        say
    }

    /// Ends the streak; whether it had been said.
    pub(crate) fn answered(&mut self) -> bool {
        std::mem::take(self).said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_not_worth_a_word_and_a_streak_is_worth_one() {
        let mut streak = Streak::default();
        assert_eq!(
            [true; 5].map(|transient| streak.failed(transient)),
            [false, false, true, false, false]
        );
        assert!(streak.answered());
        assert!(!streak.answered());
        assert!(!streak.failed(true));
        assert!(streak.failed(false), "what does not pass is said at once");
        assert!(!streak.failed(true));
    }
}
