//! What can happen in a run.
//!
//! A reader is resilient against unknown kinds (they become [`Event::Unknown`]), unknown fields
//! (ignored) and missing fields (their default), but not against fields that change their type.

use crate::command::{RunnerCommand, Share, Standing};
use crate::failure::{DatabaseState, Failure};
use crate::traffic::{Blocker, StatementCost};
use serde::{Deserialize, Serialize};

/// One thing that happened. Durations are milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// The first line of a process.
    RunStarted(RunStarted),
    /// The database was found and answered.
    Connected(Connected),
    /// The database could not be reached yet, or not as it has to be; it is tried again.
    ConnectWaiting(ConnectWaiting),
    /// Somebody else holds the advisory lock.
    LockWaiting(LockWaiting),
    /// The advisory lock is ours.
    LockAcquired(LockAcquired),
    /// What the directory holds, what the history says, what will be applied.
    Planned(Planned),
    /// An unfinished row of an earlier run of ours was settled.
    Settled(Settled),
    /// Where the database was before the first change of a run.
    RestorePoint(RestorePoint),
    /// A migration begins.
    MigrationStarted(MigrationStarted),
    /// A statement of a migration that is not one transaction ended well.
    StatementFinished(StatementFinished),
    /// Other sessions stopped an attempt at a migration; it is rolled back and tried again.
    AttemptBlocked(AttemptBlocked),
    /// A migration and its history row are committed.
    MigrationApplied(MigrationApplied),
    /// A migration failed; `run_finished` follows with the same failure.
    MigrationFailed(MigrationFailed),
    /// What `status` says of one migration.
    MigrationStatus(MigrationStatus),
    /// What `check` found out about one thing.
    CheckFinding(CheckFinding),
    /// Something a person should know that does not change the outcome.
    Notice(Notice),
    /// Still alive, and what it is doing.
    Heartbeat(Heartbeat),
    /// A signal arrived.
    Interrupted(Interrupted),
    /// A line that a wrapped command wrote.
    Output(Output),
    /// Lines of a wrapped command that a full queue had to drop.
    OutputDropped(OutputDropped),
    /// The last line of a process: how it ended.
    RunFinished(RunFinished),
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// See [`Event::RunStarted`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunStarted {
    /// Version of the runner.
    pub version: String,
    /// `deploy`, `status`, `resolve`, `exec`, `start`, `check`, `replay` or `unblock`.
    pub command: RunnerCommand,
    /// What it is to a service that waits for the schema; an older runner did not say.
    #[serde(skip_serializing_if = "is_unclear")]
    pub standing: Standing,
    /// Who asked for it, as far as the environment says; never anything secret.
    #[serde(skip_serializing_if = "Origin::is_empty")]
    pub origin: Origin,
}

impl RunStarted {
    /// What the run is to a service that waits for the schema: the runner's own word, and of an older
    /// one what its command and its origin say.
    pub fn standing(&self) -> Standing {
        match self.standing {
            Standing::Unclear => Standing::of(self.command, Share::All, &self.origin),
            said @ (Standing::Proof | Standing::Behind | Standing::Aside) => said,
        }
    }
}

/// Where a run comes from; a field that is not known is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// As ECS has it in `startedBy`, e.g. `ecs-migrate/github/77`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub started_by: String,
    /// The commit.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub commit: String,
    /// Cluster and family, `cluster/family`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// The image of the task, best with its digest.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image: String,
    /// What it was asked to do, in the controller's own words, e.g. `service` for a migration that a
    /// service waits for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub asked: String,
    /// The services that waited for it, with commas between their names.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub services: String,
    /// The environment that it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub environment: String,
    /// The person or bot behind it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub actor: String,
    /// `owner/name`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub repository: String,
    /// Number of the workflow run.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub workflow_run: String,
}

