//! Owns what the runner's lines add to the page: migrations, statements, waits, who was in the way.

use super::super::Seen;
use super::super::course::{Course, Migration as Told, Statement};
use super::super::text::{Scrub, Text};
use super::{Migration, Model, StatementRow, Tone, milliseconds, pair};
use crate::task::{Conclusion, PhaseState};
use crate::words;
use std::collections::BTreeMap;
use std::time::Duration;

/// Migrations in the table.
const MIGRATIONS: usize = 1_000;

impl Model {
    /// State and duration are the timeline's, which bears lost lines; the rest is the runner's.
    pub(super) fn migrations(&mut self, conclusion: &Conclusion, seen: &Seen) {
        let scrub = &seen.scrub;
        let told: BTreeMap<&str, &Told> =
            seen.course.migrations.iter().map(|told| (told.name.as_str(), told)).collect();
        let row = |name: &str, state, tone, took: Option<Duration>| {
            let told = told.get(name);
            let statements = told.map_or(0, |told| told.statements);
            Migration {
                name: scrub.text(name),
                state,
                tone,
                took: took.map(words::duration).unwrap_or_default(),
                statements: if statements == 0 { String::new() } else { statements.to_string() },
                mode: told.map_or_else(Text::default, |told| scrub.text(mode(&told.mode))),
            }
        };
        let mut names = Vec::new();
        for phase in &conclusion.timeline.phases {
            let Some(name) = phase.kind.migration() else { continue };
            let (state, tone) = match phase.state {
                PhaseState::Done => ("applied", Some(Tone::Good)),
                PhaseState::Failed => ("failed", Some(Tone::Bad)),
                PhaseState::Interrupted => ("interrupted", Some(Tone::Care)),
                PhaseState::Open => ("goes on", Some(Tone::Going)),
                PhaseState::Unknown => ("how it ended is not known", Some(Tone::Care)),
            };
            let took = told
                .get(name)
                .and_then(|told| told.took)
                .map(Duration::from_millis)
                .or_else(|| phase.duration());
            let row = row(name, state, tone, took);
            // It was begun again on another connection.
            match names.iter().position(|known| *known == name) {
                Some(place) => self.migrations[place] = row,
                None => {
                    names.push(name);
                    self.migrations.push(row);
                }
            }
        }
        // Those behind the rollout are another task's, with a timeline of its own.
        for told in &seen.course.migrations {
            if names.contains(&told.name.as_str()) {
                continue;
            }
            let (state, tone) = match (told.failed, told.took) {
                (true, _) => ("failed", Tone::Bad),
                (false, Some(_)) => ("applied", Tone::Good),
                (false, None) => ("how it ended is not known", Tone::Care),
            };
            let took = told.took.map(Duration::from_millis);
            self.migrations.push(row(&told.name, state, Some(tone), took));
            names.push(&told.name);
        }
        let waiting = seen.course.planned.iter().filter(|name| !names.contains(&name.as_str()));
        self.migrations.extend(waiting.map(|name| row(name, "not begun", None, None)));
        let hidden = self.migrations.len().saturating_sub(MIGRATIONS);
        self.migrations.drain(..hidden);
        self.hidden = hidden as u64;
    }

