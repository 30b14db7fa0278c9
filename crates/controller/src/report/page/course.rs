//! Owns the fold from the runner's lines to what the page says of migrations, statements and who
//! stood in the way. Whatever there may be many of has a bound. PURE.

use crate::task::{LogLine, LogText};
use protocol::Event;
use protocol::event::{AttemptBlocked, Connected, Finding, RunStarted};
use protocol::traffic::{Blocker, StatementCost};

/// Statements, sessions, attempts and notices that are kept.
const KEPT: usize = 50;

/// What the runner said so far.
#[derive(Debug, Default)]
pub(super) struct Course {
    pub(super) started: Option<RunStarted>,
    pub(super) connected: Option<Connected>,
    /// Names that were to be applied.
    pub(super) planned: Vec<String>,
    pub(super) migrations: Vec<Migration>,
    /// Those that took longest, the longest first.
    pub(super) statements: Vec<Statement>,
    /// How many there were.
    pub(super) statement_count: u64,
    /// Statements of a migration in mode `statements` that has not ended.
    finished: Vec<StatementCost>,
    /// The wait for the advisory lock in milliseconds, and who held it.
    pub(super) lock: Option<(u64, Vec<String>)>,
    /// The wait for the database in milliseconds, and the last cause.
    pub(super) connect: Option<(u64, String)>,
    pub(super) attempts: Vec<AttemptBlocked>,
    pub(super) sessions: Vec<Session>,
    pub(super) notices: Vec<String>,
}

/// What the lines say of one migration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Migration {
    pub(super) name: String,
    pub(super) mode: String,
    pub(super) statements: u32,
    pub(super) took: Option<u64>,
    pub(super) failed: bool,
}

/// A statement that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) migration: String,
    /// Line 0 is not known.
    pub(super) cost: StatementCost,
}

/// A session that stood in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) blocker: Blocker,
    /// What it kept waiting.
    pub(super) kept: String,
}

impl Course {
    /// Takes a line of the container that decides. Whose line it is was settled where it was read:
    /// another run's is a text.
    pub(super) fn see(&mut self, line: &LogLine) {
        let LogText::Event(line) = &line.text else { return };
        match &line.event {
            Event::RunStarted(started) => self.started = Some(started.clone()),
            Event::Connected(connected) => self.connected = Some(connected.clone()),
            Event::ConnectWaiting(waiting) => {
                self.connect = Some((waiting.waited_ms, waiting.cause.clone()));
            }
            Event::LockWaiting(waiting) => self.lock(waiting.waited_ms, waiting.holder.as_ref()),
            Event::LockAcquired(acquired) => self.lock(acquired.waited_ms, None),
            Event::Planned(planned) => self.planned.extend(planned.names.iter().cloned()),
            Event::Settled(settled) => self.note(&format!(
                "`{}` was begun before and not finished: {}",
                settled.migration, settled.outcome
            )),
            Event::Notice(notice) => self.note(&notice.text),
            Event::CheckFinding(found) if found.verdict == Finding::No => {
                self.note(&found.sentence);
            }
            Event::MigrationStarted(started) => {
                self.finished.clear();
                let migration = self.migration(&started.migration);
                migration.mode.clone_from(&started.mode);
                migration.statements = started.statements;
            }
            Event::StatementFinished(done) if !done.skipped => {
                self.finished.push(StatementCost {
                    number: done.number,
                    duration_ms: done.duration_ms,
                    attempts: 1,
                    ..StatementCost::default()
                });
            }
            Event::MigrationApplied(applied) => {
                self.migration(&applied.migration).took = Some(applied.duration_ms);
                let costs = if applied.statements.is_empty() {
                    std::mem::take(&mut self.finished)
                } else {
                    applied.statements.clone()
                };
                self.ran(&applied.migration, costs, applied.ran);
            }
            Event::MigrationFailed(failed) => {
                self.migration(&failed.migration).failed = true;
                let costs = std::mem::take(&mut self.finished);
                self.ran(&failed.migration, costs, 0);
                self.blocked(&failed.failure.blockers, &failed.migration);
            }
            Event::AttemptBlocked(blocked) => {
                self.blocked(&blocked.blockers, &blocked.migration);
                if self.attempts.len() == KEPT {
                    self.attempts.remove(0);
                }
                self.attempts.push(blocked.clone());
            }
            Event::Heartbeat(beat) => {
                let kept = self.migrations.last().map_or(&beat.doing, |last| &last.name).clone();
                self.blocked(&beat.blockers, &kept);
            }
            Event::RunFinished(finished) => {
                if let Some(failure) = &finished.failure {
                    let kept = failure.migration.clone().unwrap_or_default();
                    self.blocked(&failure.blockers, &kept);
                }
            }
            Event::StatementFinished(_)
            | Event::MigrationStatus(_)
            | Event::CheckFinding(_)
            | Event::RestorePoint(_)
            | Event::Interrupted(_)
            | Event::Output(_)
            | Event::OutputDropped(_)
            | Event::Unknown => {}
        }
    }

    fn lock(&mut self, waited: u64, holder: Option<&String>) {
        let (longest, holders) = self.lock.get_or_insert_default();
        *longest = waited.max(*longest);
        if let Some(holder) = holder
            && !holders.contains(holder)
            && holders.len() < KEPT
        {
            holders.push(holder.clone());
        }
    }

    fn note(&mut self, text: &str) {
        if self.notices.len() < KEPT {
            self.notices.push(text.to_owned());
        }
    }

