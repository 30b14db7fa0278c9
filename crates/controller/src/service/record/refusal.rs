//! Owns why no run proves a migration, and what to do about it.

use protocol::RunnerCommand;
use std::fmt;

/// Why nothing is proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A later run may be among what was not read.
    Unread,
    /// A task that may change the database has not ended.
    InProgress {
        task: String,
    },
    NoRun {
        place: String,
    },
    /// A task that nothing is known of went on after the newest run had begun.
    NoRecord {
        task: String,
    },
    /// Nobody can say what it did.
    Unclear {
        run: String,
        command: RunnerCommand,
    },
    NoCommit {
        run: String,
    },
    OtherCommit {
        of: String,
        wanted: String,
    },
    NoLastWord {
        run: String,
        commit: String,
    },
    Red {
        run: String,
        commit: String,
        exit_code: u8,
    },
    /// ECS does not agree with the runner's last word.
    Contradicted {
        run: String,
        commit: String,
    },
    NoImage {
        run: String,
    },
    OtherImage {
        run: String,
        of: String,
        wanted: String,
    },
    /// It says no environment, and one is wanted.
    NoEnvironment {
        run: String,
        wanted: String,
    },
    /// No environment is wanted, and there are several.
    Environments {
        names: Vec<String>,
    },
    /// No environment is wanted, and there are several databases.
    Databases,
    /// A later run met another database.
    AnotherDatabase {
        run: String,
        later: String,
    },
}

impl Refusal {
    /// What to do about it.
    pub(crate) const fn hint(&self) -> &'static str {
        match self {
            Self::Unread => {
                "give the migration a log group of its own; --without-verdict REASON deploys without a proof"
            }
            Self::InProgress { .. } => {
                "wait for its end, and if it migrates run `ecs-migrate run` for this commit again; --without-verdict REASON deploys without a proof"
            }
            Self::Environments { .. } | Self::Databases => {
                "say which one the service uses: --environment NAME, and the same for `ecs-migrate run`"
            }
            Self::NoRun { .. }
            | Self::NoRecord { .. }
            | Self::Unclear { .. }
            | Self::NoCommit { .. }
            | Self::OtherCommit { .. }
            | Self::NoLastWord { .. }
            | Self::Red { .. }
            | Self::Contradicted { .. }
            | Self::NoImage { .. }
            | Self::OtherImage { .. }
            | Self::NoEnvironment { .. }
            | Self::AnotherDatabase { .. } => {
                "run `ecs-migrate run` for this commit first; --without-verdict REASON deploys without a proof"
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread => to.write_str(
                "the log is too large to be read to its end, and the newest run may be in the rest",
            ),
            Self::InProgress { task } => write!(to, "a migration is in progress: {task}"),
            Self::NoRun { place } => write!(to, "no run of {place} is on record"),
            Self::NoRecord { task } => {
                write!(to, "the newest run left no record in the log: {task}")
            }
            Self::Unclear { run, command } => write!(
                to,
                "the newest run, {run}, was of the command `{command}`, which proves nothing"
            ),
            Self::NoCommit { run } => write!(
                to,
                "the newest run does not say which commit it was for: {run}, perhaps started by hand"
            ),
            Self::OtherCommit { of, wanted } => {
                write!(to, "the newest run was for commit {of}, not {wanted}")
            }
            Self::NoLastWord { run, commit } => {
                write!(to, "run {run} of commit {commit} has not said its last word")
            }
            Self::Red { run, commit, exit_code } => {
                write!(to, "run {run} of commit {commit} ended red, exit code {exit_code}")
            }
            Self::Contradicted { run, commit } => {
                write!(to, "run {run} of commit {commit} said it was done, and ECS says otherwise")
            }
            Self::NoImage { run } => write!(to, "run {run} does not say which image it was of"),
            Self::OtherImage { run, of, wanted } => {
                write!(to, "run {run} was of image {of}, not {wanted}")
            }
            Self::NoEnvironment { run, wanted } => write!(
                to,
                "run {run} does not say which environment it was for, and this is for {wanted}"
            ),
            Self::Environments { names } => write!(
                to,
                "runs of several environments are on record ({}), and nothing says which one this is for",
                names.join(", ")
            ),
            Self::Databases => to.write_str(
                "the runs on record met several databases, and nothing says which one this is for",
            ),
            Self::AnotherDatabase { run, later } => write!(
                to,
                "run {run} met another database than the later run {later}: it was restored or replaced"
            ),
        }
    }
}
