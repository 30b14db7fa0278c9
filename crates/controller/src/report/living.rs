//! Owns what the living line of a terminal says. PURE but for the clock that it is given.

use super::clean::clean;
use super::event::Event;
use crate::task::{LogText, PhaseKind};
use crate::words;
use anstyle::{AnsiColor, Style};
use protocol::event::{self, Heartbeat};
use protocol::traffic::Blocker;
use std::time::Duration;
use tokio::time::Instant;
use unicode_width::UnicodeWidthChar;

const CARE: Style = AnsiColor::Yellow.on_default();
const WORK: Style = AnsiColor::Cyan.on_default();

/// What the run does now.
#[derive(Debug)]
pub(super) struct Living {
    doing: Doing,
    since: Instant,
    /// What more is known of it.
    detail: String,
    /// Place and number of the migrations of this run.
    place: Option<(u64, u64)>,
}

#[derive(Debug, PartialEq)]
enum Doing {
    /// There is no task yet, or there is a verdict.
    Nothing,
    Phase(PhaseKind),
    /// The services are on their way to their definitions.
    Rollout,
    /// The task is asked to stop.
    Stopping,
}

impl Living {
    pub(super) fn new(now: Instant) -> Self {
        Self { doing: Doing::Nothing, since: now, detail: String::new(), place: None }
    }

    /// Takes what happened.
    pub(super) fn see(&mut self, event: &Event, now: Instant) {
        match event {
            Event::Launched { .. } => self.enter(Doing::Phase(PhaseKind::Queued), now),
            Event::Phase { phase, elapsed } => {
                let since = now.checked_sub(*elapsed).unwrap_or(now);
                if self.doing != Doing::Stopping {
                    self.enter(Doing::Phase(phase.clone()), since);
                }
            }
            Event::StopRequested(why) => {
                self.enter(Doing::Stopping, now);
                self.detail = why.clone();
            }
            Event::Log(lines) => {
                for line in lines {
                    if let LogText::Event(line) = &line.text {
                        self.read(&line.event);
                    }
                }
            }
            Event::Service { service, text } => {
                if self.doing != Doing::Rollout {
                    self.enter(Doing::Rollout, now);
                }
                self.detail = format!("{service}: {text}");
            }
            Event::Concluded(_)
            | Event::Migrated(_)
            | Event::Released(_)
            | Event::Checked(_)
            | Event::Reviewed(_)
            | Event::Changes(_)
            | Event::ChangesShown(_)
            | Event::OnCall(_)
            | Event::Failed(_) => {
                self.enter(Doing::Nothing, now);
            }
            Event::Note(_)
            | Event::Warning { .. }
            | Event::Data(_)
            | Event::Image(_)
            | Event::Differences(_)
            | Event::Definition { .. }
            | Event::Plan(_)
            | Event::Progress(_)
            | Event::Question(_)
            | Event::NameAsked(_)
            | Event::Variables { .. }
            | Event::Secrets(_)
            | Event::Status { .. } => {}
        }
    }

    fn enter(&mut self, doing: Doing, since: Instant) {
        self.doing = doing;
        self.since = since;
        self.detail.clear();
    }

    /// What a line of the runner adds to the phase.
    fn read(&mut self, event: &event::Event) {
        if self.doing == Doing::Stopping {
            return;
        }
        match event {
            event::Event::MigrationStarted(started) => {
                self.place = Some((started.number, started.of));
                self.detail.clear();
            }
            event::Event::StatementFinished(done) => {
                self.detail = format!("{} of {} statements done", done.number, done.of);
            }
            event::Event::AttemptBlocked(blocked) => {
                let by = blocked.blockers.first().map(|first| format!(" by {}", who(first)));
                let by = by.unwrap_or_default();
                self.detail = format!("attempt {} was blocked{by}", blocked.attempt);
            }
            event::Event::LockWaiting(waiting) => {
                let holder = waiting.holder.as_deref();
                self.detail = holder.map(|who| format!("held by {who}")).unwrap_or_default();
            }
            event::Event::ConnectWaiting(waiting) => {
                self.detail = format!("attempt {}: {}", waiting.attempt, waiting.cause);
            }
            event::Event::Heartbeat(beat) => {
                if let Some(work) = work(beat) {
                    self.detail = work;
                }
            }
            event::Event::Connected(_)
            | event::Event::LockAcquired(_)
            | event::Event::MigrationApplied(_)
            | event::Event::MigrationFailed(_) => self.detail.clear(),
            event::Event::RunStarted(_)
            | event::Event::Planned(_)
            | event::Event::Settled(_)
            | event::Event::RestorePoint(_)
            | event::Event::MigrationStatus(_)
            | event::Event::CheckFinding(_)
            | event::Event::Notice(_)
            | event::Event::Interrupted(_)
            | event::Event::Output(_)
            | event::Event::OutputDropped(_)
            | event::Event::RunFinished(_)
            | event::Event::Unknown => {}
        }
    }

