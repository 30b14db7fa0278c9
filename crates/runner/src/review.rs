//! Owns what can be said of the check before a deployment, and of its phase.

use crate::cli::truth;
use clap::{Args, ValueEnum};
use migrations::Share;
use migrations::hazard::{Policy, Rule};
use protocol::env;
use std::time::Duration;

/// The check before anything is changed
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ReviewOptions {
    /// Before anything is changed: grade what is pending with what this database says of its tables,
    /// and stop with 14 at what would hurt
    #[arg(long = "check", id = "check_first", env = env::CHECK, value_parser = truth)]
    pub check: bool,

    /// What blocks: a grade (loses, breaks, blocks, advice) or a rule, with off, advice or block,
    /// e.g. drop-index=off
    #[arg(long, value_name = "NAME=LEVEL", env = env::CHECK_POLICY, value_delimiter = ',', value_parser = pair)]
    pub check_policy: Vec<String>,

    /// Work under a lock that is estimated to take less than this does not block
    #[arg(long, value_name = "DURATION", env = env::CHECK_LIMIT, default_value = "500ms", value_parser = humantime::parse_duration)]
    pub check_limit: Duration,

    /// Approve one hazard by its name, as the check says it: RULE:OBJECT; again for more
    #[arg(long, value_name = "RULE:OBJECT", env = env::APPROVE, value_delimiter = ',', value_parser = approval)]
    pub approve: Vec<String>,

    /// Which of the pending migrations: all, those before the rollout of the new code (expand), or
    /// those marked `-- ecs-migrate: phase=after-deploy` (contract)
    #[arg(long, value_name = "PHASE", env = env::PHASE, default_value = "all")]
    pub phase: Phase,
}

impl Default for ReviewOptions {
    fn default() -> Self {
        Self {
            check: false,
            check_policy: Vec::new(),
            check_limit: Duration::from_millis(500),
            approve: Vec::new(),
            phase: Phase::All,
        }
    }
}

/// A share of the migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Phase {
    /// Everything, in its order
    All,
    /// What the old code survives
    Expand,
    /// What waited for the new code
    Contract,
}

impl ReviewOptions {
    /// The check, if one is wanted.
    pub(crate) fn review(&self) -> Option<engine::Review> {
        self.check.then(|| engine::Review {
            // Each pair was read before.
            policy: Policy::parse(&self.check_policy.join(",")).unwrap_or_default(),
            approved: self.approve.iter().cloned().collect(),
            limit: self.check_limit,
        })
    }

    /// The share, as the first and the last line say it.
    pub(crate) fn said(&self) -> protocol::Share {
        match self.phase {
            Phase::All => protocol::Share::All,
            Phase::Expand => protocol::Share::Expand,
            Phase::Contract => protocol::Share::Contract,
        }
    }

    /// The share, as an option has it.
    pub(crate) fn phase(&self) -> &'static str {
        match self.phase {
            Phase::All => "all",
            Phase::Expand => "expand",
            Phase::Contract => "contract",
        }
    }

    /// The share.
    pub(crate) fn share(&self) -> Share {
        match self.phase {
            Phase::All => Share::All,
            Phase::Expand => Share::Expand,
            Phase::Contract => Share::Contract,
        }
    }
}

fn pair(text: &str) -> Result<String, String> {
    Policy::parse(text).map(|_policy| text.to_owned()).map_err(|cause| cause.to_string())
}

fn approval(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some((rule, object)) if Rule::from_name(rule).is_some() && !object.is_empty() => {
            Ok(text.to_owned())
        }
        Some((rule, _)) => Err(format!("there is no rule `{rule}`")),
        None => Err("it takes RULE:OBJECT, as the check says it".to_owned()),
    }
}
