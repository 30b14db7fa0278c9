//! Owns as much of the log as the page holds: its beginning and its end. PURE.

use super::super::human;
use super::text::{Scrub, Text};
use crate::task::{LogLine, LogText};
use protocol::Event;
use protocol::event::Finding;
use std::collections::VecDeque;

/// Lines and bytes of the beginning.
const HEAD: Room = Room { lines: 2_000, bytes: 1_000_000 };

/// Lines and bytes of the end, which is where it went wrong.
const TAIL: Room = Room { lines: 8_000, bytes: 4_000_000 };

#[derive(Debug, Clone, Copy)]
struct Room {
    lines: usize,
    bytes: usize,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Plain,
    Care,
    Bad,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// `03:08:34.123Z`.
    pub(super) at: String,
    pub(super) container: Text,
    pub(super) text: Text,
    pub(super) weight: Weight,
}

/// The log so far.
#[derive(Debug, Default)]
pub(super) struct Log {
    head: Vec<Line>,
    head_bytes: usize,
    tail: VecDeque<Line>,
    tail_bytes: usize,
    left_out: u64,
}

impl Log {
    pub(super) fn push(&mut self, line: &LogLine, scrub: &Scrub) {
        let line = Line {
            at: human::time(line),
            container: scrub.text(&line.container),
            text: scrub.text(human::readable(line)),
            weight: weight(line),
        };
        let bytes = line.text.as_str().len();
        let fits = self.head.len() < HEAD.lines && self.head_bytes + bytes <= HEAD.bytes;
        if self.tail.is_empty() && self.left_out == 0 && fits {
            self.head_bytes += bytes;
            self.head.push(line);
            return;
        }
        self.tail_bytes += bytes;
        self.tail.push_back(line);
        while self.tail.len() > TAIL.lines || self.tail_bytes > TAIL.bytes {
            let Some(oldest) = self.tail.pop_front() else { break };
            self.tail_bytes -= oldest.text.as_str().len();
            self.left_out += 1;
        }
    }

    /// The beginning; how many lines are left out after it; the end.
    pub(super) fn parts(&self) -> (&[Line], u64, impl Iterator<Item = &Line>) {
        (&self.head, self.left_out, self.tail.iter())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.head.is_empty() && self.tail.is_empty()
    }

    /// Whether each line has to name its container.
    pub(super) fn has_several_containers(&self) -> bool {
        let mut lines = self.head.iter().chain(&self.tail).map(|line| &line.container);
        let first = lines.next();
        lines.any(|container| Some(container) != first)
    }
}

fn weight(line: &LogLine) -> Weight {
    let LogText::Event(line) = &line.text else { return Weight::Plain };
    match &line.event {
        Event::MigrationFailed(_) => Weight::Bad,
        Event::CheckFinding(found) if found.verdict == Finding::No => Weight::Bad,
        Event::RunFinished(finished) if finished.failure.is_some() => Weight::Bad,
        Event::AttemptBlocked(_)
        | Event::ConnectWaiting(_)
        | Event::LockWaiting(_)
        | Event::Settled(_)
        | Event::Notice(_)
        | Event::Interrupted(_)
        | Event::OutputDropped(_) => Weight::Care,
        Event::RunStarted(_)
        | Event::Connected(_)
        | Event::LockAcquired(_)
        | Event::Planned(_)
        | Event::MigrationStarted(_)
        | Event::StatementFinished(_)
        | Event::MigrationApplied(_)
        | Event::MigrationStatus(_)
        | Event::CheckFinding(_)
        | Event::RestorePoint(_)
        | Event::Heartbeat(_)
        | Event::Output(_)
        | Event::RunFinished(_)
        | Event::Unknown => Weight::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: String) -> LogLine {
        LogLine {
            container: "migrate".to_owned(),
            at: 0,
            raw: text.clone(),
            text: LogText::Plain(text),
        }
    }

    fn log(lines: usize, text: &str) -> Log {
        let mut log = Log::default();
        for number in 0..lines {
            log.push(&line(format!("{number} {text}")), &Scrub::default());
        }
        log
    }

    fn shown(log: &Log) -> (usize, u64, Vec<&str>) {
        let (head, left_out, tail) = log.parts();
        (head.len(), left_out, tail.map(|line| line.text.as_str()).collect())
    }

    #[test]
    fn up_to_the_bounds_all_of_it_is_there() {
        for lines in [0, 1, 2_000, 2_001, 10_000] {
            let log = log(lines, "x");
            let (head, left_out, tail) = shown(&log);
            assert_eq!((head + tail.len(), left_out), (lines, 0));
        }
    }

    #[test]
    fn beyond_them_the_middle_is_left_out() {
        let many = log(25_000, "x");
        let (head, left_out, tail) = shown(&many);
        assert_eq!((head, left_out, tail.len()), (2_000, 15_000, 8_000));
        assert_eq!(tail.last(), Some(&"24999 x"));
        let long = log(1_000, &"x".repeat(9_990));
        let (head, left_out, tail) = shown(&long);
        let bytes = |lines: usize| lines * 9_994;
        assert!(bytes(head) <= HEAD.bytes && bytes(tail.len()) <= TAIL.bytes);
        assert_eq!(head as u64 + left_out + tail.len() as u64, 1_000);
    }
}
