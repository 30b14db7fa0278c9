//! Owns what the history says, and who holds the lock.

use super::{Check, Finding};
use crate::error::Error;
use crate::history::History;
use crate::lock;
use crate::part_way;
use crate::session::Session;
use crate::status::judge;
use crate::waiting::despite_limits;
use migrations::Migration;

/// The most names in a sentence.
const NAMES: usize = 5;

/// What was found, and what later looks need.
pub(super) struct Past {
    pub(super) findings: [Finding; 2],
    /// Where the history lives or would be made.
    pub(super) schema: String,
    pub(super) pending: Vec<Migration>,
}

pub(super) async fn look(session: &Session, check: &Check<'_>) -> Result<Past, Error> {
    let unknown = || Finding::skip("pending", "not known without migrations and history");
    let history = match History::locate(session).await {
        Ok(history) => history,
        Err(error) => {
            let findings = [Finding::blocked_by("history", &error), unknown()];
            return Ok(Past { findings, schema: "public".to_owned(), pending: Vec::new() });
        }
    };
    let schema = history.schema().to_owned();
    let past = |findings, pending| Past { findings, schema: schema.clone(), pending };
    let directory = match check.directory {
        Ok(directory) => directory,
        Err(error) => {
            return Ok(past([Finding::blocked_by("history", error), unknown()], Vec::new()));
        }
    };
    let rows = match despite_limits(async || history.rows(session).await).await {
        Ok(rows) => rows,
        Err(error) => {
            return Ok(past([Finding::blocked_by("history", &error), unknown()], Vec::new()));
        }
    };
    let status = judge(directory, &rows, check.allowances);
    let waiting = |migration: &&Migration| {
        status
            .migrations
            .iter()
            .any(|known| known.name == migration.name && known.state.awaits_deployment())
    };
    let pending: Vec<Migration> = directory.migrations.iter().filter(waiting).cloned().collect();
    let stuck = part_way::stuck(session, directory, &rows).await?;
    let agrees = match stuck.as_ref().or(status.blocker.as_ref()) {
        Some(blocker) => Finding::blocked_by("history", blocker),
        None if history.exists() => Finding::ok(
            "history",
            format!("the history in schema `{}` agrees with the directory", history.schema()),
        ),
        None => match history.refuse_strangers(session).await {
            Err(error) => Finding::blocked_by("history", &error),
            Ok(()) => Finding::ok(
                "history",
                format!("there is no history yet; it will be made in schema `{schema}`"),
            ),
        },
    };
    Ok(past([agrees, to_apply(&pending)], pending))
}

fn to_apply(pending: &[Migration]) -> Finding {
    let mut names: Vec<&str> =
        pending.iter().take(NAMES).map(|migration| migration.name.as_str()).collect();
    if pending.len() > NAMES {
        names.push("…");
    }
    let sentence = match pending.len() {
        0 => "nothing is to be applied".to_owned(),
        1 => format!("1 migration is to be applied: {}", names.join(", ")),
        count => format!("{count} migrations are to be applied: {}", names.join(", ")),
    };
    Finding::ok("pending", sentence)
}

/// Who holds one of the keys.
pub(super) async fn lock(session: &Session, keys: &[i64]) -> Result<Finding, Error> {
    for key in keys {
        if let Some(holder) = lock::holder(session, *key).await? {
            return Ok(Finding::no("lock", format!("the advisory lock {key} is held by {holder}"))
                .fix(
                    "wait for that session, or end it: a deployment waits as long as --lock-wait",
                ));
        }
    }
    Ok(Finding::ok("lock", "nobody holds the advisory lock"))
}
