//! Containers that talk like our runner, written from the protocol alone.

use protocol::event::{Event, Origin, Outcome, RunFinished, RunStarted};
use protocol::line::EventLine;
use protocol::{DatabaseState, Failure, RunnerCommand};
use sandbox::{Launch, OnTerminate, Program, Script};
use std::time::Duration;

/// Lines of one run, numbered from 1.
pub(crate) struct Lines {
    run: String,
    process: String,
    seq: u64,
}

impl Lines {
    pub(crate) fn of(launch: &Launch) -> Self {
        Self::of_process(launch, "p-1")
    }

    /// The lines of one of several processes of a run.
    pub(crate) fn of_process(launch: &Launch, process: &str) -> Self {
        let run = launch.environment[protocol::env::RUN].clone();
        Self { run, process: process.to_owned(), seq: 0 }
    }

    /// Somebody else's, which look the same.
    pub(crate) fn of_somebody_else() -> Self {
        Self { run: "somebody-elses-run".to_owned(), process: "p-9".to_owned(), seq: 0 }
    }

    /// The next line.
    pub(crate) fn next(&mut self, msg: &str, event: Event) -> String {
        self.seq += 1;
        let mut line = EventLine::new(&self.run, &self.process, self.seq, event);
        msg.clone_into(&mut line.msg);
        "2026-11-21T03:08:34.123Z".clone_into(&mut line.at);
        line.encode()
    }

    /// The first line.
    pub(crate) fn started(&mut self) -> String {
        self.next("run started", Event::RunStarted(RunStarted::default()))
    }

    /// The first line, with what the controller passed on.
    pub(crate) fn started_for(&mut self, launch: &Launch) -> String {
        let text = |name: &str| launch.environment.get(name).cloned().unwrap_or_default();
        if text(protocol::env::COMMIT).is_empty() {
            return self.started();
        }
        let origin = Origin {
            started_by: text(protocol::env::STARTED_BY),
            commit: text(protocol::env::COMMIT),
            place: text(protocol::env::PLACE),
            environment: text(protocol::env::ENVIRONMENT),
            image: text(protocol::env::TASK_IMAGE),
            asked: text(protocol::env::ASKED),
            services: text(protocol::env::SERVICES),
            ..Origin::default()
        };
        let command = RunnerCommand::first_of(&launch.arguments).unwrap_or(RunnerCommand::Deploy);
        let started = RunStarted { command, origin, ..RunStarted::default() };
        self.next("run started", Event::RunStarted(started))
    }

    /// The last line.
    pub(crate) fn finished(&mut self, finished: RunFinished) -> String {
        self.next("run finished", Event::RunFinished(finished))
    }
}

/// What a good run says in the end.
pub(crate) fn applied(count: u64) -> RunFinished {
    RunFinished {
        outcome: Outcome::Applied,
        applied: count,
        duration_ms: 1250,
        database: DatabaseState::Changed,
        ..RunFinished::default()
    }
}

/// What a failed run says in the end.
pub(crate) fn failed(code: u8, message: &str) -> RunFinished {
    RunFinished {
        outcome: Outcome::Failed,
        exit_code: code,
        database: DatabaseState::Unchanged,
        failure: Some(Failure {
            message: message.to_owned(),
            hint: Some("fix the migration and push again".to_owned()),
            migration: Some("20260101000000_init".to_owned()),
            sqlstate: Some("42P07".to_owned()),
            ..Failure::default()
        }),
        ..RunFinished::default()
    }
}

/// A runner that ends after five seconds.
pub(crate) fn ends_with(finished: RunFinished) -> Program {
    Program::scripted(move |launch| {
        let mut lines = Lines::of(launch);
        let code = i32::from(finished.exit_code);
        Script::new()
            .line(Duration::ZERO, lines.started_for(launch))
            .line(Duration::from_secs(4), lines.finished(finished.clone()))
            .exits(Duration::from_secs(5), code)
    })
}

/// A runner that works until it is stopped, then rolls back within a second.
pub(crate) fn rolls_back_when_stopped() -> Program {
    Program::scripted(|launch| {
        let mut lines = Lines::of(launch);
        let started = lines.started();
        let finished = lines.finished(RunFinished {
            outcome: Outcome::Interrupted,
            exit_code: 30,
            database: DatabaseState::Unchanged,
            ..RunFinished::default()
        });
        Script::new().line(Duration::ZERO, started).on_terminate(OnTerminate::Exit {
            after: Duration::from_secs(1),
            code: 30,
            lines: vec![finished],
        })
    })
}
