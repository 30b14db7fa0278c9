//! Owns the logs of all containers of a task: what was read, what can be read, what a reader of
//! the report has to know of it.

use super::arn::TaskArn;
use super::drain::{LastWord, Readable};
use super::pace::Pace;
use super::streak::Streak;
use super::tail::{Course, Reading, Wiring, tail};
use super::transcript::Transcript;
use super::verdict::{LogState, Workload};
use crate::aws::{Aws, Class};
use crate::report::Event;
use crate::task_definition::{Driver, LogSource};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Refusals in a row, after which it is clear that the log will not be read.
const REFUSALS: u32 = 3;

/// The log of one container.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) source: LogSource,
    pub(crate) transcript: Transcript,
    /// Reads in a row that found nothing new.
    pub(crate) quiet_reads: u32,
    /// Whether the read that goes on found something.
    fresh: bool,
    /// Readings from the head that were wished for and have begun.
    pub(crate) repairs: u32,
    /// When a read came to the end of what is there, last.
    pub(crate) caught_up_at: Option<Instant>,
    /// Why it cannot be read, as far as is known.
    pub(crate) obstacle: Option<String>,
    /// The last error, while reads fail.
    pub(crate) failing: Option<String>,
    streak: Streak,
    /// Refusals in a row that do not pass by themselves.
    refusals: u32,
    decisive: bool,
}

/// The logs of a task; one of them belongs to the container that decides.
#[derive(Debug)]
pub(crate) struct Tails {
    list: Vec<Tail>,
    decisive: usize,
}

/// What a tail needs beside its source.
pub(crate) struct Feed<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) task: &'a TaskArn,
    pub(crate) pace: &'a Pace,
    pub(crate) course: &'a watch::Receiver<Course>,
    pub(crate) out: mpsc::Sender<(usize, Reading)>,
}

impl Tails {
    /// Logs of which nothing was read yet; `container` decides, in run `run`.
    pub(crate) fn new(sources: &[LogSource], container: &str, run: Option<&str>) -> Self {
        let mut list: Vec<Tail> =
            sources.iter().map(|source| Tail::new(source, container, run)).collect();
        let decisive = list.iter().position(|tail| tail.decisive);
        let decisive = decisive.unwrap_or_else(|| {
            let source = LogSource {
                container: container.to_owned(),
                driver: Driver::Other("none".to_owned()),
            };
            list.push(Tail::new(&source, container, run));
            list.len() - 1
        });
        Self { list, decisive }
    }

    /// Starts reading.
    pub(crate) fn start(&self, feed: &Feed<'_>, workers: &mut JoinSet<()>) {
        for (index, tailed) in self.list.iter().enumerate() {
            if let Driver::Awslogs { group, prefix, region } = &tailed.source.driver {
                let stream = Driver::stream(prefix, &tailed.source.container, feed.task.id());
                let reader = feed.aws.log_reader(region, group, &stream);
                let wiring = Wiring {
                    pace: feed.pace.clone(),
                    course: feed.course.clone(),
                    out: feed.out.clone(),
                };
                workers.spawn(tail(reader, index, wiring));
            }
        }
    }

    /// What can be read back, each with its place in the list.
    pub(super) fn sources(&self) -> Vec<(usize, LogSource)> {
        self.list.iter().map(|tail| tail.source.clone()).enumerate().collect()
    }

    /// Adds what was read.
    pub(crate) fn take(&mut self, index: usize, reading: Reading) -> Option<Event> {
        self.list.get_mut(index)?.take(reading)
    }

    /// The log of the container that decides.
    pub(crate) fn decisive(&self) -> &Tail {
        &self.list[self.decisive]
    }

    /// From here on quiet reads count.
    pub(crate) fn begin_draining(&mut self) {
        for tail in &mut self.list {
            tail.quiet_reads = 0;
        }
    }

    /// How many containers there are.
    pub(crate) fn count(&self) -> usize {
        self.list.len()
    }
}

