//! One migration's turn: how it runs, and what is left when it fails.

use crate::account::Account;
use crate::blocked::unreadable;
use crate::carried;
use crate::deploy::{Deploy, Habits};
use crate::error::{DatabaseState, Error, Kind, Loss};
use crate::history::History;
use crate::interrupt::Interrupt;
use crate::journal;
use crate::known;
use crate::observe::Observer;
use crate::progress::{Progress, Sink};
use crate::resume;
use crate::session::Session;
use crate::stand_in;
use crate::traffic::Pace;
use crate::transaction::{self, Attempt, Begun, Stop};
use crate::units;
use crate::waiting::patiently;
use crate::way;
use migrations::script::Form;
use migrations::{Marker, Migration, Mode, Script};
use std::cell::{Cell, RefCell};
use std::time::Duration;
use tokio::time::Instant;

/// One migration's turn.
pub(crate) struct Step<'a> {
    pub(crate) deploy: &'a Deploy<'a>,
    pub(crate) history: &'a History,
    pub(crate) migration: &'a Migration,
    /// Its place in this run, from 1.
    pub(crate) number: usize,
    /// How many this run applies.
    pub(crate) of: usize,
    /// The attempt's row.
    pub(crate) id: &'a str,
    /// Who began it.
    pub(crate) begun: Begun<'a>,
    /// Who looks on.
    pub(crate) observer: &'a Observer,
}