    /// What only the runner's lines say.
    pub(super) fn lines(&mut self, course: &Course, scrub: &Scrub) {
        let longest = course.statements.first().map_or(1, |first| first.cost.duration_ms.max(1));
        self.statements =
            course.statements.iter().map(|one| statement(one, longest, scrub)).collect();
        self.shorter = course.statement_count.saturating_sub(course.statements.len() as u64);
        if let Some((waited, cause)) = &course.connect {
            let text = format!("{} until it answered: {cause}", milliseconds(*waited));
            self.waits.push(pair(scrub, "database", &text));
        }
        if let Some((waited, holders)) = &course.lock
            && (*waited >= 1_000 || !holders.is_empty())
        {
            let mut said = vec![milliseconds(*waited)];
            said.extend(holders.iter().map(|holder| format!("held by {holder}")));
            let text = said.join(", ");
            self.waits.push(pair(scrub, "the run's own lock", &text));
        }
        self.sessions = course
            .sessions
            .iter()
            .map(|session| {
                let blocker = &session.blocker;
                let since =
                    blocker.since_ms.map(|since| format!(", open for {}", milliseconds(since)));
                let who = [blocker.application.as_str(), blocker.user.as_str()];
                let who: Vec<&str> = who.into_iter().filter(|text| !text.is_empty()).collect();
                let cells = [
                    if blocker.pid == 0 { String::new() } else { blocker.pid.to_string() },
                    format!("{}{}", blocker.blocker, since.unwrap_or_default()),
                    who.join(", "),
                    session.kept.clone(),
                    blocker.query.clone(),
                ];
                cells.map(|cell| scrub.text(&cell))
            })
            .collect();
        self.attempts = course
            .attempts
            .iter()
            .map(|attempt| {
                let cells = [
                    attempt.migration.clone(),
                    attempt.attempt.to_string(),
                    attempt.sqlstate.clone(),
                    milliseconds(attempt.blocked_ms),
                    milliseconds(attempt.pause_ms),
                ];
                cells.map(|cell| scrub.text(&cell))
            })
            .collect();
        if let Some(connected) = &course.connected
            && !connected.host.is_empty()
        {
            let encrypted = if connected.tls { "encrypted" } else { "not encrypted" };
            let text = format!(
                "{} at {}:{} as {}, PostgreSQL {}, {encrypted}",
                connected.database,
                connected.host,
                connected.port,
                connected.user,
                connected.server_version
            );
            self.facts.push(pair(scrub, "database", &text));
            if let Some(environment) = &connected.environment {
                self.facts.push(pair(scrub, "environment", environment));
            }
        }
        if let Some(started) = &course.started
            && !started.version.is_empty()
        {
            let text = format!("ecs-migrate-runner {} {}", started.version, started.command);
            self.facts.push(pair(scrub, "runner", &text));
        }
    }
}

fn statement(one: &Statement, longest: u64, scrub: &Scrub) -> StatementRow {
    let Statement { migration, cost } = one;
    let line = if cost.line == 0 { String::new() } else { format!(":{}", cost.line) };
    let mut more = Vec::new();
    if cost.lock_wait_ms > 0 {
        more.push(format!("waited {} for locks", milliseconds(cost.lock_wait_ms)));
    }
    if cost.attempts > 1 {
        more.push(words::count(u64::from(cost.attempts), "attempt"));
    }
    if let Some(lock) = &cost.lock {
        more.push(format!("{} on {}", lock.mode, lock.relation));
    }
    if !cost.rewritten.is_empty() {
        more.push(format!("rewrote {}", cost.rewritten.join(", ")));
    }
    StatementRow {
        place: scrub.text(&format!("{migration}/migration.sql{line}")),
        number: cost.number,
        took: milliseconds(cost.duration_ms),
        share: cost.duration_ms * 100 / longest,
        rows: if cost.rows == 0 { String::new() } else { cost.rows.to_string() },
        more: scrub.text(&more.join("; ")),
    }
}

fn mode(word: &str) -> &str {
    match word {
        "transaction" => "one transaction",
        "statements" => "statement by statement",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::traffic::{StatementCost, TableLock};

    #[test]
    fn a_statement_says_where_it_is_and_what_it_cost() {
        let cost = StatementCost {
            number: 2,
            line: 9,
            duration_ms: 500,
            lock_wait_ms: 1_200,
            attempts: 2,
            rows: 7,
            lock: Some(TableLock { relation: "public.t".to_owned(), mode: "ShareLock".to_owned() }),
            rewritten: vec!["public.t".to_owned()],
        };
        let one = Statement { migration: "1_init".to_owned(), cost };
        let row = statement(&one, 2_000, &Scrub::default());
        assert_eq!((row.place.as_str(), row.share), ("1_init/migration.sql:9", 25));
        assert_eq!(
            row.more.as_str(),
            "waited 1.2 s for locks; 2 attempts; ShareLock on public.t; rewrote public.t"
        );
        let unknown = StatementCost { number: 1, ..StatementCost::default() };
        let row = statement(&Statement { cost: unknown, ..one }, 1, &Scrub::default());
        assert_eq!((row.place.as_str(), row.more.as_str()), ("1_init/migration.sql", ""));
    }
}
