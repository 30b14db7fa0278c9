//! Owns what becomes of a run whose connection is lost: the server failed over, crashed, was
//! restarted, or somebody ended our session.
//!
//! The run connects again, takes the lock, so that the old backend is gone, settles what is
//! unfinished, and goes on. The history is the truth, also about a COMMIT whose answer never came.

use crate::deploy::{Deploy, Report};
use crate::error::{DatabaseState, Error, Kind};
use crate::foresee::Ground;
use crate::interrupt::Interrupt;
use crate::progress::{Progress, Sink};
use crate::reach::{Purpose, reach};
use crate::restore::Kept;
use crate::session::Session;
use migrations::Row;
use tokio::time::Instant;
use tokio_postgres::types::Type;

/// How often a run goes on at the same place: after a failover the old primary may still be the one
/// that DNS names, and go away a second time.
const LOSSES: u32 = 3;

/// How often it does so on a server that did not change: the script itself may be what crashes it.
const LOSSES_OF_ONE_SERVER: u32 = 1;

/// What a run remembers of its losses.
#[derive(Default)]
pub(crate) struct Recovery {
    /// The attempt that was under way.
    pub(crate) attempt: Option<Attempted>,
    /// Why the run must not go on after it has settled.
    pub(crate) ended: Option<Error>,
    /// Whether what is checked before the first change was checked: it is not, in the middle.
    pub(crate) reviewed: bool,
    /// What was kept before the first change.
    pub(crate) kept: Option<Kept>,
    /// What it was kept for, once that was seen to.
    pub(crate) kept_for: Option<Ground>,
    /// How often it was seen to.
    pub(crate) keepings: u32,
    /// Whether the attempt's connection was lost, and nobody has looked what became of it.
    doubt: bool,
    /// What was applied when the connection was lost last.
    applied: usize,
    losses: u32,
    losses_of_one_server: u32,
}

/// An attempt at a migration.
pub(crate) struct Attempted {
    pub(crate) migration: String,
    pub(crate) id: String,
    pub(crate) begun: Instant,
}

/// Whether the session, or its server's right to write, is gone.
pub(crate) async fn lost(error: &Error, session: &Session) -> bool {
    if error.kind == Kind::ConnectionLost {
        return true;
    }
    // A script can make its transaction read-only too; what it set is reset by now.
    error.sqlstate.as_deref() == Some("25006") && !session.can_write().await
}

