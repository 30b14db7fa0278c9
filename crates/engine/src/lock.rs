//! The advisory locks, by polling.
//!
//! Never `pg_advisory_lock`: a session that blocks in it holds a snapshot, and another session's
//! `CREATE INDEX CONCURRENTLY` waits for that snapshot while it holds the lock: a deadlock
//! (reproduced on PostgreSQL 15; flyway#1654, golang-migrate#960).

use crate::error::{Error, Fault, Kind};
use crate::interrupt::Interrupt;
use crate::progress::{Progress, Sink};
use crate::row;
use crate::session::Session;
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::types::Type;

/// The key that teams' scripts use today.
pub const DEFAULT_LOCK_KEY: i64 = 123_456_789;

/// The key of `prisma migrate` (schema-engine, PostgreSQL connector): holding it keeps a stray
/// `prisma migrate deploy` out.
pub const PRISMA_LOCK_KEY: i64 = 72_707_369;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long the other session of ours has to go.
const OTHER_HAND: Duration = Duration::from_secs(10);
const REPORT_EVERY: Duration = Duration::from_secs(15);

/// Takes every key, in this order, which is the same for everybody.
pub(crate) async fn acquire(
    session: &Session,
    keys: &[i64],
    limit: Duration,
    sink: &mut dyn Sink,
    interrupt: &mut Interrupt,
) -> Result<(), Error> {
    acquire_unless(session, (keys, limit), (sink, interrupt), async || Ok(false)).await.map(|_| ())
}

/// Takes every key, unless what they are for turns out to be done while somebody else has them:
/// then false, and the session may hold some of them.
pub(crate) async fn acquire_unless(
    session: &Session,
    (keys, limit): (&[i64], Duration),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
    done: impl AsyncFn() -> Result<bool, Error>,
) -> Result<bool, Error> {
    let begun = Instant::now();
    for key in keys {
        if !acquire_one(session, (*key, begun + limit), (sink, &mut *interrupt), &done).await? {
            return Ok(false);
        }
    }
    sink.emit(Progress::LockAcquired { keys: keys.to_vec(), waited: begun.elapsed() });
    Ok(true)
}

