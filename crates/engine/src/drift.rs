//! Owns drift: what differs between the database and what its applied migrations make in a scratch
//! database. Changes nothing but the scratch database, which it drops.

mod again;
mod catalog;
mod compare;
mod property;

pub use catalog::Grants;

use crate::error::{Error, Kind};
use crate::history::History;
use crate::interrupt::Interrupt;
use crate::progress::{Progress, Sink};
use crate::reach;
use crate::scratch::{self, Rehearsal, Seen};
use crate::session::Session;
use crate::settings::ConnectionSettings;
use crate::stand_in::LEFT_OUT;
use compare::Difference;
use migrations::{Directory, Migration, Row};
use std::collections::BTreeSet;

/// How many differences are told before they are only counted.
pub(crate) const SHOWN: usize = 40;

/// How to look for it.
#[derive(Debug, Clone, Copy)]
pub struct DriftSearch<'a> {
    /// The server that the scratch database is made on; none is the database's own.
    pub server: Option<&'a ConnectionSettings>,
    /// Whether rights are compared too.
    pub grants: Grants,
}

/// What drift means for a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDrift {
    /// It is told, and the deployment goes on.
    Warn,
    /// Nothing is applied.
    Stop,
}

/// What was found.
#[derive(Debug)]
pub(crate) enum Drift {
    /// How the database differs from so many applied migrations.
    Compared { compared: Compared, migrations: usize },
    /// There is nothing to compare with, for this reason.
    Incomparable(String),
}

/// A comparison with what migrations make.
#[derive(Debug)]
pub(crate) struct Compared {
    /// What somebody changed.
    pub(crate) differences: Vec<Difference>,
    /// What differs too, and comes and goes while the database is used.
    pub(crate) passing: Vec<Difference>,
    /// What of the migrations was not played, a sentence for each.
    pub(crate) left_out: Vec<String>,
}

/// Compares the database with what its applied migrations make.
pub(crate) async fn find(
    session: &Session,
    (connection, directory): (&ConnectionSettings, &Directory),
    search: DriftSearch<'_>,
    interrupt: &mut Interrupt,
) -> Result<Drift, Error> {
    let history = History::locate(session).await?;
    let rows = history.rows(session).await?;
    let applied = match applied(directory, &rows) {
        Ok(applied) => applied,
        Err(reason) => return Ok(Drift::Incomparable(reason)),
    };
    let migrations = applied.len();
    let directory = Directory { migrations: applied, ..directory.clone() };
    let compared =
        against(session, (connection, history.schema(), &directory), search, interrupt).await?;
    Ok(Drift::Compared { compared, migrations })
}

/// Compares the database with what these migrations make; `schema` is the history's.
pub(crate) async fn against(
    session: &Session,
    (connection, schema, directory): (&ConnectionSettings, &str, &Directory),
    search: DriftSearch<'_>,
    interrupt: &mut Interrupt,
) -> Result<Compared, Error> {
    let server = search.server.unwrap_or(connection);
    let rehearsal = Rehearsal { server, connection, live: session, schema, directory };
    let look = async |scratch: &Session| -> Result<Vec<Difference>, Error> {
        let mut schemas = catalog::filled(scratch).await?;
        if !schemas.iter().any(|filled| filled == schema) {
            schemas.push(schema.to_owned());
        }
        let wanted = catalog::read(scratch, &schemas, search.grants).await?;
        let found = catalog::read(session, &schemas, search.grants).await?;
        Ok(again::settle(scratch, compare::compare(&found, &wanted)).await?)
    };
    let seen = match search.server {
        None => scratch::rehearse(&rehearsal, session, interrupt, look).await,
        Some(server) => {
            let elsewhere = reach::beside(server).await?;
            let seen = scratch::rehearse(&rehearsal, &elsewhere, interrupt, look).await;
            elsewhere.close().await;
            seen
        }
    };
    seen.map(|Seen { seen, left_out }| {
        let (passing, differences) = seen.into_iter().partition(|one| one.passes);
        Compared { differences, passing, left_out }
    })
}

