//! What happens, as it happens.

use crate::account::StatementCost;
use crate::check::Finding;
use crate::observe::{Blocker, Work};
use crate::restore::RestorePoint;
use migrations::Mode;
use std::time::Duration;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The database answered.
    Connected {
        /// Host.
        host: String,
        /// TCP port.
        port: u16,
        /// Database.
        database: String,
        /// Role.
        user: String,
        /// Where the history lives.
        schema: String,
        /// The server's version as it gives it.
        server_version: String,
        /// Process id of our backend.
        backend: i32,
        /// The environment whose database it is, if it bears a name.
        environment: Option<String>,
        /// Which database it is, whatever its address; empty if nobody can say it.
        identity: String,
        /// Whether the connection is encrypted.
        tls: bool,
    },
    /// The database could not be reached, or not as it has to be; it is tried again.
    ConnectWaiting {
        /// Number of the attempt that failed, from 1.
        attempt: u32,
        /// Why it failed.
        cause: String,
        /// Since when we try.
        waited: Duration,
        /// How long until the next attempt.
        next: Duration,
    },
    /// Somebody else holds an advisory lock.
    LockWaiting {
        /// Its key.
        key: i64,
        /// Since when we wait.
        waited: Duration,
        /// Who holds it, as far as the server shows.
        holder: Option<String>,
    },
    /// The advisory locks are ours.
    LockAcquired {
        /// Their keys.
        keys: Vec<i64>,
        /// How long it took.
        waited: Duration,
    },
    /// An attempt that an earlier run of ours left unfinished is settled.
    Settled {
        /// Name of the migration.
        migration: String,
        /// How it ended.
        outcome: &'static str,
    },
    /// What will be done.
    Planned {
        /// Migrations in the directory.
        found: usize,
        /// Of these, applied already.
        applied: usize,
        /// Names to be applied now, in order.
        pending: Vec<String>,
        /// Names of rows newer than everything in the directory.
        ahead: Vec<String>,
        /// Names that wait for the rollout of the new code.
        waiting: Vec<String>,
    },
    /// Where the database was before the first change.
    RestorePoint(RestorePoint),
    /// A migration begins.
    MigrationStarted {
        /// Its name.
        migration: String,
        /// Its place in this run, from 1.
        number: usize,
        /// How many this run applies.
        of: usize,
        /// How it runs.
        mode: Mode,
        /// How many statements it has.
        statements: u32,
    },
    /// A unit of a migration that is not one transaction is done.
    StatementFinished {
        /// Name of the migration.
        migration: String,
        /// Number of its last statement, from 1.
        number: u32,
        /// How many statements the script has.
        of: u32,
        /// How long it took.
        duration: Duration,
        /// Whether an earlier run had done it already.
        skipped: bool,
    },
    /// A migration and its history row are committed.
    MigrationApplied {
        /// Its name.
        migration: String,
        /// From the started row to the finished row.
        duration: Duration,
        /// What each statement cost.
        statements: Vec<StatementCost>,
    },
    /// Others stopped an attempt, and it is tried again.
    Blocked {
        /// Name of the migration.
        migration: String,
        /// The attempt that was stopped, from 1.
        attempt: u32,
        /// For how long others have been in the way by now.
        blocked: Duration,
        /// How long the next attempt is put off.
        pause: Duration,
        /// PostgreSQL's code.
        sqlstate: String,
        /// Who was in the way, as far as it was seen.
        blockers: Vec<Blocker>,
    },
    /// What a check found out about one thing.
    Finding(Finding),
    /// Something a person should know.
    Notice {
        /// A stable word for it.
        code: &'static str,
        /// One sentence.
        text: String,
    },
    /// The server said something beside its answer, while a statement of a script ran.
    Said {
        /// Name of the migration.
        migration: String,
        /// Number of the statement, from 1.
        statement: u32,
        /// PostgreSQL's word: NOTICE, WARNING, INFO, LOG or DEBUG, in the server's language.
        severity: String,
        /// PostgreSQL's code.
        sqlstate: String,
        /// What it said.
        text: String,
    },
    /// It said more of the kind than is shown.
    NotShown {
        /// Name of the migration.
        migration: String,
        /// Number of the statement, from 1.
        statement: u32,
        /// How many.
        more: u64,
    },
    /// Still alive.
    Heartbeat {
        /// What is being done.
        doing: String,
        /// For how long.
        elapsed: Duration,
        /// What lock it waits for, if it does.
        waits_for: Option<String>,
        /// Who holds it.
        blockers: Vec<Blocker>,
        /// How far it is, if the server reports it.
        work: Option<Work>,
    },
}

/// Takes progress; must not block.
pub trait Sink {
    /// Takes one thing that happened.
    fn emit(&mut self, progress: Progress);
}

impl<F: FnMut(Progress)> Sink for F {
    fn emit(&mut self, progress: Progress) {
        self(progress);
    }
}
