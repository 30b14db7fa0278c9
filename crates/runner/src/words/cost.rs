//! Owns what a migration cost, as an event and in words.

use super::{duration, millis, plural};
use engine::StatementCost;
use protocol::event::MigrationApplied;
use protocol::limits::MAX_STATEMENTS_PER_EVENT;
use protocol::{Event, traffic};
use std::cmp::Reverse;
use std::time::Duration;

/// From here on a terminal shows a statement.
const LONG_MS: u64 = 1_000;

/// The end of a migration; of many statements those that took longest.
pub(super) fn applied(
    migration: String,
    took: Duration,
    statements: &[StatementCost],
) -> Vec<(Event, String)> {
    let mut shown: Vec<&StatementCost> = statements.iter().collect();
    shown.sort_by_key(|cost| Reverse(cost.duration + cost.lock_wait));
    shown.truncate(MAX_STATEMENTS_PER_EVENT);
    shown.sort_by_key(|cost| cost.number);
    let msg = format!("applied `{migration}` in {}{}", duration(took), remarks(statements));
    let event = MigrationApplied {
        migration,
        duration_ms: millis(took),
        statements: shown.into_iter().map(line).collect(),
        ran: statements.len() as u64,
    };
    vec![(Event::MigrationApplied(event), msg)]
}

/// What is worth a word even where only the sentence is read.
fn remarks(statements: &[StatementCost]) -> String {
    let attempts = statements.iter().map(|cost| cost.attempts).max().unwrap_or(1);
    let waited: Duration = statements.iter().map(|cost| cost.lock_wait).sum();
    let rewritten: Vec<String> =
        statements.iter().flat_map(|cost| cost.rewritten.iter().cloned()).collect();
    let mut text = String::new();
    if attempts > 1 {
        text = format!(", {attempts} attempts");
    }
    if !waited.is_zero() {
        text = format!("{text}, {} of it waiting for locks", duration(waited));
    }
    if !rewritten.is_empty() {
        let more = rewritten.len().saturating_sub(5);
        let names = rewritten.into_iter().take(5).collect::<Vec<_>>().join(", ");
        text = format!("{text}, rewrote {names}");
        if more > 0 {
            text = format!("{text} and {}", plural(more as u64, "other"));
        }
    }
    text
}

fn line(cost: &StatementCost) -> traffic::StatementCost {
    traffic::StatementCost {
        number: cost.number,
        line: cost.line,
        duration_ms: millis(cost.duration),
        lock_wait_ms: millis(cost.lock_wait),
        attempts: cost.attempts,
        rows: cost.rows,
        lock: cost.lock.as_ref().map(|lock| traffic::TableLock {
            relation: lock.relation.clone(),
            mode: lock.mode.clone(),
        }),
        rewritten: cost.rewritten.clone(),
    }
}

/// Whether a terminal shows it.
pub(super) fn worth_saying(cost: &traffic::StatementCost) -> bool {
    cost.duration_ms >= LONG_MS || cost.attempts > 1 || !cost.rewritten.is_empty()
}

/// `2 (line 5): 3.2 s, 2 attempts, AccessExclusiveLock on public.orders, rewrote public.orders`
pub(super) fn sentence(cost: &traffic::StatementCost) -> String {
    let mut parts = vec![duration(Duration::from_millis(cost.duration_ms))];
    if cost.lock_wait_ms > 0 {
        let waited = duration(Duration::from_millis(cost.lock_wait_ms));
        parts.push(format!("{waited} waiting for locks"));
    }
    if cost.attempts > 1 {
        parts.push(format!("{} attempts", cost.attempts));
    }
    if cost.rows > 0 {
        parts.push(plural(cost.rows, "row"));
    }
    parts.extend(cost.lock.as_ref().map(|lock| format!("{} on {}", lock.mode, lock.relation)));
    if !cost.rewritten.is_empty() {
        parts.push(format!("rewrote {}", cost.rewritten.join(", ")));
    }
    format!("{} (line {}): {}", cost.number, cost.line, parts.join(", "))
}
