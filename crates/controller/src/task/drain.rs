//! Owns when a log has been read to its end: PURE.

use super::verdict::{LogState, Workload};
use protocol::limits::LOG_TAIL_GRACE;
use std::time::Duration;

/// Reads in a row that found nothing new.
const QUIET_READS: u32 = 3;

/// A log that is still growing is left after this.
pub(super) const HARD_CAP: Duration = Duration::from_mins(1);

/// Reads that are throttled or fail decide nothing, for this long.
pub(super) const FAILING_CAP: Duration = Duration::from_mins(10);

/// Readings from the head that may fill a gap.
const REPAIRS: u32 = 2;

/// A log without numbers that is no longer than this is read a second time at the end: a line whose
/// time lies before the reader's place is not returned for its token. Six pages.
const WORTH_A_SECOND_READING: u64 = 60_000;

/// What is known of the log after the container's end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) workload: Workload,
    pub(crate) last_word: LastWord,
    /// Since the container's end was seen, or since reads last failed after it.
    pub(crate) age: Duration,
    pub(crate) reads: Reads,
    pub(crate) quiet_reads: u32,
    /// How long after that the last read came to the end of what is there. What comes late enough is
    /// behind all reads before.
    pub(crate) last_read: Duration,
    pub(crate) repairs: u32,
    /// Lines so far.
    pub(crate) lines: u64,
    pub(crate) readable: Readable,
    pub(crate) end: ContainerEnd,
}

/// Whether reads are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    Answered,
    /// They fail, and it is so long since the container's end was seen.
    Failing(Duration),
}

/// Whether the runner said its last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastWord {
    Missing,
    /// It came, but lines before it did not.
    WithGaps,
    Whole,
}

/// Whether the log can be read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readable {
    Yes,
    No,
}

/// How the container ended, as far as its log cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContainerEnd {
    /// With exit code 0, which a runner's last word has to confirm.
    Zero,
    Other,
    /// It never ran, so hardly a line will come.
    NeverRan,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Read,
    /// Read again from the head: lines are missing in the middle.
    Repair,
    Done(LogState),
}

/// The next step after the container's end.
pub(crate) fn next(view: &View) -> Next {
    if view.readable == Readable::No {
        return Next::Done(LogState::Unreadable);
    }
    let runner = view.workload == Workload::Runner;
    if runner && view.last_word == LastWord::Whole {
        return Next::Done(LogState::Complete);
    }
    match view.reads {
        Reads::Failing(since) if since < FAILING_CAP => return Next::Read,
        Reads::Failing(_) => return Next::Done(LogState::NotProved),
        Reads::Answered => {}
    }
    if view.age >= HARD_CAP {
        return Next::Done(LogState::NotProved);
    }
    let quiet = view.quiet_reads >= QUIET_READS;
    if runner && view.last_word == LastWord::WithGaps {
        return match (quiet, view.repairs < REPAIRS) {
            (false, _) => Next::Read,
            (true, true) => Next::Repair,
            (true, false) => Next::Done(LogState::NotProved),
        };
    }
    let grace = match view.end {
        ContainerEnd::NeverRan => Duration::ZERO,
        ContainerEnd::Zero if runner => HARD_CAP,
        ContainerEnd::Zero | ContainerEnd::Other => LOG_TAIL_GRACE,
    };
    let quiet = quiet || (!runner && view.repairs > 0 && view.quiet_reads > 0);
    if !quiet || view.last_read < grace {
        return Next::Read;
    }
    if runner {
        // What never ran has no last word.
        let nothing = view.end == ContainerEnd::NeverRan && view.lines == 0;
        return Next::Done(if nothing { LogState::Complete } else { LogState::NotProved });
    }
    match view.repairs {
        0 if (1..WORTH_A_SECOND_READING).contains(&view.lines) => Next::Repair,
        _ => Next::Done(LogState::Complete),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: View = View {
        workload: Workload::Plain,
        last_word: LastWord::Missing,
        age: Duration::from_secs(12),
        reads: Reads::Answered,
        quiet_reads: 3,
        last_read: Duration::from_secs(12),
        repairs: 0,
        lines: 0,
        readable: Readable::Yes,
        end: ContainerEnd::Zero,
    };

    const RUNNER: View = View { workload: Workload::Runner, ..QUIET };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_plain_container_needs_quiet_and_grace() {
        for (view, expected) in [
            (QUIET, Next::Done(LogState::Complete)),
            (View { quiet_reads: 2, ..QUIET }, Next::Read),
            (View { lines: 1, ..QUIET }, Next::Repair),
            (View { lines: 1, repairs: 1, quiet_reads: 0, ..QUIET }, Next::Read),
            (
                View { lines: 1, repairs: 1, quiet_reads: 1, ..QUIET },
                Next::Done(LogState::Complete),
            ),
            (View { lines: 60_000, ..QUIET }, Next::Done(LogState::Complete)),
            (View { last_read: seconds(11), ..QUIET }, Next::Read),
            (View { quiet_reads: 0, age: seconds(60), ..QUIET }, Next::Done(LogState::NotProved)),
            (
                View { readable: Readable::No, age: seconds(0), ..QUIET },
                Next::Done(LogState::Unreadable),
            ),
            (View { reads: Reads::Failing(seconds(599)), ..QUIET }, Next::Read),
            (
                View { reads: Reads::Failing(seconds(600)), ..QUIET },
                Next::Done(LogState::NotProved),
            ),
            (
                View { end: ContainerEnd::NeverRan, age: seconds(3), ..QUIET },
                Next::Done(LogState::Complete),
            ),
        ] {
            assert_eq!(next(&view), expected, "{view:?}");
        }
    }

    #[test]
    fn a_runner_is_done_with_its_last_word_and_not_before() {
        for (view, expected) in [
            (
                View { last_word: LastWord::Whole, age: seconds(0), quiet_reads: 0, ..RUNNER },
                Next::Done(LogState::Complete),
            ),
            (RUNNER, Next::Read),
            (View { age: seconds(60), ..RUNNER }, Next::Done(LogState::NotProved)),
            (View { end: ContainerEnd::Other, ..RUNNER }, Next::Done(LogState::NotProved)),
            (View { end: ContainerEnd::NeverRan, ..RUNNER }, Next::Done(LogState::Complete)),
            (
                View { end: ContainerEnd::NeverRan, lines: 1, ..RUNNER },
                Next::Done(LogState::NotProved),
            ),
            (View { last_word: LastWord::WithGaps, ..RUNNER }, Next::Repair),
            (View { last_word: LastWord::WithGaps, quiet_reads: 0, ..RUNNER }, Next::Read),
            (
                View { last_word: LastWord::WithGaps, repairs: 2, ..RUNNER },
                Next::Done(LogState::NotProved),
            ),
        ] {
            assert_eq!(next(&view), expected, "{view:?}");
        }
    }
}
