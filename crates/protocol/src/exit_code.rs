//! The exit codes of both binaries: one type, so that a code cannot mean two things.

use serde::{Deserialize, Serialize};

/// How a process of ours ended. The discriminant is the process's exit code.
///
/// Not every code a person sees is ours: the code of a wrapped command and of a plain container
/// passes through unchanged. JSON output therefore names the class beside the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ExitCode {
    /// The work is done, or there was nothing to do.
    Success = 0,
    /// Something that no other code describes; a defect of ours, most likely.
    Unexpected = 1,
    /// Usage or configuration; the controller finds these before any call to AWS.
    Usage = 2,
    /// A migration failed and was rolled back whole.
    MigrationFailed = 10,
    /// A migration failed part-way and the next run cannot resume it.
    PartlyApplied = 11,
    /// An unfinished migration that we did not write blocks (Prisma's P3009).
    UnfinishedMigration = 12,
    /// The history was edited, has gaps or is out of order.
    HistoryDiffers = 13,
    /// A check that the team calls blocking stopped the run.
    StoppedByCheck = 14,
    /// The advisory lock was not obtained in time.
    LockNotObtained = 20,
    /// There is no connection to the database, or none that a run can use.
    DatabaseUnreachable = 21,
    /// Authentication, the secret, or a right is missing.
    AccessDenied = 22,
    /// Other sessions held the tables for the whole lock budget.
    BlockedByTraffic = 23,
    /// Interrupted, and rolled back.
    InterruptedRolledBack = 30,
    /// Interrupted part-way; the next run resumes.
    InterruptedPartWay = 31,
    /// The task never started.
    NeverStarted = 80,
    /// RunTask found no capacity or no placement.
    NoCapacity = 81,
    /// The time limit was reached and the task was stopped.
    TimedOut = 82,
    /// Cancelled, and the task was stopped.
    Cancelled = 83,
    /// We left; the task or the rollout goes on.
    Detached = 84,
    /// Stopped from outside, or the outcome cannot be known.
    OutcomeUnknown = 85,
    /// AWS refused: an API error, permissions, credentials.
    AwsRefused = 86,
    /// Another run of the same family is in progress.
    AnotherRun = 87,
    /// The service's deployment failed or was rolled back.
    ServiceFailed = 88,
    /// The set-up failed, or `doctor` found a blocker.
    SetupFailed = 89,
}

/// Which binary ends with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Both binaries.
    Both,
    /// `ecs-migrate-runner`, inside the VPC; the controller passes it through.
    Runner,
    /// `ecs-migrate`, in GitHub Actions or on a laptop.
    Controller,
}

impl ExitCode {
    /// Every code, in ascending order.
    pub const ALL: [Self; 24] = [
        Self::Success,
        Self::Unexpected,
        Self::Usage,
        Self::MigrationFailed,
        Self::PartlyApplied,
        Self::UnfinishedMigration,
        Self::HistoryDiffers,
        Self::StoppedByCheck,
        Self::LockNotObtained,
        Self::DatabaseUnreachable,
        Self::AccessDenied,
        Self::BlockedByTraffic,
        Self::InterruptedRolledBack,
        Self::InterruptedPartWay,
        Self::NeverStarted,
        Self::NoCapacity,
        Self::TimedOut,
        Self::Cancelled,
        Self::Detached,
        Self::OutcomeUnknown,
        Self::AwsRefused,
        Self::AnotherRun,
        Self::ServiceFailed,
        Self::SetupFailed,
    ];

