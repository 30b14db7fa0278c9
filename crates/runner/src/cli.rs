//! What a person or a task definition can say.

use clap::{Args, Parser, Subcommand, ValueEnum};
use protocol::{ExitCode, env};
use std::path::PathBuf;
use std::time::Duration;

/// Bring a PostgreSQL database up to date, exactly once
///
/// Reads Prisma's migrations directory and writes Prisma's history, without Node.js. The database
/// is found in this order: --secret, DATABASE_URL, PGHOST and its kin.
#[derive(Debug, Parser)]
#[command(name = "ecs-migrate-runner", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: docs/exit-codes.md. 0 done, 10 a migration failed and was rolled back, \
13 the history differs, 20 lock not obtained, 21 unreachable, 22 access denied, 30 interrupted."
)]
pub struct Cli {
    /// What to do; `deploy` unless said
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Options of every command
    #[command(flatten)]
    pub options: Options,
}

/// What the runner can do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Apply what is pending (the default)
    Deploy,
    /// Say what is applied, pending or different, without changing anything
    Status,
    /// Correct the history by hand, after looking at what is known
    Resolve(Resolve),
    /// End one session that blocks a running migration, after showing what it is
    Unblock(Unblock),
}

/// Whom to end
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Unblock {
    /// Process id of the session, as the migration's log names it
    #[arg(value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pub pid: i32,

    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// What to record
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Resolve {
    /// This migration is in the database
    #[arg(long, value_name = "NAME")]
    pub applied: Option<String>,

    /// Nothing of this migration is in the database
    #[arg(long, value_name = "NAME")]
    pub rolled_back: Option<String>,

    /// Everything up to this migration is in a database that has no history yet
    #[arg(long, value_name = "NAME")]
    pub baseline: Option<String>,

    /// Record it even if the database contradicts it
    #[arg(long)]
    pub force: bool,
}

impl Command {
    /// Its name in event lines.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Status => "status",
            Self::Resolve(_) => "resolve",
            Self::Unblock(_) => "unblock",
        }
    }
}

/// Options of every command; each can come from the environment.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Directory of the migrations
    #[arg(long, global = true, value_name = "DIR", env = env::MIGRATIONS, default_value = "prisma/migrations")]
    pub migrations: PathBuf,

    /// Id or ARN of a Secrets Manager secret with the database's address and password
    #[arg(long, global = true, value_name = "ID", env = env::SECRET)]
    pub secret: Option<String>,

    /// How to write: one JSON object per line, or sentences; `auto` is sentences on a terminal
    #[arg(long, global = true, value_name = "FORMAT", env = env::LOG_FORMAT, default_value = "auto")]
    pub log_format: LogFormat,

    /// How long to wait for the advisory lock
    #[arg(long, global = true, value_name = "DURATION", env = env::LOCK_WAIT, default_value = "10m", value_parser = humantime::parse_duration)]
    pub lock_wait: Duration,

    /// Key of the advisory lock; Prisma's own key is held as well
    #[arg(long, global = true, value_name = "KEY", env = env::LOCK_KEY, default_value_t = engine::DEFAULT_LOCK_KEY, allow_negative_numbers = true)]
    pub lock_key: i64,

    /// The longest that one attempt waits for a table lock, because traffic queues behind it; the
    /// first attempts wait 100 ms. 0 leaves lock_timeout to the server [default: 2s, with --compat prisma 0]
    #[arg(long, global = true, value_name = "DURATION", env = env::LOCK_TIMEOUT, value_parser = duration)]
    pub lock_timeout: Option<Duration>,

    /// The longest wait for a lock where nobody queues behind it: CONCURRENTLY, VACUUM, data
    /// changes before the first schema change. 0 is no limit [default: 15m]
    #[arg(long, global = true, value_name = "DURATION", env = env::LOCK_PATIENCE, value_parser = duration)]
    pub lock_patience: Option<Duration>,

    /// How long to try again what other sessions stop, a whole transaction at a time. 0 never tries
    /// again [default: 15m, with --compat prisma 0]
    #[arg(long, global = true, value_name = "DURATION", env = env::LOCK_BUDGET, value_parser = duration)]
    pub lock_budget: Option<Duration>,

    /// Allow one difference in the history: edited:NAME, missing:NAME or out-of-order:NAME
    #[arg(long, global = true, value_name = "DIFFERENCE", env = env::ALLOW, value_delimiter = ',', value_parser = permission)]
    pub allow: Vec<String>,

    /// Keep another tool's texts, exit codes and habits
    #[arg(long, global = true, value_name = "TOOL", env = env::COMPAT)]
    pub compat: Option<Compat>,

    /// Create the database if it does not exist
    #[arg(long, global = true, env = env::CREATE_DATABASE, value_parser = clap::builder::FalseyValueParser::new())]
    pub create_database: bool,
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

/// Like the other durations, and a plain `0`.
fn duration(text: &str) -> Result<Duration, humantime::DurationError> {
    if text == "0" { Ok(Duration::ZERO) } else { humantime::parse_duration(text) }
}

fn permission(text: &str) -> Result<String, String> {
    text.parse::<migrations::Allowances>()
        .map(|_allowance| text.to_owned())
        .map_err(|_| "it takes edited:NAME, missing:NAME or out-of-order:NAME".to_owned())
}

/// Prints help, version, or what is wrong with the command line.
pub(crate) fn explain(message: &clap::Error) -> ExitCode {
    // A closed stdout or stderr leaves nobody to tell.
    let _told = message.print();
    if message.use_stderr() { ExitCode::Usage } else { ExitCode::Success }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
