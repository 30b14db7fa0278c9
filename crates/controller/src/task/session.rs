//! Owns following one task to its end: one loop over signals, looks at the task, log pages, the
//! answer to StopTask and timers. Every call runs beside it, so a hanging one delays no signal.

use super::arn::TaskArn;
use super::asked::Asked;
use super::conclusion::Conclusion;
use super::intent::{Expectation, OnCancel};
use super::launch::Origin;
use super::pace::Pace;
use super::session_state::Session;
use super::tail::Course;
use crate::aws::Aws;
use crate::report::Report;
use crate::settings::TimeLimit;
use crate::signal::{Listener, Signal};
use crate::task_definition::LogSource;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval_at, sleep_until};

const HOUR: Duration = Duration::from_hours(1);

/// One task and what to do with it.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) cluster: String,
    pub(crate) region: String,
    pub(crate) task: TaskArn,
    /// `family:revision`, or its ARN.
    pub(crate) definition: String,
    pub(crate) container: String,
    /// Security groups, where we chose them: ECS does not say them of a task.
    pub(crate) security_groups: Vec<String>,
    /// The run whose last word counts; if not known, the first line of ours says.
    pub(crate) run: Option<String>,
    pub(crate) logs: Vec<LogSource>,
    pub(crate) expect: Expectation,
    /// What the container is to do.
    pub(crate) asked: Asked,
    pub(crate) on_cancel: OnCancel,
    pub(crate) timeout: TimeLimit,
    pub(crate) start: StartLimit,
    pub(crate) stop_timeout: Duration,
    pub(crate) beginning: Beginning,
    pub(crate) origin: Origin,
}

/// How long a task may take to get started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartLimit {
    /// It is somebody else's affair.
    None,
    /// Until `by`; a pull of its images that began before has `limit` for itself.
    By { by: Instant, limit: Duration },
}

/// How a session begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    Watching,
    /// A signal came while the task was being launched.
    Signalled(Signal),
    /// The stop is what it is for, and it may take its time.
    Stopping,
}

/// What a session works with.
pub(crate) struct Tools<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) report: &'a mut Report,
    pub(crate) listener: &'a mut Listener,
    pub(crate) pace: &'a Pace,
}

/// Follows the task until it is judged, left or lost.
pub(crate) async fn follow(plan: &Plan, tools: Tools<'_>) -> Conclusion {
    let Tools { aws, report, listener, pace } = tools;
    let (course, followers) = watch::channel(Course::default());
    let (sighting_sender, mut sightings) = mpsc::channel(4);
    let (reading_sender, mut readings) = mpsc::channel(16);
    let (stop_sender, mut stop_answers) = mpsc::channel(4);
    let mut session = Session::new(plan, (aws, report, pace), (course, stop_sender));
    session.start(&followers, sighting_sender, reading_sender);
    let mut hourly = interval_at(Instant::now() + HOUR, HOUR);
    loop {
        let now = Instant::now();
        if session.is_over(now) {
            return session.conclude();
        }
        let wake = session.wake(now);
        session.say_what_is_awaited();
        tokio::select! {
            biased;
            signal = listener.next() => session.signalled(signal),
            Some(answer) = stop_answers.recv() => session.stop_answered(answer),
            Some(sighting) = sightings.recv() => session.sighted(sighting),
            Some((index, reading)) = readings.recv() => session.read(index, reading),
            _ = hourly.tick() => session.hour_passed(),
            () = sleep_until(wake) => {}
        }
    }
}
