//! Owns what a whole release comes to. PURE.

use super::ending::Ending;
use crate::error::Error;
use crate::task::{Conclusion, DatabaseMeaning, class_name};
use crate::words;
use protocol::ExitCode;

/// A whole release.
#[derive(Debug)]
pub(crate) struct Released {
    /// The migration, where it is part of it.
    pub(crate) migration: Option<Box<Conclusion>>,
    /// Why there is no proof of a migration, in somebody's words.
    pub(crate) unproved: Option<String>,
    pub(crate) services: Vec<Ending>,
    pub(crate) contract: Contract,
}

/// What became of the migrations that old code would not survive.
#[derive(Debug)]
pub(crate) enum Contract {
    /// There were none.
    Nothing,
    /// So many stay pending, because the rollout was not a good one.
    Pending(u64),
    /// So many were applied behind the rollout.
    Applied(u64),
    /// So many were to follow the rollout, and there is no task to judge.
    NotRun(u64, Box<Error>),
    /// Their task is not green, and so many stay pending, where that is known.
    NotGreen(Option<u64>, Box<Conclusion>),
}

impl Contract {
    /// So many waited and there is no task, behind a migration that left the database so.
    pub(crate) fn not_run(waiting: u64, error: Error, earlier: DatabaseMeaning) -> Self {
        Self::NotRun(waiting, Box::new(error.behind(earlier)))
    }

    /// So many waited and their task has a verdict, behind a migration that left the database so. The
    /// conclusion comes back with what the database is left with by both.
    pub(crate) fn judged(
        waiting: u64,
        mut conclusion: Conclusion,
        earlier: DatabaseMeaning,
    ) -> (Self, Conclusion) {
        let nothing = !conclusion.database.may_have_changed();
        let applied = if nothing { Some(0) } else { conclusion.applied };
        conclusion.database = conclusion.database.after(earlier);
        let contract = if conclusion.is_green() {
            Self::Applied(conclusion.applied.unwrap_or(waiting))
        } else {
            let pending = applied.map(|applied| waiting.saturating_sub(applied));
            Self::NotGreen(pending, Box::new(conclusion.clone()))
        };
        (contract, conclusion)
    }

    /// How many stay pending, as far as that is known.
    pub(crate) fn pending(&self) -> Option<u64> {
        match self {
            Self::Pending(count) | Self::NotRun(count, _) => Some(*count),
            Self::NotGreen(count, _) => *count,
            Self::Nothing | Self::Applied(_) => None,
        }
        .filter(|count| *count > 0)
    }

    /// What the whole release leaves the database with, where they were to follow and did not.
    pub(crate) fn database(&self) -> Option<DatabaseMeaning> {
        match self {
            Self::NotRun(_, error) => error.database_meaning(),
            Self::NotGreen(_, conclusion) => Some(conclusion.database),
            Self::Nothing | Self::Pending(_) | Self::Applied(_) => None,
        }
    }

    /// Causes, where they were to follow and did not.
    pub(crate) fn causes(&self) -> Vec<String> {
        match self {
            Self::NotRun(_, error) => error.causes(),
            Self::NotGreen(_, conclusion) => conclusion.cause.iter().cloned().collect(),
            Self::Nothing | Self::Pending(_) | Self::Applied(_) => Vec::new(),
        }
    }

    /// What to do, where they were to follow and did not.
    pub(crate) fn fix(&self) -> Option<&str> {
        match self {
            Self::NotRun(_, error) => error.hint(),
            Self::NotGreen(_, conclusion) => conclusion.fix.as_deref(),
            Self::Nothing | Self::Pending(_) | Self::Applied(_) => None,
        }
    }

    /// Whether they were to follow and did not.
    pub(crate) fn has_failed(&self) -> bool {
        match self {
            Self::NotRun(..) | Self::NotGreen(..) => true,
            Self::Nothing | Self::Pending(_) | Self::Applied(_) => false,
        }
    }

    /// A sentence, if there is one to say.
    pub(crate) fn sentence(&self) -> Option<String> {
        let migrations = |count: u64| words::count(count, "migration");
        match self {
            Self::Nothing => None,
            Self::Pending(count) => Some(format!(
                "{} still pending: old code would not survive what waits for the rollout; release again once the new code is good",
                migrations(*count)
            )),
            Self::Applied(count) => {
                Some(format!("{} applied behind the rollout", migrations(*count)))
            }
            Self::NotRun(count, error) => {
                let certain = error.database_meaning().is_some();
                let known = if certain { "" } else { ", as far as is known" };
                Some(format!("{} still pending{known}: {error}", migrations(*count)))
            }
            Self::NotGreen(_, conclusion) => {
                let pending = self.pending();
                let pending = pending.map(|count| format!("; {} still pending", migrations(count)));
                Some(format!("{}{}", conclusion.sentence, pending.unwrap_or_default()))
            }
        }
    }
}

impl Released {
    /// The class of the rollouts: the worst that happened to a service.
    pub(crate) fn rollouts(&self) -> ExitCode {
        let worst = [
            ExitCode::ServiceFailed,
            ExitCode::AwsRefused,
            ExitCode::Detached,
            ExitCode::Cancelled,
        ];
        let classes: Vec<ExitCode> =
            self.services.iter().map(|ending| ending.outcome.class()).collect();
        worst.into_iter().find(|class| classes.contains(class)).unwrap_or(ExitCode::Success)
    }

    /// What the process ends with, and the stable word for it: of what was to follow good rollouts,
    /// else of the rollouts.
    pub(crate) fn exit(&self) -> (u8, String) {
        match &self.contract {
            Contract::NotRun(_, error) => (error.exit_code(), class_name(error.class())),
            Contract::NotGreen(_, conclusion) => (conclusion.exit_code, conclusion.class.clone()),
            Contract::Nothing | Contract::Pending(_) | Contract::Applied(_) => {
                let class = self.rollouts();
                (class.code(), class_name(class))
            }
        }
    }

    /// Whether every service is where it shall be, and what was to follow did.
    pub(crate) fn is_good(&self) -> bool {
        self.rollouts() == ExitCode::Success && !self.contract.has_failed()
    }

    /// One sentence: of the services that are not where they shall be, else of all; and of what was to
    /// follow and did not.
    pub(crate) fn sentence(&self) -> String {
        let bad = |ending: &&Ending| !ending.is_good();
        let shown: Vec<&Ending> = match self.services.iter().filter(bad).collect::<Vec<_>>() {
            none if none.is_empty() => self.services.iter().collect(),
            some => some,
        };
        let services =
            shown.iter().map(|ending| format!("{}: {}", ending.service, ending.sentence));
        let contract = self.contract.sentence().filter(|_| self.contract.has_failed());
        let contract = contract.map(|sentence| format!("after-deploy: {sentence}"));
        services.chain(contract).collect::<Vec<_>>().join("; ")
    }
}
