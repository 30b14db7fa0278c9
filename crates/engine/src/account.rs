//! Owns what a migration cost, statement by statement.

use crate::observe::{Blocker, Held, Seen, TableLock, strongest};
use std::collections::BTreeMap;
use std::time::Duration;

/// What one statement cost, over all attempts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatementCost {
    /// Number of the statement, from 1.
    pub number: u32,
    /// Line of the file, from 1.
    pub line: u32,
    /// How long its last attempt ran, waits included.
    pub duration: Duration,
    /// How long all of them waited for locks, as far as the observer saw.
    pub lock_wait: Duration,
    /// How often it ran.
    pub attempts: u32,
    /// Rows that it changed or returned.
    pub rows: u64,
    /// The strongest lock that it took on a table that was there before, if it could be seen.
    pub lock: Option<TableLock>,
    /// Tables that it rewrote.
    pub rewritten: Vec<String>,
}

/// One migration's costs.
#[derive(Debug, Default)]
pub(crate) struct Account {
    costs: BTreeMap<u32, StatementCost>,
    /// What the transaction that runs holds already.
    held: Held,
    /// Who was in the way of the last statement.
    pub(crate) blockers: Vec<Blocker>,
    /// How long that one waited.
    pub(crate) waited: Duration,
}

impl Account {
    /// A transaction begins, perhaps again: it holds nothing.
    pub(crate) fn begin(&mut self) {
        self.held.clear();
        self.blockers.clear();
    }

    /// A statement ended, well or not.
    pub(crate) fn ran(&mut self, (number, line): (u32, u32), duration: Duration, seen: &Seen) {
        let cost = self.costs.entry(number).or_default();
        cost.number = number;
        cost.line = line;
        cost.duration = duration;
        cost.lock_wait += seen.lock_wait;
        cost.attempts += 1;
        self.blockers.clone_from(&seen.blockers);
    }

    /// Something of our own waited.
    pub(crate) fn waited_for(&mut self, seen: Seen) {
        self.waited = seen.lock_wait;
        self.blockers = seen.blockers;
    }

    /// How many rows it touched.
    pub(crate) fn touched(&mut self, number: u32, rows: u64) {
        self.costs.entry(number).or_default().rows = rows;
    }

    /// What its backend holds after it.
    pub(crate) fn locked(&mut self, number: u32, held: Held) {
        if let Some(cost) = self.costs.get_mut(&number) {
            cost.lock = strongest(&self.held, &held);
        }
        self.held = held;
    }

    /// These tables have been rewritten since the transaction began.
    pub(crate) fn rewrote(&mut self, number: u32, tables: Vec<String>) {
        let known: Vec<String> = self
            .costs
            .range(..number)
            .flat_map(|(_, cost)| cost.rewritten.iter().cloned())
            .collect();
        if let Some(cost) = self.costs.get_mut(&number) {
            cost.rewritten = tables.into_iter().filter(|table| !known.contains(table)).collect();
        }
    }

    /// Every statement in its order.
    pub(crate) fn costs(&self) -> Vec<StatementCost> {
        self.costs.values().cloned().collect()
    }
}
