//! Owns when a session is over, and what it concludes.

use super::conclusion::{Conclusion, Material};
use super::drain::{self, ContainerEnd, LastWord, Next, Reads, View};
use super::intent::{Intent, Resistance};
use super::launch::Origin;
use super::session_state::Session;
use super::sightings::Progress;
use super::verdict::{Case, Known, LogState, Verdict, Workload, judge};
use crate::report::Event;
use crate::settings::TimeLimit;
use std::time::Duration;
use tokio::time::Instant;

/// A wake-up when no timer runs.
const IDLE: Duration = Duration::from_hours(1);

impl Session<'_> {
    /// Whether there is nothing left to wait for.
    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        self.check_time_limit(now);
        self.check_start_limit(now);
        if matches!(self.intent, Intent::Detach | Intent::NotStopped(_)) {
            return true;
        }
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.admit(now);
            return true;
        }
        // The runner's last word is its end, whatever ECS has noticed so far.
        if self.intent == Intent::Cancel
            && self.workload() == Workload::Runner
            && self.tails.decisive().last_word() == LastWord::Whole
        {
            return true;
        }
        match self.seen.progress(now) {
            Progress::Going => false,
            Progress::Missing | Progress::Lost => {
                self.admit(now);
                true
            }
            Progress::Ended => self.is_drained(now),
        }
    }

    /// What was asked for and has not happened is not claimed.
    fn admit(&mut self, now: Instant) {
        if let Some(why) = self.resistance(now) {
            self.intent = Intent::NotStopped(why);
        }
    }

    /// Why what was asked for has not happened, as far as that is known: who was cancelled by a signal has
    /// no time to see a stop through.
    fn resistance(&self, now: Instant) -> Option<Resistance> {
        if !matches!(self.intent, Intent::Cancel | Intent::Timeout) || self.ended.is_some() {
            return None;
        }
        let overdue = self.stop_asked.is_some_and(|asked| now >= asked + self.whole_stop());
        match (self.stop_accepted, overdue) {
            (false, _) => Some(Resistance::NotHeard),
            (true, true) => Some(Resistance::NotCarriedOut),
            (true, false) => None,
        }
    }

    fn is_drained(&mut self, now: Instant) -> bool {
        let Some(ended) = self.ended else {
            self.ended = Some(now);
            self.tails.begin_draining();
            self.hurry();
            return false;
        };
        let tail = self.tails.decisive();
        let reads = match tail.failing {
            Some(_) => Reads::Failing(now.duration_since(ended)),
            None => Reads::Answered,
        };
        if tail.failing.is_some() {
            self.hindered = Some(now);
        }
        let repairs = self.course.borrow().repairs;
        let since = self.hindered.unwrap_or(ended);
        let view = View {
            workload: self.workload(),
            last_word: tail.last_word(),
            age: now.duration_since(since),
            last_read: tail
                .caught_up_at
                .map_or(Duration::ZERO, |at| at.saturating_duration_since(since)),
            reads,
            // A read that was under way when a second reading was wished for says nothing of it.
            quiet_reads: if tail.repairs == repairs { tail.quiet_reads } else { 0 },
            repairs,
            lines: tail.transcript.lines(),
            readable: tail.readable(),
            end: self.container_end(),
        };
        match drain::next(&view) {
            Next::Read => false,
            Next::Repair => {
                self.tails.begin_draining();
                self.course.send_modify(|course| course.repairs += 1);
                false
            }
            Next::Done(state) => {
                self.log = Some(state);
                true
            }
        }
    }

    fn container_end(&self) -> ContainerEnd {
        let Some(task) = self.seen.latest() else {
            return ContainerEnd::Other;
        };
        let code = task.container(&self.plan.container).and_then(|container| container.exit_code);
        match code {
            Some(0) => ContainerEnd::Zero,
            Some(_) => ContainerEnd::Other,
            None if task.started => ContainerEnd::Other,
            None => ContainerEnd::NeverRan,
        }
    }

    fn workload(&self) -> Workload {
        self.plan.asked.workload(self.plan.expect, self.tails.decisive().looks_like())
    }

    /// When waiting alone may change something.
    pub(super) fn wake(&self, now: Instant) -> Instant {
        let limit = match &self.plan.timeout {
            TimeLimit::After(limit) if self.intent == Intent::None && self.ended.is_none() => {
                Some(self.began + limit.value)
            }
            TimeLimit::After(_) | TimeLimit::None => None,
        };
        let drained = self.hindered.or(self.ended).map(|since| since + drain::HARD_CAP);
        let hindered = self.ended.map(|ended| ended + drain::FAILING_CAP);
        let start = self.start_limit().filter(|_| self.intent == Intent::None);
        let timers = [self.deadline, limit, start, drained, hindered, self.seen.next_change()];
        timers.into_iter().flatten().filter(|timer| *timer > now).min().unwrap_or(now + IDLE)
    }

    /// The verdict and all that belongs to it.
    pub(super) fn conclude(mut self) -> Conclusion {
        self.workers.abort_all();
        let now = Instant::now();
        let tail = self.tails.decisive();
        let log = self.log.unwrap_or_else(|| tail.state_when_left());
        let known = match (self.seen.progress(now), self.seen.latest()) {
            (Progress::Lost, _) => Known::WatchLost,
            (Progress::Missing, _) | (_, None) => Known::Missing,
            (Progress::Going | Progress::Ended, Some(task)) => Known::Task(task),
        };
        let workload = self.workload();
        let verdict = judge(&Case {
            task: known,
            container: &self.plan.container,
            finished: tail.transcript.finished(),
            intent: self.intent.or_as_told(self.seen.latest(), &self.plan.container),
            log,
            workload,
            // ECS forgets a task an hour after its end: one that it knew in this session is lost, and its
            // log alone is no record of an end.
            origin: match self.seen.latest() {
                Some(_) => Origin::Started,
                None => self.plan.origin,
            },
            logged: tail.transcript.logged(),
            asked: self.plan.asked,
            ran: tail.transcript.ran(),
        });
        let unread = match log {
            LogState::Complete => None,
            LogState::Unreadable => tail.obstacle.as_ref(),
            LogState::NotProved => tail.failing.as_ref(),
        };
        if let Some(obstacle) = unread {
            let consequence = match verdict {
                Verdict::Green(_) | Verdict::Failed { .. } => ", so the exit code alone decided",
                Verdict::NeverStarted
                | Verdict::TimedOut(_)
                | Verdict::Cancelled(_)
                | Verdict::Detached
                | Verdict::NotStopped(_)
                | Verdict::Unknown(_)
                | Verdict::WatchLost => "",
            };
            self.report.emit(&Event::Warning {
                text: format!("the log was not readable to its end{consequence}: {obstacle}"),
                hint: None,
            });
        }
        self.report.awaits("");
        let refused =
            self.stop_refused.as_ref().filter(|_| matches!(verdict, Verdict::NotStopped(_)));
        Conclusion::of(Material {
            plan: self.plan,
            verdict,
            task: self.seen.latest(),
            lost: refused.or(self.seen.lost()),
            tail,
            log,
            workload,
            duration: self.began.elapsed(),
        })
    }
}
