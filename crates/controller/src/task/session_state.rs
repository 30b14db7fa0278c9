//! Owns where a session stands, and how it reacts to what happens.

use super::drain::LastWord;
use super::intent::{self, Intent, OnCancel, Resistance};
use super::launch::Origin;
use super::pace::Pace;
use super::phase::PhaseKind;
use super::session::{Beginning, Plan};
use super::sightings::{Change, Sightings};
use super::stop::{StopAnswer, stop};
use super::tail::{Course, Reading, Wiring};
use super::tails::{Feed, Tails};
use super::timeline::Timeline;
use super::verdict::LogState;
use super::watch::{Sighting, watch};
use crate::aws::{Aws, AwsError};
use crate::report::{Event, Report};
use crate::settings::TimeLimit;
use crate::signal::Signal;
use crate::words;
use std::time::Duration;
use tokio::sync::{mpsc, watch as course};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// GitHub kills 7.5 s after its first signal; the verdict must be out before.
const CANCEL_PATIENCE: Duration = Duration::from_secs(7);

/// What a second signal leaves for ECS to hear of the stop.
const SECOND_SIGNAL_PATIENCE: Duration = Duration::from_secs(2);

/// After SIGKILL ECS needs a while to record the end.
const STOP_GRACE: Duration = Duration::from_secs(30);

