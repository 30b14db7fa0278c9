//! Owns what the process gets from outside, so that a test can give something else.

use crate::aws::AwsAccess;
use crate::question::Questions;
use crate::report::Terminal;
use crate::signal::Signals;
use crate::task::Pace;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

/// Environment, AWS, signals, writers and pace of one invocation.
pub struct Surroundings {
    /// The environment; values that are not UTF-8 are left out.
    pub environment: BTreeMap<String, String>,
    /// How AWS is reached.
    pub aws: AwsAccess,
    /// Where signals come from.
    pub signals: Signals,
    /// Who is asked before something is changed.
    pub questions: Questions,
    /// Takes data: log lines, verdicts, ARNs.
    pub stdout: Box<dyn Write + Send>,
    /// Takes everything else.
    pub stderr: Box<dyn Write + Send>,
    /// Where the living line is drawn.
    pub terminal: Terminal,
    /// How often AWS is asked.
    pub pace: Pace,
    /// What time it is, for `2h ago`.
    pub clock: Clock,
    /// Who is asked what a tag is now.
    pub registries: Registries,
}

/// Registries that say which digest a tag names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registries {
    /// Whichever an image names, Docker Hub where it names none.
    Any,
    /// ECR alone, which is part of AWS: on a paused clock there are no sockets.
    Ecr,
}

/// The clock on the wall.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// A clock that shows what `now` answers: milliseconds since 1970.
    pub fn showing(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn now(&self) -> i64 {
        self.0()
    }
}

impl Surroundings {
    /// What the operating system gives.
    pub fn of_this_process() -> Self {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            terminal: Terminal::of_this_process(environment.get("TERM").map(String::as_str)),
            environment,
            aws: AwsAccess::Chain,
            signals: Signals::OfTheProcess,
            questions: Questions::OfTheTerminal,
            stdout: Box::new(anstream::stdout()),
            stderr: Box::new(anstream::stderr()),
            pace: Pace::default(),
            clock: Clock::showing(|| jiff::Timestamp::now().as_millisecond()),
            registries: Registries::Any,
        }
    }
}
