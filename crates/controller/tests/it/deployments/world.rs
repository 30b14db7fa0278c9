//! What really happens to the databases, whoever says what about it.

use crate::support::runner::{applied, failed};
use crate::support::story::at;
use fastrand::Rng;
use protocol::event::{Event, Origin, Outcome, RunFinished, RunStarted};
use protocol::line::EventLine;
use protocol::{RunnerCommand, Share, Standing, env};
use sandbox::{Launch, Program, Script};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// Where a task that was started by hand finds its database.
pub(super) const DATABASE: &str = "DATABASE";

/// What a database is left with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    /// Nobody can say what its schema is.
    Anything,
    /// The migrations of this commit, by this image.
    At { commit: String, image: String },
}

/// Something that was done in a database, while it had the lock.
#[derive(Clone, Debug)]
struct Work {
    /// Since when its task is there, and may take the lock at any moment.
    awaited: Instant,
    from: Instant,
    to: Instant,
    /// None is what was there before.
    leaves: Option<Truth>,
}

/// One database.
#[derive(Debug, Default)]
struct Database {
    works: Vec<Work>,
    restored: Vec<Instant>,
    /// When runs said in their last line which database they met.
    met: Vec<Instant>,
}

impl Database {
    /// The first moment from there on in which the lock is free for so long.
    fn free(&self, from: Instant, length: Duration) -> Instant {
        let ends = self.works.iter().map(|work| work.to).filter(|end| *end > from);
        let mut starts: Vec<Instant> = [from].into_iter().chain(ends).collect();
        starts.sort();
        let fits = |start: &&Instant| {
            self.works.iter().all(|work| work.to <= **start || work.from >= **start + length)
        };
        *starts.iter().find(fits).unwrap()
    }

    /// What the last that had the lock left, unless somebody has it or waits for it.
    fn truth(&self, when: Instant) -> Truth {
        let known = self.works.iter().filter(|work| work.awaited <= when);
        let mut begun: Vec<&Work> = known.collect();
        if begun.iter().any(|work| work.to > when) {
            return Truth::Anything;
        }
        begun.sort_by_key(|work| work.from);
        let left = begun.iter().rev().find_map(|work| work.leaves.clone());
        left.unwrap_or(Truth::Anything)
    }
}

/// All databases; clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct World(Arc<Mutex<BTreeMap<String, Database>>>);

/// How a task ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Green,
    Red,
    /// In the middle, without a word.
    Killed,
}

impl World {
    /// A restored database; nothing may be in progress.
    pub(super) fn restore(&self, database: &str) {
        let mut databases = self.0.lock().unwrap();
        let database = databases.entry(database.to_owned()).or_default();
        let now = Instant::now();
        database.works.push(Work {
            awaited: now,
            from: now,
            to: now,
            leaves: Some(Truth::Anything),
        });
        database.restored.push(now);
    }

    /// When everything that was begun is over.
    pub(super) fn quiet(&self) -> Instant {
        let databases = self.0.lock().unwrap();
        let ends = databases.values().flat_map(|database| &database.works).map(|work| work.to);
        ends.max().unwrap_or_else(Instant::now)
    }

    pub(super) fn truth(&self, database: &str, when: Instant) -> Truth {
        let databases = self.0.lock().unwrap();
        databases.get(database).map_or(Truth::Anything, |database| database.truth(when))
    }

    /// Whether it was restored, and no run has met it since: that is on no record.
    pub(super) fn is_restored_unseen(&self, database: &str, when: Instant) -> bool {
        let databases = self.0.lock().unwrap();
        let Some(database) = databases.get(database) else { return false };
        let seen =
            |restored: &Instant| database.met.iter().any(|met| met > restored && *met <= when);
        database.restored.last().is_some_and(|restored| !seen(restored))
    }

    /// Whether a migration ended with this in that time.
    pub(super) fn became(
        &self,
        database: &str,
        truth: &Truth,
        (from, to): (Instant, Instant),
    ) -> bool {
        let databases = self.0.lock().unwrap();
        databases.get(database).is_some_and(|database| {
            database
                .works
                .iter()
                .any(|work| work.leaves.as_ref() == Some(truth) && (from..=to).contains(&work.to))
        })
    }

