//! Owns what the lines of one run say of it. PURE.

use crate::task::RawEvent;
use protocol::event::{Event, Origin, RunFinished};
use protocol::RunnerCommand;
use protocol::line::Line;

/// What a log tells, as far as it was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Summary {
    pub(crate) origin: Origin,
    /// The runner's command.
    pub(crate) command: RunnerCommand,
    /// Whether a line of our runner was seen.
    pub(crate) is_runners: bool,
    /// Whether its first line was.
    pub(crate) has_beginning: bool,
    pub(crate) lines: u64,
    pub(crate) finished: Option<RunFinished>,
    /// Names of the migrations that this run applied.
    pub(crate) applied: Vec<String>,
    /// Times of the first and the last line, milliseconds since 1970.
    pub(crate) times: Option<(i64, i64)>,
}

impl Summary {
    /// Adds lines in any order; a line that was added before changes nothing but their number.
    pub(crate) fn add(&mut self, events: &[RawEvent]) {
        for event in events {
            self.lines += 1;
            let (first, last) = self.times.unwrap_or((event.at, event.at));
            self.times = Some((first.min(event.at), last.max(event.at)));
            let Line::Event(line) = Line::decode(&event.message) else { continue };
            self.is_runners = true;
            if let Event::RunStarted(started) = &line.event {
                self.has_beginning = true;
                self.origin = started.origin.clone();
                self.command = started.command;
            }
            if let Event::MigrationApplied(applied) = &line.event
                && !self.applied.contains(&applied.migration)
            {
                self.applied.push(applied.migration.clone());
            }
            if let Some(finished) = line.event.terminal() {
                self.finished = Some(finished.clone());
            }
        }
    }

    /// Whether the middle of the log has to be read as well.
    pub(crate) fn lacks_names(&self) -> bool {
        let applied = self.finished.as_ref().map_or(0, |finished| finished.applied);
        self.is_runners && (!self.has_beginning || (self.applied.len() as u64) < applied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::event::{MigrationApplied, RunStarted};
    use protocol::line::EventLine;

    fn line(at: i64, event: Event) -> RawEvent {
        RawEvent { at, message: EventLine::new("r", "p", 1, event).encode() }
    }

    #[test]
    fn beginning_names_and_end_may_come_in_any_order() {
        let origin = Origin { commit: "4f2c".to_owned(), ..Origin::default() };
        let started = RunStarted { origin: origin.clone(), ..RunStarted::default() };
        let applied =
            MigrationApplied { migration: "1_a".to_owned(), ..MigrationApplied::default() };
        let end = line(9, Event::RunFinished(RunFinished { applied: 1, ..RunFinished::default() }));
        let mut summary = Summary::default();
        summary.add(&[end, RawEvent { at: 10, message: "other".to_owned() }]);
        assert!(summary.lacks_names());
        summary.add(&[line(1, Event::RunStarted(started))]);
        assert!(summary.lacks_names());
        let applied = line(5, Event::MigrationApplied(applied));
        summary.add(&[applied.clone(), applied]);
        assert!(!summary.lacks_names());
        assert_eq!(summary.applied, ["1_a"]);
        assert_eq!(summary.origin, origin);
        assert_eq!(summary.times, Some((1, 10)));
    }
}