impl Origin {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// See [`Event::Connected`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Connected {
    /// Where the address came from, e.g. `DATABASE_URL` or `secret app/db`.
    pub source: String,
    /// Host, never with a password.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Database name.
    pub database: String,
    /// Role.
    pub user: String,
    /// Where the history lives.
    pub schema: String,
    /// The server's version as it gives it, e.g. `15.18`.
    pub server_version: String,
    /// Process id of our backend.
    pub backend: i32,
    /// The environment whose database it is, if it bears a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

/// See [`Event::ConnectWaiting`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectWaiting {
    /// Number of the attempt that failed, from 1.
    pub attempt: u32,
    /// Why it failed.
    pub cause: String,
    /// How long we have tried.
    pub waited_ms: u64,
    /// How long until the next attempt.
    pub next_ms: u64,
}

/// See [`Event::LockWaiting`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LockWaiting {
    /// The advisory key.
    pub key: i64,
    /// How long we have waited.
    pub waited_ms: u64,
    /// Who holds it, as far as the server shows: pid, application, role, address, state, age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
}

/// See [`Event::LockAcquired`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LockAcquired {
    /// The advisory keys that are held now.
    pub keys: Vec<i64>,
    /// How long it took.
    pub waited_ms: u64,
}

/// See [`Event::Planned`]. Long lists go over several events; the counts are the same in each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Planned {
    /// Migrations in the directory.
    pub found: u64,
    /// Of these, applied already.
    pub applied: u64,
    /// Of these, to be applied now.
    pub pending: u64,
    /// Names to be applied, in order; this event's share of them.
    pub names: Vec<String>,
    /// Rows newer than everything in the directory: the database is ahead by this many.
    pub ahead: u64,
}

/// See [`Event::Settled`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settled {
    /// Name of the migration.
    pub migration: String,
    /// How the unfinished attempt ended, e.g. `rolled back`.
    pub outcome: String,
}

/// See [`Event::RestorePoint`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RestorePoint {
    /// The server's time, whole seconds: RFC 3339 in UTC.
    pub at: String,
    /// The place in the write-ahead log, where the server says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lsn: Option<String>,
    /// Identifier of the snapshot that was made before, at RDS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// The newest time that RDS can restore, as it was then: RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_restorable: Option<String>,
    /// How to bring a copy back to there: a command, or what to do.
    pub way_back: String,
}

/// See [`Event::MigrationStarted`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MigrationStarted {
    /// Name of the migration.
    pub migration: String,
    /// Its place in this run, from 1.
    pub number: u64,
    /// How many this run applies.
    pub of: u64,
    /// `transaction` or `statements`.
    pub mode: String,
    /// How many statements its script has.
    pub statements: u32,
}

/// See [`Event::StatementFinished`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatementFinished {
    /// Name of the migration.
    pub migration: String,
    /// Number of the statement, from 1.
    pub number: u32,
    /// How many statements the script has.
    pub of: u32,
    /// How long it ran.
    pub duration_ms: u64,
    /// Whether an earlier run had done it already.
    pub skipped: bool,
}

/// See [`Event::MigrationApplied`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MigrationApplied {
    /// Name of the migration.
    pub migration: String,
    /// From the started row to the finished row.
    pub duration_ms: u64,
    /// What its statements cost, in their order; of many, those that took longest.
    pub statements: Vec<StatementCost>,
    /// How many statements ran.
    pub ran: u64,
}

/// See [`Event::AttemptBlocked`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AttemptBlocked {
    /// Name of the migration.
    pub migration: String,
    /// The attempt that was stopped, from 1.
    pub attempt: u32,
    /// For how long others have been in the way by now.
    pub blocked_ms: u64,
    /// How long the next attempt is put off.
    pub pause_ms: u64,
    /// PostgreSQL's code: 55P03, 40P01 or 40001.
    pub sqlstate: String,
    /// Who was in the way, parents before children, as far as it was seen.
    pub blockers: Vec<Blocker>,
}

/// See [`Event::MigrationFailed`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MigrationFailed {
    /// Name of the migration.
    pub migration: String,
    /// Why.
    pub failure: Failure,
    /// What the database is left with.
    pub database: DatabaseState,
}