    /// The number that the operating system sees.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The code that `number` stands for, if it is one of ours.
    pub fn from_code(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|code| i64::from(code.code()) == number)
    }

    /// Which binary ends with this code.
    pub const fn owner(self) -> Owner {
        match self {
            Self::Success | Self::Unexpected | Self::Usage | Self::StoppedByCheck => Owner::Both,
            Self::MigrationFailed
            | Self::PartlyApplied
            | Self::UnfinishedMigration
            | Self::HistoryDiffers
            | Self::LockNotObtained
            | Self::DatabaseUnreachable
            | Self::AccessDenied
            | Self::BlockedByTraffic
            | Self::InterruptedRolledBack
            | Self::InterruptedPartWay => Owner::Runner,
            Self::NeverStarted
            | Self::NoCapacity
            | Self::TimedOut
            | Self::Cancelled
            | Self::Detached
            | Self::OutcomeUnknown
            | Self::AwsRefused
            | Self::AnotherRun
            | Self::ServiceFailed
            | Self::SetupFailed => Owner::Controller,
        }
    }

    /// What the code means, as a fragment without a full stop.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Success => "done, or nothing to do",
            Self::Unexpected => "unexpected failure",
            Self::Usage => "usage or configuration",
            Self::MigrationFailed => "a migration failed and was rolled back whole",
            Self::PartlyApplied => "a migration failed part-way and the next run cannot resume it",
            Self::UnfinishedMigration => "an unfinished migration of somebody else blocks (P3009)",
            Self::HistoryDiffers => "the history was edited, has gaps or is out of order",
            Self::StoppedByCheck => "stopped by a check, nothing was changed",
            Self::LockNotObtained => "the advisory lock was not obtained in time",
            Self::DatabaseUnreachable => "no usable connection to the database",
            Self::AccessDenied => "authentication, the secret or a right is missing",
            Self::BlockedByTraffic => "blocked by traffic, nothing was changed",
            Self::InterruptedRolledBack => "interrupted and rolled back",
            Self::InterruptedPartWay => "interrupted part-way, the next run resumes",
            Self::NeverStarted => "the task never started",
            Self::NoCapacity => "no capacity or no placement for the task",
            Self::TimedOut => "timed out, the task was stopped",
            Self::Cancelled => "cancelled, the task was stopped",
            Self::Detached => "detached, the task or the rollout goes on",
            Self::OutcomeUnknown => "stopped from outside, or the outcome is unknown",
            Self::AwsRefused => "AWS refused: an API error, permissions or credentials",
            Self::AnotherRun => "another run is in progress",
            Self::ServiceFailed => "the service's deployment failed or was rolled back",
            Self::SetupFailed => "the set-up failed, or `doctor` found a blocker",
        }
    }

    /// What to do next, as an imperative fragment.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Success => "deploy",
            Self::Unexpected => "read the message; if it looks like a defect, report it",
            Self::Usage => "correct the command line, the file or the environment",
            Self::MigrationFailed => "fix the migration and push again",
            Self::PartlyApplied => "compare the database with the message, then `resolve`",
            Self::UnfinishedMigration => "find out how it ended, then `resolve`",
            Self::HistoryDiffers => "restore the files, or allow the difference by name",
            Self::StoppedByCheck => "change the migration, or approve the finding by name",
            Self::LockNotObtained => {
                "look at the holder that the message names, or raise `--lock-wait`"
            }
            Self::DatabaseUnreachable => {
                "check host, port, certificate, security groups and that it is running"
            }
            Self::AccessDenied => "check user, password, secret and grants",
            Self::BlockedByTraffic => "run again, or end the blockers that the message names",
            Self::InterruptedRolledBack | Self::InterruptedPartWay => "run again",
            Self::NeverStarted => {
                "read the cause in the message: image, secret, log group or network"
            }
            Self::NoCapacity => "run again later, or in other subnets",
            Self::TimedOut => "raise `--timeout`, or find out what the task was waiting for",
            Self::Cancelled => "run again when ready",
            Self::Detached => {
                "`ecs-migrate attach` follows the task, the same `release` again follows the rollout"
            }
            Self::OutcomeUnknown => "look at the history with `status` before anything else",
            Self::AwsRefused => "correct what the message names, then run again",
            Self::AnotherRun => "wait for it, or use `--if-running wait`",
            Self::ServiceFailed => {
                "old code runs on the new schema: fix the service and deploy again"
            }
            Self::SetupFailed => "correct what the message names, then run again",
        }
    }
}

/// Both tables as Markdown: `docs/exit-codes.md` is this text.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Exit codes\n\nGenerated from `crates/protocol/src/exit_code.rs`; a test compares.\n\n\
         The code of a wrapped command (`exec`, `start`) and of a plain container passes through \
         unchanged, so `--output json` names the class beside the number.\n\n\
         “Rolled back” and “nothing was changed” are said of the migration that failed: earlier ones \
         of the same run stay. Where more is to be said the last line says it, and its field \
         `database` too: 10 and 23 are also the end of a script that runs statement by statement and \
         that the next run resumes.\n",
    );
    for (title, owner) in [
        ("Both binaries", Owner::Both),
        ("`ecs-migrate-runner`, passed through by `ecs-migrate`", Owner::Runner),
        ("`ecs-migrate`", Owner::Controller),
    ] {
        page.push_str(
            &["\n## ", title, "\n\n| code | meaning | what to do |\n|---|---|---|\n"].concat(),
        );
        for code in ExitCode::ALL.into_iter().filter(|code| code.owner() == owner) {
            let number = code.code().to_string();
            page.push_str(
                &["| ", &number, " | ", code.meaning(), " | ", code.advice(), " |\n"].concat(),
            );
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_and_come_back() {
        let numbers: Vec<u8> = ExitCode::ALL.iter().map(|code| code.code()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        for code in ExitCode::ALL {
            assert_eq!(ExitCode::from_code(i64::from(code.code())), Some(code));
        }
        assert_eq!(ExitCode::from_code(137), None);
        assert_eq!(ExitCode::from_code(-1), None);
    }

    #[test]
    fn codes_stay_away_from_those_of_shells_signals_and_panics() {
        for code in ExitCode::ALL {
            assert!(!(64..=78).contains(&code.code()), "{code:?} is one of sysexits.h");
            assert!(code.code() < 101, "{code:?} collides with a panic or a signal");
        }
    }

    #[test]
    fn the_page_in_docs_is_this_text() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/exit-codes.md");
        let page = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            page == markdown(),
            "run: cargo run -p protocol --example exit_codes >docs/exit-codes.md"
        );
    }
}
