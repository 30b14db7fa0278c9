//! Owns the fold from a container's raw log events to lines that are printed once.
//!
//! Resilient against repetition, reordering and loss of our own lines: repetition is dropped,
//! loss shows as a gap until a second reading fills it. Of other lines a second reading and an
//! overlapping page print only what was not there before.

use super::repeats::Repeats;
use super::runner_times::RunnerTimes;
use super::tail::RawEvent;
use super::verdict::Logged;
use protocol::event::{CheckFinding, MigrationStatus, Origin, RestorePoint, RunFinished};
use protocol::line::{EventLine, Line};
use protocol::sequence::Sequences;
use protocol::{Event, Ran, Word};
use std::collections::VecDeque;

/// How many lines a red ending repeats.
const LAST_LINES: usize = 20;

/// A line of a container's log, ready to be printed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogLine {
    pub(crate) container: String,
    /// Milliseconds since 1970, as CloudWatch has it.
    pub(crate) at: i64,
    pub(crate) text: LogText,
    /// As CloudWatch has it.
    pub(crate) raw: String,
}

/// What a line says. Whatever it contains is data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LogText {
    Event(Box<EventLine>),
    Plain(String),
}

impl LogText {
    /// The readable sentence.
    pub(crate) fn readable(&self) -> &str {
        match self {
            Self::Event(line) => &line.msg,
            Self::Plain(text) => text,
        }
    }
}

/// The log of one container so far.
#[derive(Debug)]
pub(crate) struct Transcript {
    container: String,
    run: Option<String>,
    sequences: Sequences,
    lines: u64,
    word: Word,
    /// How many last words there were.
    endings: usize,
    ours: bool,
    /// Whether a line of our runner bore another run's id.
    others: bool,
    /// How the migration runs that was begun last and has not ended, as its line said.
    open_mode: Option<String>,
    last: VecDeque<String>,
    repeats: Repeats,
    looked: Looked,
    restore_point: Option<RestorePoint>,
    times: RunnerTimes,
}

/// What the runner's `check` and `status` said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    /// Version of the runner; empty if it did not say.
    pub(crate) version: String,
    pub(crate) findings: Vec<CheckFinding>,
    /// What `status` says of each migration, in the order of the directory.
    pub(crate) migrations: Vec<MigrationStatus>,
    /// For whom it ran.
    pub(crate) origin: Origin,
}

impl Transcript {
    /// An empty log. Without a run id the first line of ours says which run it is.
    pub(crate) fn new(container: &str, run: Option<String>) -> Self {
        Self {
            container: container.to_owned(),
            run,
            sequences: Sequences::default(),
            lines: 0,
            word: Word::default(),
            endings: 0,
            ours: false,
            others: false,
            open_mode: None,
            last: VecDeque::new(),
            repeats: Repeats::default(),
            looked: Looked::default(),
            restore_point: None,
            times: RunnerTimes::default(),
        }
    }

    /// The next reading starts at the head again.
    pub(crate) fn restart(&mut self) {
        self.repeats.restart();
    }

    /// Takes a page in the order in which it was read; answers the lines to print.
    pub(crate) fn take(&mut self, page: &[RawEvent]) -> Vec<LogLine> {
        let mut lines: Vec<(&RawEvent, Line)> =
            page.iter().map(|event| (event, Line::decode(&event.message))).collect();
        let numbered: Vec<bool> = lines.iter().map(|(_, line)| self.is_ours(line)).collect();
        let others: Vec<&RawEvent> = page
            .iter()
            .zip(&numbered)
            .filter_map(|(event, numbered)| (!numbered).then_some(event))
            .collect();
        let mut overlap = self.repeats.overlap(&others);
        let mut fresh = Vec::new();
        for ((event, line), numbered) in lines.drain(..).zip(numbered) {
            let text = match line {
                Line::Event(line) if numbered => self.note(line, event.at),
                Line::Event(_) | Line::Text(_) if overlap > 0 => {
                    overlap -= 1;
                    None
                }
                Line::Event(_) | Line::Text(_) if !self.repeats.note(event) => None,
                // Another run's word is a text like any other: no reader takes it for this run's.
                Line::Event(line) => Some(LogText::Plain(line.msg)),
                Line::Text(text) => Some(LogText::Plain(text)),
            };
            if let Some(text) = text {
                self.lines += 1;
                self.remember(text.readable());
                fresh.push(LogLine {
                    container: self.container.clone(),
                    at: event.at,
                    text,
                    raw: event.message.clone(),
                });
            }
        }
        fresh
    }

