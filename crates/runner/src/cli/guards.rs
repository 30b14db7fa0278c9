//! Owns what can be said of the guards around a deployment: whose database it is, whose
//! tables, what may have been changed beside the migrations, and what is kept before the first change.

use super::truth;
use crate::rds;
use clap::{Args, ValueEnum};
use protocol::env;
use std::path::PathBuf;

/// The application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Application {
    /// The application's role: `deploy`, `start` and `check` are red if it cannot use a table,
    /// sequence, function or type that the migrations made
    #[arg(long, value_name = "NAME", env = env::APP_ROLE)]
    pub app_role: Option<String>,

    /// What the application's role is not meant to use, e.g. public.audit_log; again for more
    #[arg(long, value_name = "OBJECT", env = env::APP_ROLE_EXCEPT, value_delimiter = ',')]
    pub app_role_except: Vec<String>,
}

/// What drift means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct DriftPolicy {
    /// Before the first change: look for what was changed beside the migrations, as `check --drift`
    /// does, and go on or stop [default: ignore, which does not look]
    #[arg(long, value_name = "WHAT", env = env::ON_DRIFT)]
    pub on_drift: Option<OnDrift>,
}

/// How drift is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct DriftSearch {
    /// Compare grants too when looking for drift
    #[arg(long, env = env::DRIFT_GRANTS, value_parser = truth)]
    pub drift_grants: bool,
}

/// Where a history is played to be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ScratchServer {
    /// URL of a server on which a scratch database may be made and dropped, instead of the database's
    /// own; a password is better in the environment than on the command line
    #[arg(long, value_name = "URL", env = env::SCRATCH_URL, hide_env_values = true)]
    pub scratch_url: Option<ScratchUrl>,
}

/// What is kept before the first change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Keeping {
    /// Run this before the first change, under the lock, if something is to be applied; if it fails,
    /// nothing is changed
    #[arg(long, value_name = "CMD", env = env::BACKUP_COMMAND)]
    pub backup_command: Option<String>,

    /// Keep the schema as it was in this file, by pg_dump, before the first change
    #[arg(long, value_name = "FILE", env = env::SCHEMA_DUMP)]
    pub schema_dump: Option<PathBuf>,

    /// What the restore point before the first change is: what the server says of time and place
    /// (time), with the proof that RDS can restore (rds), or with a snapshot of its own that is waited
    /// for (snapshot) [default: time]
    #[arg(long, value_name = "WHAT", env = env::RESTORE_POINT)]
    pub restore_point: Option<RestorePoint>,

    /// What RDS calls the database, where its host's name does not say it: instance:ID or cluster:ID
    #[arg(long, value_name = "NAME", env = env::RDS, value_parser = rds_name)]
    pub rds: Option<String>,

    /// Before what the backup, the schema's dump and the restore point of RDS are made: every change, or
    /// only one that deletes data [default: change]
    #[arg(long, value_name = "WHAT", env = env::KEEP_BEFORE)]
    pub keep_before: Option<KeepBefore>,
}

/// What drift means for a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnDrift {
    /// It is not looked for.
    Ignore,
    /// It is told.
    Warn,
    /// Nothing is applied.
    Stop,
}

/// What the restore point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RestorePoint {
    /// What the server says of time and place
    Time,
    /// And RDS can restore to it
    Rds,
    /// And there is a snapshot
    Snapshot,
}

/// What something is kept before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeepBefore {
    /// Every change
    Change,
    /// A change that deletes data
    Loss,
}

/// A URL that may have a password in it.
#[derive(Clone, PartialEq, Eq)]
pub struct ScratchUrl(String);

impl ScratchUrl {
    /// The text, for whoever connects.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ScratchUrl {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::fmt::Debug for ScratchUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ScratchUrl(…)")
    }
}

/// An empty one is none.
fn rds_name(text: &str) -> Result<String, String> {
    if !text.is_empty() {
        rds::read_name(text)?;
    }
    Ok(text.to_owned())
}

/// A name as people type it.
pub(super) fn name(text: &str) -> Result<String, String> {
    let name = name_or_none(text)?;
    if name.is_empty() { Err("the name is empty".to_owned()) } else { Ok(name) }
}

/// A task definition cannot unset a variable: an empty one is none.
pub(super) fn name_or_none(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.chars().any(|c| c.is_control() || c == '`') {
        return Err("a name has no control characters and no backticks".to_owned());
    }
    Ok(name.to_owned())
}