    /// The runner's image: it says of itself what its environment says, and its fate is drawn.
    pub(super) fn program(&self, seed: u64) -> Program {
        let world = self.clone();
        Program::scripted(move |launch| {
            let mut rng = Rng::with_seed(seed.wrapping_mul(10_007) + launch.ordinal);
            world.launched(launch, &mut rng)
        })
    }

    fn launched(&self, launch: &Launch, rng: &mut Rng) -> Script {
        let text = |name: &str| launch.environment.get(name).cloned().unwrap_or_default();
        let run = if text(env::RUN).is_empty() { launch.task_arn.clone() } else { text(env::RUN) };
        let origin = Origin {
            started_by: text(env::STARTED_BY),
            commit: text(env::COMMIT),
            place: text(env::PLACE),
            environment: text(env::ENVIRONMENT),
            image: text(env::TASK_IMAGE),
            asked: text(env::ASKED),
            services: text(env::SERVICES),
            ..Origin::default()
        };
        let name =
            if origin.environment.is_empty() { text(DATABASE) } else { origin.environment.clone() };
        let words = protocol::command::decode(&text(env::COMMAND)).unwrap_or_default();
        let words = if words.is_empty() { launch.arguments.clone() } else { words };
        let command = RunnerCommand::first_of(&words).unwrap_or(RunnerCommand::Deploy);
        let share = if text(env::PHASE) == "contract" { Share::Contract } else { Share::All };
        let standing = Standing::of(command, share, &origin);
        let only_looks = matches!(command, RunnerCommand::Status | RunnerCommand::Check);
        let fate = match rng.u8(..10) {
            _ if only_looks => Fate::Green,
            0..=5 => Fate::Green,
            6..=8 => Fate::Red,
            _ => Fate::Killed,
        };
        let seconds = |some: std::ops::Range<u64>, long: std::ops::Range<u64>, rng: &mut Rng| {
            let range = if rng.u8(..8) == 0 { long } else { some };
            at(rng.u64(range))
        };
        // What was started by hand waits for nobody's end, and may get the lock after others.
        let by_hand = origin.started_by.is_empty();
        let patience =
            if by_hand && rng.bool() { at(rng.u64(60..900)) } else { seconds(0..5, 5..300, rng) };
        let length = seconds(1..20, 60..1200, rng);
        let now = Instant::now();
        let mut databases = self.0.lock().unwrap();
        let database = databases.entry(name.clone()).or_default();
        let from = if only_looks { now + patience } else { database.free(now + patience, length) };
        let to = from + length;
        let leaves = match (fate, standing) {
            // What nobody asked for as a migration of a commit is taken to be none.
            (_, Standing::Aside) | (Fate::Green, Standing::Behind) => None,
            (Fate::Green, Standing::Proof) if !origin.commit.is_empty() => {
                Some(Truth::At { commit: origin.commit.clone(), image: origin.image.clone() })
            }
            _ => Some(Truth::Anything),
        };
        if !only_looks {
            database.works.push(Work { awaited: now, from, to, leaves });
        }
        let line = |seq, event| EventLine::new(&run, &launch.task_arn, seq, event).encode();
        let started = RunStarted { command, standing, origin, ..RunStarted::default() };
        let script = Script::new().line(Duration::ZERO, line(1, Event::RunStarted(started)));
        let end = to - now;
        if fate == Fate::Killed {
            return script.line(end, "the last that is heard of it").exits(end, 137);
        }
        database.met.push(to);
        let mut finished = match fate {
            Fate::Green if share == Share::All => applied(1),
            Fate::Green | Fate::Killed => {
                RunFinished { outcome: Outcome::NothingToDo, ..applied(0) }
            }
            Fate::Red => failed(10, "it failed"),
        };
        finished.command = command;
        finished.standing = standing;
        finished.identity = format!("7/{}/{name}", database.restored.len());
        if share == Share::All && launch.environment.contains_key(env::PHASE) && rng.bool() {
            (finished.pending, finished.after_deploy) = (1, 1);
        }
        // Of what was started by hand an older runner says no environment.
        if !by_hand || rng.bool() {
            finished.environment = name;
        }
        let code = i32::from(finished.exit_code);
        script.line(end, line(2, Event::RunFinished(finished))).exits(end + at(1), code)
    }
}