impl Recovery {
    /// A session to go on with. It may have to settle only, see `ended`.
    pub(crate) async fn again(
        &mut self,
        (deploy, report): (&Deploy<'_>, &Report),
        (session, error): (Session, Error),
        (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
    ) -> Result<Session, Error> {
        let text = format!("{}; connecting again", error.message);
        sink.emit(Progress::Notice { code: "connection_lost", text });
        if report.applied.len() > self.applied {
            let Self { attempt, reviewed, kept, kept_for, keepings, .. } = std::mem::take(self);
            *self = Self { attempt, reviewed, kept, kept_for, keepings, ..Self::default() };
        }
        self.applied = report.applied.len();
        let old = Old {
            server_start: session.server_start.clone(),
            backend: session.backend,
            backend_start: session.backend_start.clone(),
        };
        session.close().await;
        let wanted = (Purpose::Write, deploy.connection.reconnect_wait);
        let again = match reach(deploy.connection, wanted, sink, interrupt).await {
            Ok(again) => again,
            Err(cause) => {
                let message = format!("{}; then: {}", error.message, cause.message);
                return Err(Error { message, kind: cause_kind(cause.kind), ..error }
                    .hint("run again when the database is back: the next run finds out what became of it")
                    .database(DatabaseState::Unknown));
            }
        };
        let same = again.server_start == old.server_start;
        if same {
            old.end(&again).await;
        }
        self.doubt = self.attempt.is_some();
        self.losses += 1;
        self.losses_of_one_server += u32::from(same);
        let on_purpose = same && deliberate(error.sqlstate.as_deref());
        if on_purpose || self.losses > LOSSES || self.losses_of_one_server > LOSSES_OF_ONE_SERVER {
            self.ended = Some(match limit(error.sqlstate.as_deref()) {
                // It would run into it every time.
                Some(hint) if self.attempt.is_some() => {
                    Error { kind: Kind::MigrationFailed, ..error }.hint(hint)
                }
                _ => error.hint("run again"),
            });
        }
        Ok(again)
    }

    /// What an error means while nobody has looked what became of the attempt that was under way.
    pub(crate) fn in_doubt(&self, error: Error) -> Error {
        let attempt = match &self.attempt {
            Some(attempt) if self.doubt && error.database == DatabaseState::Unchanged => attempt,
            Some(_) | None => return error,
        };
        let message =
            format!("{}; what became of `{}` is not known", error.message, attempt.migration);
        Error { message, kind: doubtful_kind(error.kind), ..error }
            .hint("run again: the next run finds out what became of it")
            .database(DatabaseState::Unknown)
    }

    /// Counts what was committed though its answer was lost.
    pub(crate) fn credit(&mut self, rows: &[Row], report: &mut Report, sink: &mut dyn Sink) {
        self.doubt = false;
        let Some(attempt) = self.attempt.take() else { return };
        if rows.iter().any(|row| row.id == attempt.id && row.applied()) {
            sink.emit(Progress::MigrationApplied {
                migration: attempt.migration.clone(),
                duration: attempt.begun.elapsed(),
                // The account went with the connection.
                statements: Vec::new(),
            });
            report.applied.push(attempt.migration);
            self.ended = None;
        }
    }
}

/// The session that was lost.
struct Old {
    server_start: String,
    backend: i32,
    backend_start: String,
}

impl Old {
    /// A backend that does not know that its client is gone keeps the lock until its statement ends;
    /// before PostgreSQL 14 it cannot know. It is ours, and what it does is not wanted any more.
    async fn end(&self, session: &Session) {
        // Whether it is gone is seen when the lock is taken. It is the login's, whatever role that
        // takes on at once.
        let _asked = session
            .query_as_login(
                "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity \
                 WHERE pid = $1 AND backend_start = $2::text::timestamptz",
                &[(&self.backend, Type::INT4), (&self.backend_start, Type::TEXT)],
            )
            .await;
    }
}

/// Whether the server ended the session because somebody or a time limit wanted it to. A crash or a
/// cut connection says nothing, or 57P02.
fn deliberate(sqlstate: Option<&str>) -> bool {
    sqlstate.is_some_and(|code| !matches!(code, "57P02" | "57P03" | "25006"))
}

/// What to do about a time limit that ends the session of whoever exceeds it.
fn limit(sqlstate: Option<&str>) -> Option<&'static str> {
    match sqlstate? {
        "25P04" => Some(
            "it takes longer than transaction_timeout: set that to 0 at the top of the file, or for the role",
        ),
        _ => None,
    }
}

/// A signal is not proved to have rolled anything back.
fn doubtful_kind(kind: Kind) -> Kind {
    if kind == Kind::Interrupted { Kind::ConnectionLost } else { kind }
}

/// A signal while connecting again leaves as much in doubt as the loss itself.
fn cause_kind(kind: Kind) -> Kind {
    if kind == Kind::AccessDenied { kind } else { Kind::ConnectionLost }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_somebody_wanted_is_deliberate() {
        for (sqlstate, wanted) in [
            (Some("57P01"), true),
            (Some("57P05"), true),
            (Some("25P03"), true),
            (Some("57P02"), false),
            (Some("57P03"), false),
            (Some("25006"), false),
            (None, false),
        ] {
            assert_eq!(deliberate(sqlstate), wanted, "{sqlstate:?}");
        }
    }
}
