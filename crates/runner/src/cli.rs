//! What a person, a task definition or the controller can say.

use crate::process::program;
use crate::review::ReviewOptions;
use clap::{Args, Parser, Subcommand};
use protocol::{ExitCode, RunnerCommand};
use std::ffi::OsString;

mod asked;
mod blank;
mod groups;
mod guards;
mod obeyed;
mod truth;
mod unobeyed;
mod word;

pub(crate) use asked::{explain, read};
pub(crate) use blank::refuse_blank;
pub(crate) use truth::truth;
pub(crate) use unobeyed::refuse_unobeyed;

pub use groups::{
    Budget, Child, ChildUrl, Compat, Connection, Consent, Creation, LockKey, LockWait, LogFormat,
    Migrations, Permissions, Steps, Traffic,
};
pub use guards::{
    Application, DriftPolicy, DriftSearch, KeepBefore, Keeping, OnDrift, RestorePoint,
    ScratchServer, ScratchUrl,
};

/// Bring a PostgreSQL database up to date, exactly once
///
/// Reads Prisma's migrations directory and writes Prisma's history, without Node.js. The database
/// is found in this order: --secret, DATABASE_URL, PGHOST and its kin. Without a command it is
/// `deploy`, whose options need no word before them; `deploy --help` lists them.
#[derive(Debug, Parser)]
#[command(name = "ecs-migrate-runner", version, max_term_width = 100)]
#[command(after_help = "Example: ecs-migrate-runner --migrations DIR --lock-wait 5m

Exit codes: docs/exit-codes.md. 0 done, 10 a migration failed and was rolled back, \
13 the history differs, 20 lock not obtained, 21 unreachable, 22 access denied, 30 interrupted. \
A command's own code passes through.")]
pub struct Cli {
    /// What to do; `deploy` unless said
    #[command(subcommand)]
    pub command: Command,
}

/// What the runner can do. Each takes only what it obeys.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Apply what is pending (the default)
    Deploy(Box<Deploy>),
    /// Say what is applied, pending or different, without changing anything
    Status(Status),
    /// Apply everything to a scratch database beside this one, and drop it again
    Replay(Replay),
    /// Correct the history by hand, after looking at what is known
    Resolve(Resolve),
    /// Run any command under the lock, its output as events, its exit code as ours
    Exec(Exec),
    /// Apply what is pending, then become the application
    Start(Box<Start>),
    /// End one session that blocks a running migration, after showing what it is
    Unblock(Unblock),
    /// Look for what would stop a deployment, from here and without changing anything
    Check(Check),
}

/// How to apply what is pending
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Deploy {
    #[command(flatten)]
    migrating: Migrating,
    #[command(flatten)]
    keeping: Keeping,
    #[command(flatten)]
    consent: Consent,
}

/// What `deploy` and `start` share.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Migrating {
    #[command(flatten)]
    directory: Migrations,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    key: LockKey,
    #[command(flatten)]
    wait: LockWait,
    #[command(flatten)]
    traffic: Traffic,
    #[command(flatten)]
    budget: Budget,
    #[command(flatten)]
    permissions: Permissions,
    #[command(flatten)]
    review: ReviewOptions,
    #[command(flatten)]
    creation: Creation,
    #[command(flatten)]
    steps: Steps,
    #[command(flatten)]
    child: Child,
    #[command(flatten)]
    application: Application,
    #[command(flatten)]
    drift: DriftPolicy,
    #[command(flatten)]
    search: DriftSearch,
    #[command(flatten)]
    scratch: ScratchServer,
}

/// Where to look
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Status {
    #[command(flatten)]
    directory: Migrations,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    permissions: Permissions,
}

/// What to replay
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Replay {
    #[command(flatten)]
    directory: Migrations,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    steps: Steps,
    #[command(flatten)]
    child: Child,
    #[command(flatten)]
    scratch: ScratchServer,
}

/// What else to look for
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Check {
    /// What was changed beside the migrations: compares the database with what its applied
    /// migrations make in a scratch database, for which the role needs CREATEDB
    #[arg(long)]
    pub drift: bool,
    #[command(flatten)]
    directory: Migrations,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    key: LockKey,
    #[command(flatten)]
    permissions: Permissions,
    #[command(flatten)]
    application: Application,
    #[command(flatten)]
    search: DriftSearch,
    #[command(flatten)]
    scratch: ScratchServer,
}

/// Any other program
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Exec {
    #[command(flatten)]
    pub wrapped: Wrapped,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    key: LockKey,
    #[command(flatten)]
    wait: LockWait,
    #[command(flatten)]
    budget: Budget,
    #[command(flatten)]
    child: Child,
}

/// The application
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Start {
    #[command(flatten)]
    pub wrapped: Wrapped,
    #[command(flatten)]
    migrating: Migrating,
}

/// A program.
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
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    key: LockKey,
    #[command(flatten)]
    consent: Consent,
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

    /// Record it even if the database contradicts it, or finished parts of it stand there
    #[arg(long)]
    pub force: bool,

    #[command(flatten)]
    directory: Migrations,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    key: LockKey,
    #[command(flatten)]
    wait: LockWait,
    #[command(flatten)]
    scratch: ScratchServer,
}

impl Command {
    /// What it is in event lines.
    pub const fn said(&self) -> RunnerCommand {
        match self {
            Self::Deploy(_) => RunnerCommand::Deploy,
            Self::Replay(_) => RunnerCommand::Replay,
            Self::Status(_) => RunnerCommand::Status,
            Self::Resolve(_) => RunnerCommand::Resolve,
            Self::Exec(_) => RunnerCommand::Exec,
            Self::Start(_) => RunnerCommand::Start,
            Self::Unblock(_) => RunnerCommand::Unblock,
            Self::Check(_) => RunnerCommand::Check,
        }
    }

