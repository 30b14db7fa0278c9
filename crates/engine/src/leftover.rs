//! What a statement that runs without a transaction leaves behind when it fails or is stopped.

use crate::error::Fault;
use crate::index::{self, Found, Invalid};
use crate::interrupt::Interrupt;
use crate::journal::Entry;
use crate::progress::{Progress, Sink};
use crate::session::{Ran, Session};
use crate::trace;
use crate::transaction::{Attempt, Stop};
use crate::way::Way;
use migrations::script::{Thing, Trace};
use tokio_postgres::types::Type;

/// Looks for it, removes what can be removed at once, and says what stays.
pub(crate) async fn look(
    attempt: &Attempt<'_>,
    (way, before, trace): (&Way, &str, &Trace),
    sink: &mut dyn Sink,
) -> Result<bool, Fault> {
    let session = attempt.session;
    let mut notice = |code, text| sink.emit(Progress::Notice { code, text });
    match way {
        Way::Index(index, table) => {
            let left = index::drop_in_time(session, (index, table)).await? == Found::Invalid;
            if left {
                notice(
                    "invalid_index_left",
                    format!(
                        "the index {index} is left invalid, because it could not be dropped in time; the next attempt drops it"
                    ),
                );
            }
            Ok(left)
        }
        Way::Unnamed(table) => {
            for index in built_since(session, table, before).await? {
                let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {}", index.name);
                index::run_in_time(session, &drop).await?;
            }
            let left = built_since(session, table, before).await?;
            for index in &left {
                notice(
                    "invalid_index_left",
                    format!(
                        "the index {} is left invalid, because it could not be dropped in time; the next attempt drops it",
                        index.name
                    ),
                );
            }
            Ok(!left.is_empty())
        }
        Way::Drop(name) => {
            let left = index::named(session, name).await? == Found::Invalid;
            if left {
                notice(
                    "invalid_index_left",
                    format!(
                        "the index {name} is left invalid, so no query uses it any more; the next attempt drops it"
                    ),
                );
            }
            Ok(left)
        }
        Way::Detach(..) => is_detaching(session, trace).await,
        Way::Reindex => {
            let names = index::unfinished_rebuilds(session).await?;
            if !names.is_empty() {
                let names = names.join(", ");
                notice(
                    "invalid_index_left",
                    format!(
                        "an unfinished rebuild is left invalid; when none is running any more: DROP INDEX CONCURRENTLY {names}"
                    ),
                );
            }
            Ok(!names.is_empty())
        }
        // A statement in a transaction of its own may have committed, see `run_statement`.
        Way::Alone => Ok(attempt.left.get()),
        Way::Setting | Way::Wrapped | Way::Either | Way::Own => Ok(false),
    }
}

/// The unfinished rebuilds that are there now, for the journal.
pub(crate) async fn rebuilds(session: &Session) -> Result<String, Fault> {
    Ok(index::unfinished_rebuilds(session).await?.join("\n"))
}

/// Drops what an earlier attempt at a `REINDEX CONCURRENTLY` left, and nobody else's: it was not there
/// before it. A second attempt would leave it, and every write of the table would go on paying.
pub(crate) async fn drop_unfinished_rebuilds(
    attempt: &Attempt<'_>,
    entry: &Entry,
    sink: &mut dyn Sink,
) -> Result<(), Fault> {
    // An older version did not note what was there before.
    let Some(before) = &entry.before else { return Ok(()) };
    for name in index::unfinished_rebuilds(attempt.session).await? {
        if before.lines().any(|earlier| earlier == name) {
            continue;
        }
        attempt.session.run(&format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")).await?;
        let text =
            format!("the invalid index {name} that an earlier attempt's rebuild left was dropped");
        sink.emit(Progress::Notice { code: "invalid_index_dropped", text });
    }
    Ok(())
}

/// Invalid indexes of the table that were not there before: what an attempt left that built one under a
/// name that the server chose.
async fn built_since(session: &Session, table: &str, before: &str) -> Result<Vec<Invalid>, Fault> {
    let Some(before) = trace::invalid_before(before) else { return Ok(Vec::new()) };
    let mut invalid = index::invalid_of(session, table).await?;
    invalid.retain(|index| !before.contains(&index.oid.as_str()));
    Ok(invalid)
}

/// Drops what an earlier attempt at such a build left: the next one chooses another name.
pub(crate) async fn drop_unnamed(
    attempt: &Attempt<'_>,
    (table, entry): (&str, &Entry),
    sink: &mut dyn Sink,
) -> Result<(), Fault> {
    let before = entry.before.as_deref().unwrap_or_default();
    for Invalid { name, .. } in built_since(attempt.session, table, before).await? {
        attempt.session.run(&format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")).await?;
        let text = format!(
            "the invalid index {name} of an earlier attempt was dropped and is built again"
        );
        sink.emit(Progress::Notice { code: "invalid_index_dropped", text });
    }
    Ok(())
}

/// Whether the statement's partition is neither attached nor detached; somebody else may be detaching
/// another one. The column is there since PostgreSQL 14.
async fn is_detaching(session: &Session, trace: &Trace) -> Result<bool, Fault> {
    let Trace::Gone(Thing::Partition { parent, child }) = trace else { return Ok(false) };
    let row = session
        .one(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits i \
             WHERE (pg_catalog.to_jsonb(i) ->> 'inhdetachpending')::boolean \
             AND i.inhparent = pg_catalog.to_regclass($1) AND i.inhrelid = pg_catalog.to_regclass($2))",
            &[(parent, Type::TEXT), (child, Type::TEXT)],
        )
        .await?;
    row.get(0)
}

/// Finishes what an earlier attempt began with `DETACH PARTITION … CONCURRENTLY`: a second one is
/// refused (PostgreSQL, "ALTER TABLE", FINALIZE). False if it left nothing to finish.
pub(crate) async fn finish_detaching(
    attempt: &Attempt<'_>,
    index: usize,
    interrupt: &mut Interrupt,
) -> Result<bool, Stop> {
    let statement = &attempt.script.statements[index];
    let trace = attempt.script.trace_of(statement);
    let text = attempt.script.text_of(statement).trim_end();
    let Some(begun) = text.len().checked_sub(CONCURRENTLY.len()) else { return Ok(false) };
    let ends = text.get(begun..).is_some_and(|end| end.eq_ignore_ascii_case(CONCURRENTLY));
    if !ends || !is_detaching(attempt.session, &trace).await? {
        return Ok(false);
    }
    let sql = format!("{}FINALIZE", &text[..begun]);
    match attempt.session.run_interruptible(&sql, interrupt).await? {
        Ran::Done(_) => Ok(true),
        Ran::Cancelled => Err(Stop::Interrupted),
    }
}

const CONCURRENTLY: &str = "CONCURRENTLY";
