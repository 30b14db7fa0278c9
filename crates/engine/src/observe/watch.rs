//! Owns waiting for a statement without being silent: heartbeats, and what the observer sees.

use super::{Blocker, Held, Observer};
use crate::notices::Notices;
use crate::progress::{Progress, Sink};
use std::cell::RefCell;
use std::time::Duration;
use tokio::time::Instant;

/// A run is never silent for longer than 15 s; a look at the server may take four of them.
const HEARTBEAT_PERIOD: Duration = Duration::from_secs(10);

/// Early enough to see who blocks an attempt with the shortest `lock_timeout`.
const FIRST_LOOK: Duration = Duration::from_millis(30);

/// How long a wait lasts before it is worth a line of its own.
const WORTH_SAYING: Duration = Duration::from_secs(1);

/// What is waited for.
pub(crate) struct Watching<'a> {
    pub(crate) observer: &'a Observer,
    /// The backend that does it.
    pub(crate) backend: i32,
    /// What is being done, for the heartbeat.
    pub(crate) doing: String,
    /// What was seen.
    pub(crate) seen: &'a RefCell<Seen>,
    /// How long its locks last.
    pub(crate) locks: Locks,
    /// What the server says meanwhile.
    pub(crate) notices: Option<&'a Notices>,
}

/// How long the locks of a statement last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locks {
    /// To the end of a transaction that stays open after it.
    Longer,
    /// No longer than the statement: they have to be seen while it runs.
    Shorter,
}

/// What was seen of one statement.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// How long it waited for locks, as far as the looks tell.
    pub(crate) lock_wait: Duration,
    /// Who blocked it when it was last seen waiting.
    pub(crate) blockers: Vec<Blocker>,
    /// What it held while it ran, where locks do not last until somebody can look.
    pub(crate) held: Held,
}

/// Waits for `work`. What the observer is asked meanwhile is dropped when the work ends.
pub(crate) async fn watch<W: Future>(
    watching: &Watching<'_>,
    sink: &mut dyn Sink,
    work: W,
) -> W::Output {
    let begun = Instant::now();
    let waits = RefCell::new(Waits { last: begun, waiting: false, longest: Duration::ZERO });
    tokio::pin!(work);
    let output = {
        let looking = look(watching, &waits, (&mut *sink, begun));
        tokio::pin!(looking);
        tokio::select! {
            biased;
            output = &mut work => output,
            never = &mut looking => match never {},
        }
    };
    let last = waits.borrow().clone();
    if last.waiting {
        watching.seen.borrow_mut().lock_wait += last.last.elapsed();
    }
    let observer = watching.observer;
    if observer.said.get().elapsed() >= HEARTBEAT_PERIOD {
        observer.said.set(Instant::now());
        sink.emit(Progress::Heartbeat {
            doing: watching.doing.clone(),
            elapsed: begun.elapsed(),
            waits_for: None,
            blockers: Vec::new(),
            work: None,
        });
    }
    output
}

/// Whether the last look found the statement waiting.
#[derive(Clone)]
struct Waits {
    last: Instant,
    waiting: bool,
    /// How long it has waited without a break.
    longest: Duration,
}

/// Looks again and again, and never ends.
async fn look(
    watching: &Watching<'_>,
    waits: &RefCell<Waits>,
    (sink, begun): (&mut dyn Sink, Instant),
) -> std::convert::Infallible {
    let observer = watching.observer;
    let mut announced = false;
    loop {
        let silent = HEARTBEAT_PERIOD.saturating_sub(observer.said.get().elapsed());
        tokio::time::sleep(pause(begun.elapsed()).min(silent)).await;
        let look = observer.look(watching.backend).await;
        if watching.locks == Locks::Shorter
            && let Some(held) = observer.held(watching.backend).await
        {
            watching.seen.borrow_mut().held.extend(held);
        }
        observer.tell(sink);
        if let Some(notices) = watching.notices {
            notices.tell(sink);
        }
        let waiting = look.waits_for.is_some();
        let blocked_long = {
            let mut waits = waits.borrow_mut();
            let since = waits.last.elapsed();
            waits.last = Instant::now();
            waits.waiting = waiting;
            waits.longest = if waiting { waits.longest + since } else { Duration::ZERO };
            if waiting {
                let mut seen = watching.seen.borrow_mut();
                seen.lock_wait += since;
                seen.blockers.clone_from(&look.blockers);
            }
            waits.longest >= WORTH_SAYING
        };
        announced &= waiting;
        let due = observer.said.get().elapsed() >= HEARTBEAT_PERIOD;
        if due || (blocked_long && !announced) {
            announced = waiting;
            let work = observer.work(watching.backend).await;
            observer.said.set(Instant::now());
            sink.emit(Progress::Heartbeat {
                doing: watching.doing.clone(),
                elapsed: begun.elapsed(),
                waits_for: look.waits_for,
                blockers: look.blockers,
                work,
            });
        }
    }
}

fn pause(elapsed: Duration) -> Duration {
    match elapsed.as_millis() {
        0..30 => FIRST_LOOK,
        30..5_000 => Duration::from_millis(100),
        _ => Duration::from_millis(500),
    }
}