impl Tail {
    fn new(source: &LogSource, container: &str, run: Option<&str>) -> Self {
        let obstacle = match &source.driver {
            Driver::Awslogs { .. } => None,
            Driver::Other(name) => Some(format!("log driver {name} cannot be read back")),
        };
        Self {
            transcript: Transcript::new(&source.container, run.map(str::to_owned)),
            quiet_reads: 0,
            fresh: false,
            repairs: 0,
            caught_up_at: None,
            obstacle,
            failing: None,
            streak: Streak::default(),
            refusals: 0,
            decisive: source.container == container,
            source: source.clone(),
        }
    }

    fn take(&mut self, reading: Reading) -> Option<Event> {
        match reading {
            Reading::Events(events) => {
                self.obstacle = None;
                self.refusals = 0;
                let lines = self.transcript.take(&events);
                self.fresh |= !lines.is_empty();
                (!lines.is_empty()).then_some(Event::Log(lines))
            }
            Reading::CaughtUp => {
                self.failing = None;
                self.obstacle = None;
                self.refusals = 0;
                self.streak.answered();
                self.caught_up_at = Some(Instant::now());
                let fresh = std::mem::take(&mut self.fresh);
                self.quiet_reads = if fresh { 0 } else { self.quiet_reads + 1 };
                None
            }
            Reading::Behind => {
                self.quiet_reads = 0;
                None
            }
            Reading::Restarted { repairs } => {
                self.repairs = repairs;
                self.transcript.restart();
                self.quiet_reads = 0;
                None
            }
            // Keep waiting: a stream appears when the container is initialised, and a group may be
            // created by the driver. After the container's end it means that nothing was written.
            Reading::NotThere(error) => {
                self.quiet_reads += 1;
                self.caught_up_at = Some(Instant::now());
                if error.message.contains("log group") {
                    self.obstacle = Some(error.to_string());
                }
                None
            }
            Reading::Failed(error) => {
                self.failing = Some(error.to_string());
                let worth_saying = self.streak.failed(error.is_transient());
                self.refusals = if error.is_transient() { 0 } else { self.refusals + 1 };
                // What is refused for good is not waited for: the exit code decides.
                let denied = error.class == Class::AccessDenied || self.refusals >= REFUSALS;
                let news = denied && self.obstacle.is_none();
                if denied {
                    self.obstacle = Some(error.to_string());
                }
                ((worth_saying || news) && (self.decisive || !denied)).then(|| Event::Warning {
                    text: format!(
                        "the log of container {} {}: {error}",
                        self.source.container,
                        if denied {
                            "cannot be read, so the exit code alone decides"
                        } else {
                            "is read late"
                        }
                    ),
                    hint: error.lasting_hint(),
                })
            }
        }
    }

    /// Whether the log can be read at all, as far as is known.
    pub(crate) fn readable(&self) -> Readable {
        if self.obstacle.is_some() { Readable::No } else { Readable::Yes }
    }

    /// Whether the runner said its last word.
    pub(crate) fn last_word(&self) -> LastWord {
        match (self.transcript.finished(), self.transcript.has_gaps()) {
            (None, _) => LastWord::Missing,
            (Some(_), true) => LastWord::WithGaps,
            (Some(_), false) => LastWord::Whole,
        }
    }

    /// What the lines look like.
    pub(crate) fn looks_like(&self) -> Workload {
        if self.transcript.is_runners() { Workload::Runner } else { Workload::Plain }
    }

    /// The state of a log that is left before it is drained.
    pub(crate) fn state_when_left(&self) -> LogState {
        match (self.readable(), self.last_word()) {
            (Readable::No, _) => LogState::Unreadable,
            (Readable::Yes, LastWord::Whole) => LogState::Complete,
            (Readable::Yes, LastWord::Missing | LastWord::WithGaps) => LogState::NotProved,
        }
    }
}
