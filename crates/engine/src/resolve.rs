//! Correcting the history by hand, after looking at what is known.

use crate::drift::{self, Compared, DriftSearch, Grants, SHOWN};
use crate::environment;
use crate::error::{Error, Fault, Kind};
use crate::evidence::{self, Claim};
use crate::history::History;
use crate::interrupt::Interrupt;
use crate::journal::{self, End};
use crate::known::reads_the_same;
use crate::lock;
use crate::opening::{self, MissingDatabase};
use crate::part_way;
use crate::progress::{Progress, Sink};
use crate::session::Session;
use crate::settings::ConnectionSettings;
use crate::stand_in::LEFT_OUT;
use migrations::checksum::checksum;
use migrations::script::Form;
use migrations::{Directory, Row, Script};
use std::borrow::Cow;
use std::time::Duration;

/// What to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// This migration is in the database.
    Applied(String),
    /// Nothing of this migration is in the database.
    RolledBack(String),
    /// Everything up to this migration is in the database.
    Baseline(String),
    /// The database belongs to this environment; the history stays as it is.
    Environment(String),
}

/// Whether evidence to the contrary stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// It stops.
    No,
    /// It is shown, and the history is changed all the same.
    Yes,
    /// It is not looked for, as Prisma does not.
    Blind,
}

/// What to resolve, and how.
#[derive(Debug)]
pub struct Resolve<'a> {
    /// The database.
    pub connection: &'a ConnectionSettings,
    /// The migrations.
    pub directory: &'a Directory,
    /// What to record.
    pub resolution: Resolution,
    /// Whether evidence to the contrary stops.
    pub force: Force,
    /// The server that a scratch database is made on; none is the database's own.
    pub scratch_server: Option<&'a ConnectionSettings>,
    /// Advisory keys to hold.
    pub lock_keys: &'a [i64],
    /// How long to wait for them.
    pub lock_wait: Duration,
}

/// Records what somebody knows. Changes nothing else in the database.
pub async fn resolve(
    resolve: &Resolve<'_>,
    sink: &mut dyn Sink,
    interrupt: &mut Interrupt,
) -> Result<(), Error> {
    let session =
        opening::open(resolve.connection, MissingDatabase::Refuse, sink, interrupt).await?;
    let outcome = resolve_in(resolve, &session, (sink, interrupt)).await;
    session.close().await;
    outcome
}

