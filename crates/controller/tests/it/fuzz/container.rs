//! What the container of a story does, and what it hears.

use crate::support::runner::{Lines, applied, failed};
use crate::support::story::at;
use protocol::event::{Event, Origin, Outcome, RunFinished, RunStarted};
use protocol::{RunnerCommand, Share, Standing, command, env};
use sandbox::{Launch, OnTerminate, Script};
use std::time::Duration;

/// What the container does.
#[derive(Debug, Clone)]
pub(super) struct Workload {
    pub(super) runner: bool,
    pub(super) lines: u64,
    pub(super) lasts: u64,
    pub(super) code: i32,
    pub(super) last_word: LastWord,
    /// Whether somebody else's lines stand between, with a good last word.
    pub(super) strangers: bool,
    pub(super) on_terminate: u8,
    /// The words of the image behind the runner's name.
    pub(super) entry_point: &'static [&'static str],
    pub(super) age: Age,
    /// Whether the entry point cleared the environment before the runner began.
    pub(super) cleared: bool,
    /// How many of its migrations wait for the rollout of the new code.
    pub(super) waiting: u64,
}

/// What a task was told, and what the runner made of it.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) task: String,
    pub(super) ran: RunnerCommand,
    /// Which share of the migrations it was to apply.
    pub(super) phase: Phase,
}

/// Which share of the migrations a run applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    All,
    Expand,
    Contract,
}

impl Phase {
    fn of(launch: &Launch) -> Self {
        match launch.environment.get(env::PHASE).map(String::as_str) {
            None | Some("all") => Self::All,
            Some("expand") => Self::Expand,
            Some("contract") => Self::Contract,
            Some(other) => panic!("{other}"),
        }
    }
}

/// What the runner says in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastWord {
    True,
    Missing,
    Lying,
}

/// What a runner hears, and what it says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// It obeys [`env::COMMAND`], and names its command in its first line and in its last.
    New,
    /// It hears its command line alone, and names its command in its first line.
    Old,
    /// The same, and it names nothing.
    Silent,
}

impl Workload {
    /// What is to be remembered of a task.
    pub(super) fn heard(&self, launch: &Launch) -> Heard {
        Heard { task: launch.task_arn.clone(), ran: self.ran(launch), phase: Phase::of(launch) }
    }

    /// What the runner ran in a task.
    fn ran(&self, launch: &Launch) -> RunnerCommand {
        let asked = launch.environment.get(env::COMMAND);
        let asked = asked.filter(|_| self.age == Age::New && !self.cleared);
        let line = || {
            let entry_point = self.entry_point.iter().map(|word| (*word).to_owned());
            entry_point.chain(launch.arguments.iter().cloned()).collect()
        };
        let words: Vec<String> = asked.map_or_else(line, |asked| command::decode(asked).unwrap());
        let named = words.iter().find_map(|word| RunnerCommand::named(word));
        named.unwrap_or(RunnerCommand::Deploy)
    }

    /// Its lines and its end.
    pub(super) fn script(&self, launch: &Launch) -> Script {
        if self.runner { self.runs(launch) } else { self.plain() }
    }

    fn on_terminate(&self) -> OnTerminate {
        let (after, lines) = (Duration::from_secs(1), Vec::new());
        match self.on_terminate {
            0 => OnTerminate::Ignore,
            1 => OnTerminate::Exit { after, code: 30, lines },
            // The dangerous one: a handler that ends as if all were well.
            _ => OnTerminate::Exit { after, code: 0, lines },
        }
    }

    fn plain(&self) -> Script {
        let when = |number: u64| at(self.lasts * number / self.lines.max(1));
        let lines = (0..self.lines).fold(Script::new(), |script, number| {
            script.line(when(number), format!("line {number}"))
        });
        lines.on_terminate(self.on_terminate()).exits(at(self.lasts), self.code)
    }

    fn runs(&self, launch: &Launch) -> Script {
        let end = at(self.lasts);
        let mut launch = launch.clone();
        let (ran, phase) = (self.ran(&launch), Phase::of(&launch));
        if self.cleared {
            launch.environment.clear();
            launch.environment.insert(env::RUN.to_owned(), "its own".to_owned());
        }
        let (started, said) = self.words(&launch, ran);
        let mut lines = Lines::of(&launch);
        let mut theirs = Lines::of_somebody_else();
        let script = Script::new()
            .line(at(0), lines.next("run started", Event::RunStarted(started)))
            .on_terminate(self.on_terminate());
        let script = if self.strangers {
            script.line(at(0), theirs.started()).line(end, theirs.finished(applied(1)))
        } else {
            script
        };
        let good = || {
            let migrates = said.command == RunnerCommand::Unknown || said.command.may_migrate();
            let outcome = if migrates { Outcome::Applied } else { Outcome::Done };
            let (command, standing) = (said.command, said.standing);
            let waiting = if migrates && phase == Phase::Expand { self.waiting } else { 0 };
            let done = RunFinished { pending: waiting, after_deploy: waiting, ..applied(1) };
            RunFinished { command, standing, outcome, ..done }
        };
        let bad = |code, message| {
            let (command, standing) = (said.command, said.standing);
            RunFinished { command, standing, ..failed(code, message) }
        };
        let code = u8::try_from(self.code).unwrap();
        let last = match self.last_word {
            LastWord::Missing => None,
            LastWord::True if code == 0 => Some(good()),
            LastWord::True => Some(bad(code, "it failed")),
            LastWord::Lying if code == 0 => Some(bad(10, "it failed")),
            LastWord::Lying => Some(good()),
        };
        let script = match last {
            Some(last) => script.line(end, lines.finished(last)),
            None => script,
        };
        script.exits(end, self.code)
    }

    /// The first line, and what the last one says of the command.
    fn words(&self, launch: &Launch, ran: RunnerCommand) -> (RunStarted, RunStarted) {
        let text = |name: &str| launch.environment.get(name).cloned().unwrap_or_default();
        let origin = Origin {
            started_by: text(env::STARTED_BY),
            commit: text(env::COMMIT),
            place: text(env::PLACE),
            ..Origin::default()
        };
        let share = match Phase::of(launch) {
            Phase::All => Share::All,
            Phase::Expand => Share::Expand,
            Phase::Contract => Share::Contract,
        };
        let standing = Standing::of(ran, share, &origin);
        let nothing = RunStarted::default();
        let first = RunStarted { command: ran, origin, ..RunStarted::default() };
        match self.age {
            Age::New => {
                let first = RunStarted { standing, ..first };
                (first.clone(), first)
            }
            Age::Old => (first, nothing),
            Age::Silent => (nothing.clone(), nothing),
        }
    }
}
