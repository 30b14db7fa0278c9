//! Owns that nothing waits in silence: whoever waits says for what, and after a minute without a line
//! one is shown. PURE but for the clock that it is given.

use super::event::Event;
use super::human;
use crate::words;
use std::time::Duration;
use tokio::time::Instant;

/// The longest silence.
const SILENCE: Duration = Duration::from_mins(1);

/// What was shown last, and what is waited for.
#[derive(Debug)]
pub(super) struct Silence {
    quiet_since: Instant,
    awaited: String,
    awaited_since: Instant,
    last_step: String,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Working,
    /// A person was asked, who knows.
    Asked,
    /// The result was shown, and nothing may follow.
    Over,
}

impl Silence {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            quiet_since: now,
            awaited: String::new(),
            awaited_since: now,
            last_step: String::new(),
            state: State::Working,
        }
    }

    /// Takes what was emitted, and whether anybody saw it.
    pub(super) fn see(&mut self, event: &Event, shown: bool, now: Instant) {
        self.state = match event {
            Event::Question(_) => State::Asked,
            Event::Checked(_)
            | Event::Reviewed(_)
            | Event::Released(_)
            | Event::Concluded(_)
            | Event::Failed(_) => State::Over,
            Event::Note(_)
            | Event::Warning { .. }
            | Event::Data(_)
            | Event::Differences(_)
            | Event::Definition { .. }
            | Event::Image(_)
            | Event::Plan(_)
            | Event::Progress(_)
            | Event::NameAsked(_)
            | Event::Variables { .. }
            | Event::Launched { .. }
            | Event::Status { .. }
            | Event::Phase { .. }
            | Event::Secrets(_)
            | Event::Log(_)
            | Event::StopRequested(_)
            | Event::Changes(_)
            | Event::ChangesShown(_)
            | Event::Service { .. }
            | Event::Migrated(_)
            | Event::OnCall(_) => match self.state {
                State::Over => State::Over,
                State::Working | State::Asked => State::Working,
            },
        };
        if shown {
            self.quiet_since = now;
        }
        if !matches!(event, Event::Note(text) if text.starts_with(STILL)) {
            let step = human::progress(event);
            if !step.is_empty() {
                self.last_step = step;
                self.awaited_since = now;
            }
        }
    }

    /// What is waited for from here on.
    pub(super) fn awaits(&mut self, what: &str, now: Instant) {
        if self.awaited != what {
            what.clone_into(&mut self.awaited);
            self.awaited_since = now;
        }
    }

    /// The line that is due.
    pub(super) fn broken(&self, now: Instant) -> Option<String> {
        if self.state != State::Working || now < self.quiet_since + SILENCE {
            return None;
        }
        let so_far = words::duration(now - self.awaited_since.min(self.quiet_since));
        Some(if !self.awaited.is_empty() {
            format!("{STILL} for {so_far}: {}", self.awaited)
        } else if self.last_step.is_empty() {
            format!("{STILL} for {so_far}: an answer of AWS")
        } else {
            format!("{STILL} for {so_far}; the last step was: {}", self.last_step)
        })
    }

    /// When a line may be due next.
    pub(super) fn next(&self, now: Instant) -> Instant {
        let due = self.quiet_since + SILENCE;
        if due > now { due } else { now + SILENCE }
    }
}

/// How such a line begins.
const STILL: &str = "still waiting,";

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn a_minute_without_a_line_is_broken_and_a_line_counts_only_if_it_was_seen() {
        let start = Instant::now();
        let mut silence = Silence::new(start);
        assert_eq!(silence.broken(after(start, 59)), None);
        assert!(silence.broken(after(start, 60)).is_some_and(|text| text.contains("AWS")));
        silence.see(&Event::Note("registering".to_owned()), true, after(start, 30));
        assert_eq!(silence.next(after(start, 40)), after(start, 90));
        let text = silence.broken(after(start, 90));
        assert_eq!(
            text.as_deref(),
            Some("still waiting, for 1 m 00 s; the last step was: registering")
        );
        silence.see(&Event::Log(Vec::new()), false, after(start, 80));
        silence.awaits("the task to start", after(start, 80));
        let text = silence.broken(after(start, 90));
        assert_eq!(text.as_deref(), Some("still waiting, for 1 m 00 s: the task to start"));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_spoken_to_who_was_asked_or_has_the_result() {
        let start = Instant::now();
        let mut silence = Silence::new(start);
        silence.see(&Event::Question("really?".to_owned()), true, start);
        assert_eq!(silence.broken(after(start, 600)), None);
        silence.see(&Event::Note("yes".to_owned()), true, start);
        assert!(silence.broken(after(start, 600)).is_some());
        let error = crate::error::Error::usage("x");
        silence.see(&Event::Failed(Box::new(error)), true, start);
        silence.see(&Event::Note("more".to_owned()), true, start);
        assert_eq!(silence.broken(after(start, 600)), None);
    }
}