    /// Whether the run's first line arrived.
    pub(crate) fn has_begun(&self) -> bool {
        self.word.started.is_some()
    }

    /// Whether a line is of this run, and so has a number that counts.
    fn is_ours(&mut self, line: &Line) -> bool {
        match line {
            Line::Event(line) => {
                let ours = self.run.get_or_insert_with(|| line.run.clone()) == &line.run;
                self.others |= !ours;
                ours
            }
            Line::Text(_) => false,
        }
    }

    fn note(&mut self, line: Box<EventLine>, logged: i64) -> Option<LogText> {
        self.ours = true;
        if !self.sequences.note(&line.process, line.seq) {
            return None;
        }
        self.times.note(&line, logged);
        self.word.note(&line.event);
        if let Event::CheckFinding(finding) = &line.event {
            self.looked.findings.push(finding.clone());
        }
        if let Event::RestorePoint(point) = &line.event {
            self.restore_point = Some(point.clone());
        }
        if let Event::RunStarted(started) = &line.event {
            self.looked.version.clone_from(&started.version);
            self.looked.origin = started.origin.clone();
        }
        if let Event::MigrationStarted(begun) = &line.event {
            self.open_mode = Some(begun.mode.clone());
        }
        if let Event::MigrationApplied(_) | Event::MigrationFailed(_) = &line.event {
            self.open_mode = None;
        }
        if let Event::MigrationStatus(migration) = &line.event {
            self.looked.migrations.push(migration.clone());
        }
        if line.event.terminal().is_some() {
            self.sequences.finish(&line.process, line.seq);
            self.endings += 1;
        }
        Some(LogText::Event(line))
    }

    fn remember(&mut self, text: &str) {
        if self.last.len() == LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(text.to_owned());
    }

    /// What the runner looked at.
    pub(crate) fn looked(&self) -> &Looked {
        &self.looked
    }

    /// Where the database was before the first change, if it came to that.
    pub(crate) fn restore_point(&self) -> Option<&RestorePoint> {
        self.restore_point.as_ref()
    }

    /// What its lines say of time.
    pub(crate) fn times(&self) -> &RunnerTimes {
        &self.times
    }

    /// Lines printed.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// Whether a line of our runner was seen. One that lost the id of its run, because its entry point
    /// cleared the environment, is still our runner; only its last word is nobody's.
    pub(crate) fn is_runners(&self) -> bool {
        self.ours || self.others
    }

    /// What the container wrote.
    pub(crate) fn logged(&self) -> Logged {
        match (self.lines, self.ours, self.others) {
            (0, ..) => Logged::Nothing,
            (_, false, true) => Logged::AnotherRun,
            _ => Logged::Something,
        }
    }

    /// Whether a migration that is one transaction was under way when the log ended: whatever became of
    /// it, script and history row are together.
    pub(crate) fn leaves_a_transaction(&self) -> bool {
        self.word.finished.is_none() && self.open_mode.as_deref() == Some("transaction")
    }

    /// What the runner says that it ran.
    pub(crate) fn ran(&self) -> Ran {
        self.word.ran()
    }

    /// The runner's last word, if it arrived.
    pub(crate) fn finished(&self) -> Option<&RunFinished> {
        self.word.finished.as_ref()
    }

    /// How many last words there were: more than one where its container is started again and again.
    pub(crate) fn endings(&self) -> usize {
        self.endings
    }

    /// Whether lines of ours are missing below the highest number seen.
    pub(crate) fn has_gaps(&self) -> bool {
        !self.sequences.gaps().is_empty()
    }

    /// The missing numbers, for people.
    pub(crate) fn gaps(&self) -> Vec<String> {
        self.sequences
            .gaps()
            .into_iter()
            .map(|(_, range)| {
                if range.start() == range.end() {
                    range.start().to_string()
                } else {
                    format!("{}–{}", range.start(), range.end())
                }
            })
            .collect()
    }