/// See [`Event::MigrationStatus`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MigrationStatus {
    /// Name of the migration.
    pub migration: String,
    /// `applied`, `pending`, `unfinished`, `edited`, `missing` or `ahead`.
    pub state: String,
}

/// What a finding means for a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Nothing is in the way.
    Ok,
    /// It blocks.
    No,
    /// It could not be looked at, or does not matter; also what a newer runner said that this reader
    /// does not know.
    #[default]
    #[serde(other)]
    Skip,
}

impl Finding {
    /// The word between the brackets.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::No => "no",
            Self::Skip => "skip",
        }
    }
}

/// See [`Event::CheckFinding`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckFinding {
    /// A stable word for what was looked at, e.g. `reachable`.
    pub name: String,
    /// What it means.
    pub verdict: Finding,
    /// What was found, as one sentence in lower case without a full stop.
    pub sentence: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// See [`Event::Notice`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Notice {
    /// A stable word for the kind of notice, e.g. `database_ahead`.
    pub code: String,
    /// The notice as one sentence.
    pub text: String,
}

/// See [`Event::Heartbeat`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Heartbeat {
    /// What the run is doing, e.g. ``applying `20260101000000_init` ``.
    pub doing: String,
    /// For how long.
    pub elapsed_ms: u64,
    /// What lock it waits for, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// Who holds it, parents before children.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blockers: Vec<Blocker>,
    /// What the server says it is doing, e.g. `building index: scanning table`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// How much of that is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
}

/// See [`Event::Interrupted`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Interrupted {
    /// `SIGTERM` or `SIGINT`.
    pub signal: String,
}

/// See [`Event::Output`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Output {
    /// `stdout` or `stderr`.
    pub stream: String,
    /// The line, or a part of it, without its line end.
    pub text: String,
    /// Whether the line goes on in the next event of this stream.
    pub partial: bool,
}

/// See [`Event::OutputDropped`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OutputDropped {
    /// How many lines.
    pub lines: u64,
    /// How many bytes they had.
    pub bytes: u64,
}

/// How a run ended, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Migrations were applied.
    Applied,
    /// There was nothing to do.
    NothingToDo,
    /// The command did what it was for, without applying migrations.
    Done,
    /// It failed; the failure says why.
    Failed,
    /// A signal ended it.
    Interrupted,
    /// What a newer runner said that this reader does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// See [`Event::RunFinished`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunFinished {
    /// What was asked and has ended; an older runner said it only in its first line.
    #[serde(skip_serializing_if = "is_unknown")]
    pub command: RunnerCommand,
    /// What the run was to a service that waits for the schema.
    #[serde(skip_serializing_if = "is_unclear")]
    pub standing: Standing,
    /// How it ended.
    pub outcome: Outcome,
    /// The process's exit code; it must agree with what ECS reports.
    pub exit_code: u8,
    /// Whether that is a wrapped command's own code, and not one of ours.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub passed_through: bool,
    /// Migrations applied by this run.
    pub applied: u64,
    /// Migrations still to be applied.
    pub pending: u64,
    /// Of these, how many wait for the rollout of the new code.
    #[serde(skip_serializing_if = "is_none")]
    pub after_deploy: u64,
    /// From the first line to this one.
    pub duration_ms: u64,
    /// What the database is left with.
    pub database: DatabaseState,
    /// Where it was before the first change, when there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore_point: Option<RestorePoint>,
    /// The environment that it was for, else the one whose name the database bears.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub environment: String,
    /// Which database it met, whatever its address: server, timeline and database, as
    /// `7412345678901234567/00000001/16384`. After a restore it is another one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub identity: String,
    /// Why it failed, when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_unknown(command: &RunnerCommand) -> bool {
    *command == RunnerCommand::Unknown
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_unclear(standing: &Standing) -> bool {
    *standing == Standing::Unclear
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Event {
    /// The end of a process, if this is it: no line of that process follows.
    pub fn terminal(&self) -> Option<&RunFinished> {
        if let Self::RunFinished(finished) = self { Some(finished) } else { None }
    }
}
