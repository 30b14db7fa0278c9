//! Random cases that can be had again: `ECS_MIGRATE_TEST_SEED` begins where a failure was,
//! `ECS_MIGRATE_TEST_CASES` multiplies how many there are.
#![expect(clippy::disallowed_methods, reason = "tests read their own environment")]

/// Where a test's cases come from.
pub(crate) struct Cases {
    seed: u64,
    left: u64,
}

impl Cases {
    /// So many, unless the environment says more. The first seed is the same on every machine.
    pub(crate) fn new(count: u64) -> Self {
        let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let times = number("ECS_MIGRATE_TEST_CASES").unwrap_or(1);
        Self { seed: number("ECS_MIGRATE_TEST_SEED").unwrap_or(1), left: count * times }
    }
}

impl Iterator for Cases {
    type Item = (u64, fastrand::Rng);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let seed = self.seed;
        self.seed += 1;
        Some((seed, fastrand::Rng::with_seed(seed)))
    }
}

/// One of them.
pub(crate) fn one<'a, T: ?Sized>(random: &mut fastrand::Rng, of: &[&'a T]) -> &'a T {
    of[random.usize(..of.len())]
}
