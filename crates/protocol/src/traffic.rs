//! What a migration and the application do to each other: blockers, waits, locks.

use serde::{Deserialize, Serialize};

/// A session that stands in a migration's way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Blocker {
    /// Its process id; 0 for a prepared transaction.
    pub pid: i32,
    /// What it is, e.g. `idle in transaction`.
    pub blocker: String,
    /// `application_name`.
    pub application: String,
    /// Role.
    pub user: String,
    /// How long its transaction has been open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// Its query without the values in it, cut; the name of a prepared transaction.
    pub query: String,
    /// The process that it blocks.
    pub blocks: i32,
    /// 1 blocks the migration, 2 blocks one of those, and so on.
    pub depth: u32,
}

/// What one statement of a migration cost, over all attempts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatementCost {
    /// Number of the statement, from 1.
    pub number: u32,
    /// Line of the file, from 1.
    pub line: u32,
    /// How long its last attempt ran, waits included.
    pub duration_ms: u64,
    /// How long all of them waited for locks, as far as it was seen.
    pub lock_wait_ms: u64,
    /// How often it ran.
    pub attempts: u32,
    /// Rows that it changed or returned.
    pub rows: u64,
    /// The strongest lock that it took on a table that was there before, if it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<TableLock>,
    /// Tables that it rewrote.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rewritten: Vec<String>,
}

/// A lock on a table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TableLock {
    /// Schema and name.
    pub relation: String,
    /// The server's name of the mode, e.g. `AccessExclusiveLock`.
    pub mode: String,
}