async fn resolve_in(
    resolve: &Resolve<'_>,
    session: &Session,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Error> {
    lock::acquire(session, resolve.lock_keys, resolve.lock_wait, sink, interrupt).await?;
    let mut history = History::locate(session).await?;
    sink.emit(session.connected(resolve.connection, history.schema()));
    let rows = history.rows_patiently(session, (sink, interrupt)).await?;
    match &resolve.resolution {
        Resolution::RolledBack(name) => {
            rolled_back(resolve, session, (&history, &rows, name), sink).await
        }
        Resolution::Applied(name) => {
            applied(resolve, session, (&mut history, &rows, name), sink).await
        }
        Resolution::Baseline(name) => {
            baseline(resolve, session, (&mut history, &rows, name), (sink, interrupt)).await
        }
        Resolution::Environment(name) => {
            environment::rename(session, (resolve.connection, name), sink).await
        }
    }
}

/// The most lines in a sentence.
const LINES: usize = 10;

fn refuse(code: &'static str, message: String) -> Error {
    Error::new(Kind::Configuration, message).prisma(code)
}

fn on_disk<'a>(resolve: &'a Resolve<'_>, name: &str) -> Result<Cow<'a, str>, Error> {
    let migration = resolve.directory.get(name);
    migration.and_then(|migration| migration.read().ok()).ok_or_else(|| {
        refuse("P3017", format!("there is no migration `{name}` with a readable script on disk"))
            .hint("give the whole name of its directory")
            .migration(name)
    })
}

async fn rolled_back(
    resolve: &Resolve<'_>,
    session: &Session,
    (history, rows, name): (&History, &[Row], &str),
    sink: &mut dyn Sink,
) -> Result<(), Error> {
    let of_name: Vec<&Row> = rows.iter().filter(|row| row.name == name).collect();
    if of_name.is_empty() {
        return Err(refuse(
            "P3011",
            format!("`{name}` was never applied, so it cannot be rolled back"),
        )
        .hint("give the whole name of its directory")
        .migration(name));
    }
    if of_name.iter().all(|row| row.applied()) {
        return Err(refuse(
            "P3012",
            format!("`{name}` did not fail, so it cannot be marked as rolled back"),
        )
        .hint("`status` shows what did")
        .migration(name));
    }
    let failed: Vec<&&Row> = of_name.iter().filter(|row| row.unfinished()).collect();
    if failed.is_empty() && resolve.force != Force::Blind {
        if of_name.iter().any(|row| row.applied()) {
            return Err(refuse(
                "P3012",
                format!(
                    "`{name}` is applied, and what failed before is marked as rolled back already"
                ),
            )
            .hint("`status` shows what did")
            .migration(name));
        }
        say(sink, "resolved", format!("`{name}` was marked as rolled back before"));
        return Ok(());
    }
    refuse_finished_parts(resolve, session, &of_name, sink).await?;
    if let Some(script) = resolve.directory.get(name).and_then(|migration| migration.read().ok()) {
        // A transaction of ours that has not committed has left nothing.
        let whole = failed.iter().all(|row| {
            row.marker().is_some_and(|marker| marker.mode == migrations::Mode::Transaction)
        });
        let script = Script::parse(script.as_ref());
        let all: Vec<usize> = (0..script.statements.len()).filter(|_| whole).collect();
        let known = (script, all);
        weigh(resolve, session, (name, known), sink, Claim::RolledBack).await?;
    }
    for row in of_name.iter().filter(|row| row.unfinished() && row.marker().is_some()) {
        journal::forget(session, &row.id).await?;
    }
    history.give_up(session, name).await?;
    say(sink, "resolved", format!("`{name}` is marked as rolled back"));
    Ok(())
}

/// What the journal says is done is in the database, whether the script is still there or not: called
/// rolled back, nobody would know of it any more.
async fn refuse_finished_parts(
    resolve: &Resolve<'_>,
    session: &Session,
    of_name: &[&Row],
    sink: &mut dyn Sink,
) -> Result<(), Error> {
    if resolve.force == Force::Blind {
        return Ok(());
    }
    for row in of_name.iter().filter(|row| row.unfinished() && row.marker().is_some()) {
        let parts = part_way::parts(session, row).await?;
        let looked_at = resolve.directory.get(&row.name).is_some();
        let message = if !parts.finished.is_empty() {
            let done = part_way::statements(&parts.finished);
            format!("{done} done of `{}`, as the journal says", row.name)
        } else if !parts.begun.is_empty() && !looked_at {
            let begun = part_way::statements(&parts.begun);
            format!(
                "{begun} begun of `{}`, as the journal says, and without its directory nobody can look what is left of it",
                row.name
            )
        } else {
            continue;
        };
        if resolve.force == Force::No {
            return Err(Error::new(Kind::Contradicted, format!("the database contradicts it: {message}"))
                .hint("restore its directory and run again, which goes on behind them; or undo them by hand, then `--force` records it")
                .migration(&row.name));
        }
        say(sink, "evidence", message);
    }
    Ok(())
}

async fn applied(
    resolve: &Resolve<'_>,
    session: &Session,
    (history, rows, name): (&mut History, &[Row], &str),
    sink: &mut dyn Sink,
) -> Result<(), Error> {
    let script = on_disk(resolve, name)?;
    if rows.iter().any(|row| row.name == name && row.finished_at.is_some()) {
        return Err(
            refuse("P3008", format!("`{name}` is already recorded as applied")).migration(name)
        );
    }
    let parsed = Script::parse(script.as_ref());
    let mut done = Vec::new();
    for row in rows.iter().filter(|row| row.name == name && row.unfinished()) {
        done.extend(journalled(session, row, &parsed).await?);
    }
    weigh(resolve, session, (name, (parsed, done)), sink, Claim::Applied).await?;
    history.create(session).await?;
    let checksum = checksum(&script);
    session.run("BEGIN").await?;
    history.give_up(session, name).await?;
    history.record(session, (name, &checksum)).await?;
    session.run("COMMIT").await?;
    say(sink, "resolved", format!("`{name}` is marked as applied"));
    Ok(())
}

/// The statements of the script that the journal has as done, by their places from 0, as far as the file
/// still says the same there.
async fn journalled(session: &Session, row: &Row, script: &Script) -> Result<Vec<usize>, Fault> {
    let Form::Statements { units, .. } = &script.form else { return Ok(Vec::new()) };
    let known = journal::entries(session, &row.id).await?;
    let done = known.iter().filter(|(_, entry)| entry.end == End::Finished);
    let done = done.filter_map(|(number, entry)| {
        let unit = units.get(usize::try_from(*number).ok()?)?;
        reads_the_same(script, unit, &entry.fingerprint).then(|| unit.clone())
    });
    Ok(done.flatten().collect())
}

/// Shows what catalog and journal know, and stops where they contradict, or cannot know.
async fn weigh(
    resolve: &Resolve<'_>,
    session: &Session,
    (name, (script, done)): (&str, (Script, Vec<usize>)),
    sink: &mut dyn Sink,
    claim: Claim,
) -> Result<(), Error> {
    if resolve.force == Force::Blind {
        return Ok(());
    }
    let evidence = evidence::gather(session, &script, &done).await?;
    let known = format!("no other run holds the migration lock; {evidence}");
    if resolve.force == Force::No && evidence.contradicts(claim) {
        return Err(Error::new(
            Kind::Contradicted,
            format!("the database contradicts it: {evidence}"),
        )
        .hint("correct the database first; `--force` records it all the same")
        .migration(name));
    }
    let unknown = evidence.unknown(claim);
    if unknown.is_empty() {
        say(sink, "evidence", known);
        return Ok(());
    }
    let lines: Vec<String> = unknown.iter().take(LINES).map(u32::to_string).collect();
    let more = if unknown.len() > LINES { ", …" } else { "" };
    let word = if unknown.len() == 1 { "line" } else { "lines" };
    let open =
        format!("nothing shows whether the statement of {word} {}{more} was run", lines.join(", "));
    if resolve.force == Force::No {
        return Err(Error::new(
            Kind::Contradicted,
            format!("it cannot be known: {evidence}; {open}"),
        )
        .hint("look into the database; if it is so, `--force` records it")
        .migration(name));
    }
    say(sink, "evidence", format!("{known}; {open}"));
    Ok(())
}

async fn baseline(
    resolve: &Resolve<'_>,
    session: &Session,
    (history, rows, name): (&mut History, &[Row], &str),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Error> {
    on_disk(resolve, name)?;
    if let Some(row) = rows.first() {
        return Err(Error::new(
            Kind::Configuration,
            format!("the database has a history already, from `{}` on", row.name),
        )
        .hint(
            "a baseline is for a database without one; `resolve --applied NAME` adds one migration",
        ));
    }
    let end = resolve.directory.migrations.iter().position(|migration| migration.name == name);
    let upto = &resolve.directory.migrations[..=end.unwrap_or(0)];
    let directory = Directory { migrations: upto.to_vec(), ..resolve.directory.clone() };
    if resolve.force != Force::Blind {
        compare(resolve, session, (history.schema(), &directory), (sink, interrupt)).await?;
    }
    let scripts: Result<Vec<Cow<'_, str>>, Error> =
        upto.iter().map(|migration| on_disk(resolve, &migration.name)).collect();
    let scripts = scripts?;
    history.create(session).await?;
    session.run("BEGIN").await?;
    for (migration, script) in upto.iter().zip(&scripts) {
        history.record(session, (&migration.name, &checksum(script))).await?;
    }
    session.run("COMMIT").await?;
    let marked = match upto.len() {
        1 => "1 migration is".to_owned(),
        count => format!("{count} migrations up to `{name}` are"),
    };
    say(sink, "resolved", format!("{marked} marked as applied"));
    Ok(())
}

async fn compare(
    resolve: &Resolve<'_>,
    session: &Session,
    (schema, directory): (&str, &Directory),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Error> {
    let search = DriftSearch { server: resolve.scratch_server, grants: Grants::Ignore };
    let compared = (resolve.connection, schema, directory);
    let Compared { differences, passing, left_out } =
        match drift::against(session, compared, search, interrupt).await {
            Err(error) if resolve.force == Force::Yes => {
                say(sink, "not_compared", error.message);
                return Ok(());
            }
            Err(error) if error.kind == Kind::AccessDenied => {
                let hint =
                    "let the owner run ALTER ROLE … CREATEDB, or skip the comparison with --force";
                return Err(error.hint(hint));
            }
            compared => compared?,
        };
    for text in left_out {
        say(sink, LEFT_OUT, text);
    }
    if let Some(text) = drift::passing_sentence(&passing) {
        say(sink, "schema_passes", text);
    }
    for difference in differences.iter().take(SHOWN) {
        say(sink, "schema_difference", difference.to_string());
    }
    let count = differences.len();
    if count == 0 {
        say(sink, "evidence", "the database is what these migrations make".to_owned());
    } else if resolve.force == Force::No {
        return Err(Error::new(
            Kind::Contradicted,
            format!(
                "the database is not what these migrations make: {}",
                drift::differences(count)
            ),
        )
        .hint("write a migration for the differences, or accept them with --force"));
    }
    Ok(())
}

fn say(sink: &mut dyn Sink, code: &'static str, text: String) {
    sink.emit(Progress::Notice { code, text });
}
