//! Progress as an event and as a sentence.

mod cost;

use crate::failure;
use engine::{Error, Finding, Progress, Verdict};
use jiff::Timestamp;
use protocol::event::{
    self, AttemptBlocked, CheckFinding, ConnectWaiting, Connected, Heartbeat, LockAcquired,
    LockWaiting, MigrationFailed, MigrationStarted, Notice, Planned, Settled, StatementFinished,
};
use protocol::limits::MAX_NAMES_PER_EVENT;
use protocol::{Event, Failure};
use std::time::Duration;

/// What happened, as events with their sentences; long lists go over several events.
#[expect(clippy::too_many_lines, reason = "one arm for each kind of progress")]
pub(crate) fn describe(progress: Progress, source: &str) -> Vec<(Event, String)> {
    let one = |event, msg| vec![(event, msg)];
    match progress {
        Progress::Connected {
            host,
            port,
            database,
            user,
            schema,
            server_version,
            backend,
            environment,
            identity: _,
            tls,
        } => {
            let encrypted = if tls { "encrypted" } else { "not encrypted" };
            let whose = environment
                .as_ref()
                .map_or(String::new(), |name| format!(", the database of `{name}`,"));
            let msg = format!(
                "connected to `{database}`{whose} at {host}:{port} as `{user}` (from {source}, PostgreSQL {server_version}, {encrypted})"
            );
            let source = source.to_owned();
            one(
                Event::Connected(Connected {
                    source,
                    host,
                    port,
                    database,
                    user,
                    schema,
                    server_version,
                    backend,
                    environment,
                    tls,
                }),
                msg,
            )
        }
        Progress::ConnectWaiting { attempt, cause, waited, next } => {
            let msg = format!(
                "{cause}; attempt {attempt} after {}, the next one in {}",
                duration(waited),
                duration(next)
            );
            one(
                Event::ConnectWaiting(ConnectWaiting {
                    attempt,
                    cause,
                    waited_ms: millis(waited),
                    next_ms: millis(next),
                }),
                msg,
            )
        }
        Progress::LockWaiting { key, waited, holder } => {
            let by =
                holder.as_deref().map_or(String::new(), |holder| format!(", held by {holder}"));
            let msg = format!("waiting for the advisory lock {key} for {}{by}", duration(waited));
            one(Event::LockWaiting(LockWaiting { key, waited_ms: millis(waited), holder }), msg)
        }
        Progress::LockAcquired { keys, waited } => {
            let msg = format!("advisory lock acquired after {}", duration(waited));
            one(Event::LockAcquired(LockAcquired { keys, waited_ms: millis(waited) }), msg)
        }
        Progress::Settled { migration, outcome } => {
            let msg = format!("`{migration}` was begun before and not finished: {outcome}");
            one(Event::Settled(Settled { migration, outcome: outcome.to_owned() }), msg)
        }
        Progress::Planned { found, applied, pending, ahead, waiting: _ } => {
            planned((found, applied, ahead.len()), &pending)
        }
        Progress::RestorePoint(point) => {
            let at =
                point.lsn.as_ref().map_or(String::new(), |lsn| format!(", at {lsn} of its log"));
            let kept = point.kept.as_ref().map_or(String::new(), kept);
            let msg = format!("before the first change: {}{at}{kept}", point.at);
            one(Event::RestorePoint(restore_point(point)), msg)
        }
        Progress::MigrationStarted { migration, number, of, mode, statements } => {
            let how = match mode {
                migrations::Mode::Transaction | migrations::Mode::Whole => "in one transaction",
                migrations::Mode::Statements => "statement by statement",
            };
            let msg = format!(
                "applying `{migration}` ({number} of {of}, {}, {how})",
                plural(statements.into(), "statement")
            );
            one(
                Event::MigrationStarted(MigrationStarted {
                    migration,
                    number: number as u64,
                    of: of as u64,
                    mode: mode.word().to_owned(),
                    statements,
                }),
                msg,
            )
        }
        Progress::StatementFinished { migration, number, of, duration: took, skipped } => {
            let how = if skipped {
                "was done by an earlier run".to_owned()
            } else {
                format!("done in {}", duration(took))
            };
            let msg = format!("`{migration}`: statement {number} of {of} {how}");
            one(
                Event::StatementFinished(StatementFinished {
                    migration,
                    number,
                    of,
                    duration_ms: millis(took),
                    skipped,
                }),
                msg,
            )
        }
        Progress::MigrationApplied { migration, duration: took, statements } => {
            cost::applied(migration, took, &statements)
        }
        Progress::Blocked { migration, attempt, blocked, pause, sqlstate, blockers } => {
            let why = match sqlstate.as_str() {
                "40P01" => "a deadlock with another session",
                "40001" => "a collision with another transaction",
                _ => "a lock was not free in time",
            };
            let by =
                blockers.first().map_or(String::new(), |first| format!(", blocked by {first}"));
            let msg =
                format!("`{migration}`: {why}{by}; attempt {} in {}", attempt + 1, duration(pause));
            one(
                Event::AttemptBlocked(AttemptBlocked {
                    migration,
                    attempt,
                    blocked_ms: millis(blocked),
                    pause_ms: millis(pause),
                    sqlstate,
                    blockers: failure::blockers(&blockers),
                }),
                msg,
            )
        }
        Progress::Finding(found) => one_finding(found),
        Progress::Notice { code, text } => {
            let msg = format!("notice: {text}");
            one(Event::Notice(Notice { code: code.to_owned(), text }), msg)
        }
        Progress::Said { migration, statement, severity, sqlstate: _, text } => {
            let code = if severity == "WARNING" { "server_warning" } else { "server_notice" };
            let text = format!("`{migration}`, statement {statement}: {severity}: {text}");
            one(Event::Notice(Notice { code: code.to_owned(), text: text.clone() }), text)
        }
        Progress::NotShown { migration, statement, more } => {
            let text = format!(
                "`{migration}`, statement {statement}: {more} more of the server's notices are not shown"
            );
            let code = "server_notices_not_shown".to_owned();
            one(Event::Notice(Notice { code, text: text.clone() }), text)
        }
        Progress::Heartbeat { doing, elapsed, waits_for, blockers, work } => {
            let mut msg = format!("still {doing}, for {}", duration(elapsed));
            if let Some(lock) = &waits_for {
                msg = format!("{msg}; it waits for {lock}");
            }
            if let Some(first) = blockers.first() {
                msg = format!("{msg}, blocked by {first}");
            }
            if let Some(work) = &work {
                let percent =
                    work.percent.map_or(String::new(), |percent| format!(", {percent} %"));
                msg = format!("{msg}; {}{percent}", work.phase);
            }
            one(
                Event::Heartbeat(Heartbeat {
                    doing,
                    elapsed_ms: millis(elapsed),
                    waits_for,
                    blockers: failure::blockers(&blockers),
                    percent: work.as_ref().and_then(|work| work.percent),
                    phase: work.map(|work| work.phase),
                }),
                msg,
            )
        }
    }
}

