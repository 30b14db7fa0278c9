//! Owns getting the task started: RunTask until it answers for good, inside the capacity timeout.
//!
//! Whose a task is follows from tokens, ARNs and `startedBy`; clocks are never compared. An answer
//! that was not read, and one that says that nothing was started, are believed only after ECS was
//! asked by another way.

use super::arn::TaskArn;
use super::database::DatabaseMeaning;
use super::identity::RunIdentity;
use super::launch_step::{Answer, Setback, Step, next_step};
use super::own::{Own, own};
use super::pace::Pace;
use super::precondition::{Bystander, Precondition};
use super::request::{RunAnswer, RunRequest};
use super::standing::{Onlooker, Standing};
use crate::aws::{Aws, AwsError};
use crate::error::{Error, Kind};
use crate::report::{Event, Report};
use crate::signal::{Listener, Signal};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(45);

/// How long a RunTask that is under way may still take after a signal: GitHub kills 7.5 s after
/// its first one, and the task has to be asked to stop before.
const SIGNAL_PATIENCE: Duration = Duration::from_secs(3);

/// How long a task of ours is looked for after that, at most: something has to be said, and a task that is
/// found has to be asked to stop, before GitHub's second signal.
const LOOKING: Duration = Duration::from_secs(3);

/// How often ECS is asked for a task of ours after a signal, with a pause between: a task that was
/// just started is not listed everywhere yet.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(700);

/// The longest that one such look may take.
const LOOK_PATIENCE: Duration = Duration::from_secs(10);
const HURRIED_LOOK_PATIENCE: Duration = Duration::from_millis(1500);

/// Starts tasks.
pub(crate) struct Launcher<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) report: &'a mut Report,
    pub(crate) listener: &'a mut Listener,
    pub(crate) pace: &'a Pace,
    /// When trying ends; what is waited for before a try is none.
    pub(crate) give_up: Instant,
    /// What has to hold whenever a task is asked for.
    pub(crate) before: &'a dyn Precondition,
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
    /// Another invocation with the same key started it, and it is in flight.
    Found,
}

/// What is known of the requests with the token in use.
#[derive(Debug, Default)]
struct Tried {
    /// Whether an answer was not read.
    unread: bool,
    /// Whether the token was answered with "nothing started".
    empty: bool,
}

impl Tried {
    /// The token after this one, of which nothing is known.
    fn next(&mut self, attempt: &mut u32) {
        *attempt += 1;
        *self = Self::default();
    }
}

/// How one RunTask came out.
enum Asked {
    Answered(Result<RunAnswer, AwsError>, Option<Signal>),
    /// A signal came, and no answer within the time that is left then.
    LeftUnread(Signal),
}

