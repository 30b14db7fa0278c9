//! Owns the options, in groups that are obeyed together: a command has those groups that it obeys, and
//! no others. Each can come from the environment.

use super::{permission, step, truth};
use clap::{Args, ValueEnum};
use protocol::env;
use std::path::PathBuf;
use std::time::Duration;

/// Where the database is, whose it is, and how is written; every command obeys it.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Connection {
    /// Id or ARN of a Secrets Manager secret with the database's address and password
    #[arg(long, value_name = "ID", env = env::SECRET)]
    pub secret: Option<String>,

    /// Sign in with a token of AWS IAM, signed with the task role, instead of a password
    #[arg(long, env = env::IAM_AUTH, value_parser = truth)]
    pub iam_auth: bool,

    /// How long to try again while the database does not answer, starts, or is full; three times as
    /// long after a connection was lost
    #[arg(long, value_name = "DURATION", env = env::CONNECT_WAIT, default_value = "1m", value_parser = humantime::parse_duration)]
    pub connect_wait: Duration,

    /// The schema that holds the history and takes unqualified names, as ?schema= in a URL says it:
    /// where the search path leads elsewhere than the history is
    #[arg(long, value_name = "NAME", env = env::SCHEMA)]
    pub schema: Option<String>,

    /// The environment that this run is for, e.g. production: the first run writes the name into
    /// the database, and a database that bears another one is refused
    #[arg(long, value_name = "NAME", env = env::ENVIRONMENT, value_parser = super::guards::name_or_none)]
    pub environment: Option<String>,

    /// Keep another tool's texts, exit codes and habits
    #[arg(long, value_name = "TOOL", env = env::COMPAT)]
    pub compat: Option<Compat>,

    /// How to write: one JSON object per line, or sentences; `auto` is sentences on a terminal
    #[arg(long, value_name = "FORMAT", env = env::LOG_FORMAT, default_value = "auto")]
    pub log_format: LogFormat,
}

/// Where the migrations are.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Migrations {
    /// Directory of the migrations
    #[arg(id = "migrations", long = "migrations", value_name = "DIR", env = env::MIGRATIONS, default_value = DIRECTORY)]
    pub path: PathBuf,
}

const DIRECTORY: &str = "prisma/migrations";

/// Which advisory lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct LockKey {
    /// Key of the advisory lock; all but `exec` hold Prisma's own key as well
    #[arg(long, value_name = "KEY", env = env::LOCK_KEY, default_value_t = engine::DEFAULT_LOCK_KEY, allow_negative_numbers = true)]
    pub lock_key: i64,
}

/// How long to wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct LockWait {
    /// How long to wait for the advisory lock
    #[arg(long, value_name = "DURATION", env = env::LOCK_WAIT, default_value = "10m", value_parser = humantime::parse_duration)]
    pub lock_wait: Duration,
}

/// How far to get in the way of the application.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct Traffic {
    /// The longest that one attempt waits for a table lock, because traffic queues behind it; the
    /// first attempts wait 100 ms. 0 leaves lock_timeout to the server [default: 2s, with --compat prisma 0]
    #[arg(long, value_name = "DURATION", env = env::LOCK_TIMEOUT, value_parser = duration)]
    pub lock_timeout: Option<Duration>,

    /// The longest wait for a lock where nobody queues behind it: CONCURRENTLY, VACUUM, data
    /// changes before the first schema change. 0 is no limit [default: 15m]
    #[arg(long, value_name = "DURATION", env = env::LOCK_PATIENCE, value_parser = duration)]
    pub lock_patience: Option<Duration>,
}

/// How long others may be in the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct Budget {
    /// How long to try again what other sessions stop, a whole transaction at a time. 0 never tries
    /// again [default: 15m, with --compat prisma 0]. Of a wrapped command: how long its sessions may
    /// queue for a lock before it is stopped; 0 is no limit [default: 1m]
    #[arg(long, value_name = "DURATION", env = env::LOCK_BUDGET, value_parser = duration)]
    pub lock_budget: Option<Duration>,
}

/// Which history is accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Permissions {
    /// Allow one difference in the history: edited:NAME, missing:NAME or out-of-order:NAME
    #[arg(long, value_name = "DIFFERENCE", env = env::ALLOW, value_delimiter = ',', value_parser = permission)]
    pub allow: Vec<String>,
}

/// What is made where nothing is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct Creation {
    /// Create the database if it does not exist
    #[arg(long, env = env::CREATE_DATABASE, value_parser = truth)]
    pub create_database: bool,
}

/// What follows the migrations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Steps {
    /// After the migrations, run this once under the lock, e.g. a seed; again for more
    #[arg(long, value_name = "CMD", env = env::THEN, value_delimiter = '\n', value_parser = step)]
    pub then: Vec<String>,

    /// Run the --then commands even if they have ended well before
    #[arg(long, env = env::THEN_AGAIN, value_parser = truth)]
    pub then_again: bool,
}

/// How another program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct Child {
    /// The DATABASE_URL of a command: for Prisma, for libpq (psql, dbmate), or as it is; `start`
    /// keeps it unless said
    #[arg(long, value_name = "DIALECT", env = env::CHILD_URL)]
    pub child_url: Option<ChildUrl>,

    /// How long a command may take to end after SIGTERM or SIGINT before it is killed
    #[arg(long, value_name = "DURATION", env = env::GRACE, default_value = "20s", value_parser = humantime::parse_duration)]
    pub grace: Duration,
}

/// Whether a person is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct Consent {
    /// Do not ask on a terminal
    #[arg(long)]
    pub yes: bool,
}

/// Whose dialect a command's `DATABASE_URL` is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChildUrl {
    /// Prisma's parameters
    Prisma,
    /// libpq's parameters
    Libpq,
    /// Neither it nor PG* are touched
    Keep,
}

/// Another tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compat {
    /// `prisma migrate`, version 7
    Prisma,
}

/// How to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Sentences on a terminal, else JSON
    Auto,
    /// One event line for everything
    Json,
    /// Sentences
    Text,
}

impl Default for Migrations {
    fn default() -> Self {
        Self { path: PathBuf::from(DIRECTORY) }
    }
}

impl Default for LockKey {
    fn default() -> Self {
        Self { lock_key: engine::DEFAULT_LOCK_KEY }
    }
}

impl Default for LockWait {
    fn default() -> Self {
        Self { lock_wait: Duration::from_mins(10) }
    }
}

impl Default for Child {
    fn default() -> Self {
        Self { child_url: None, grace: Duration::from_secs(20) }
    }
}

/// Like the other durations, and a plain `0`.
fn duration(text: &str) -> Result<Duration, humantime::DurationError> {
    if text == "0" { Ok(Duration::ZERO) } else { humantime::parse_duration(text) }
}
