//! Owns the runs that a family's log tells of, put together from their first and last lines. PURE.

use protocol::command::is_one_off;
use protocol::line::{EventLine, Line};
use protocol::{Event, RunnerCommand, Standing, Word};

/// A line of the log, and where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoggedLine {
    /// When the log took it, by the log's own clock, milliseconds since 1970: hosts disagree about
    /// the time, and a line that is said to be older may be of the later run.
    pub(crate) at: i64,
    /// The id of the task whose stream it stood in.
    pub(crate) task: String,
    pub(crate) text: String,
}

/// One run: what one process of the runner said.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) task: String,
    pub(super) run: String,
    process: String,
    /// When its first line was there.
    pub(super) begun: i64,
    /// When the last line of its stream was there that was read.
    pub(super) last: i64,
    pub(super) word: Word,
}

impl Run {
    /// What it is to a service that waits for the schema, by the runner's own word.
    pub(super) fn standing(&self) -> Standing {
        self.word.ran().standing
    }

    pub(super) fn command(&self) -> RunnerCommand {
        self.word.ran().command
    }

    /// Whether it could not change anything, whatever became of it.
    pub(super) fn only_looks(&self) -> bool {
        only_looks(self.command())
    }

    /// The cluster and family that it says; empty when it was started by hand.
    pub(super) fn place(&self) -> &str {
        self.word.origin().map_or("", |origin| origin.place.as_str())
    }

    pub(super) fn commit(&self) -> &str {
        self.word.origin().map_or("", |origin| origin.commit.as_str())
    }

    /// Whether it is a task of its own, somebody's hand through `ecs-migrate`.
    pub(super) fn is_one_off(&self) -> bool {
        self.word.origin().is_some_and(|origin| is_one_off(&origin.started_by))
    }
}

/// Whether a command changes nothing in the database that it is asked about.
pub(super) fn only_looks(command: RunnerCommand) -> bool {
    match command {
        RunnerCommand::Status
        | RunnerCommand::Check
        | RunnerCommand::Replay
        | RunnerCommand::Unblock => true,
        RunnerCommand::Deploy
        | RunnerCommand::Start
        | RunnerCommand::Exec
        | RunnerCommand::Resolve
        | RunnerCommand::Unknown => false,
    }
}

/// The runs behind the lines. A line with our words in it may be anybody's: only what decodes is a
/// beginning or an end; any line of the stream shows that the run still wrote.
pub(super) fn runs(lines: &[LoggedLine]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for line in lines {
        let Line::Event(event) = Line::decode(&line.text) else { continue };
        let EventLine { run: name, process, .. } = &*event;
        let known =
            |run: &Run| run.task == line.task && run.run == *name && run.process == *process;
        let place = runs.iter().position(known);
        let run = match (&event.event, place) {
            (_, Some(place)) => &mut runs[place],
            (Event::RunStarted(_) | Event::RunFinished(_), None) => {
                runs.push(Run {
                    task: line.task.clone(),
                    run: name.clone(),
                    process: process.clone(),
                    begun: line.at,
                    last: line.at,
                    word: Word::default(),
                });
                let newest = runs.len() - 1;
                &mut runs[newest]
            }
            (_, None) => continue,
        };
        if let Event::RunStarted(_) = &event.event {
            run.begun = run.begun.min(line.at);
        }
        run.word.note(&event.event);
    }
    for run in &mut runs {
        let of_stream = lines.iter().filter(|line| line.task == run.task);
        let last = of_stream.map(|line| line.at).max().unwrap_or(run.last);
        run.last = run.last.max(last);
    }
    runs
}
