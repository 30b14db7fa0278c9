//! Owns whether the lock is ours still, and having it again after its connection was lost.

use super::Hold;
use crate::connect::connect;
use crate::error::{Error, Fault, Kind};
use crate::lock;
use crate::session::Session;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::types::Type;

/// How long the server has to answer before its connection counts as lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long a database may be away before nobody can say any more that the lock is ours.
const AWAY_AT_MOST: Duration = Duration::from_mins(1);

/// How long to pause before the next try to reach it.
const PAUSE: Duration = Duration::from_millis(250);

impl Hold {
    pub(super) fn fence(&self) -> String {
        if self.by_itself {
            lock::shared_fence(self.key)
        } else {
            lock::is_sharing(self.key, self.hand.second().unwrap_or_default())
        }
    }

    /// Whether the lock is ours, and was all the time.
    pub(super) async fn ours(&mut self) -> bool {
        if !self.by_itself {
            let sharing = timeout(ANSWER_WITHIN, self.grip(&self.session)).await;
            let Ok(Ok(grip)) = sharing else { return false };
            self.by_itself = grip == Grip::Both;
            return grip != Grip::None;
        }
        let sql = format!("SELECT {}", self.fence());
        let asked = self.session.one(&sql, &[]);
        matches!(timeout(ANSWER_WITHIN, asked).await, Ok(Ok(row)) if row.get(0).unwrap_or(false))
    }

    /// Lets a session take hold beside those of ours that have it, if one of them still has it: then
    /// nobody else can have had it meanwhile.
    async fn grip(&self, session: &Session) -> Result<Grip, Fault> {
        let one = async |sql: &str| {
            session.one(&format!("SELECT {sql}"), &[]).await.and_then(|row| row.get::<bool>(0))
        };
        let second = lock::is_sharing(self.key, self.hand.second().unwrap_or_default());
        // The lost connection's own backend, as long as the server has not noticed.
        let ghost = if session.backend == self.session.backend {
            "false".to_owned()
        } else {
            lock::is_sharing(self.key, self.session.backend)
        };
        // In this order: who still has it, when we share it, had it all the time.
        if one(&lock::shared_fence(self.key)).await? {
            if one(&format!("{second} OR {ghost}")).await? {
                return Ok(Grip::Both);
            }
            lock::unshare(session, self.key).await?;
        } else if one(&second).await? {
            // Somebody waits for it in the server, and nobody is let past him.
            return Ok(Grip::Second);
        }
        Ok(Grip::None)
    }

    /// A new connection with the lock.
    pub(super) async fn again(&mut self) -> Result<(), Error> {
        let key = self.key;
        let deadline = Instant::now() + AWAY_AT_MOST;
        loop {
            match self.attempt().await {
                Ok(again) => {
                    self.session = again.session;
                    self.gap |= again.gap;
                    self.by_itself = again.by_itself;
                    self.hand.set_first(self.session.backend);
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

    async fn attempt(&self) -> Result<Again, Obstacle> {
        let away = |error: Error| Obstacle::Away(error.message);
        let gone = |fault: Fault| away(fault.into());
        let session = connect(&self.settings).await.map_err(away)?;
        // Locks can be taken on a standby too, where they keep nobody out.
        let standby = session.one("SELECT pg_catalog.pg_is_in_recovery()", &[]).await;
        if standby.and_then(|row| row.get(0)).map_err(gone)? {
            return Err(Obstacle::Away("it is a standby".to_owned()));
        }
        match self.grip(&session).await.map_err(gone)? {
            Grip::Both => {
                self.end_ghost(&session).await;
                return Ok(Again { session, gap: false, by_itself: true });
            }
            Grip::Second => return Ok(Again { session, gap: false, by_itself: false }),
            Grip::None => {}
        }
        self.hand.open();
        let alone = format!("SELECT {}", lock::fence(&[self.key]));
        if session.one(&alone, &[]).await.and_then(|row| row.get(0)).map_err(gone)? {
            lock::share(&session, self.key).await.map_err(gone)?;
            return Ok(Again { session, gap: true, by_itself: true });
        }
        if self.end_ghost(&session).await {
            return Err(Obstacle::OurGhost);
        }
        match lock::holder(&session, self.key).await {
            Ok(Some(holder)) => Err(Obstacle::Holder(holder)),
            // It was let go meanwhile.
            Ok(None) => Err(Obstacle::OurGhost),
            Err(error) => Err(away(error)),
        }
    }

    /// Ends the backend of a connection that is lost, of which the server has not noticed that; false if
    /// there is none. It is the login's.
    async fn end_ghost(&self, session: &Session) -> bool {
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
        ended.is_ok_and(|rows| !rows.is_empty())
    }
}

/// The lock, had again.
struct Again {
    session: Session,
    gap: bool,
    by_itself: bool,
}

/// Who has hold of the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grip {
    /// The session, and one that had it all the time.
    Both,
    /// The second hand, which had it all the time.
    Second,
    /// Nobody of whom it is proved.
    None,
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