async fn acquire_one(
    session: &Session,
    (key, deadline): (i64, Instant),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
    done: &impl AsyncFn() -> Result<bool, Error>,
) -> Result<bool, Error> {
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    let mut reported: Option<Instant> = None;
    loop {
        let row = session
            .one("SELECT pg_catalog.pg_try_advisory_lock($1)", &[(&key, Type::INT8)])
            .await?;
        if row.get(0)? {
            session.holds(key);
            return Ok(true);
        }
        if done().await? {
            return Ok(false);
        }
        if reported.is_none_or(|at| at.elapsed() >= REPORT_EVERY) {
            let holder = holder(session, key).await?;
            sink.emit(Progress::LockWaiting { key, waited: begun.elapsed(), holder });
            reported = Some(Instant::now());
        }
        if Instant::now() >= deadline {
            let holder =
                holder(session, key).await?.unwrap_or_else(|| "a session that is not shown".into());
            return Err(Error::new(
                Kind::LockNotObtained,
                format!("the advisory lock {key} was not obtained in time: held by {holder}"),
            )
            .hint("wait for that session, end it, or raise --lock-wait")
            .prisma("P1002"));
        }
        let jitter = pause.mul_f64(0.5 + fastrand::f64() / 2.0);
        tokio::select! {
            () = interrupt.wait() => {
                return Err(Error::new(Kind::Interrupted, "interrupted while waiting for the advisory lock"));
            }
            () = tokio::time::sleep_until((Instant::now() + jitter).min(deadline)) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A condition that is true if our backend holds every one of `keys` from then on: the fence. Taking
/// a lock that one holds counts it once more, and a session's end releases them all; if a script let
/// it go, it is taken again, unless somebody else was faster. A look into `pg_locks` says the same
/// and costs three times as much as an average statement.
pub(crate) fn fence(keys: &[i64]) -> String {
    let held: Vec<String> =
        keys.iter().map(|key| format!("pg_catalog.pg_try_advisory_lock({key})")).collect();
    if held.is_empty() { "true".to_owned() } else { held.join(" AND ") }
}

/// The same for a session that shares `key` with another one of ours, see `hand`.
pub(crate) fn shared_fence(key: i64) -> String {
    format!("pg_catalog.pg_try_advisory_lock_shared({key})")
}

/// Goes over from holding `key` alone to sharing it; at no moment can anybody else have it, because
/// everybody else takes it alone.
pub(crate) async fn share(session: &Session, key: i64) -> Result<(), Fault> {
    session.one(&format!("SELECT {}", shared_fence(key)), &[]).await?;
    let_go(session, key).await
}

/// Goes back to holding it alone, as soon as the other session of ours is gone; false if it is not.
pub(crate) async fn alone(session: &Session, key: i64) -> Result<bool, Fault> {
    let begun = Instant::now();
    loop {
        let row = session
            .one("SELECT pg_catalog.pg_try_advisory_lock($1)", &[(&key, Type::INT8)])
            .await?;
        if row.get(0)? {
            break;
        }
        if begun.elapsed() >= OTHER_HAND {
            return Ok(false);
        }
        tokio::time::sleep(FIRST_PAUSE).await;
    }
    unshare(session, key).await?;
    Ok(true)
}

/// Stops sharing `key`, however often it was counted.
pub(crate) async fn unshare(session: &Session, key: i64) -> Result<(), Fault> {
    session
        .one(
            "WITH RECURSIVE unlocked(held) AS (SELECT pg_catalog.pg_advisory_unlock_shared($1) \
             UNION ALL SELECT pg_catalog.pg_advisory_unlock_shared($1) FROM unlocked WHERE held) \
             SELECT pg_catalog.count(*) FROM unlocked",
            &[(&key, Type::INT8)],
        )
        .await?;
    Ok(())
}

/// Whether this backend shares `key` now, as a condition.
pub(crate) fn is_sharing(key: i64, backend: i32) -> String {
    format!(
        "EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE {} AND l.mode = 'ShareLock' AND l.pid = {backend})",
        matching(key)
    )
}

/// Lets `key` go, however often it was counted: every fence counts it once more.
pub(crate) async fn let_go(session: &Session, key: i64) -> Result<(), Fault> {
    session
        .one(
            "WITH RECURSIVE unlocked(held) AS (SELECT pg_catalog.pg_advisory_unlock($1) \
             UNION ALL SELECT pg_catalog.pg_advisory_unlock($1) FROM unlocked WHERE held) \
             SELECT pg_catalog.count(*) FROM unlocked",
            &[(&key, Type::INT8)],
        )
        .await?;
    session.lets_go(key);
    Ok(())
}

/// Asks for the statements that let go of every advisory lock of this session but `keys`, however often
/// it was counted; NULL where there is none. A script's would reach the next one, and others would wait.
pub(crate) fn releasing_others(keys: &[i64]) -> String {
    let keys: Vec<String> = keys.iter().map(i64::to_string).collect();
    format!(
        "SELECT pg_catalog.string_agg(pg_catalog.format('WITH RECURSIVE unlocked(held) AS (SELECT %1$s \
         UNION ALL SELECT %1$s FROM unlocked WHERE held) SELECT pg_catalog.count(*) FROM unlocked', \
         pg_catalog.format('pg_catalog.pg_advisory_unlock%s(%s)', CASE mode WHEN 'ShareLock' THEN '_shared' ELSE '' END, \
           CASE objsubid WHEN 1 THEN pg_catalog.format('%L::bigint', classid::bigint << 32 | objid::bigint) \
           ELSE pg_catalog.format('%L::int, %L::int', classid::int, objid::int) END)), '; ') \
         FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_catalog.pg_backend_pid() \
         AND NOT (objsubid = 1 AND mode = 'ExclusiveLock' AND (classid::bigint << 32 | objid::bigint) = ANY ('{{{}}}'::bigint[]))",
        keys.join(",")
    )
}

/// A row of `pg_locks` that grants `key`. A bigint key is stored as two halves with `objsubid` 1
/// (PostgreSQL documentation, `pg_locks`).
fn matching(key: i64) -> String {
    let bits = key.cast_unsigned();
    let (high, low) = (bits >> 32, bits & 0xffff_ffff);
    format!(
        "l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = {high} AND l.objid = {low} \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
    )
}

/// The process that holds `key`.
pub(crate) async fn holding(session: &Session, key: i64) -> Result<Option<i32>, Error> {
    let sql = format!("SELECT l.pid FROM pg_catalog.pg_locks l WHERE {} LIMIT 1", matching(key));
    Ok(row::first(&session.query(&sql, &[]).await?, 0)?)
}

/// Who holds `key`, in words.
pub(crate) async fn holder(session: &Session, key: i64) -> Result<Option<String>, Error> {
    let sql = format!(
        "SELECT l.pid, a.application_name, a.usename::text, pg_catalog.host(a.client_addr), a.state, \
                EXTRACT(epoch FROM pg_catalog.clock_timestamp() - a.backend_start)::bigint \
         FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a USING (pid) WHERE {} LIMIT 1",
        matching(key)
    );
    let rows = session.query(&sql, &[]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut words = vec![format!("pid {}", row.get::<i32>(0)?)];
    let shown = |column| -> Result<Option<String>, Fault> {
        Ok(row.get::<Option<String>>(column)?.filter(|text| !text.is_empty()))
    };
    words.extend(shown(1)?.map(|application| format!("application `{application}`")));
    words.extend(shown(2)?.map(|user| format!("role `{user}`")));
    words.extend(shown(3)?.map(|address| format!("from {address}")));
    words.extend(shown(4)?);
    words.extend(row.get::<Option<i64>>(5)?.map(|seconds| format!("connected for {seconds} s")));
    Ok(Some(words.join(", ")))
}