    /// One line for a terminal of `width` columns, without a line break; empty when nothing goes on.
    /// One column stays free: in the last one terminals differ about when to wrap.
    pub(super) fn frame(&self, now: Instant, width: usize) -> String {
        let (style, what) = match &self.doing {
            Doing::Nothing => return String::new(),
            Doing::Phase(phase) => (style(phase), self.what(phase)),
            Doing::Rollout => (WORK, "rolling out".to_owned()),
            Doing::Stopping => (CARE, "waiting for the task to stop".to_owned()),
        };
        let elapsed = seconds(now.saturating_duration_since(self.since));
        let detail = match self.detail.as_str() {
            "" => String::new(),
            detail => format!(": {}", clean(detail)),
        };
        let line = fit(&format!("{} {elapsed}{detail}", clean(&what)), width.saturating_sub(1));
        format!("{style}{line}{style:#}")
    }

    fn what(&self, phase: &PhaseKind) -> String {
        match (phase, self.place) {
            (PhaseKind::Queued, _) => "waiting for a place and a network interface".to_owned(),
            (PhaseKind::Network, _) => "connecting the task to its network".to_owned(),
            (PhaseKind::Pull, _) => "pulling the image".to_owned(),
            (PhaseKind::Start, _) => "starting the container".to_owned(),
            (PhaseKind::Connect, _) => "connecting to the database".to_owned(),
            (PhaseKind::Lock, _) => "waiting for the lock".to_owned(),
            (PhaseKind::Migration(name), Some((number, of))) => {
                format!("{name} ({number} of {of})")
            }
            (PhaseKind::Migration(name), None) => name.clone(),
            (PhaseKind::Runner, _) => "the runner works".to_owned(),
            (PhaseKind::Container, _) => "the container runs".to_owned(),
            (PhaseKind::Teardown, _) => "the task is torn down".to_owned(),
        }
    }
}

const fn style(phase: &PhaseKind) -> Style {
    match phase {
        PhaseKind::Lock => CARE,
        PhaseKind::Queued
        | PhaseKind::Network
        | PhaseKind::Pull
        | PhaseKind::Start
        | PhaseKind::Connect
        | PhaseKind::Migration(_)
        | PhaseKind::Runner
        | PhaseKind::Container
        | PhaseKind::Teardown => WORK,
    }
}

/// What a statement waits for, or how far it is.
fn work(beat: &Heartbeat) -> Option<String> {
    if let Some(lock) = &beat.waits_for {
        let by = beat.blockers.first().map(|first| format!(", held by {}", who(first)));
        return Some(format!("waits for {lock}{}", by.unwrap_or_default()));
    }
    let phase = beat.phase.as_ref()?;
    let percent = beat.percent.map(|percent| format!(" {percent} %")).unwrap_or_default();
    Some(format!("{phase}{percent}"))
}

/// A session as short as it can be told from another.
fn who(blocker: &Blocker) -> String {
    let of = match blocker.application.as_str() {
        "" => blocker.user.as_str(),
        application => application,
    };
    let since = blocker
        .since_ms
        .map(|since| format!(" for {}", words::duration(Duration::from_millis(since))));
    format!("pid {} of {of}{}", blocker.pid, since.unwrap_or_default())
}

/// Whole seconds, so that a frame changes once a second: `12 s`, `2 m 05 s`, `1 h 00 m`.
fn seconds(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        seconds @ 0..=59 => format!("{seconds} s"),
        seconds => words::duration(Duration::from_secs(seconds)),
    }
}

