//! Owns what the lines of one run say of it, by the same fold as the gate's. PURE.

use crate::task::{LogText, RawEvent, Transcript};
use protocol::event::{Event, Origin};
use protocol::{RunnerCommand, event};

/// What a log tells, as far as it was read.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) transcript: Transcript,
    /// Whether the head of the log was read, where the first line of a run stands.
    from_head: bool,
    /// Names of the migrations that this run applied.
    pub(crate) applied: Vec<String>,
    /// Times of the first and the last line, milliseconds since 1970.
    pub(crate) times: Option<(i64, i64)>,
}

impl Summary {
    /// Nothing yet; the run's id where ECS knows it.
    pub(crate) fn new(container: &str, run: Option<&str>) -> Self {
        Self {
            transcript: Transcript::new(container, run.map(str::to_owned)),
            from_head: false,
            applied: Vec::new(),
            times: None,
        }
    }

    /// The log from its head.
    pub(crate) fn add_from_head(&mut self, events: &[RawEvent]) {
        self.from_head = true;
        self.add(events);
    }

    /// A page of the log. A line that was added before changes nothing.
    pub(crate) fn add(&mut self, events: &[RawEvent]) {
        for event in events {
            let (first, last) = self.times.unwrap_or((event.at, event.at));
            self.times = Some((first.min(event.at), last.max(event.at)));
        }
        for line in self.transcript.take(events) {
            if let LogText::Event(line) = line.text
                && let Event::MigrationApplied(applied) = line.event
                && !self.applied.contains(&applied.migration)
            {
                self.applied.push(applied.migration);
            }
        }
    }

    /// For whom it ran.
    pub(crate) fn origin(&self) -> Origin {
        self.transcript.looked().origin.clone()
    }

    /// What ran.
    pub(crate) fn command(&self) -> RunnerCommand {
        self.transcript.ran().command
    }

    /// The last word.
    pub(crate) fn finished(&self) -> Option<&event::RunFinished> {
        self.transcript.finished()
    }

    /// Whether the rest of the log has to be read as well. Which run a line belongs to is known by the
    /// task, else by the first line of ours.
    pub(crate) fn lacks_something(&self) -> bool {
        let applied = self.finished().map_or(0, |finished| finished.applied);
        let begun = self.transcript.has_begun();
        !self.from_head
            && self.transcript.is_runners()
            && (!begun || (self.applied.len() as u64) < applied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::event::{MigrationApplied, RunFinished, RunStarted};
    use protocol::line::EventLine;

    fn line(run: &str, at: i64, event: Event) -> RawEvent {
        let seq = u64::try_from(at).unwrap();
        RawEvent { at, message: EventLine::new(run, "p", seq, event).encode() }
    }

    fn end(run: &str, at: i64, exit_code: u8) -> RawEvent {
        let finished = RunFinished { applied: 1, exit_code, ..RunFinished::default() };
        line(run, at, Event::RunFinished(finished))
    }

    fn begin(run: &str, at: i64) -> RawEvent {
        let origin = Origin { commit: "4f2c".to_owned(), ..Origin::default() };
        let started =
            RunStarted { origin, command: RunnerCommand::Deploy, ..RunStarted::default() };
        line(run, at, Event::RunStarted(started))
    }

    #[test]
    fn beginning_names_and_end_may_come_in_any_order() {
        let applied =
            MigrationApplied { migration: "1_a".to_owned(), ..MigrationApplied::default() };
        let mut summary = Summary::new("m", Some("r"));
        summary.add(&[end("r", 9, 0), RawEvent { at: 10, message: "other".to_owned() }]);
        assert!(summary.lacks_something());
        summary.add(&[begin("r", 1)]);
        assert!(summary.lacks_something());
        let applied = line("r", 5, Event::MigrationApplied(applied));
        summary.add(&[applied.clone(), applied]);
        assert!(!summary.lacks_something());
        assert_eq!(summary.applied, ["1_a"]);
        assert_eq!(summary.origin().commit, "4f2c");
        assert_eq!(summary.command(), RunnerCommand::Deploy);
        assert_eq!(summary.times, Some((1, 10)));
    }

    #[test]
    fn another_runs_last_line_is_not_this_ones() {
        for run in [Some("r"), None] {
            let mut summary = Summary::new("m", run);
            summary.add_from_head(&[
                begin("r", 1),
                end("forged", 2, 0),
                end("r", 3, 10),
                end("forged", 4, 0),
            ]);
            assert_eq!(summary.finished().map(|finished| finished.exit_code), Some(10), "{run:?}");
        }
    }
}
