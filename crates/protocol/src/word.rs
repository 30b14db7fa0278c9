//! Owns what a process of the runner says of its run: its first line and its last, and what follows
//! from them. The gate, the record, the lists and the page all read them here.

use crate::command::{RunnerCommand, Standing};
use crate::event::{Event, Origin, Outcome, RunFinished, RunStarted};

/// The first line and the last, as far as they arrived.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Word {
    /// How it began.
    pub started: Option<RunStarted>,
    /// How it ended.
    pub finished: Option<RunFinished>,
}

/// What the runner says that it ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ran {
    /// Which command.
    pub command: RunnerCommand,
    /// What that is to a service that waits for the schema.
    pub standing: Standing,
}

impl Word {
    /// Takes an event of the run, in any order. Of several beginnings or ends, as of a container that is
    /// started again, the last one counts.
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::RunStarted(started) => self.started = Some(started.clone()),
            Event::RunFinished(finished) => self.finished = Some(finished.clone()),
            Event::Connected(_)
            | Event::ConnectWaiting(_)
            | Event::LockWaiting(_)
            | Event::LockAcquired(_)
            | Event::Planned(_)
            | Event::Settled(_)
            | Event::RestorePoint(_)
            | Event::MigrationStarted(_)
            | Event::StatementFinished(_)
            | Event::AttemptBlocked(_)
            | Event::MigrationApplied(_)
            | Event::MigrationFailed(_)
            | Event::MigrationStatus(_)
            | Event::CheckFinding(_)
            | Event::Notice(_)
            | Event::Heartbeat(_)
            | Event::Interrupted(_)
            | Event::Output(_)
            | Event::OutputDropped(_)
            | Event::Unknown => {}
        }
    }

    /// What ran: by the last line, which says what has ended, and by the first where that one is missing or
    /// of an older runner, which did not say it there.
    pub fn ran(&self) -> Ran {
        let first =
            self.started.as_ref().map(|one| Ran { command: one.command, standing: one.standing() });
        let last =
            self.finished.as_ref().map(|one| Ran { command: one.command, standing: one.standing });
        match (first, last) {
            // It names the command, and what that is to a service was said at the beginning.
            (Some(first), Some(last))
                if first.command == last.command && last.standing == Standing::Unclear =>
            {
                first
            }
            (_, Some(last)) if last.command != RunnerCommand::Unknown => last,
            (Some(first), _) => first,
            (None, last) => last.unwrap_or_default(),
        }
    }

    /// Whether it has said its last word, and a good one.
    pub fn ended_well(&self) -> bool {
        self.finished.as_ref().is_some_and(RunFinished::is_good)
    }

    /// For whom it ran.
    pub fn origin(&self) -> Option<&Origin> {
        self.started.as_ref().map(|started| &started.origin)
    }

    /// The environment that it was for, empty if nothing says one.
    pub fn environment(&self) -> &str {
        let ended = self.finished.as_ref().map(|finished| finished.environment.as_str());
        let begun = self.origin().map(|origin| origin.environment.as_str());
        ended.filter(|name| !name.is_empty()).or(begun).unwrap_or_default()
    }

    /// Which database it met, empty if nothing says it.
    pub fn identity(&self) -> &str {
        self.finished.as_ref().map_or("", |finished| finished.identity.as_str())
    }
}

impl RunFinished {
    /// Whether it is a good end. A newer runner's word for one is not known here: its exit code says it.
    pub fn is_good(&self) -> bool {
        self.exit_code == 0
            && match self.outcome {
                Outcome::Applied | Outcome::NothingToDo | Outcome::Done | Outcome::Unknown => true,
                Outcome::Failed | Outcome::Interrupted => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RunnerCommand::{Deploy, Start, Unknown};

    fn word(first: Option<RunnerCommand>, last: Option<(RunnerCommand, Standing)>) -> Word {
        let started = first.map(|command| RunStarted { command, ..RunStarted::default() });
        let finished = last.map(|(command, standing)| RunFinished {
            command,
            standing,
            ..RunFinished::default()
        });
        Word { started, finished }
    }

    #[test]
    fn the_last_line_says_what_ran_where_it_says_anything() {
        let ran = |command, standing| Ran { command, standing };
        let silent = Some((Unknown, Standing::Unclear));
        for (first, last, expected) in [
            (None, None, Ran::default()),
            (Some(Start), None, ran(Start, Standing::Proof)),
            (Some(Start), silent, ran(Start, Standing::Proof)),
            (Some(Start), Some((Deploy, Standing::Behind)), ran(Deploy, Standing::Behind)),
            (Some(Start), Some((Start, Standing::Unclear)), ran(Start, Standing::Proof)),
            (Some(Start), Some((Deploy, Standing::Unclear)), ran(Deploy, Standing::Unclear)),
            (None, Some((Deploy, Standing::Proof)), ran(Deploy, Standing::Proof)),
            (None, silent, Ran::default()),
        ] {
            assert_eq!(word(first, last).ran(), expected, "{first:?} {last:?}");
        }
    }

    #[test]
    fn only_a_good_end_is_one() {
        let end = |outcome, exit_code| Word {
            started: None,
            finished: Some(RunFinished { outcome, exit_code, ..RunFinished::default() }),
        };
        assert!(!Word::default().ended_well());
        for (exit_code, outcome, expected) in [
            (0, Outcome::Applied, true),
            (0, Outcome::NothingToDo, true),
            (0, Outcome::Done, true),
            (0, Outcome::Unknown, true),
            (0, Outcome::Failed, false),
            (0, Outcome::Interrupted, false),
            (10, Outcome::Applied, false),
        ] {
            assert_eq!(end(outcome, exit_code).ended_well(), expected, "{exit_code} {outcome:?}");
        }
    }

    #[test]
    fn the_environment_of_the_end_is_the_one_that_was_met() {
        let mut word = Word::default();
        assert_eq!((word.environment(), word.identity()), ("", ""));
        let origin = Origin { environment: "asked".to_owned(), ..Origin::default() };
        word.note(&Event::RunStarted(RunStarted { origin, ..RunStarted::default() }));
        word.note(&Event::RunFinished(RunFinished::default()));
        assert_eq!(word.environment(), "asked");
        word.note(&Event::RunFinished(RunFinished {
            environment: "met".to_owned(),
            identity: "1/2/3".to_owned(),
            ..RunFinished::default()
        }));
        assert_eq!((word.environment(), word.identity()), ("met", "1/2/3"));
    }
}
