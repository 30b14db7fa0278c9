//! Ending one session that blocks a migration: first the evidence, then the question.

use crate::environment;
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::lock;
use crate::observe::{Blocker, Notes, Observer};
use crate::progress::{Progress, Sink};
use crate::reach;
use crate::session::Session;
use crate::settings::ConnectionSettings;
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::types::Type;

/// A migration that gives way pauses for up to 30 s, and blocks nobody and waits for nobody
/// meanwhile: only its next attempt shows who is in its way.
const WATCH_FOR: Duration = Duration::from_secs(45);

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long a session may take to go.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// What to end.
#[derive(Debug)]
pub struct Unblock<'a> {
    /// The database.
    pub connection: &'a ConnectionSettings,
    /// The advisory key that a migration holds.
    pub lock_key: i64,
    /// The session's process id.
    pub pid: i32,
}

/// Shows what `pid` blocks, asks, and ends it. Only a session that stands in the way of a running
/// migration is ended, and only the one that was shown: a process id is used again.
pub async fn unblock(
    unblock: &Unblock<'_>,
    ask: impl AsyncFnOnce(&[String]) -> Result<bool, Error>,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<Blocker, Error> {
    let mut session = reach::beside(unblock.connection).await?;
    environment::meet(&mut session, unblock.connection).await?;
    let observer = Observer::open(unblock.connection, Notes::Nothing, sink, interrupt).await;
    let outcome = unblock_in(unblock, ask, (&session, &observer), (sink, interrupt)).await;
    session.close().await;
    observer.close().await;
    outcome
}

async fn unblock_in(
    unblock: &Unblock<'_>,
    ask: impl AsyncFnOnce(&[String]) -> Result<bool, Error>,
    (session, observer): (&Session, &Observer),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<Blocker, Error> {
    let pid = unblock.pid;
    let started = started(session, pid).await?;
    let Some(migration) = lock::holding(session, unblock.lock_key).await? else {
        return Err(refused(format!(
            "no migration runs in `{}`, so pid {pid} blocks none",
            unblock.connection.database
        ))
        .hint("start the migration, and unblock it while it waits"));
    };
    if pid == migration {
        return Err(refused(format!("pid {pid} is the migration itself"))
            .hint("to stop it, send SIGTERM to its task, or `ecs-migrate cancel`"));
    }
    let mut evidence = Vec::new();
    let found = in_the_way(observer, (migration, pid), &mut evidence, (sink, interrupt)).await?;
    if !ask(&evidence).await? {
        return Err(refused(format!("pid {pid} was left alone")));
    }
    terminate(session, (pid, &started), unblock.connection).await?;
    wait_until_gone(session, (pid, &started)).await?;
    Ok(found)
}

fn refused(message: String) -> Error {
    Error::new(Kind::Contradicted, message)
}

/// When the session began, as text; it must be there, and in this database.
async fn started(session: &Session, pid: i32) -> Result<String, Error> {
    let rows = session
        .query(
            "SELECT COALESCE(backend_start::text, '') FROM pg_catalog.pg_stat_activity WHERE pid = $1",
            &[(&pid, Type::INT4)],
        )
        .await?;
    let Some(row) = rows.first() else {
        return Err(refused(format!("there is no session with pid {pid}"))
            .hint("it may have ended by itself: look at the migration"));
    };
    Ok(row.get(0)?)
}

/// Watches the migration until it waits for `pid`, directly or through others.
async fn in_the_way(
    observer: &Observer,
    (migration, pid): (i32, i32),
    evidence: &mut Vec<String>,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<Blocker, Error> {
    let begun = Instant::now();
    let mut said = begun;
    loop {
        let look = observer.look(migration).await;
        if let Some(found) = look.blockers.iter().find(|blocker| blocker.pid == pid) {
            let waits_for = look.waits_for.as_deref().unwrap_or("a lock");
            evidence.push(format!("the migration (pid {migration}) waits for {waits_for}"));
            evidence.extend(
                look.blockers
                    .iter()
                    .map(|blocker| format!("{blocker} (blocks {})", blocker.blocks)),
            );
            return Ok(found.clone());
        }
        if !observer.sees() {
            return Err(
                Error::new(Kind::Unreachable, "the server cannot be looked at").hint("try again")
            );
        }
        if begun.elapsed() >= WATCH_FOR {
            return Err(refused(format!(
                "pid {pid} blocks no migration: pid {migration} did not wait for it within {} s",
                WATCH_FOR.as_secs()
            ))
            .hint("end only what the migration's log names as a blocker"));
        }
        if said.elapsed() >= Duration::from_secs(10) {
            said = Instant::now();
            sink.emit(Progress::Heartbeat {
                doing: format!("watching the migration (pid {migration}) until it waits again"),
                elapsed: begun.elapsed(),
                waits_for: look.waits_for,
                blockers: look.blockers,
                work: None,
            });
        }
        tokio::select! {
            biased;
            () = interrupt.wait() => return Err(Error::new(Kind::Interrupted, "interrupted, nothing was ended")),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn terminate(
    session: &Session,
    (pid, started): (i32, &str),
    settings: &ConnectionSettings,
) -> Result<(), Error> {
    let ended = session
        .query(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND COALESCE(backend_start::text, '') = $2",
            &[(&pid, Type::INT4), (&started, Type::TEXT)],
        )
        .await;
    match ended {
        Ok(_) => Ok(()),
        Err(fault) => {
            let error = Error::from(fault);
            if error.kind != Kind::AccessDenied {
                return Err(error);
            }
            let role = crate::quote::identifier(&settings.user);
            Err(Error {
                message: format!("the role may not end pid {pid}: {}", error.message),
                hint: Some(format!(
                    "let an administrator run: GRANT pg_signal_backend TO {role}; only a superuser can end a superuser's session"
                )),
                ..error
            })
        }
    }
}

async fn wait_until_gone(session: &Session, (pid, started): (i32, &str)) -> Result<(), Error> {
    let deadline = Instant::now() + GONE_WITHIN;
    loop {
        let row = session
            .one(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND COALESCE(backend_start::text, '') = $2)",
                &[(&pid, Type::INT4), (&started, Type::TEXT)],
            )
            .await?;
        if !row.get::<bool>(0)? {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Error::new(
                Kind::Unexpected,
                format!("pid {pid} was told to end, and is still there"),
            )
            .hint("it may be in an uninterruptible wait: look again in a minute"));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
