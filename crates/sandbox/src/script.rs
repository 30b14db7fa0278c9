//! Owns scripted containers: a process's behaviour as data, for tests on virtual time.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::logs::LineSink;
use crate::task::{Control, Ended};

/// What a scripted container writes and how it ends. All times count from the container's start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    output: Vec<(Duration, Vec<u8>)>,
    exit: ScriptExit,
    on_terminate: OnTerminate,
}

/// How a script ends when nobody stops it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScriptExit {
    /// It runs until it is stopped.
    #[default]
    Never,
    /// It exits with this code at this time.
    At(Duration, i32),
}

/// What a script does on SIGTERM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnTerminate {
    /// Goes on; `stopTimeout` later it is killed: exit code 137.
    Ignore,
    /// Writes these lines after `after`, then exits with `code`; killed if that is past `stopTimeout`.
    Exit {
        /// Time from the signal to the exit.
        after: Duration,
        /// The exit code.
        code: i32,
        /// Written just before the exit.
        lines: Vec<String>,
    },
}

impl Default for OnTerminate {
    /// What a process without a handler does: exit code 143, at once.
    fn default() -> Self {
        Self::Exit { after: Duration::ZERO, code: 143, lines: Vec::new() }
    }
}

/// 128 + SIGKILL.
const KILLED: i32 = 137;

impl Script {
    /// A container that is silent, never exits, and dies of SIGTERM.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a line to stdout `at` this time; lines are written in the order they were added.
    #[must_use]
    pub fn line(self, at: Duration, text: impl Into<String>) -> Self {
        self.bytes(at, text.into())
    }

    /// Writes a line that need not be text.
    #[must_use]
    pub fn bytes(mut self, at: Duration, line: impl Into<Vec<u8>>) -> Self {
        self.output.push((at, line.into()));
        self
    }

    /// Writes many lines at once.
    #[must_use]
    pub fn burst(
        mut self,
        at: Duration,
        lines: impl IntoIterator<Item = impl Into<Vec<u8>>>,
    ) -> Self {
        self.output.extend(lines.into_iter().map(|line| (at, line.into())));
        self
    }

    /// Exits with `code` `at` this time.
    #[must_use]
    pub fn exits(mut self, at: Duration, code: i32) -> Self {
        self.exit = ScriptExit::At(at, code);
        self
    }

    /// Reacts to SIGTERM like this.
    #[must_use]
    pub fn on_terminate(mut self, reaction: OnTerminate) -> Self {
        self.on_terminate = reaction;
        self
    }

    pub(crate) async fn run(self, control: Control, output: LineSink) -> Ended {
        let grace = control.grace;
        let started = Instant::now();
        let mut natural = pin!(play(self.output, self.exit, started, &output));
        tokio::select! {
            biased;
            code = &mut natural => return Ended::Exited(code),
            () = control.out_of_memory() => return Ended::OutOfMemory(KILLED),
            () = control.stopped() => {}
        }
        match self.on_terminate {
            OnTerminate::Exit { after, code, lines } if after <= grace => {
                sleep(after).await;
                for line in lines {
                    output.send(line.into_bytes()).await;
                }
                Ended::Exited(code)
            }
            OnTerminate::Exit { .. } | OnTerminate::Ignore => tokio::select! {
                biased;
                code = natural => Ended::Exited(code),
                () = sleep(grace) => Ended::Exited(KILLED),
            },
        }
    }
}

async fn play(
    lines: Vec<(Duration, Vec<u8>)>,
    exit: ScriptExit,
    started: Instant,
    output: &LineSink,
) -> i32 {
    for (at, line) in lines {
        // A burst does not ask the timer for each of its lines.
        if started.elapsed() < at {
            sleep_until(started + at).await;
        }
        output.send(line).await;
    }
    match exit {
        ScriptExit::At(at, code) => {
            sleep_until(started + at).await;
            code
        }
        ScriptExit::Never => std::future::pending().await,
    }
}
