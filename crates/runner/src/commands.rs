//! What the runner can do: one file each.

mod backup;
mod check;
mod deploy;
mod exec;
mod question;
mod replay;
mod resolve;
mod start;
mod status;
mod steps;
mod unblock;

use crate::cli::{ChildUrl, Cli, Command, Compat, OnDrift, Options, ScratchUrl};
use crate::emit::Emitter;
use crate::environment::Environment;
use crate::failure;
use crate::process::address::Address;
use crate::process::lent_roots;
use crate::process::program::Program;
use crate::process::supervise::Ending;
use crate::shutdown::Listener;
use crate::source::{self, Found, SignIn};
use crate::words;
use engine::{
    Application, ConnectionSettings, DriftSearch, Error, Grants, Guard, Interrupt, Kind, Login,
    PRISMA_LOCK_KEY, Progress, RestorePoint, Traffic,
};
use migrations::directory::DirectoryError;
use migrations::{Allowances, Directory};
use protocol::event::{Origin, Outcome, RunFinished, RunStarted};
use protocol::{DatabaseState, Event, ExitCode, env};
use std::cell::Cell;
use std::time::Duration;

/// Shorter than for our own statements: those give way, while a command's statement stands in the
/// queue all the time, and every query of the table behind it.
const WRAPPED_LOCK_BUDGET: Duration = Duration::from_mins(1);
use tokio::time::Instant;

/// What every command gets.
struct Context<'a> {
    options: &'a Options,
    environment: &'a Environment,
    emitter: &'a Emitter,
    /// How many migrations wait for the rollout of the new code.
    waiting: Cell<usize>,
}

/// How a command ended well.
struct Ended {
    outcome: Outcome,
    applied: usize,
    pending: usize,
    database: DatabaseState,
    /// Where the database was before the first change, if there was one.
    restore_point: Option<RestorePoint>,
    msg: String,
}

/// How a command failed, and what it had done by then.
struct Failed {
    error: Error,
    applied: usize,
    pending: usize,
    /// Where the database was before the first change, if there was one.
    restore_point: Option<RestorePoint>,
    /// The exit code of a wrapped command, which passes through.
    passed: Option<u8>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, applied: 0, pending: 0, restore_point: None, passed: None }
    }
}

/// What is left to do for the process when a command has ended.
pub(crate) enum End {
    /// Leave with this code.
    Exit(u8),
    /// Become this program.
    Become(Program),
}

/// Runs the command between its first and its last line.
pub(crate) async fn run(cli: &Cli, environment: &Environment, emitter: &Emitter) -> End {
    let begun = Instant::now();
    let command = cli.command.as_ref().unwrap_or(&Command::Deploy);
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let msg = format!("{} started, version {version}", command.name());
    let started =
        RunStarted { version, command: command.name().to_owned(), origin: origin(environment) };
    // Whoever saw the first line may send a signal.
    let listener = Listener::listen();
    emitter.emit(Event::RunStarted(started), msg);
    let context = Context { options: &cli.options, environment, emitter, waiting: Cell::new(0) };
    let mut application = None;
    let work = async |interrupt: Interrupt| match command {
        Command::Deploy => deploy::run(&context, interrupt).await,
        Command::Replay => replay::run(&context, interrupt).await,
        Command::Status => status::run(&context, interrupt).await,
        Command::Resolve(resolve) => resolve::run(&context, resolve, interrupt).await,
        Command::Unblock(unblock) => unblock::run(&context, unblock, interrupt).await,
        Command::Check(check) => check::run(&context, check, interrupt).await,
        Command::Exec(wrapped) => exec::run(&context, wrapped, interrupt).await,
        Command::Start(wrapped) => {
            start::run(&context, wrapped, interrupt).await.map(|(ended, program)| {
                application = Some(program);
                ended
            })
        }
    };
    let meaning = match command {
        Command::Exec(_) => "stopping the command",
        Command::Deploy
        | Command::Replay
        | Command::Status
        | Command::Resolve(_)
        | Command::Unblock(_)
        | Command::Check(_)
        | Command::Start(_) => "stopping, what is open is rolled back",
    };
    let mut listener = match listener {
        Ok(listener) => listener,
        Err(error) => {
            let error = Error::new(Kind::Unexpected, format!("cannot listen for signals: {error}"));
            return End::Exit(finish(&context, Err(error.into()), begun.elapsed()));
        }
    };
    let result = listener.guard(emitter, meaning, work).await;
    let code = finish(&context, result, begun.elapsed());
    let Some(program) = application else { return End::Exit(code) };
    // The application's own lines follow ours.
    emitter.flush();
    // A signal that came too late for us was meant for the application.
    match listener.arrived().await {
        Some(code) => End::Exit(code),
        None => End::Become(program),
    }
}

