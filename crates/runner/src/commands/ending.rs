//! Owns how a command ends: its last line and its exit code.

use super::context::Context;
use crate::emit::Emitter;
use crate::failure;
use crate::process::supervise::Ending;
use crate::words;
use engine::{Error, Kind, RestorePoint};
use protocol::event::{Outcome, RunFinished};
use protocol::{DatabaseState, Event, ExitCode, RunnerCommand, Standing};
use std::time::Duration;

/// What a run is for, as its first and its last line say it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Errand {
    pub(super) command: RunnerCommand,
    pub(super) standing: Standing,
}

/// How a command ended well.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) applied: usize,
    pub(super) pending: usize,
    pub(super) database: DatabaseState,
    /// Where the database was before the first change, if there was one.
    pub(super) restore_point: Option<RestorePoint>,
    pub(super) msg: String,
}

/// How a command failed, and what it had done by then.
pub(super) struct Failed {
    pub(super) error: Error,
    pub(super) applied: usize,
    pub(super) pending: usize,
    /// Where the database was before the first change, if there was one.
    pub(super) restore_point: Option<RestorePoint>,
    /// The exit code of a wrapped command, which passes through.
    pub(super) passed: Option<u8>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, applied: 0, pending: 0, restore_point: None, passed: None }
    }
}

/// The application could not be started after all; its exit code.
pub(crate) fn not_become(error: &Error, errand: Errand, emitter: &Emitter) -> u8 {
    let failure = failure::failure(error);
    let code = failure::exit_code(error.kind).code();
    let sentence = words::sentence(&failure);
    let msg = format!("the application did not start (exit code {code}): {sentence}");
    let finished = RunFinished {
        command: errand.command,
        standing: errand.standing,
        outcome: Outcome::Failed,
        exit_code: code,
        database: DatabaseState::Unknown,
        failure: Some(failure),
        ..RunFinished::default()
    };
    emitter.emit(Event::RunFinished(finished), msg);
    code
}

/// Writes the last line; the exit code.
pub(super) fn finish(context: &Context<'_>, result: Result<Ended, Failed>, took: Duration) -> u8 {
    let (finished, msg) = match result {
        Ok(ended) => {
            let finished = RunFinished {
                command: context.errand.command,
                standing: context.errand.standing,
                outcome: ended.outcome,
                exit_code: ExitCode::Success.code(),
                passed_through: false,
                applied: ended.applied as u64,
                pending: ended.pending as u64,
                after_deploy: context.waiting.get() as u64,
                duration_ms: words::millis(took),
                database: ended.database,
                restore_point: ended.restore_point.map(words::restore_point),
                ..RunFinished::default()
            };
            (finished, ended.msg)
        }
        Err(failed) => failed.last_line(context, took),
    };
    let met = context.met.take();
    let said = context.environment_name().map(str::to_owned);
    let finished = RunFinished {
        environment: said.or(met.environment).unwrap_or_default(),
        identity: met.identity,
        ..finished
    };
    let code = finished.exit_code;
    context.emitter.emit(Event::RunFinished(finished), msg);
    code
}

impl Failed {
    fn last_line(self, context: &Context<'_>, took: Duration) -> (RunFinished, String) {
        let Self { error, applied, pending, restore_point, passed } = self;
        if let Some((event, msg)) = words::migration_failed(&error) {
            context.emitter.emit(event, msg);
        }
        let outcome = match error.kind {
            Kind::Interrupted | Kind::InterruptedPartWay => Outcome::Interrupted,
            Kind::Unexpected
            | Kind::Configuration
            | Kind::MigrationFailed
            | Kind::PartlyApplied
            | Kind::UnfinishedMigration
            | Kind::HistoryDiffers
            | Kind::Contradicted
            | Kind::LockNotObtained
            | Kind::Unreachable
            | Kind::ConnectionLost
            | Kind::AccessDenied
            | Kind::Blocked => Outcome::Failed,
        };
        let failure = failure::failure(&error);
        let database = failure::database(error.database, applied);
        if let (Some(point), true) = (&restore_point, database != DatabaseState::Unchanged) {
            context.say(
                "way_back",
                format!(
                    "the database as it was before this run, at {}: {}",
                    point.at, point.way_back
                ),
            );
        }
        let ours =
            if context.prisma() { ExitCode::Unexpected } else { failure::exit_code(error.kind) };
        let exit_code = passed.unwrap_or(ours.code());
        let msg = match passed {
            Some(_) => words::sentence(&failure),
            None => {
                let meaning = match (ours, database) {
                    (ExitCode::MigrationFailed, DatabaseState::PartWay) => {
                        "a migration failed part-way, the next run resumes it"
                    }
                    (ExitCode::BlockedByTraffic, DatabaseState::PartWay) => {
                        "blocked by traffic part-way, the next run resumes"
                    }
                    (ExitCode::BlockedByTraffic, DatabaseState::Changed) => {
                        "blocked by traffic, earlier migrations of this run stay"
                    }
                    (ExitCode::AccessDenied, DatabaseState::Changed) => "a right is missing",
                    (ExitCode::BlockedByTraffic, DatabaseState::Unknown) => {
                        "a command was blocked by traffic, what it had done stays"
                    }
                    _ => ours.meaning(),
                };
                format!("{meaning} (exit code {exit_code}): {}", words::sentence(&failure))
            }
        };
        let finished = RunFinished {
            command: context.errand.command,
            standing: context.errand.standing,
            outcome,
            exit_code,
            passed_through: passed.is_some(),
            applied: applied as u64,
            pending: pending as u64,
            after_deploy: 0,
            duration_ms: words::millis(took),
            database,
            restore_point: restore_point.map(words::restore_point),
            failure: Some(failure),
            ..RunFinished::default()
        };
        (finished, msg)
    }

    /// A wrapped command that did not end well; `subject` says which.
    pub(super) fn of_command(ending: Ending, subject: &str) -> Self {
        if let Some(error) = ending.stopped {
            let message = format!("{subject} was stopped: {}", error.message);
            return Error { message, ..error }.into();
        }
        let (kind, hint) = if ending.interrupted {
            (Kind::Interrupted, "its own last lines say what it left; run again")
        } else {
            (Kind::Unexpected, "its own last lines say why")
        };
        let error = Error::new(kind, format!("{subject} {}", ending.exit.words()))
            .hint(hint)
            .database(engine::DatabaseState::Unknown);
        Self { passed: Some(ending.exit.code()), ..error.into() }
    }
}
