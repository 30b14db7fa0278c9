//! Owns what the server shows of a migration from outside: who blocks it, how far it is, what it
//! locks.
//!
//! A second connection, because the first one waits. It never takes part: it only reads, its
//! queries are short, and when it fails the migration goes on without it.

pub(crate) mod activity;
pub(crate) mod blocker;
mod locks;
mod watch;
mod work;

pub use blocker::{Blocker, BlockerKind};
pub use locks::TableLock;
pub use work::Work;

pub(crate) use locks::{Held, rewritten_in, strongest};
pub(crate) use watch::{Locks, Seen, Watching, watch};

use crate::error::{Error, Fault};
use crate::interrupt::Interrupt;
use crate::progress::{Progress, Sink};
use crate::reach::second;
use crate::row::Row;
use crate::session::Session;
use crate::settings::ConnectionSettings;
use std::cell::Cell;
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::Statement;
use tokio_postgres::types::{ToSql, Type};

/// The longest that one look may take; the server ends it sooner, so past this the connection hangs.
const PATIENCE: Duration = Duration::from_secs(2);

/// Everything that the observer reads is in the catalog, which a migration may have locked, and a
/// recursive query is estimated so badly that compiling it would take longer than running it.
const MANNERS: &str = "SET statement_timeout = 1000; SET lock_timeout = 500; SET jit = off; \
                       SET default_transaction_read_only = on; SET application_name = 'ecs-migrate observer'";

/// The second connection, as long as it lasts.
pub(crate) struct Observer {
    session: Option<Session>,
    /// Asked after every statement.
    held: Option<Statement>,
    /// What it notes.
    pub(crate) notes: Notes,
    lost: Cell<bool>,
    told: Cell<bool>,
    /// When the run last said that it is alive.
    said: Cell<Instant>,
}

/// Whether it is worth noting what a migration locks and rewrites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notes {
    /// Somebody may use the tables.
    Locks,
    /// The database has no history yet, so nobody uses it: its first deployment is not slowed down
    /// by a question for each statement.
    Nothing,
}

impl Observer {
    /// Connects; without success there is nothing to see, and the run goes on.
    pub(crate) async fn open(
        settings: &ConnectionSettings,
        notes: Notes,
        sink: &mut dyn Sink,
        interrupt: &mut Interrupt,
    ) -> Self {
        let opening = async {
            let Some(session) = second(settings, sink).await? else { return Ok(None) };
            session.run(MANNERS).await?;
            let held = session.prepare(locks::HELD, &[Type::INT4]).await?;
            Ok::<_, Error>(Some((session, held)))
        };
        let opened = tokio::select! {
            opened = opening => opened.map_err(|error| Some(error.message)),
            () = interrupt.wait() => Err(None),
        };
        if let Err(Some(cause)) = &opened {
            sink.emit(unavailable(cause));
        }
        let opened = opened.ok().flatten();
        let told = Cell::new(opened.is_none());
        let (session, held) = opened.unzip();
        Self { session, held, notes, lost: Cell::new(false), told, said: Cell::new(Instant::now()) }
    }

    /// Rows of a question; none if it could not be asked.
    pub(crate) async fn ask(
        &self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Option<Vec<Row>> {
        let session = self.session.as_ref()?;
        self.answer(session.query(sql, parameters)).await
    }

    async fn answer<T>(&self, asked: impl Future<Output = Result<T, Fault>>) -> Option<T> {
        if self.lost.get() {
            return None;
        }
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => Some(answer),
            // A catalog that the migration has locked; later it may be free again.
            Ok(Err(Fault::Server(_) | Fault::Answer(_))) => None,
            Ok(Err(Fault::Lost(_))) | Err(_) => {
                self.lost.set(true);
                None
            }
        }
    }

    /// Says once that the connection is gone.
    fn tell(&self, sink: &mut dyn Sink) {
        if self.lost.get() && !self.told.replace(true) {
            sink.emit(unavailable("its connection was lost"));
        }
    }

    /// Whether anything can be seen.
    pub(crate) fn sees(&self) -> bool {
        self.session.is_some() && !self.lost.get()
    }

    fn major(&self) -> u32 {
        self.session.as_ref().map_or(0, Session::major)
    }

    pub(crate) async fn close(self) {
        if let Some(session) = self.session {
            session.close().await;
        }
    }
}

fn unavailable(cause: &str) -> Progress {
    Progress::Notice {
        code: "observer_unavailable",
        text: format!("no second connection to observe with, so blockers cannot be named: {cause}"),
    }
}