/// Who asked for this run, as the controller passed it on.
fn origin(environment: &Environment) -> Origin {
    let text = |name| environment.get(name).unwrap_or_default().to_owned();
    Origin {
        started_by: text(env::STARTED_BY),
        commit: text(env::COMMIT),
        place: text(env::PLACE),
        actor: text(env::ACTOR),
        repository: text(env::REPOSITORY),
        workflow_run: text(env::WORKFLOW_RUN),
    }
}

/// The application could not be started after all; its exit code.
pub(crate) fn not_become(error: &Error, emitter: &Emitter) -> u8 {
    let failure = failure::failure(error);
    let code = failure::exit_code(error.kind).code();
    let sentence = words::sentence(&failure);
    let msg = format!("the application did not start (exit code {code}): {sentence}");
    let finished = RunFinished {
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
fn finish(context: &Context<'_>, result: Result<Ended, Failed>, took: Duration) -> u8 {
    let (finished, msg) = match result {
        Ok(ended) => {
            let finished = RunFinished {
                outcome: ended.outcome,
                exit_code: ExitCode::Success.code(),
                passed_through: false,
                applied: ended.applied as u64,
                pending: ended.pending as u64,
                after_deploy: context.waiting.get() as u64,
                duration_ms: words::millis(took),
                database: ended.database,
                restore_point: ended.restore_point.map(words::restore_point),
                failure: None,
            };
            (finished, ended.msg)
        }
        Err(failed) => failed.last_line(context, took),
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
                format!("the database was changed; as it was at {}: {}", point.at, point.way_back),
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
        };
        (finished, msg)
    }

    /// A wrapped command that did not end well; `subject` says which.
    fn of_command(ending: Ending, subject: &str) -> Self {
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

    /// The database as a command gets it.
    async fn address(
        &self,
        settings: &ConnectionSettings,
        dialect: ChildUrl,
    ) -> Result<Address, Error> {
        let Login { user, password } = settings.login(None).await?;
        let settings = ConnectionSettings { user, password, ..settings.clone() };
        let roots = lent_roots::for_child(&settings)?;
        Ok(Address::new(settings, roots, (dialect, self.emitter.run())))
    }

    /// The dialect of a command's `DATABASE_URL`.
    fn child_url(&self) -> ChildUrl {
        self.options.child_url.unwrap_or(ChildUrl::Prisma)
    }

    /// How long a command may queue for a lock.
    fn guard(&self, settings: &ConnectionSettings, address: &Address) -> Guard {
        Guard {
            connection: settings.clone(),
            application_name: address.application_name.clone(),
            budget: self.options.lock_budget.unwrap_or(WRAPPED_LOCK_BUDGET),
        }
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
        let wait = self.options.connect_wait;
        let ask = source::Ask {
            secret: self.options.secret.as_deref(),
            sign_in: if self.options.iam_auth { SignIn::Iam } else { SignIn::Password },
            // Prisma gives up at once.
            connect_wait: if self.prisma() { Duration::ZERO } else { wait },
            reconnect_wait: wait * 3,
            run: self.emitter.run(),
        };
        let mut found = source::find(&ask, self.environment).await?;
        found.settings.environment = self.environment_name().map(str::to_owned);
        Ok(found)
    }

    /// The environment that this run is for, if it says so.
    fn environment_name(&self) -> Option<&str> {
        self.options.guards.environment.as_deref().filter(|name| !name.is_empty())
    }

    /// The application's role, if one is named.
    fn application(&self) -> Option<Application<'_>> {
        let guards = &self.options.guards;
        let role = guards.app_role.as_deref().filter(|role| !role.is_empty())?;
        Some(Application { role, except: &guards.app_role_except })
    }

    /// How drift is looked for.
    fn drift_search<'s>(&self, server: Option<&'s ConnectionSettings>) -> DriftSearch<'s> {
        let compared = self.options.guards.drift_grants;
        DriftSearch { server, grants: if compared { Grants::Compare } else { Grants::Ignore } }
    }

    /// What drift means for a deployment; none where it is not looked for.
    fn on_drift(&self) -> Option<engine::OnDrift> {
        match self.options.guards.on_drift {
            None | Some(OnDrift::Ignore) => None,
            Some(OnDrift::Warn) => Some(engine::OnDrift::Warn),
            Some(OnDrift::Stop) => Some(engine::OnDrift::Stop),
        }
    }

    /// The server that scratch databases are made on, if it is another one.
    fn scratch_server(&self) -> Result<Option<ConnectionSettings>, Error> {
        let url = self.options.guards.scratch_url.as_ref().map(ScratchUrl::expose);
        let Some(url) = url.filter(|url| !url.is_empty()) else { return Ok(None) };
        source::of_url(url, "the scratch URL", self.emitter.run()).map(Some)
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
