//! What happens, as it happens.

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
    },
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
    },
    /// Something a person should know.
    Notice {
        /// A stable word for it.
        code: &'static str,
        /// One sentence.
        text: String,
    },
    /// Still alive.
    Heartbeat {
        /// What is being done.
        doing: String,
        /// For how long.
        elapsed: Duration,
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

/// A run is never silent for longer than this.
const HEARTBEAT_PERIOD: Duration = Duration::from_secs(15);

/// Waits for `work` and says every 15 s that it still runs.
pub(crate) async fn heartbeat<W: Future>(sink: &mut dyn Sink, doing: String, work: W) -> W::Output {
    let begun = tokio::time::Instant::now();
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            output = &mut work => return output,
            () = tokio::time::sleep(HEARTBEAT_PERIOD) => {
                sink.emit(Progress::Heartbeat { doing: doing.clone(), elapsed: begun.elapsed() });
            }
        }
    }
}
