//! Owns getting the task started: RunTask until it answers for good, inside the capacity timeout.

use super::arn::TaskArn;
use super::database::DatabaseMeaning;
use super::identity::RunIdentity;
use super::launch_step::{Step, next_step};
use super::pace::Pace;
use super::request::{RunAnswer, RunRequest};
use super::snapshot::TaskSnapshot;
use crate::aws::{Aws, AwsError};
use crate::error::{Error, Kind};
use crate::report::{Event, Report};
use crate::signal::{Listener, Signal};
use std::time::Duration;
use tokio::time::Instant;

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How long a RunTask that is under way may still take after a signal: GitHub kills 7.5 s after
/// its first one, and the task has to be asked to stop before.
const SIGNAL_PATIENCE: Duration = Duration::from_secs(4);

/// A fresh task is younger; one that a client token brought back may be a day old. Clocks that
/// differ do no harm: it counts only for a task that is over at first sight, which no fresh one is.
const FRESH_MILLISECONDS: i64 = 5_000;

/// Starts tasks.
pub(crate) struct Launcher<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) report: &'a mut Report,
    pub(crate) listener: &'a mut Listener,
    pub(crate) pace: &'a Pace,
    /// When trying ends.
    pub(crate) give_up: Instant,
}

/// A task that is there.
#[derive(Debug, Clone)]
pub(crate) struct Launched {
    pub(crate) task: TaskArn,
    pub(crate) origin: Origin,
    /// One that came while RunTask was under way.
    pub(crate) signal: Option<Signal>,
}

/// Where the task came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Started,
    /// An earlier invocation with the same key started it.
    Found,
}

impl Launcher<'_> {
    /// Starts the task, or finds the one that this client token started. What AWS refuses for now
    /// is tried again; an ambiguous failure with the same token, so that nothing starts twice.
    pub(crate) async fn launch(
        &mut self,
        request: &mut RunRequest,
        identity: &RunIdentity,
        attempt: &mut u32,
    ) -> Result<Launched, Error> {
        let mut pause = self.pace.launch_retry;
        loop {
            request.client_token = identity.client_token(*attempt);
            let asked_at = jiff::Timestamp::now().as_millisecond();
            let (answer, signal) = self.ask(request).await?;
            let (why, error) = match next_step(answer) {
                Step::Running(task) => {
                    let origin = origin(&task, asked_at);
                    return Ok(Launched { task: task.arn, origin, signal });
                }
                Step::Attach(task) => {
                    return Ok(Launched { task, origin: Origin::Found, signal });
                }
                Step::GiveUp(error) => return Err(error),
                Step::SameToken { why, error } => (why, error),
                Step::NextToken { why, error } => {
                    *attempt += 1;
                    (why, error)
                }
            };
            if let Some(signal) = signal {
                return Err(cancelled(signal).caused_by(error));
            }
            let wait = self.pace.jittered(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
            if Instant::now() + wait >= self.give_up {
                return Err(error);
            }
            self.report.emit(&Event::Warning {
                text: format!(
                    "the task is not started yet, next try in {} s: {why}",
                    wait.as_secs().max(1)
                ),
                hint: None,
            });
            tokio::select! {
                biased;
                signal = self.listener.next() => return Err(cancelled(signal)),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One RunTask. It runs beside, because dropping it half-way would leave a task that nobody
    /// knows of.
    async fn ask(
        &mut self,
        request: &RunRequest,
    ) -> Result<(Result<RunAnswer, AwsError>, Option<Signal>), Error> {
        let (aws, request) = (self.aws.clone(), request.clone());
        let mut call = tokio::spawn(async move { aws.run_task(&request).await });
        let mut received = None;
        let mut patience = std::pin::pin!(tokio::time::sleep(LONGEST_PAUSE * 60));
        loop {
            tokio::select! {
                biased;
                answer = &mut call => {
                    let answer = answer.map_err(|cause| {
                        Error::new(Kind::Unexpected, "RunTask broke off").caused_by(cause)
                    })?;
                    return Ok((answer, received));
                }
                signal = self.listener.next(), if received.is_none() => {
                    received = Some(signal);
                    self.report.note_signal();
                    patience.as_mut().reset(Instant::now() + SIGNAL_PATIENCE);
                }
                () = &mut patience, if received.is_some() => {
                    return Err(Error::new(
                        Kind::Cancelled,
                        "cancelled while RunTask was under way: a task may have been started",
                    )
                    .hinted("`ecs-migrate cancel` stops the tasks of this run"));
                }
            }
        }
    }
}

/// Cancelled before there was a task.
pub(crate) fn cancelled(signal: Signal) -> Error {
    Error::new(Kind::Cancelled, format!("cancelled by {} before a task was started", signal.name()))
        .database(DatabaseMeaning::Untouched)
}

fn origin(task: &TaskSnapshot, asked_at: i64) -> Origin {
    let old = task.created_at.is_some_and(|created| created < asked_at - FRESH_MILLISECONDS);
    if old || task.is_stopped() { Origin::Found } else { Origin::Started }
}