/// As much as `width` columns show, with a mark where something is missing.
fn fit(text: &str, width: usize) -> String {
    let columns = |letter: char| letter.width().unwrap_or(0);
    if text.chars().map(columns).sum::<usize>() <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let mut shown: String = text
        .chars()
        .take_while(|letter| {
            used += columns(*letter);
            used <= width
        })
        .collect();
    if width > 0 {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::LogLine;
    use proptest::prelude::*;
    use protocol::event::{LockWaiting, MigrationStarted};
    use protocol::line::EventLine;
    use unicode_width::UnicodeWidthStr;

    fn log(event: event::Event) -> Event {
        let line = Box::new(EventLine::new("r", "p", 1, event));
        let text = LogText::Event(line);
        Event::Log(vec![LogLine { container: "m".to_owned(), at: 0, text, raw: String::new() }])
    }

    fn phase(phase: PhaseKind) -> Event {
        Event::Phase { phase, elapsed: Duration::from_secs(12) }
    }

    fn plain(living: &Living, now: Instant, width: usize) -> String {
        anstream::adapter::strip_str(&living.frame(now, width)).to_string()
    }

    #[tokio::test(start_paused = true)]
    async fn the_line_says_what_it_waits_for_and_why() {
        let now = Instant::now();
        let mut living = Living::new(now);
        assert_eq!(living.frame(now, 80), "");
        let holder = Some("pid 4711 of app".to_owned());
        let blocker = Blocker {
            pid: 7,
            application: "worker".to_owned(),
            since_ms: Some(125_000),
            ..Blocker::default()
        };
        let waits_for = Some("AccessExclusiveLock on orders".to_owned());
        let index = Heartbeat {
            phase: Some("building index".to_owned()),
            percent: Some(43),
            ..Heartbeat::default()
        };
        let blocked = Heartbeat { waits_for, blockers: vec![blocker], ..Heartbeat::default() };
        let begun = MigrationStarted { number: 2, of: 3, ..MigrationStarted::default() };
        for (event, expected) in [
            (phase(PhaseKind::Pull), "pulling the image 12 s"),
            (phase(PhaseKind::Lock), "waiting for the lock 12 s"),
            (
                log(event::Event::LockWaiting(LockWaiting { holder, ..LockWaiting::default() })),
                "waiting for the lock 12 s: held by pid 4711 of app",
            ),
            (log(event::Event::MigrationStarted(begun)), "waiting for the lock 12 s"),
            (phase(PhaseKind::Migration("1_a".to_owned())), "1_a (2 of 3) 12 s"),
            (log(event::Event::Heartbeat(index)), "1_a (2 of 3) 12 s: building index 43 %"),
            (
                log(event::Event::Heartbeat(blocked)),
                "1_a (2 of 3) 12 s: waits for AccessExclusiveLock on orders, held by pid 7 of worker for 2 m 05 s",
            ),
            (
                Event::StopRequested("cancelled".to_owned()),
                "waiting for the task to stop 0 s: cancelled",
            ),
            (phase(PhaseKind::Teardown), "waiting for the task to stop 0 s: cancelled"),
        ] {
            living.see(&event, now);
            assert_eq!(plain(&living, now, 120), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_is_hostile_stays_on_the_line() {
        let now = Instant::now();
        let mut living = Living::new(now);
        living.see(&phase(PhaseKind::Migration("a\nb\u{1b}[2J\u{202e}".to_owned())), now);
        assert_eq!(plain(&living, now, 80), "a\\nb\\u{202e} 12 s");
        assert_eq!(
            plain(&living, now, 10),
            "a\\nb\\u{20…".chars().take(8).chain(['…']).collect::<String>()
        );
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_it_may_be(text in any::<String>(), width in 0_usize..40) {
            let text = clean(&text).into_owned();
            let shown = fit(&text, width);
            prop_assert!(shown.chars().filter_map(char::width).sum::<usize>() <= width);
            prop_assert!(shown == text || shown.ends_with('…') || width == 0, "{}", shown.width());
        }
    }
}
