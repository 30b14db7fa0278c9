//! Owns the limit on how long somebody else's command may stand in the queue for a lock, with the
//! application queueing behind it: from outside, by the name of its sessions.

use crate::error::{DatabaseState, Error, Kind};
use crate::hand::Hand;
use crate::interrupt::Interrupt;
use crate::observe::blocker::age;
use crate::observe::{Blocker, Notes, Observer};
use crate::progress::{Progress, Sink};
use crate::row;
use crate::settings::ConnectionSettings;
use crate::traffic::give_up;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_postgres::types::Type;

const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long a wait lasts before it is worth a line, and how often it is worth another.
const WORTH_SAYING: Duration = Duration::from_secs(1);
const SAY_AGAIN: Duration = Duration::from_secs(10);

/// How long to wait before the observer's connection is tried for again.
const OPEN_AGAIN: Duration = Duration::from_millis(500);

/// Which sessions wait. An advisory lock is not in anybody's way. The server cuts names at 63 bytes.
const WAITING: &str = "SELECT pid FROM pg_catalog.pg_stat_activity \
    WHERE application_name = pg_catalog.left($1, 63) AND datname = pg_catalog.current_database() \
    AND wait_event_type = 'Lock' AND wait_event <> 'advisory' ORDER BY pid";

/// Whom to watch, and for how long they may wait at a time.
#[derive(Debug, Clone)]
pub struct Guard {
    /// The database.
    pub connection: ConnectionSettings,
    /// What `pg_stat_activity` shows of the sessions.
    pub application_name: String,
    /// Zero: for ever.
    pub budget: Duration,
}

/// A guard that has its connection, and with it the second hand on the lock.
pub struct Lookout {
    guard: Guard,
    hand: Hand,
    observer: Observer,
    /// Whether the server gave a connection at all.
    had_one: bool,
    has_hold: bool,
}

impl Guard {
    /// Connects, and takes hold of the lock as well: before the command begins. Goes on without
    /// either.
    pub async fn open(self, hand: Hand, sink: &mut dyn Sink, interrupt: &mut Interrupt) -> Lookout {
        let observer = Observer::open(&self.connection, Notes::Nothing, sink, interrupt).await;
        let has_hold = hand.take(&observer).await;
        Lookout { guard: self, hand, had_one: observer.sees(), observer, has_hold }
    }
}

impl Lookout {
    /// The port of the database.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.guard.connection.port
    }

    /// Returns when the sessions have waited for longer than they may: they are ended by then,
    /// because a killed client's backend stays in the queue. Otherwise it never returns, and may be
    /// dropped at any moment.
    pub async fn exceeded(&mut self, sink: &mut dyn Sink) -> Error {
        let (_nobody, mut interrupt) = Interrupt::pair();
        let mut tried = Instant::now();
        let mut since: Option<Instant> = None;
        let mut said: Option<Instant> = None;
        loop {
            sleep(LOOK_EVERY).await;
            if self.had_one && !self.observer.sees() && tried.elapsed() >= OPEN_AGAIN {
                tried = Instant::now();
                let mut quiet = |_progress: Progress| {};
                let connection = &self.guard.connection;
                let opened = Observer::open(connection, Notes::Nothing, &mut quiet, &mut interrupt);
                self.observer = opened.await;
                let had_hold = self.has_hold;
                self.has_hold = self.hand.take(&self.observer).await;
                if had_hold && self.has_hold {
                    sink.emit(taken_again(self.hand.key()));
                }
            }
            if !self.has_hold {
                self.has_hold = self.hand.take(&self.observer).await;
            }
            let waiting = self.waiting().await;
            let Some(first) = waiting.first() else {
                (since, said) = (None, None);
                continue;
            };
            let waited = since.get_or_insert_with(Instant::now).elapsed();
            let over = !self.guard.budget.is_zero() && waited >= self.guard.budget;
            let due = waited >= WORTH_SAYING && said.is_none_or(|at| at.elapsed() >= SAY_AGAIN);
            if !over && !due {
                continue;
            }
            let look = self.observer.look(*first).await;
            if over {
                for pid in &waiting {
                    let _ended = self
                        .observer
                        .ask("SELECT pg_catalog.pg_terminate_backend($1)", &[(pid, Type::INT4)])
                        .await;
                }
                return blocked(waited, look.blockers);
            }
            said = Some(Instant::now());
            sink.emit(Progress::Heartbeat {
                doing: "waiting for a lock, with others queueing behind".to_owned(),
                elapsed: waited,
                waits_for: look.waits_for,
                blockers: look.blockers,
                work: None,
            });
        }
    }

    /// Lets the lock go, and says goodbye.
    pub async fn close(self) {
        self.observer.close().await;
    }

    async fn waiting(&self) -> Vec<i32> {
        let name = self.guard.application_name.as_str();
        let rows = self.observer.ask(WAITING, &[(&name, Type::TEXT)]).await.unwrap_or_default();
        row::column(&rows, 0).unwrap_or_default()
    }
}

fn taken_again(key: i64) -> Progress {
    Progress::Notice {
        code: "lock_taken_again",
        text: format!(
            "the second connection that held the advisory lock {key} was lost; the first one held it all the time, and it was taken again"
        ),
    }
}

fn blocked(waited: Duration, blockers: Vec<Blocker>) -> Error {
    let by = blockers
        .first()
        .map_or_else(|| ", by whom could not be seen".to_owned(), |first| format!(" by {first}"));
    let message = format!("its sessions were blocked for {}{by}", age(waited));
    // Only the command knows what it had done by then.
    give_up(Error::new(Kind::Blocked, message).database(DatabaseState::Unknown), blockers)
}
