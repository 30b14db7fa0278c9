//! Owns how far a migration may get in the way of the application.
//!
//! A statement that waits for a strong table lock makes every later query of that table queue
//! behind it, though the lock is not held yet. So it waits shortly, gives way, and tries again.

mod class;
mod retry;
mod schedule;
mod snapshots;

pub(crate) use retry::{Tries, give_up, named};
pub(crate) use snapshots::wait_for_old_transactions;

use crate::observe::{Blocker, BlockerKind};
use class::Wait;
use migrations::Script;
use std::cell::Cell;
use std::time::Duration;

/// How long to wait for locks, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// The longest `lock_timeout` of one attempt where traffic queues behind us; attempts begin
    /// with shorter ones. Zero: nothing is set, and the server's own settings hold.
    pub lock_timeout: Duration,
    /// The `lock_timeout` where nobody queues behind us: `CONCURRENTLY`, `VACUUM`, and data changes
    /// before the transaction's first schema change. Zero: no limit.
    pub patience: Duration,
    /// For how long others may be in the way of one transaction, or of one statement that runs by
    /// itself, from the first time that they were. Zero: nothing is tried again.
    pub budget: Duration,
}

impl Traffic {
    /// The defaults. 2 s, because the server asks an autovacuum to yield only when somebody has
    /// waited for `deadlock_timeout`, 1 s unless set (PostgreSQL, `storage/lmgr/proc.c`).
    pub const DEFAULT: Self = Self {
        lock_timeout: Duration::from_secs(2),
        patience: Duration::from_mins(15),
        budget: Duration::from_mins(15),
    };

    /// What `prisma migrate` does: wait as long as the server lets it, and never try again.
    pub const NONE: Self =
        Self { lock_timeout: Duration::ZERO, patience: Duration::ZERO, budget: Duration::ZERO };
}

/// Which `lock_timeout` the session has, and which one the next statement needs.
pub(crate) struct Pace<'a> {
    pub(crate) traffic: &'a Traffic,
    waits: Vec<Option<Wait>>,
    /// Whether the script sets its own.
    own: bool,
    /// The attempt that runs, from 1.
    attempt: Cell<u32>,
    /// What this transaction, or this session, has set.
    set: Cell<Option<Wait>>,
    /// Whether waiting longer makes those yield who are in the way.
    insists: Cell<bool>,
}

impl<'a> Pace<'a> {
    pub(crate) fn new(traffic: &'a Traffic, script: &Script) -> Self {
        Self {
            traffic,
            waits: class::waits(script),
            own: class::has_its_own(script),
            attempt: Cell::new(1),
            set: Cell::new(None),
            insists: Cell::new(false),
        }
    }

    /// Makes the next attempt the longest where only autovacuums are in the way: the server ends
    /// them for whoever has waited for `deadlock_timeout`, and for nobody who gives way before.
    pub(crate) fn learn(&self, blockers: &[Blocker]) {
        let direct = || blockers.iter().filter(|blocker| blocker.depth == 1);
        self.insists.set(
            direct().next().is_some()
                && direct().all(|blocker| blocker.kind == BlockerKind::Autovacuum),
        );
    }

    /// A transaction begins, in this attempt: what the one before it set is gone.
    pub(crate) fn begin(&self, attempt: u32) {
        self.attempt.set(attempt);
        self.set.set(None);
    }

    /// A statement may have taken back what was set.
    pub(crate) fn forget(&self) {
        self.set.set(None);
    }

    /// Whether the session's `lock_timeout` is ours and not the script's.
    pub(crate) fn is_ours(&self) -> bool {
        !self.own
    }

    /// The `lock_timeout` to set before a statement of the script, if it has not the right one.
    pub(crate) fn change(&self, index: usize) -> Option<Duration> {
        let wait = self.waits.get(index).copied().flatten()?;
        if self.traffic.lock_timeout.is_zero() || self.set.replace(Some(wait)) == Some(wait) {
            return None;
        }
        Some(self.timeout(wait))
    }

    fn timeout(&self, wait: Wait) -> Duration {
        match wait {
            Wait::Short if self.insists.get() => self.traffic.lock_timeout,
            Wait::Short => schedule::lock_timeout(self.attempt.get(), self.traffic.lock_timeout),
            Wait::Patient => self.traffic.patience,
        }
    }

    /// How long a statement waited that failed after `ran`, where looks have seen `seen` of it.
    pub(crate) fn waited(&self, ran: Duration, seen: Duration) -> Duration {
        match self.set.get().map(|wait| self.timeout(wait)) {
            Some(timeout) if !timeout.is_zero() => ran.min(timeout),
            Some(_) | None => seen,
        }
    }
}

/// The statement that sets it; `scope` is `LOCAL` or `SESSION`.
pub(crate) fn set_lock_timeout(scope: &str, timeout: Duration) -> String {
    // The setting is a number of milliseconds in 31 bits.
    let milliseconds = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    format!("SET {scope} lock_timeout = {milliseconds}")
}