/// What RDS has of it, for the end of a sentence.
fn kept(kept: &engine::Kept) -> String {
    let snapshot =
        kept.snapshot.as_ref().map_or(String::new(), |name| format!(", snapshot `{name}`"));
    let restorable = kept
        .latest_restorable
        .as_ref()
        .map_or(String::new(), |time| format!(", RDS can restore until {time}"));
    format!("{snapshot}{restorable}")
}

/// Where the database was, as an event line says it.
pub(crate) fn restore_point(point: engine::RestorePoint) -> event::RestorePoint {
    let engine::RestorePoint { at, lsn, kept, way_back } = point;
    let (snapshot, latest_restorable) =
        kept.map_or((None, None), |kept| (kept.snapshot, kept.latest_restorable));
    event::RestorePoint { at, lsn, snapshot, latest_restorable, way_back }
}

/// A finding on one line: what it means, what was found, what to do.
fn one_finding(found: Finding) -> Vec<(Event, String)> {
    let verdict = match found.verdict {
        Verdict::Ok => event::Finding::Ok,
        Verdict::No => event::Finding::No,
        Verdict::Skip => event::Finding::Skip,
    };
    let fix = found.fix.as_ref().map_or(String::new(), |fix| format!("; {fix}"));
    let msg = format!("[{}] {}: {}{fix}", verdict.word(), found.name, found.sentence);
    let event = CheckFinding {
        name: found.name.to_owned(),
        verdict,
        sentence: found.sentence,
        fix: found.fix,
    };
    vec![(Event::CheckFinding(event), msg)]
}