pub(super) struct Session<'a> {
    pub(super) plan: &'a Plan,
    pub(super) aws: &'a Aws,
    pub(super) report: &'a mut Report,
    pub(super) pace: &'a Pace,
    pub(super) began: Instant,
    pub(super) seen: Sightings,
    pub(super) tails: Tails,
    pub(super) course: course::Sender<Course>,
    pub(super) stop_answers: mpsc::Sender<StopAnswer>,
    /// When ECS was asked to stop the task.
    pub(super) stop_asked: Option<Instant>,
    pub(super) stop_accepted: bool,
    /// Why ECS refuses the stop, or why it has not heard of it.
    pub(super) stop_refused: Option<AwsError>,
    /// When a pull of the task's images was seen first.
    pub(super) pulling_since: Option<Instant>,
    pub(super) intent: Intent,
    /// When the session ends whatever is known then.
    pub(super) deadline: Option<Instant>,
    /// When the container's end was seen.
    pub(super) ended: Option<Instant>,
    /// When reads of the log failed last, after that.
    pub(super) hindered: Option<Instant>,
    pub(super) log: Option<LogState>,
    pub(super) workers: JoinSet<()>,
    /// The phase that was shown last.
    phase: Option<PhaseKind>,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        (aws, report, pace): (&'a Aws, &'a mut Report, &'a Pace),
        (course, stop_answers): (course::Sender<Course>, mpsc::Sender<StopAnswer>),
    ) -> Self {
        Self {
            plan,
            aws,
            report,
            pace,
            began: Instant::now(),
            seen: Sightings::new(&plan.container),
            tails: Tails::new(&plan.logs, &plan.container, plan.run.as_deref()),
            course,
            stop_answers,
            stop_asked: None,
            stop_accepted: false,
            stop_refused: None,
            pulling_since: None,
            intent: Intent::None,
            deadline: None,
            ended: None,
            hindered: None,
            log: None,
            workers: JoinSet::new(),
            phase: None,
        }
    }

    /// Starts to look and to read; a session may begin with a stop.
    pub(super) fn start(
        &mut self,
        followers: &course::Receiver<Course>,
        sightings: mpsc::Sender<Sighting>,
        readings: mpsc::Sender<(usize, Reading)>,
    ) {
        self.report.expect_containers(self.tails.count());
        if let Some(obstacle) = &self.tails.decisive().obstacle {
            self.report.emit(&Event::Warning {
                text: format!(
                    "the log of container {} is not shown, so the exit code alone decides: {obstacle}",
                    self.plan.container
                ),
                hint: Some("use the awslogs driver with `awslogs-stream-prefix`".to_owned()),
            });
        }
        let watching = watch(
            self.aws.clone(),
            self.plan.cluster.clone(),
            self.plan.task.clone(),
            Wiring { pace: self.pace.clone(), course: followers.clone(), out: sightings },
        );
        self.workers.spawn(watching);
        let feed = Feed {
            aws: self.aws,
            task: &self.plan.task,
            pace: self.pace,
            course: followers,
            out: readings,
        };
        self.tails.start(&feed, &mut self.workers);
        match self.plan.beginning {
            Beginning::Watching => {}
            Beginning::Signalled(signal) => self.signalled(signal),
            Beginning::Stopping => {
                let patience = self.whole_stop();
                self.request_stop(Intent::Cancel, intent::CANCELLED, patience);
            }
        }
    }

    /// The first signal stops or leaves the task, the second shortens the wait.
    pub(super) fn signalled(&mut self, signal: Signal) {
        self.report.note_signal();
        let now = Instant::now();
        if self.ended.is_some() {
            self.deadline = Some(now);
            return;
        }
        match (self.plan.on_cancel, self.intent) {
            (OnCancel::Detach, _) => self.intent = Intent::Detach,
            (OnCancel::Stop, Intent::Cancel) => {
                let patience =
                    if self.stop_accepted { Duration::ZERO } else { SECOND_SIGNAL_PATIENCE };
                let sooner = now + patience;
                self.deadline = Some(self.deadline.map_or(sooner, |set| set.min(sooner)));
            }
            (
                OnCancel::Stop,
                Intent::None | Intent::Timeout | Intent::Detach | Intent::NotStopped(_),
            ) => {
                let why = format!("{} by {}", intent::CANCELLED, signal.name());
                // The signal may have come while the task was being launched.
                let spent = self.report.signalled().map_or(Duration::ZERO, |since| now - since);
                let patience = CANCEL_PATIENCE.saturating_sub(spent).max(SECOND_SIGNAL_PATIENCE);
                self.request_stop(Intent::Cancel, &why, patience);
            }
        }
    }

    pub(super) fn request_stop(&mut self, intent: Intent, why: &str, patience: Duration) {
        let now = Instant::now();
        self.intent = intent;
        self.deadline = Some(now + patience);
        self.stop_asked.get_or_insert(now);
        self.report.emit(&Event::StopRequested(why.to_owned()));
        self.workers.spawn(stop(
            self.aws.clone(),
            self.plan.cluster.clone(),
            self.plan.task.clone(),
            (intent::reason(why), self.stop_answers.clone()),
        ));
        self.hurry();
    }

    /// How long a stop that is carried out takes at most.
    pub(super) fn whole_stop(&self) -> Duration {
        self.plan.stop_timeout + STOP_GRACE
    }

    /// Looks and reads at once, and for a while more often: the end is near.
    pub(super) fn hurry(&self) {
        self.course.send_modify(|course| course.near_since = Some(Instant::now()));
    }

    pub(super) fn stop_answered(&mut self, answer: StopAnswer) {
        match answer {
            StopAnswer::Accepted => {
                self.stop_accepted = true;
                self.stop_refused = None;
                self.report.emit(&Event::Note("ECS accepted the stop".to_owned()));
            }
            StopAnswer::Failing(error) => {
                if self.stop_refused.is_none() {
                    self.report.emit(&Event::Warning {
                        text: format!("the task is not asked to stop yet: {error}"),
                        hint: None,
                    });
                }
                self.stop_refused = Some(error);
            }
            StopAnswer::Refused(error) => {
                self.stop_refused = Some(error);
                if self.ended.is_none() {
                    self.intent = Intent::NotStopped(Resistance::NotHeard);
                }
            }
        }
    }

    pub(super) fn sighted(&mut self, sighting: Sighting) {
        let change = self.seen.see(sighting, Instant::now());
        self.see_pull();
        self.tell_phase();
        let event = match change {
            None => return,
            Some(Change::Status(status)) => Event::Status { status, elapsed: self.began.elapsed() },
            Some(Change::Answering) => Event::Note("ECS answers again".to_owned()),
            Some(Change::Failing(error)) => Event::Warning {
                text: format!("ECS does not say how the task is, the watch goes on: {error}"),
                hint: error.lasting_hint(),
            },
        };
        self.report.emit(&event);
    }

    pub(super) fn read(&mut self, index: usize, reading: Reading) {
        let before = self.tails.decisive().last_word();
        if let Some(event) = self.tails.take(index, reading) {
            // First the phase: the lines say more about it.
            self.tell_phase();
            self.report.emit(&event);
        }
        // The runner's last word comes before its process ends: ECS will know in a moment.
        if before == LastWord::Missing && self.tails.decisive().last_word() != LastWord::Missing {
            self.hurry();
        }
    }

    /// Says in which phase the run is, when that is news.
    fn tell_phase(&mut self) {
        let times = self.tails.decisive().transcript.times();
        let timeline = Timeline::of(self.seen.latest(), &self.plan.container, times);
        let Some(open) = timeline.open().filter(|open| self.phase.as_ref() != Some(&open.kind))
        else {
            return;
        };
        self.phase = Some(open.kind.clone());
        let now = jiff::Timestamp::now().as_millisecond();
        let elapsed = open.start.map_or(0, |start| (now - start).max(0));
        let elapsed = Duration::from_millis(elapsed.unsigned_abs());
        // For the eye only. By two clocks, so that a phase of a task that was just started is never
        // older than the session.
        let elapsed = match self.plan.origin {
            Origin::Started => elapsed.min(self.began.elapsed()),
            Origin::Found => elapsed,
        };
        self.report.emit(&Event::Phase { phase: open.kind.clone(), elapsed });
    }

    pub(super) fn hour_passed(&mut self) {
        self.report.emit(&Event::Warning {
            text: format!(
                "the task has been running for {}",
                words::duration(self.began.elapsed())
            ),
            hint: Some("--timeout sets a limit".to_owned()),
        });
    }

    pub(super) fn check_time_limit(&mut self, now: Instant) {
        if let TimeLimit::After(limit) = &self.plan.timeout
            && self.intent == Intent::None
            && self.ended.is_none()
            && now >= self.began + limit.value
        {
            let why = format!(
                "{} {} ({}) was reached",
                intent::TIME_LIMIT,
                words::duration(limit.value),
                limit.origin
            );
            let patience = self.whole_stop();
            self.request_stop(Intent::Timeout, &why, patience);
        }
    }
}
