//! What a person or a task definition can say.

use crate::environment::Environment;
use crate::process::program;
use crate::review::ReviewOptions;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use protocol::{ExitCode, env};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

mod blank;
mod guards;
mod truth;

pub(crate) use truth::truth;

pub use guards::{Guards, KeepBefore, OnDrift, RestorePoint, ScratchUrl};

/// Bring a PostgreSQL database up to date, exactly once
///
/// Reads Prisma's migrations directory and writes Prisma's history, without Node.js. The database
/// is found in this order: --secret, DATABASE_URL, PGHOST and its kin.
#[derive(Debug, Parser)]
#[command(name = "ecs-migrate-runner", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: docs/exit-codes.md. 0 done, 10 a migration failed and was rolled back, \
13 the history differs, 20 lock not obtained, 21 unreachable, 22 access denied, 30 interrupted. \
A command's own code passes through."
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
    /// Apply everything to a scratch database beside this one, and drop it again
    Replay,
    /// Correct the history by hand, after looking at what is known
    Resolve(Resolve),
    /// Run any command under the lock, its output as events, its exit code as ours
    Exec(Wrapped),
    /// Apply what is pending, then become the application
    Start(Wrapped),
    /// End one session that blocks a running migration, after showing what it is
    Unblock(Unblock),
    /// Look for what would stop a deployment, from here and without changing anything
    Check(Check),
}

/// What else to look for
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Check {
    /// What was changed beside the migrations: compares the database with what its applied
    /// migrations make in a scratch database, for which the role needs CREATEDB
    #[arg(long)]
    pub drift: bool,
}

/// Any other program
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Wrapped {
    /// The program and its arguments; there is no shell in between
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// Whom to end
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Unblock {
    /// Process id of the session, as the migration's log names it
    #[arg(value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pub pid: i32,
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

    /// The database is this environment's from now on; one that bears a name needs --environment
    /// with it as well
    #[arg(long, value_name = "NAME", value_parser = guards::name)]
    pub rename_environment: Option<String>,

    /// Record it even if the database contradicts it
    #[arg(long)]
    pub force: bool,
}

impl Command {
    /// Its name in event lines.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Replay => "replay",
            Self::Status => "status",
            Self::Resolve(_) => "resolve",
            Self::Exec(_) => "exec",
            Self::Start(_) => "start",
            Self::Unblock(_) => "unblock",
            Self::Check(_) => "check",
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

    /// Sign in with a token of AWS IAM, signed with the task role, instead of a password
    #[arg(long, global = true, env = env::IAM_AUTH, value_parser = truth)]
    pub iam_auth: bool,

    /// How long to try again while the database does not answer, starts, or is full; three times as
    /// long after a connection was lost
    #[arg(long, global = true, value_name = "DURATION", env = env::CONNECT_WAIT, default_value = "1m", value_parser = humantime::parse_duration)]
    pub connect_wait: Duration,

    /// The schema that holds the history and takes unqualified names, as ?schema= in a URL says it:
    /// where the search path leads elsewhere than the history is
    #[arg(long, global = true, value_name = "NAME", env = env::SCHEMA)]
    pub schema: Option<String>,

    /// How to write: one JSON object per line, or sentences; `auto` is sentences on a terminal
    #[arg(long, global = true, value_name = "FORMAT", env = env::LOG_FORMAT, default_value = "auto")]
    pub log_format: LogFormat,

    /// How long to wait for the advisory lock
    #[arg(long, global = true, value_name = "DURATION", env = env::LOCK_WAIT, default_value = "10m", value_parser = humantime::parse_duration)]
    pub lock_wait: Duration,

    /// Key of the advisory lock; all but `exec` hold Prisma's own key as well
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
    /// again [default: 15m, with --compat prisma 0]. Of a wrapped command: how long its sessions may
    /// queue for a lock before it is stopped; 0 is no limit [default: 1m]
    #[arg(long, global = true, value_name = "DURATION", env = env::LOCK_BUDGET, value_parser = duration)]
    pub lock_budget: Option<Duration>,

    /// Allow one difference in the history: edited:NAME, missing:NAME or out-of-order:NAME
    #[arg(long, global = true, value_name = "DIFFERENCE", env = env::ALLOW, value_delimiter = ',', value_parser = permission)]
    pub allow: Vec<String>,

    /// The check before anything is changed
    #[command(flatten)]
    pub review: ReviewOptions,

    /// Keep another tool's texts, exit codes and habits
    #[arg(long, global = true, value_name = "TOOL", env = env::COMPAT)]
    pub compat: Option<Compat>,

    /// Create the database if it does not exist
    #[arg(long, global = true, env = env::CREATE_DATABASE, value_parser = truth)]
    pub create_database: bool,

    /// After the migrations of `deploy` and `start`, run this once under the lock, e.g. a seed;
    /// again for more
    #[arg(long, global = true, value_name = "CMD", env = env::THEN, value_delimiter = '\n', value_parser = step)]
    pub then: Vec<String>,

    /// Run the --then commands even if they have ended well before
    #[arg(long, global = true, env = env::THEN_AGAIN, value_parser = truth)]
    pub then_again: bool,

    /// The DATABASE_URL of a command: for Prisma, for libpq (psql, dbmate), or as it is; `start`
    /// keeps it unless said
    #[arg(long, global = true, value_name = "DIALECT", env = env::CHILD_URL)]
    pub child_url: Option<ChildUrl>,

    /// How long a command may take to end after SIGTERM or SIGINT before it is killed
    #[arg(long, global = true, value_name = "DURATION", env = env::GRACE, default_value = "20s", value_parser = humantime::parse_duration)]
    pub grace: Duration,

    /// What must hold beside the migrations themselves
    #[command(flatten)]
    pub guards: Guards,
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

/// Like the other durations, and a plain `0`.
fn duration(text: &str) -> Result<Duration, humantime::DurationError> {
    if text == "0" { Ok(Duration::ZERO) } else { humantime::parse_duration(text) }
}

fn permission(text: &str) -> Result<String, String> {
    text.parse::<migrations::Allowances>()
        .map(|_allowance| text.to_owned())
        .map_err(|_| "it takes edited:NAME, missing:NAME or out-of-order:NAME".to_owned())
}

/// A step is known by its words: blanks between them do not make another one. A blank line of the
/// environment is none.
fn step(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Ok(String::new()) } else { program::normal(text) }
}

/// What the process was asked, with nothing blank in it.
pub(crate) fn read(environment: &Environment) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    let refuse = |command: &mut clap::Command, what: String| {
        let hint = "see whether the variable that it is made of is set there, or leave it out";
        command.error(ErrorKind::InvalidValue, format!("{what} is blank\n\n  {hint}"))
    };
    if let Some(name) = blank::variable(environment) {
        return Err(refuse(&mut command, format!("env {name}")));
    }
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    if let Some(flag) = blank::flag(&command, &matches) {
        return Err(refuse(&mut command, format!("flag --{flag}")));
    }
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
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

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