/// Applies it, whatever it takes, and says what is left if it fails.
pub(crate) async fn apply(
    step: &Step<'_>,
    session: &Session,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Error> {
    let name = step.migration.name.as_str();
    let text = step.migration.read().map_err(|cause| unreadable(name, &cause))?;
    let checksum = migrations::checksum::checksum(&text);
    let connection = step.deploy.connection;
    let (played, left_out) = match &connection.stands_for {
        Some(stand_in) => stand_in.script(&connection.database, name, &text)?,
        None => (text.into_owned(), Vec::new()),
    };
    if let Some(text) = stand_in::left_out(name, &left_out) {
        sink.emit(Progress::Notice { code: stand_in::LEFT_OUT, text });
    }
    let mut script = Script::parse(played);
    session.arm(&script);
    let known = known::read(session, step.begun).await?;
    // Its repair may have made it a transaction; what is done must not be done again.
    if !known.is_empty() {
        script = script.in_units("an earlier run applied a part of it");
    }
    if known.is_empty() {
        refuse_a_lost_journal(step, session, (&checksum, &script)).await?;
    }
    let mode = match &script.form {
        Form::Transaction { .. } if script.may_end_unseen() => Mode::Whole,
        Form::Transaction { .. } => Mode::Transaction,
        Form::Statements { .. } => Mode::Statements,
        Form::Refused { reason, hint, line } => {
            return Err(Error::new(Kind::MigrationFailed, format!("{reason} (line {line})"))
                .hint(hint)
                .migration(name));
        }
    };
    let journaled = !known.is_empty() || way::need_journal(&script);
    if journaled {
        journal::ensure(session).await.map_err(|error| error.migration(name))?;
    }
    let journal = if journaled { journal::number(session).await? } else { None };
    if let Some(cause) = &script.unparsable {
        sink.emit(sent_whole(name, cause));
    }
    let begun = Instant::now();
    let marker = Marker { run: step.deploy.run.to_owned(), mode, backend: session.backend };
    sink.emit(Progress::MigrationStarted {
        migration: name.to_owned(),
        number: step.number,
        of: step.of,
        mode,
        statements: u32::try_from(script.statements.len()).unwrap_or(u32::MAX),
    });
    let pace = Pace::new(&step.deploy.traffic, &script);
    let account = RefCell::new(Account::default());
    let (left, started) = (Cell::new(false), Cell::new(false));
    let attempt = Attempt {
        session,
        history: step.history,
        name,
        checksum: &checksum,
        script: &script,
        id: step.id,
        keys: step.deploy.lock_keys,
        begun: step.begun,
        known: &known,
        journaled,
        journal: journal.as_deref(),
        started: &started,
        left: &left,
        marker: &marker,
        observer: step.observer,
        pace: &pace,
        account: &account,
    };
    let ran = match &script.form {
        Form::Transaction { sent } => {
            transaction::run(&attempt, sent.clone(), sink, interrupt).await
        }
        Form::Statements { units, .. } => units::run(&attempt, units, sink, interrupt).await,
        Form::Refused { .. } => Ok(()),
    };
    match ran {
        // What was committed is applied, whatever the connection does now.
        Ok(()) => drop(session.notice_custom(&script.custom_settings()).await),
        Err(Stop::Lost(loss)) => return Err(lost(name, loss)),
        Err(Stop::Failed(mut error)) => {
            error.migration.get_or_insert_with(|| name.to_owned());
            let habits = step.deploy.habits;
            return Err(ended(&attempt, (habits, *error), (sink, interrupt)).await);
        }
        Err(Stop::Interrupted) => {
            let error = Error::new(Kind::Interrupted, "interrupted").migration(name);
            let habits = step.deploy.habits;
            return Err(ended(&attempt, (habits, error), (sink, interrupt)).await);
        }
    }
    sink.emit(Progress::MigrationApplied {
        migration: name.to_owned(),
        duration: begun.elapsed(),
        statements: account.into_inner().costs(),
    });
    Ok(())
}

fn sent_whole(name: &str, cause: &str) -> Progress {
    let text =
        format!("`{name}` is sent as one message, because the parser does not know it ({cause})");
    Progress::Notice { code: "sent_whole", text }
}

/// Nothing is begun again whose journal is gone: a database that was restored without it.
async fn refuse_a_lost_journal(
    step: &Step<'_>,
    session: &Session,
    (checksum, script): (&str, &Script),
) -> Result<(), Error> {
    let Begun::Earlier(row) = step.begun else { return Ok(()) };
    let now = journal::number(session).await?;
    if known::is_journal_lost(row, now.as_deref(), (checksum, way::need_journal(script))) {
        return Err(known::journal_lost(step.migration.name.as_str()));
    }
    Ok(())
}

/// Only the row says what became of it.
fn lost(name: &str, loss: Loss) -> Error {
    let message = format!("the connection was lost while applying `{name}`: {}", loss.cause);
    Error {
        sqlstate: loss.sqlstate,
        ..Error::new(Kind::ConnectionLost, message).migration(name).database(DatabaseState::Unknown)
    }
}

/// How long somebody may keep us from recording what became of a migration once we are asked to stop.
const RECORDED_WITHIN: Duration = Duration::from_secs(1);

/// Rolls back what is open and records what is left; the error then says so.
async fn ended(
    attempt: &Attempt<'_>,
    (habits, error): (Habits, Error),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Error {
    let Attempt { session, history, id, marker, .. } = *attempt;
    let mut error = error;
    let record = async {
        session.run("ROLLBACK").await?;
        session.reset().await?;
        if !attempt.started.get() && matches!(attempt.begun, Begun::Now) {
            return Ok(false);
        }
        let part_way = match marker.mode {
            Mode::Transaction | Mode::Whole => error.database == DatabaseState::NeedsAttention,
            Mode::Statements => {
                // Where none was needed there may be no right to look at one.
                let entries = if attempt.journaled {
                    journal::entries(session, id).await?
                } else {
                    known::Known::new()
                };
                if let Some(why) = resume::unresumable(&entries)
                    && error.database != DatabaseState::NeedsAttention
                {
                    error = for_a_person(error.clone(), attempt.name, &why);
                }
                attempt.left.get() || !entries.is_empty()
            }
        };
        let failed = habits == Habits::Prisma && error.kind != Kind::Interrupted;
        if failed && !part_way {
            history.note(session, id, &error.message).await?;
        } else if part_way {
            history.note(session, id, &format!("{}\n{}", attempt.marked(), error.message)).await?;
        } else {
            history
                .roll_back(session, id, &format!("ecs-migrate: rolled back: {}", error.message))
                .await?;
        }
        Ok(part_way)
    };
    // Somebody may hold the history meanwhile.
    let recorded: Option<Result<bool, Error>> = if interrupt.requested() {
        tokio::time::timeout(RECORDED_WITHIN, record).await.ok()
    } else {
        let doing = (session, "recording what is left of the migration");
        Some(Box::pin(patiently(doing, (sink, interrupt), record)).await)
    };
    if recorded.is_none() {
        session.cancel().await;
    }
    match recorded {
        Some(Ok(false)) => error.database(DatabaseState::Unchanged),
        Some(Ok(true)) if error.database == DatabaseState::NeedsAttention => {
            Error { kind: Kind::PartlyApplied, ..error }
        }
        Some(Ok(true)) if error.kind == Kind::Interrupted => {
            Error { kind: Kind::InterruptedPartWay, ..error }.database(DatabaseState::PartWay)
        }
        Some(Ok(true)) => resumable(error).database(DatabaseState::PartWay),
        // The row keeps its marker, and the next run settles it.
        Some(Err(_)) | None => error.database(DatabaseState::Unknown),
    }
}

/// The next run could not go on: what the rest may need went with the session.
fn for_a_person(error: Error, migration: &str, why: &str) -> Error {
    let cannot = carried::cannot_resume(migration, why);
    let message = format!("{}; {}", error.message, cannot.message);
    Error { message, hint: cannot.hint, ..error }.database(DatabaseState::NeedsAttention)
}

/// What exists now, and what to do.
fn resumable(error: Error) -> Error {
    let before = error.statement.as_ref().map_or(0, |statement| statement.number.saturating_sub(1));
    let stays = match before {
        0 => "what was applied of it stays".to_owned(),
        1 => "statement 1 is applied and stays".to_owned(),
        last => format!("statements 1 to {last} are applied and stay"),
    };
    let hint = error.hint.as_deref().map_or(String::new(), |hint| format!("{hint}; "));
    let fix =
        if error.kind == Kind::Blocked { "" } else { "fix the rest of the file and run again, " };
    error.hint(format!("{hint}{stays}: {fix}the next run resumes there"))
}
