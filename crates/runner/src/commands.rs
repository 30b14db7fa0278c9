//! What the runner can do: one file each.

mod deploy;
mod resolve;
mod status;
mod unblock;

use crate::cli::{Cli, Command, Compat, Options};
use crate::emit::Emitter;
use crate::environment::Environment;
use crate::failure;
use crate::shutdown;
use crate::source::{self, Found};
use crate::words;
use engine::{Error, Interrupt, Kind, PRISMA_LOCK_KEY, Progress, Traffic};
use migrations::directory::DirectoryError;
use migrations::{Allowances, Directory};
use protocol::event::{Outcome, RunFinished, RunStarted};
use protocol::{DatabaseState, Event, ExitCode, env};
use std::time::Duration;
use tokio::time::Instant;

/// What every command gets.
struct Context<'a> {
    options: &'a Options,
    environment: &'a Environment,
    emitter: &'a Emitter,
}

/// How a command ended well.
struct Ended {
    outcome: Outcome,
    applied: usize,
    pending: usize,
    msg: String,
}

/// How a command failed, and what it had done by then.
struct Failed {
    error: Error,
    applied: usize,
    pending: usize,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, applied: 0, pending: 0 }
    }
}

/// Runs the command between its first and its last line.
pub(crate) async fn run(cli: &Cli, environment: &Environment, emitter: &Emitter) -> ExitCode {
    let begun = Instant::now();
    let command = cli.command.as_ref().unwrap_or(&Command::Deploy);
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let msg = format!("{} started, version {version}", command.name());
    emitter
        .emit(Event::RunStarted(RunStarted { version, command: command.name().to_owned() }), msg);
    let context = Context { options: &cli.options, environment, emitter };
    let work = async |interrupt: Interrupt| match command {
        Command::Deploy => deploy::run(&context, interrupt).await,
        Command::Status => status::run(&context, interrupt).await,
        Command::Resolve(resolve) => resolve::run(&context, resolve, interrupt).await,
        Command::Unblock(unblock) => unblock::run(&context, unblock, interrupt).await,
    };
    let result = match shutdown::guard(emitter, work).await {
        Ok(result) => result,
        Err(error) => {
            Err(Error::new(Kind::Unexpected, format!("cannot listen for signals: {error}")).into())
        }
    };
    finish(&context, result, begun.elapsed())
}

fn finish(context: &Context<'_>, result: Result<Ended, Failed>, took: Duration) -> ExitCode {
    let (code, finished, msg) = match result {
        Ok(ended) => {
            let database = match ended.applied {
                0 => DatabaseState::Unchanged,
                _ => DatabaseState::Changed,
            };
            let finished = RunFinished {
                outcome: ended.outcome,
                exit_code: ExitCode::Success.code(),
                applied: ended.applied as u64,
                pending: ended.pending as u64,
                duration_ms: words::millis(took),
                database,
                failure: None,
            };
            (ExitCode::Success, finished, ended.msg)
        }
        Err(Failed { error, applied, pending }) => {
            if let Some((event, msg)) = words::migration_failed(&error) {
                context.emitter.emit(event, msg);
            }
            let code = if context.prisma() {
                ExitCode::Unexpected
            } else {
                failure::exit_code(error.kind)
            };
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
                | Kind::AccessDenied
                | Kind::Blocked => Outcome::Failed,
            };
            let failure = failure::failure(&error);
            let database = failure::database(error.database, applied);
            let meaning = match (code, database) {
                (ExitCode::MigrationFailed, DatabaseState::PartWay) => {
                    "a migration failed part-way, the next run resumes it"
                }
                (ExitCode::BlockedByTraffic, DatabaseState::PartWay) => {
                    "blocked by traffic part-way, the next run resumes"
                }
                (ExitCode::BlockedByTraffic, DatabaseState::Changed) => {
                    "blocked by traffic, earlier migrations of this run stay"
                }
                _ => code.meaning(),
            };
            let msg =
                format!("{meaning} (exit code {}): {}", code.code(), words::sentence(&failure));
            let finished = RunFinished {
                outcome,
                exit_code: code.code(),
                applied: applied as u64,
                pending: pending as u64,
                duration_ms: words::millis(took),
                database,
                failure: Some(failure),
            };
            (code, finished, msg)
        }
    };
    context.emitter.emit(Event::RunFinished(finished), msg);
    code
}

impl Context<'_> {
    /// Whether Prisma's texts, codes and habits hold.
    fn prisma(&self) -> bool {
        self.options.compat == Some(Compat::Prisma)
    }

    fn directory(&self) -> Result<Directory, Error> {
        let error = match Directory::read(&self.options.migrations) {
            // For Prisma no directory is an empty one.
            Err(DirectoryError::Missing(_)) if self.prisma() => return Ok(Directory::default()),
            Err(error) => error,
            Ok(directory) => return Ok(directory),
        };
        let message = match std::error::Error::source(&error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        let answer = Error::new(Kind::Configuration, message)
            .hint("name it with --migrations or ECS_MIGRATE_MIGRATIONS");
        Err(match error {
            DirectoryError::LockFile(lock) => {
                Error { detail: Some(lock.provider), ..answer.prisma("P3019") }
            }
            DirectoryError::Missing(_)
            | DirectoryError::NotDirectory(_)
            | DirectoryError::Unreadable(..)
            | DirectoryError::Name(_) => answer,
        })
    }

    fn allowances(&self) -> Allowances {
        Allowances {
            everything: self.prisma(),
            permissions: self.options.allow.iter().cloned().collect(),
        }
    }

    /// Ours, then Prisma's, unless Prisma's own switch says that it does not lock here either.
    fn lock_keys(&self) -> Vec<i64> {
        let disabled =
            self.environment.get(env::PRISMA_DISABLE_LOCK).is_some_and(|value| value != "0");
        let mut keys = vec![self.options.lock_key];
        if !disabled && self.options.lock_key != PRISMA_LOCK_KEY {
            keys.push(PRISMA_LOCK_KEY);
        }
        keys
    }

    /// How far to get in the way of the application.
    fn traffic(&self) -> Traffic {
        let unless_said = if self.prisma() { Traffic::NONE } else { Traffic::DEFAULT };
        Traffic {
            lock_timeout: self.options.lock_timeout.unwrap_or(unless_said.lock_timeout),
            patience: self.options.lock_patience.unwrap_or(unless_said.patience),
            budget: self.options.lock_budget.unwrap_or(unless_said.budget),
        }
    }

    async fn database(&self) -> Result<Found, Error> {
        source::find(self.options.secret.as_deref(), self.environment, self.emitter.run()).await
    }

    /// Writes progress down as it comes.
    fn sink(&self, source: String) -> impl FnMut(Progress) {
        move |progress| {
            for (event, msg) in words::describe(progress, &source) {
                self.emitter.emit(event, msg);
            }
        }
    }
}