impl Launcher<'_> {
    /// Starts the task, or finds the one in flight that another invocation of this run started. What
    /// AWS refuses for now is tried again, so that nothing starts twice.
    pub(crate) async fn launch(
        &mut self,
        request: &mut RunRequest,
        identity: &RunIdentity,
        attempt: &mut u32,
    ) -> Result<Launched, Error> {
        let mut pause = self.pace.launch_retry;
        let mut tried = Tried::default();
        loop {
            request.client_token = identity.client_token(*attempt);
            let mut watch = Bystander { report: &mut *self.report, listener: &mut *self.listener };
            let asked = Instant::now();
            if let Err(error) = self.before.hold(&mut watch).await {
                return self.give_up(error, &tried, (request, identity, None)).await;
            }
            self.give_up += asked.elapsed();
            let (answer, signal) = match self.ask(request).await? {
                Asked::Answered(answer, signal) => (answer, signal),
                Asked::LeftUnread(signal) => {
                    tried.unread = true;
                    return self.left_by(signal, &tried, (request, identity)).await;
                }
            };
            let Setback { why, error, .. } = match next_step(answer) {
                // Where the answer does not say whose it is, it is ours: a request that differs from the
                // one before it with the same token is a ConflictException (ECS API, "RunTask").
                Step::Running(task)
                    if task.invocation.as_ref().is_none_or(|of| *of == request.invocation) =>
                {
                    return Ok(Launched { task: task.arn, origin: Origin::Started, signal });
                }
                Step::TokenInUse(earlier) => {
                    let found = match earlier {
                        Some(earlier) => self.look_at(earlier, request, signal).await,
                        None => self.in_flight(request, identity, signal).await,
                    };
                    if let Some(launched) = found {
                        return Ok(launched);
                    }
                    tried.next(attempt);
                    continue;
                }
                Step::Running(task) => {
                    if let Some(launched) = self.look_at(task.arn, request, signal).await {
                        return Ok(launched);
                    }
                    tried.next(attempt);
                    continue;
                }
                Step::Again(setback) => {
                    tried.unread |= setback.answer == Answer::Unread;
                    setback
                }
                Step::Empty(setback) => {
                    if let Some(launched) = self.in_flight(request, identity, signal).await {
                        return Ok(launched);
                    }
                    // The same token once more: it would bring back a task that was started all the same.
                    if std::mem::replace(&mut tried.empty, true) && !tried.unread {
                        tried.next(attempt);
                    }
                    setback
                }
                Step::GiveUp(setback) => {
                    return self.give_up(setback.error, &tried, (request, identity, signal)).await;
                }
            };
            if let Some(signal) = signal {
                return self.left_by(signal, &tried, (request, identity)).await;
            }
            let wait = self.pace.jittered(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
            if Instant::now() + wait >= self.give_up {
                return self.give_up(error, &tried, (request, identity, None)).await;
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
                signal = self.listener.next() => {
                    return self.left_by(signal, &tried, (request, identity)).await;
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One RunTask. It runs beside, because dropping it half-way would leave a task that nobody
    /// knows of.
    async fn ask(&mut self, request: &RunRequest) -> Result<Asked, Error> {
        let (aws, request) = (self.aws.clone(), request.clone());
        self.report.awaits("an answer to RunTask");
        let mut call = tokio::spawn(async move { aws.run_task(&request).await });
        let mut received = None;
        loop {
            let patience = async move {
                match received {
                    Some((_, since)) => tokio::time::sleep_until(since + SIGNAL_PATIENCE).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                answer = &mut call => {
                    let answer = answer.map_err(|cause| {
                        Error::new(Kind::Unexpected, "RunTask broke off").caused_by(cause)
                    })?;
                    return Ok(Asked::Answered(answer, received.map(|(signal, _)| signal)));
                }
                signal = self.listener.next(), if received.is_none() => {
                    received = Some((signal, Instant::now()));
                    self.report.note_signal();
                }
                () = patience => if let Some((signal, _)) = received {
                    return Ok(Asked::LeftUnread(signal));
                }
            }
        }
    }

    /// A task that this invocation's request did not start, if it is not over.
    async fn look_at(
        &mut self,
        task: TaskArn,
        request: &RunRequest,
        signal: Option<Signal>,
    ) -> Option<Launched> {
        if signal.is_some() {
            return Some(Launched { task, origin: Origin::Found, signal });
        }
        self.report.awaits("ECS to say how an earlier task of this run stands");
        let mut onlooker = Onlooker {
            aws: self.aws,
            report: &mut *self.report,
            listener: &mut *self.listener,
            pace: self.pace,
            give_up: self.give_up,
        };
        match onlooker.standing(&request.cluster, &task, &request.container).await {
            Standing::InFlight(signal) => Some(Launched { task, origin: Origin::Found, signal }),
            Standing::Over(how) => {
                self.report.emit(&Event::Note(format!(
                    "an earlier task of this run is over ({how}), a new task is started: {task}"
                )));
                None
            }
        }
    }

    /// A task of this run that ECS lists, asked once.
    async fn in_flight(
        &mut self,
        request: &RunRequest,
        identity: &RunIdentity,
        signal: Option<Signal>,
    ) -> Option<Launched> {
        let patience = if signal.is_some() { HURRIED_LOOK_PATIENCE } else { LOOK_PATIENCE };
        let looked = timeout(patience, own(self.aws, request, &identity.run)).await;
        let Ok(Ok(Own::InFlight(task))) = looked else { return None };
        let ours = task.invocation.as_ref() == Some(&request.invocation);
        let origin = if ours { Origin::Started } else { Origin::Found };
        Some(Launched { task: task.arn, origin, signal })
    }

    /// The end of trying: with a task if there is one all the same.
    async fn give_up(
        &mut self,
        error: Error,
        tried: &Tried,
        (request, identity, signal): (&RunRequest, &RunIdentity, Option<Signal>),
    ) -> Result<Launched, Error> {
        if let Some(launched) = self.in_flight(request, identity, signal).await {
            return Ok(launched);
        }
        Err(if tried.unread { error.uncertain(&self.whereabouts(request)) } else { error })
    }

    /// The end by a signal: with the task if there is one, so that it is stopped.
    async fn left_by(
        &mut self,
        signal: Signal,
        tried: &Tried,
        (request, identity): (&RunRequest, &RunIdentity),
    ) -> Result<Launched, Error> {
        self.report.note_signal();
        let looks = if tried.unread { LOOKS } else { 1 };
        let looking = async {
            for look in 1..=looks {
                if let Some(launched) = self.in_flight(request, identity, Some(signal)).await {
                    return Some(launched);
                }
                if look < looks {
                    tokio::time::sleep(BETWEEN_LOOKS).await;
                }
            }
            None
        };
        if let Ok(Some(launched)) = timeout(LOOKING, looking).await {
            return Ok(launched);
        }
        if !tried.unread {
            return Err(cancelled(signal));
        }
        Err(Error::new(
            Kind::Cancelled,
            format!(
                "cancelled by {} before RunTask was answered: ECS lists no task of this run yet",
                signal.name()
            ),
        )
        .uncertain(&self.whereabouts(request)))
    }

    /// How to find a task that may be there.
    fn whereabouts(&self, request: &RunRequest) -> String {
        format!(
            "a task may have been started all the same: `aws ecs list-tasks --region {} --cluster {} \
             --started-by {}` shows it, `ecs-migrate cancel TASK` stops it, and running again with \
             the same key follows it",
            self.aws.region(),
            request.cluster,
            request.started_by
        )
    }
}

/// Cancelled before there was a task.
pub(crate) fn cancelled(signal: Signal) -> Error {
    Error::new(Kind::Cancelled, format!("cancelled by {} before a task was started", signal.name()))
        .database(DatabaseMeaning::Untouched)
}