fn planned(
    (found, applied, ahead): (usize, usize, usize),
    pending: &[String],
) -> Vec<(Event, String)> {
    let share = |names: &[String]| Planned {
        found: found as u64,
        applied: applied as u64,
        pending: pending.len() as u64,
        names: names.to_vec(),
        ahead: ahead as u64,
    };
    let msg = match pending.len() {
        0 => format!("nothing to apply: {applied} of {found} are applied"),
        count => format!("{count} of {} to apply", plural(found as u64, "migration")),
    };
    if pending.is_empty() {
        return vec![(Event::Planned(share(&[])), msg)];
    }
    pending
        .chunks(MAX_NAMES_PER_EVENT)
        .map(|names| (Event::Planned(share(names)), msg.clone()))
        .collect()
}

/// A failed migration, as an event of its own before the end of the run.
pub(crate) fn migration_failed(error: &Error) -> Option<(Event, String)> {
    let migration = error.migration.clone()?;
    let failure = failure::failure(error);
    let msg = sentence(&failure);
    let database = failure::database(error.database, 0);
    Some((Event::MigrationFailed(MigrationFailed { migration, failure, database }), msg))
}

/// A failure as one sentence with what to do.
pub(crate) fn sentence(failure: &Failure) -> String {
    let mut text = String::new();
    let named = |migration: &&String| !failure.message.starts_with(&format!("`{migration}`"));
    if let Some(migration) = failure.migration.as_ref().filter(named) {
        text.push_str(&["`", migration, "`"].concat());
        if let Some(statement) = &failure.statement {
            text = format!(
                "{text}, line {}, statement {} of {}",
                statement.line, statement.number, statement.of
            );
        }
        text.push_str(": ");
    }
    text.push_str(&failure.message);
    for code in failure.sqlstate.iter().chain(&failure.prisma_code) {
        text = format!("{text} ({code})");
    }
    if let Some(hint) = &failure.hint {
        text = format!("{text}; {hint}");
    }
    text
}

/// What a terminal shows for an event.
pub(crate) fn text(at: Timestamp, event: &Event, msg: &str) -> String {
    if let Event::CheckFinding(found) = event {
        return line_of_list(found);
    }
    let mut block = String::new();
    // A sentence may quote the server's text: a line break in it must not look like a line of ours.
    let time = at.strftime("%H:%M:%S").to_string();
    for (number, line) in msg.lines().enumerate() {
        let head = if number == 0 { time.as_str() } else { "" };
        block = format!("{block}{head:<8}  {}\n", printable(line));
    }
    let mut add = |label: &str, text: &str| {
        for (number, line) in text.lines().enumerate() {
            let label = if number == 0 { label } else { "" };
            block = format!("{block}          {label:<10} {}\n", printable(line));
        }
    };
    if let Event::MigrationApplied(applied) = event {
        for cost in applied.statements.iter().filter(|cost| cost::worth_saying(cost)) {
            add("statement", &cost::sentence(cost));
        }
    }
    if let Event::MigrationFailed(failed) = event {
        if let Some(statement) = &failed.failure.statement {
            add("statement", &statement.text);
        }
        if let Some(detail) = &failed.failure.detail {
            add("detail", detail);
        }
    }
    block
}

/// A finding in a list that a person reads from top to bottom: the time of each does not matter.
fn line_of_list(found: &CheckFinding) -> String {
    let bracket = format!("[{}]", found.verdict.word());
    let line = format!("{bracket:<6} {:<18} {}\n", found.name, printable(&found.sentence));
    match &found.fix {
        Some(fix) => {
            let label = if found.verdict == event::Finding::Ok { "advice" } else { "fix" };
            format!("{line}{:<26}{label}: {}\n", "", printable(fix))
        }
        None => line,
    }
}

/// Text of a script or of the server is data: it must not move the cursor, turn the direction of the
/// text around, or look like another one by characters that nobody sees.
pub(crate) fn printable(line: &str) -> String {
    let is_hostile = |letter: char| {
        (letter.is_control() && letter != '\t')
            || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(letter, '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    line.chars().map(|letter| if is_hostile(letter) { '\u{fffd}' } else { letter }).collect()
}

/// `41 ms`, `3.2 s`, `4m 10s`.
pub(crate) fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        1..=59 => format!("{:.1} s", duration.as_secs_f64()),
        seconds => format!("{}m {}s", seconds / 60, seconds % 60),
    }
}

/// `1 migration`, `2 migrations`.
pub(crate) fn plural(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