    /// The last lines.
    pub(crate) fn last_lines(&self) -> Vec<String> {
        self.last.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::event::{Event, Heartbeat};

    fn ours(seq: u64, event: Event) -> RawEvent {
        let mut line = EventLine::new("r", "p", seq, event);
        line.msg = format!("line {seq}");
        RawEvent { at: 1000, message: line.encode() }
    }

    fn beat(seq: u64) -> RawEvent {
        ours(seq, Event::Heartbeat(Heartbeat::default()))
    }

    fn text(message: &str) -> RawEvent {
        RawEvent { at: 1000, message: message.to_owned() }
    }

    fn readable(lines: &[LogLine]) -> Vec<&str> {
        lines.iter().map(|line| line.text.readable()).collect()
    }

    #[test]
    fn a_repetition_is_dropped_and_a_gap_heals_on_the_second_reading() {
        let mut transcript = Transcript::new("migrate", Some("r".to_owned()));
        let end = ours(3, Event::RunFinished(RunFinished::default()));
        let lines = transcript.take(&[beat(1), beat(1), end.clone()]);
        assert_eq!(readable(&lines), ["line 1", "line 3"]);
        assert_eq!(transcript.gaps(), ["2"]);
        transcript.restart();
        let lines = transcript.take(&[beat(1), beat(2), end]);
        assert_eq!(readable(&lines), ["line 2"]);
        assert!(!transcript.has_gaps());
        assert!(transcript.finished().is_some());
    }

    #[test]
    fn equal_lines_of_one_millisecond_are_all_printed_and_only_once() {
        let mut transcript = Transcript::new("migrate", None);
        let events = [text("same"), text("same"), text("other")];
        assert_eq!(transcript.take(&events).len(), 3);
        transcript.restart();
        let more = [text("same"), text("same"), text("same"), text("other")];
        assert_eq!(readable(&transcript.take(&more)), ["same"]);
        assert_eq!(transcript.lines(), 4);
    }

    #[test]
    fn overlapping_pages_print_no_line_twice() {
        let mut transcript = Transcript::new("migrate", Some("r".to_owned()));
        assert_eq!(transcript.take(&[text("a"), beat(1), text("b"), text("c")]).len(), 4);
        let page = [beat(1), text("b"), text("c"), beat(2), text("d")];
        assert_eq!(readable(&transcript.take(&page)), ["line 2", "d"]);
    }

    #[test]
    fn the_end_of_another_run_is_not_our_end() {
        let mut transcript = Transcript::new("migrate", Some("another".to_owned()));
        let end = ours(1, Event::RunFinished(RunFinished::default()));
        assert_eq!(transcript.take(&[end]).len(), 1);
        assert!(transcript.finished().is_none());
        assert!(transcript.is_runners(), "a runner whose environment was cleared is one");
        assert_eq!(transcript.logged(), Logged::AnotherRun);
    }

    /// A data protection policy writes asterisks over parts of a line, whoever reads without `logs:Unmask`
    /// (CloudWatch Logs, "Help protect sensitive log data with masking").
    #[test]
    fn a_masked_line_counts_and_one_that_is_masked_beyond_reading_shows() {
        let mut transcript = Transcript::new("migrate", Some("r".to_owned()));
        let masked = |seq, from: &str| {
            let event = ours(seq, Event::Heartbeat(Heartbeat::default()));
            RawEvent { message: event.message.replace(from, &"*".repeat(from.len())), ..event }
        };
        let end = ours(3, Event::RunFinished(RunFinished::default()));
        let lines = transcript.take(&[masked(1, "line 1"), masked(2, "\"seq\":2"), end]);
        assert_eq!(lines[0].text.readable(), "******");
        assert!(matches!(lines[1].text, LogText::Plain(_)), "{lines:?}");
        assert_eq!(transcript.gaps(), ["2"]);
        assert!(transcript.finished().is_some());
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let mut transcript = Transcript::new("migrate", None);
        for number in 0..50 {
            transcript.take(&[text(&number.to_string())]);
        }
        let last = transcript.last_lines();
        assert_eq!(last.len(), LAST_LINES);
        assert_eq!(last.last().map(String::as_str), Some("49"));
    }
}
