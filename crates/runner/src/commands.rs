//! What the runner can do: one file each.

mod backup;
mod check;
mod child;
mod context;
mod deploy;
mod ending;
mod exec;
mod question;
mod replay;
mod resolve;
mod start;
mod status;
mod steps;
mod unblock;

pub(crate) use ending::{Errand, not_become};

use crate::cli::{Cli, Command, refuse_unobeyed};
use crate::emit::Emitter;
use crate::environment::Environment;
use crate::near_miss::near_misses;
use crate::process::program::Program;
use crate::shutdown::Listener;
use context::Context;
use ending::{Ended, Failed, finish};
use engine::{Error, Interrupt, Kind};
use protocol::event::{Origin, RunStarted};
use protocol::{Event, Standing, env};
use std::cell::{Cell, RefCell};
use tokio::time::Instant;

/// What is left to do for the process when a command has ended.
pub(crate) enum End {
    /// Leave with this code.
    Exit(u8),
    /// Become this program, which ends an errand.
    Become(Program, Errand),
}

/// Runs the command between its first and its last line.
pub(crate) async fn run(
    cli: &Cli,
    (environment, listener): (&Environment, std::io::Result<Listener>),
    emitter: &Emitter,
) -> End {
    let begun = Instant::now();
    let command = &cli.command;
    let options = command.options();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let mut origin = origin(environment);
    if let Some(name) = options.connection.environment.clone() {
        origin.environment = name;
    }
    let said = command.said();
    let standing = Standing::of(said, options.review.said(), &origin);
    let errand = Errand { command: said, standing };
    let msg = format!("{said} started, version {version}");
    let started = RunStarted { version, command: said, standing, origin };
    emitter.emit(Event::RunStarted(started), msg);
    let context = Context {
        options: &options,
        errand,
        environment,
        emitter,
        waiting: Cell::new(0),
        met: RefCell::default(),
    };
    if !context.prisma() {
        for (name, meant) in near_misses(environment.names()) {
            context.say("no_such_setting", format!("{name} is no setting; {meant} is one"));
        }
    }
    let mut application = None;
    let work = async |interrupt: Interrupt| {
        refuse_unobeyed(command, environment)?;
        match command {
            Command::Deploy(_) => deploy::run(&context, interrupt).await,
            // The large ones are boxed: every other command would carry room for them.
            Command::Replay(_) => Box::pin(replay::run(&context, interrupt)).await,
            Command::Status(_) => status::run(&context, interrupt).await,
            Command::Resolve(resolve) => resolve::run(&context, resolve, interrupt).await,
            Command::Unblock(unblock) => unblock::run(&context, unblock, interrupt).await,
            Command::Check(check) => check::run(&context, check, interrupt).await,
            Command::Exec(asked) => exec::run(&context, asked, interrupt).await,
            Command::Start(asked) => {
                start::run(&context, asked, interrupt).await.map(|(ended, program)| {
                    application = Some(program);
                    ended
                })
            }
        }
    };
    let meaning = match command {
        Command::Exec(_) => "stopping the command",
        Command::Deploy(_)
        | Command::Replay(_)
        | Command::Status(_)
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
    let result = Box::pin(listener.guard(emitter, meaning, work)).await;
    let code = finish(&context, result, begun.elapsed());
    let Some(program) = application else { return End::Exit(code) };
    // The application's own lines follow ours.
    emitter.flush();
    // A signal that came too late for us was meant for the application.
    match listener.arrived().await {
        Some(code) => End::Exit(code),
        None => End::Become(program, errand),
    }
}

/// Who asked for this run, as the controller passed it on.
fn origin(environment: &Environment) -> Origin {
    let text = |name| environment.get(name).unwrap_or_default().to_owned();
    Origin {
        started_by: text(env::STARTED_BY),
        commit: text(env::COMMIT),
        place: text(env::PLACE),
        environment: text(env::ENVIRONMENT),
        image: text(env::TASK_IMAGE),
        asked: text(env::ASKED),
        services: text(env::SERVICES),
        actor: text(env::ACTOR),
        repository: text(env::REPOSITORY),
        workflow_run: text(env::WORKFLOW_RUN),
    }
}
