//! What a failed run says of the cause and of the database.

use crate::traffic::Blocker;
use serde::{Deserialize, Serialize};

/// What a run's end means for the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseState {
    /// Nothing was written, or all that was written is rolled back.
    Unchanged,
    /// Whole migrations were applied, and nothing is half done.
    Changed,
    /// A migration is part-way, and the next run resumes it.
    PartWay,
    /// A migration is part-way, and a person has to decide.
    NeedsAttention,
    /// Nobody can say yet; also what a newer runner said that this reader does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// Why a run failed. Absent fields are fields that do not apply.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Failure {
    /// The cause as one sentence in lower case, without a full stop.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The migration that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration: Option<String>,
    /// The statement that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<FailedStatement>,
    /// PostgreSQL's five-character code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// The server's DETAIL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Prisma's code for the same thing, e.g. `P3009`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prisma_code: Option<String>,
    /// The attempts that block, when that is the cause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unfinished: Vec<UnfinishedMigration>,
    /// The sessions that were in the way, when that is the cause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blockers: Vec<Blocker>,
}

/// An attempt that neither finished nor was rolled back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UnfinishedMigration {
    /// Name of the migration.
    pub name: String,
    /// When it began: RFC 3339 in UTC.
    pub started_at: String,
}

/// Where in a migration's script it failed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FailedStatement {
    /// Number of the statement, from 1.
    pub number: u32,
    /// How many statements the script has.
    pub of: u32,
    /// Line of the file, from 1: where the server points, else where the statement starts.
    pub line: u32,
    /// The statement's text, cut if long.
    pub text: String,
}
