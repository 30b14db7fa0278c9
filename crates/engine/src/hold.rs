//! Owns the advisory lock while somebody else works under it: a wrapped command, a step after the
//! migrations.

use crate::connect::connect;
use crate::environment;
use crate::error::{DatabaseState, Error, Fault, Kind};
use crate::interrupt::Interrupt;
use crate::lock;
use crate::opening::{self, MissingDatabase};
use crate::progress::{Progress, Sink};
use crate::session::Session;
use crate::settings::ConnectionSettings;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::types::Type;

/// How often the lock is looked at. It also keeps NAT gateways and `idle_session_timeout` from
/// ending a connection that says nothing.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long the server has to answer before its connection counts as lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long a database may be away before nobody can say any more that the lock is ours.
const AWAY_AT_MOST: Duration = Duration::from_mins(1);

/// How long to pause before the next try to reach it.
const PAUSE: Duration = Duration::from_millis(250);

/// A held lock.
pub struct Hold {
    pub(crate) session: Session,
    settings: ConnectionSettings,
    key: i64,
}

impl Hold {
    /// Connects and takes the lock `key`, waiting for it at most as long as said.
    pub async fn acquire(
        settings: &ConnectionSettings,
        (key, wait): (i64, Duration),
        sink: &mut dyn Sink,
        interrupt: &mut Interrupt,
    ) -> Result<Self, Error> {
        let session = opening::open(settings, MissingDatabase::Refuse, sink, interrupt).await?;
        sink.emit(session.connected(settings, settings.schema.as_deref().unwrap_or_default()));
        let locked = async {
            lock::acquire(&session, &[key], wait, sink, interrupt).await?;
            environment::claim(&session, settings, sink).await
        };
        match locked.await {
            Ok(()) => Ok(Self::of(session, settings, key)),
            Err(error) => {
                session.close().await;
                Err(error)
            }
        }
    }

    /// A session that has the lock `key` already.
    pub(crate) fn of(session: Session, settings: &ConnectionSettings, key: i64) -> Self {
        Self { session, settings: settings.clone(), key }
    }

    /// Lets a second key go that the session has beside ours: a wrapped `prisma migrate` waits 10 s
    /// for its own key and then gives up.
    pub(crate) async fn let_go(&self, key: i64) -> Result<(), Error> {
        lock::let_go(&self.session, key).await
    }

    /// Watches the lock. Returns only when it is lost for good: somebody else has it, or the
    /// database cannot be asked. A connection that was lost while nobody else took the lock is
    /// replaced, with a notice. May be dropped at any moment.
    pub async fn lost(&mut self, sink: &mut dyn Sink) -> Error {
        loop {
            sleep(LOOK_EVERY).await;
            if self.ours().await {
                continue;
            }
            match self.again().await {
                Ok(()) => sink.emit(Progress::Notice {
                    code: "lock_taken_again",
                    text: format!(
                        "the connection that held the advisory lock {} was lost; the lock was taken again",
                        self.key
                    ),
                }),
                Err(error) => return error.database(DatabaseState::Unknown),
            }
        }
    }

    /// Runs something of our own on the session; with a new session if the old one is gone.
    pub(crate) async fn retry<T>(
        &mut self,
        work: impl AsyncFn(&Session, i64) -> Result<T, Fault>,
    ) -> Result<T, Error> {
        match work(&self.session, self.key).await {
            Err(Fault::Lost(_)) => {
                self.again().await?;
                Ok(work(&self.session, self.key).await?)
            }
            answer => Ok(answer?),
        }
    }

    /// How the lock's session was reached.
    pub(crate) fn settings(&self) -> &ConnectionSettings {
        &self.settings
    }

    /// Lets the lock go.
    pub async fn release(self) {
        self.session.close().await;
    }

    /// Whether our backend holds the lock.
    async fn ours(&self) -> bool {
        let sql = format!("SELECT {}", lock::fence(&[self.key]));
        let asked = self.session.one(&sql, &[]);
        matches!(timeout(ANSWER_WITHIN, asked).await, Ok(Ok(row)) if row.get(0).unwrap_or(false))
    }

    /// A new connection with the lock.
    async fn again(&mut self) -> Result<(), Error> {
        let key = self.key;
        let deadline = Instant::now() + AWAY_AT_MOST;
        loop {
            match self.attempt().await {
                Ok(session) => {
                    self.session = session;
                    return Ok(());
                }
                Err(Obstacle::Holder(holder)) => {
                    return Err(Error::new(
                        Kind::LockNotObtained,
                        format!(
                            "the connection that held the advisory lock {key} was lost, and the lock is now held by {holder}"
                        ),
                    )
                    .hint("wait for that session, then run again"));
                }
                Err(Obstacle::Away(cause)) if Instant::now() >= deadline => {
                    return Err(Error::new(
                        Kind::Unreachable,
                        format!(
                            "the connection that held the advisory lock {key} was lost, and the database is not to be reached again: {cause}"
                        ),
                    )
                    .hint("run again when the database is up"));
                }
                Err(Obstacle::Away(_) | Obstacle::OurGhost) => sleep(PAUSE).await,
            }
        }
    }

    async fn attempt(&self) -> Result<Session, Obstacle> {
        let away = |error: Error| Obstacle::Away(error.message);
        let gone = |fault: Fault| away(fault.into());
        let session = connect(&self.settings).await.map_err(away)?;
        // Locks can be taken on a standby too, where they keep nobody out.
        let sql = format!(
            "SELECT pg_catalog.pg_is_in_recovery(), NOT pg_catalog.pg_is_in_recovery() AND {}",
            lock::fence(&[self.key])
        );
        let row = session.one(&sql, &[]).await.map_err(gone)?;
        if row.get(0).map_err(gone)? {
            return Err(Obstacle::Away("it is a standby".to_owned()));
        }
        if row.get(1).map_err(gone)? {
            return Ok(session);
        }
        // A server that has not noticed yet that our connection is gone. It is the login's.
        let ended = session
            .query_as_login(
                "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity \
                 WHERE pid = $1 AND application_name = $2 AND usename = session_user \
                 AND backend_start = $3::text::timestamptz",
                &[
                    (&self.session.backend, Type::INT4),
                    (&self.settings.application_name, Type::TEXT),
                    (&self.session.backend_start, Type::TEXT),
                ],
            )
            .await;
        if ended.is_ok_and(|rows| !rows.is_empty()) {
            return Err(Obstacle::OurGhost);
        }
        match lock::holder(&session, self.key).await {
            Ok(Some(holder)) => Err(Obstacle::Holder(holder)),
            // It was let go meanwhile.
            Ok(None) => Err(Obstacle::OurGhost),
            Err(error) => Err(away(error)),
        }
    }
}

/// Why the lock could not be had again.
enum Obstacle {
    /// Somebody else has it.
    Holder(String),
    /// The database cannot be reached, or is not the one to write to.
    Away(String),
    /// Our own lost connection still has it, or nobody: try again.
    OurGhost,
}