    fn migration(&mut self, name: &str) -> &mut Migration {
        let place = self.migrations.iter().position(|migration| migration.name == name);
        let place = place.unwrap_or_else(|| {
            let migration = Migration { name: name.to_owned(), ..Migration::default() };
            self.migrations.push(migration);
            self.migrations.len() - 1
        });
        &mut self.migrations[place]
    }

    fn ran(&mut self, migration: &str, costs: Vec<StatementCost>, ran: u64) {
        self.statement_count += ran.max(costs.len() as u64);
        let costs =
            costs.into_iter().map(|cost| Statement { migration: migration.to_owned(), cost });
        self.statements.extend(costs);
        self.statements.sort_by_key(|statement| std::cmp::Reverse(statement.cost.duration_ms));
        self.statements.truncate(KEPT);
    }

    /// The same session is one, as it was when its transaction had been open longest.
    fn blocked(&mut self, blockers: &[Blocker], kept: &str) {
        for blocker in blockers {
            let same =
                |session: &&mut Session| session.blocker.pid == blocker.pid && session.kept == kept;
            let full = self.sessions.len() == KEPT;
            match self.sessions.iter_mut().find(same) {
                Some(session) if session.blocker.since_ms <= blocker.since_ms => {
                    session.blocker = blocker.clone();
                }
                None if !full => {
                    self.sessions.push(Session { blocker: blocker.clone(), kept: kept.to_owned() });
                }
                Some(_) | None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::EventLine;
    use protocol::event::{
        Heartbeat, LockAcquired, LockWaiting, MigrationApplied, MigrationFailed, MigrationStarted,
        StatementFinished,
    };

    fn course(events: Vec<Event>) -> Course {
        let mut course = Course::default();
        for event in events {
            course.see(&line(event));
        }
        course
    }

    fn line(event: Event) -> LogLine {
        let line = EventLine::new("r", "p", 1, event);
        let (container, raw) = ("migrate".to_owned(), String::new());
        LogLine { container, at: 0, text: LogText::Event(Box::new(line)), raw }
    }

    fn cost(number: u32, duration_ms: u64) -> StatementCost {
        StatementCost { number, line: number * 10, duration_ms, ..StatementCost::default() }
    }

    fn started(name: &str, mode: &str) -> Event {
        let (migration, mode) = (name.to_owned(), mode.to_owned());
        Event::MigrationStarted(MigrationStarted {
            migration,
            mode,
            statements: 2,
            ..MigrationStarted::default()
        })
    }

    fn finished(number: u32, skipped: bool) -> Event {
        Event::StatementFinished(StatementFinished {
            number,
            duration_ms: 7,
            skipped,
            ..StatementFinished::default()
        })
    }

    fn applied(name: &str, statements: Vec<StatementCost>) -> Event {
        Event::MigrationApplied(MigrationApplied {
            migration: name.to_owned(),
            duration_ms: 30,
            ran: statements.len() as u64,
            statements,
        })
    }

    fn order(course: &Course) -> Vec<(&str, u32)> {
        let statements = course.statements.iter();
        statements.map(|one| (one.migration.as_str(), one.cost.number)).collect()
    }

    #[test]
    fn statements_are_in_the_order_of_what_they_took() {
        let course = course(vec![
            started("a", "transaction"),
            applied("a", vec![cost(1, 5), cost(2, 50)]),
            started("b", "transaction"),
            applied("b", vec![cost(1, 20)]),
        ]);
        assert_eq!(order(&course), [("a", 2), ("b", 1), ("a", 1)]);
        assert_eq!(course.statement_count, 3);
        let [a, _] = &course.migrations[..] else { panic!("{:?}", course.migrations) };
        assert_eq!((a.took, a.statements, a.mode.as_str()), (Some(30), 2, "transaction"));
        let many = (0..500).map(|number| cost(number, u64::from(number))).collect();
        let course = self::course(vec![applied("a", many)]);
        assert_eq!((course.statements.len(), course.statement_count), (KEPT, 500));
        assert_eq!(course.statements[0].cost.number, 499);
    }

    #[test]
    fn a_migration_that_failed_part_way_has_the_statements_it_did() {
        let failed = MigrationFailed { migration: "a".to_owned(), ..MigrationFailed::default() };
        let course = course(vec![
            started("a", "statements"),
            finished(1, true),
            finished(2, false),
            Event::MigrationFailed(failed),
        ]);
        assert_eq!(order(&course), [("a", 2)]);
        assert!(course.migrations[0].failed);
    }

    #[test]
    fn a_session_is_shown_once_and_so_is_a_holder() {
        let blocker = |pid, since_ms| Blocker { pid, since_ms, ..Blocker::default() };
        let beat = |pid, since| {
            Event::Heartbeat(Heartbeat {
                blockers: vec![blocker(pid, Some(since))],
                ..Heartbeat::default()
            })
        };
        let wait = |waited_ms| {
            Event::LockWaiting(LockWaiting { waited_ms, holder: Some("pid 7".to_owned()), key: 1 })
        };
        let acquired = LockAcquired { waited_ms: 900, keys: vec![1] };
        let course = course(vec![
            wait(100),
            wait(200),
            Event::LockAcquired(acquired),
            started("a", "transaction"),
            beat(7, 100),
            beat(7, 300),
            beat(7, 200),
            beat(8, 1),
        ]);
        assert_eq!(course.lock, Some((900, vec!["pid 7".to_owned()])));
        let sessions: Vec<_> = course
            .sessions
            .iter()
            .map(|one| (one.blocker.pid, one.blocker.since_ms, one.kept.as_str()))
            .collect();
        assert_eq!(sessions, [(7, Some(300), "a"), (8, Some(1), "a")]);
    }
}