    /// What it was told. Options that it does not take have their defaults, whatever the environment
    /// says of them.
    pub fn options(&self) -> Options {
        match self.clone() {
            Self::Deploy(deploy) => {
                let Deploy { migrating, keeping, consent } = *deploy;
                Options { keeping, consent, ..migrating.options() }
            }
            Self::Start(start) => start.migrating.options(),
            Self::Status(Status { directory, connection, permissions }) => {
                Options { directory, permissions, ..Options::of(connection) }
            }
            Self::Replay(Replay { directory, connection, steps, child, scratch }) => {
                Options { directory, steps, child, scratch, ..Options::of(connection) }
            }
            Self::Resolve(Resolve { directory, connection, key, wait, scratch, .. }) => {
                Options { directory, key, wait, scratch, ..Options::of(connection) }
            }
            Self::Exec(Exec { connection, key, wait, budget, child, .. }) => {
                Options { key, wait, budget, child, ..Options::of(connection) }
            }
            Self::Unblock(Unblock { connection, key, consent, .. }) => {
                Options { key, consent, ..Options::of(connection) }
            }
            Self::Check(check) => {
                let Check { directory, connection, key, permissions, .. } = check;
                let Check { application, search, scratch, .. } = check;
                let rest = Options { search, scratch, ..Options::of(connection) };
                Options { directory, key, permissions, application, ..rest }
            }
        }
    }
}

impl Migrating {
    fn options(self) -> Options {
        let Self { directory, connection, key, wait, traffic, budget, permissions, .. } = self;
        let Self { review, creation, steps, child, application, drift, search, scratch, .. } = self;
        Options {
            connection,
            directory,
            key,
            wait,
            traffic,
            budget,
            permissions,
            review,
            creation,
            steps,
            child,
            application,
            drift,
            search,
            scratch,
            keeping: Keeping::default(),
            consent: Consent::default(),
        }
    }
}

/// What a command was told, group by group.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the database is.
    pub connection: Connection,
    /// Where the migrations are.
    pub directory: Migrations,
    /// Which advisory lock.
    pub key: LockKey,
    /// How long to wait for it.
    pub wait: LockWait,
    /// How far to get in the way of the application.
    pub traffic: Traffic,
    /// How long others may be in the way.
    pub budget: Budget,
    /// Which history is accepted.
    pub permissions: Permissions,
    /// The check before anything is changed.
    pub review: ReviewOptions,
    /// What is made where nothing is.
    pub creation: Creation,
    /// What follows the migrations.
    pub steps: Steps,
    /// How another program is run.
    pub child: Child,
    /// The application.
    pub application: Application,
    /// What drift means.
    pub drift: DriftPolicy,
    /// How drift is looked for.
    pub search: DriftSearch,
    /// Where a history is played to be looked at.
    pub scratch: ScratchServer,
    /// What is kept before the first change.
    pub keeping: Keeping,
    /// Whether a person is asked.
    pub consent: Consent,
}

impl Options {
    fn of(connection: Connection) -> Self {
        Self {
            connection,
            directory: Migrations::default(),
            key: LockKey::default(),
            wait: LockWait::default(),
            traffic: Traffic::default(),
            budget: Budget::default(),
            permissions: Permissions::default(),
            review: ReviewOptions::default(),
            creation: Creation::default(),
            steps: Steps::default(),
            child: Child::default(),
            application: Application::default(),
            drift: DriftPolicy::default(),
            search: DriftSearch::default(),
            scratch: ScratchServer::default(),
            keeping: Keeping::default(),
            consent: Consent::default(),
        }
    }
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

/// The system refuses what every run needs.
pub(crate) fn cannot_begin(cause: &std::io::Error) -> ExitCode {
    let message = format!("cannot begin: {cause}\n");
    // A closed stderr leaves nobody to tell.
    let _told = std::io::Write::write_all(&mut std::io::stderr(), message.as_bytes());
    ExitCode::Unexpected
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;
    use std::collections::BTreeSet;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_a_command_is_its_own_and_short() {
        let program = Cli::command();
        let long = |command: &clap::Command| -> BTreeSet<String> {
            command.get_arguments().filter_map(clap::Arg::get_long).map(str::to_owned).collect()
        };
        let all: BTreeSet<String> = program.get_subcommands().flat_map(long).collect();
        for command in program.get_subcommands() {
            let own = long(command);
            let help = command.clone().term_width(100).render_help().to_string();
            let shown: BTreeSet<String> = help
                .lines()
                .filter_map(|line| line.trim_start().strip_prefix("--"))
                .map(|line| line.split([' ', '[', '=']).next().unwrap_or_default().to_owned())
                .collect();
            let name = command.get_name();
            assert!(
                shown.is_subset(&own) && own.is_subset(&shown),
                "{name}: {shown:?}, not {own:?}"
            );
            assert!(name == "deploy" || own.len() < all.len(), "{name} takes everything");
            let most = if ["deploy", "start"].contains(&name) { 110 } else { 50 };
            assert!(help.lines().count() <= most, "{name}: {} lines", help.lines().count());
        }
    }

    #[test]
    fn what_is_not_taken_has_the_default_that_help_says() {
        let deploy = Cli::try_parse_from(["r", "deploy"]).unwrap().command.options();
        let bare = Options::of(deploy.connection.clone());
        assert_eq!(
            (&bare.directory, bare.key, bare.wait, bare.child, &bare.review),
            (&deploy.directory, deploy.key, deploy.wait, deploy.child, &deploy.review)
        );
    }
}