/// The migrations that the database has, or why they cannot be had. PURE.
fn applied(directory: &Directory, rows: &[Row]) -> Result<Vec<Migration>, String> {
    if let Some(row) = rows.iter().find(|row| row.unfinished()) {
        return Err(format!("`{}` is unfinished, so nobody knows what of it is there", row.name));
    }
    let applied = rows.iter().filter(|row| row.applied()).map(|row| row.name.as_str());
    let names: BTreeSet<&str> = applied.collect();
    if names.is_empty() {
        return Err("no migration is applied yet".to_owned());
    }
    match names.iter().find(|name| directory.get(name).is_none()) {
        Some(gone) => Err(format!("`{gone}` is applied, but its directory is not here")),
        None => {
            let has = |migration: &&Migration| names.contains(migration.name.as_str());
            Ok(directory.migrations.iter().filter(has).cloned().collect())
        }
    }
}

/// Before the first change of a deployment: tells what differs, and stops if that is asked for.
pub(crate) async fn before(
    session: &Session,
    (connection, directory): (&ConnectionSettings, &Directory),
    (on, search): (OnDrift, DriftSearch<'_>),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Error> {
    let say = |sink: &mut dyn Sink, code: &'static str, text: String| {
        sink.emit(Progress::Notice { code, text });
    };
    let drift = match find(session, (connection, directory), search, interrupt).await {
        // Without the means to look a warning is all that a warning can be.
        Err(error) if on == OnDrift::Warn && is_about_the_scratch(error.kind) => {
            say(sink, "drift_not_compared", format!("drift: {}", error.message));
            return Ok(());
        }
        drift => drift?,
    };
    let Compared { differences, passing, left_out } = match drift {
        Drift::Incomparable(reason) => {
            say(sink, "drift_not_compared", format!("drift: not compared, because {reason}"));
            return Ok(());
        }
        Drift::Compared { compared, .. } => compared,
    };
    for text in left_out {
        say(sink, LEFT_OUT, text);
    }
    if let Some(text) = passing_sentence(&passing) {
        say(sink, "drift_passing", format!("drift: {text}"));
    }
    for difference in differences.iter().take(SHOWN) {
        say(sink, "drift", format!("drift: {difference}"));
    }
    if differences.is_empty() {
        return Ok(());
    }
    let sentence = sentence(differences.len());
    if on == OnDrift::Warn {
        say(sink, "drift", format!("drift: {sentence}"));
        return Ok(());
    }
    Err(Error::new(Kind::Contradicted, sentence)
        .hint("write a migration for what shall stay, take back the rest; or --on-drift warn"))
}

/// `the schema was changed beside the migrations: 2 differences`
pub(crate) fn sentence(count: usize) -> String {
    format!("the schema was changed beside the migrations: {}", differences(count))
}

/// How many of those that come and go are named.
const NAMED: usize = 5;

/// What comes and goes, if anything does.
pub(crate) fn passing_sentence(passing: &[Difference]) -> Option<String> {
    let named: Vec<String> = passing.iter().take(NAMED).map(ToString::to_string).collect();
    let more = passing.len().saturating_sub(named.len());
    let and_more = if more > 0 { format!("; and {more} more") } else { String::new() };
    (!named.is_empty())
        .then(|| format!("comes and goes, and is not counted: {}{and_more}", named.join("; ")))
}

/// `1 difference`, `2 differences`.
pub(crate) fn differences(count: usize) -> String {
    let noun = if count == 1 { "difference" } else { "differences" };
    format!("{count} {noun}")
}

/// Not the deployment's own connection or an interrupt.
pub(crate) fn is_about_the_scratch(kind: Kind) -> bool {
    match kind {
        Kind::AccessDenied
        | Kind::Contradicted
        | Kind::Configuration
        | Kind::Unreachable
        | Kind::Unexpected
        | Kind::Blocked => true,
        Kind::MigrationFailed
        | Kind::PartlyApplied
        | Kind::UnfinishedMigration
        | Kind::HistoryDiffers
        | Kind::LockNotObtained
        | Kind::ConnectionLost
        | Kind::Interrupted
        | Kind::InterruptedPartWay => false,
    }
}
