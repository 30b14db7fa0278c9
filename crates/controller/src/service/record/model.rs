//! A thousand random histories of a family, and an oracle that knows what really happened to each
//! database. Whatever the record proves must be true; and it must prove something, or it were no use.

use super::*;
use protocol::event::{Event, Origin, Outcome, RunFinished, RunStarted};
use protocol::line::EventLine;

/// A small generator of its own, so that a seed is a history for ever.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

const ENVIRONMENTS: [&str; 2] = ["production", "staging"];
const COMMITS: [&str; 2] = ["c1", "c2"];
const IMAGES: [&str; 2] = ["app@sha256:aa", "app@sha256:bb"];
const GATE: &str = "ecs-migrate/github/7";

/// What a database is left with.
#[derive(Clone, Debug, Default, PartialEq)]
enum Truth {
    /// Nobody can say what its schema is.
    #[default]
    Anything,
    /// The migrations of this commit, by this image.
    At { commit: &'static str, image: &'static str },
}

/// A database: what it is left with, and how often it was restored.
#[derive(Clone, Debug, Default)]
struct Database {
    truth: Truth,
    restored: u32,
    /// Whether a run has met it since it was restored: else nothing on record can know.
    met_since: bool,
    /// Whether a task waits for its lock, and may take it at any moment.
    awaited: bool,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Deed {
    Gate {
        red: bool,
    },
    ByHand {
        red: bool,
    },
    ExecByHand,
    OneOff {
        command: RunnerCommand,
    },
    Contract {
        red: bool,
    },
    /// It dies without a word, in the middle.
    Killed,
    /// It took the lock after the run before it, and said its last word first.
    Beside {
        red: bool,
    },
    /// A task that waits for the lock since before all others.
    Waits,
    /// ECS had a task of which the log has no line.
    Silent,
    Restored,
    OtherFamily,
}

const DEEDS: [Deed; 20] = [
    Deed::Gate { red: false },
    Deed::Gate { red: false },
    Deed::Gate { red: false },
    Deed::Gate { red: false },
    Deed::Gate { red: false },
    Deed::Gate { red: true },
    Deed::ByHand { red: false },
    Deed::ByHand { red: true },
    Deed::ExecByHand,
    Deed::OneOff { command: RunnerCommand::Status },
    Deed::OneOff { command: RunnerCommand::Check },
    Deed::Contract { red: false },
    Deed::Contract { red: true },
    Deed::Killed,
    Deed::Beside { red: true },
    Deed::Beside { red: false },
    Deed::Waits,
    Deed::Silent,
    Deed::Restored,
    Deed::OtherFamily,
];

impl Deed {
    /// Its command, who started it, and its exit code, if it has said its last word.
    fn run(self, dice: &mut Dice) -> (RunnerCommand, &'static str, Option<u8>) {
        match self {
            Self::Gate { red } | Self::Contract { red } => {
                (RunnerCommand::Deploy, GATE, Some(u8::from(red) * 10))
            }
            Self::ByHand { red } => (RunnerCommand::Deploy, "", Some(u8::from(red) * 10)),
            Self::ExecByHand => (RunnerCommand::Exec, "", Some(0)),
            Self::OneOff { command } => (command, "ecs-migrate/task/x", Some(0)),
            Self::Killed | Self::Waits | Self::Silent => {
                (RunnerCommand::Deploy, dice.of(&[GATE, ""]), None)
            }
            Self::Beside { red } => {
                (RunnerCommand::Deploy, dice.of(&[GATE, ""]), red.then_some(10))
            }
            Self::OtherFamily => (RunnerCommand::Deploy, GATE, Some(0)),
            Self::Restored => unreachable!("it is no run"),
        }
    }

    /// What the database is then; none is what it was.
    fn leaves(self, commit: &'static str, image: &'static str) -> Option<Truth> {
        match self {
            Self::Gate { red: false } => Some(Truth::At { commit, image }),
            Self::OneOff { .. } | Self::Contract { red: false } => None,
            Self::Gate { .. }
            | Self::ByHand { .. }
            | Self::ExecByHand
            | Self::Contract { .. }
            | Self::Killed
            | Self::Beside { .. }
            | Self::Waits
            | Self::Silent
            | Self::Restored
            | Self::OtherFamily => Some(Truth::Anything),
        }
    }
}

/// A history, as it was and as it is on record.
struct World {
    databases: [Database; 2],
    evidence: Evidence,
    now: i64,
    runs: u32,
    /// When the newest run began and ended, and in which database.
    newest: Option<(i64, i64, usize)>,
}

impl World {
    fn new() -> Self {
        let evidence = Evidence { tasks: Some(Vec::new()), ..Evidence::default() };
        Self { databases: <[Database; 2]>::default(), evidence, now: 0, runs: 0, newest: None }
    }

    fn happens(&mut self, deed: Deed, dice: &mut Dice) {
        let mut place = dice.below(2);
        let (commit, image) = (dice.of(&COMMITS), dice.of(&IMAGES));
        self.now += 10;
        if deed == Deed::Restored {
            let database = &mut self.databases[place];
            let restored = database.restored + 1;
            *database = Database { restored, awaited: database.awaited, ..Database::default() };
            return;
        }
        self.runs += 1;
        let (mut begun, mut ended) =
            (self.now, self.now + 1 + i64::try_from(dice.below(20)).unwrap());
        self.now = ended;
        match (deed, self.newest) {
            (Deed::Beside { .. }, None) => return,
            (Deed::Beside { .. }, Some(newest)) => {
                (begun, ended, place) = newest;
                // Both are in the log by the time that the other one began.
                (begun, ended) = (begun - 1, (ended - 1).max(begun));
            }
            (Deed::Waits, _) => (begun, ended) = (-10, -10),
            _ => self.newest = Some((begun, ended, place)),
        }
        let (command, started_by, code) = deed.run(dice);
        let is_ours = !started_by.is_empty();
        let of_family = if deed == Deed::OtherFamily { "prod/other" } else { "prod/app" };
        let task = format!("t{}", self.runs);
        let origin = Origin {
            started_by: started_by.to_owned(),
            commit: if is_ours { commit.to_owned() } else { String::new() },
            place: if is_ours { of_family.to_owned() } else { String::new() },
            image: if is_ours { image.to_owned() } else { String::new() },
            environment: if is_ours { ENVIRONMENTS[place].to_owned() } else { String::new() },
            ..Origin::default()
        };
        let behind = matches!(deed, Deed::Contract { .. });
        let standing = if behind {
            Standing::Behind
        } else {
            Standing::of(command, protocol::Share::All, &origin)
        };
        let mut seq = 0;
        let mut say = |at: i64, event: Event| {
            seq += 1;
            let text = EventLine::new("r", &task, seq, event).encode();
            if deed != Deed::Silent {
                self.evidence.lines.push(LoggedLine { at, task: task.clone(), text });
            }
        };
        let started = RunStarted { command, standing, origin, ..RunStarted::default() };
        say(begun, Event::RunStarted(started));
        match code {
            Some(exit_code) => {
                let outcome = if exit_code == 0 { Outcome::Applied } else { Outcome::Failed };
                // Started by hand it says what the database bears, or, of an older runner, nothing.
                let says = is_ours || !dice.once_in(2);
                let environment = if says { ENVIRONMENTS[place] } else { "" };
                say(
                    ended,
                    Event::RunFinished(RunFinished {
                        outcome,
                        exit_code,
                        command,
                        standing,
                        environment: environment.to_owned(),
                        identity: format!("{place}/{}/5", self.databases[place].restored),
                        ..RunFinished::default()
                    }),
                );
            }
            None if deed == Deed::Silent => {}
            None => self.evidence.lines.push(LoggedLine {
                at: ended,
                task: task.clone(),
                text: "killed".to_owned(),
            }),
        }
        // ECS forgets: of every third task nothing is known any more, but what is not in the log either
        // nobody could know.
        let is_known = matches!(deed, Deed::Waits | Deed::Silent) || !dice.once_in(3);
        let goes_on = deed == Deed::Waits;
        if deed != Deed::OtherFamily && is_known {
            let record = TaskRecord {
                task,
                created_at: begun - 1,
                stopped_at: (!goes_on).then_some(ended),
                good_end: (!goes_on).then_some(code == Some(0)),
                is_one_off: started_by.starts_with("ecs-migrate/task/"),
                environment: if is_ours { ENVIRONMENTS[place].to_owned() } else { String::new() },
                ..TaskRecord::default()
            };
            self.evidence.tasks.get_or_insert_default().push(record);
        }
        if deed == Deed::OtherFamily {
            return;
        }
        let database = &mut self.databases[place];
        database.met_since |= code.is_some();
        database.awaited |= goes_on;
        if let Some(left) = deed.leaves(commit, image) {
            database.truth = left;
        }
    }
}

#[test]
fn a_thousand_histories_prove_nothing_that_is_not_true() {
    let mut proved = 0;
    for seed in 1..=1000_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut world = World::new();
        for _ in 0..=dice.below(12) {
            let deed = dice.of(&DEEDS);
            world.happens(deed, &mut dice);
            if dice.once_in(3) {
                proved += judge(&world, &mut dice, seed);
            }
        }
        proved += judge(&world, &mut dice, seed);
    }
    assert!(proved > 300, "{proved} proofs only: what refuses everything is no use");
}

/// Every claim against what really is; how many were proved.
fn judge(world: &World, dice: &mut Dice, seed: u64) -> u32 {
    let mut proved = 0;
    let mut evidence = world.evidence.clone();
    if dice.once_in(8) {
        // Pages that are left: of the newest lines some are missing, and the reader knows it.
        let kept = dice.below(evidence.lines.len() + 1);
        evidence.lines.truncate(kept);
        evidence.unread = true;
    }
    for (place, environment) in ENVIRONMENTS.into_iter().enumerate() {
        for commit in COMMITS {
            for image in IMAGES {
                let claim = Claim { commit, place: "prod/app", environment, image: Some(image) };
                let Ok(proof) = green(&evidence, claim) else { continue };
                proved += 1;
                let database = &world.databases[place];
                let is_true = !database.awaited && database.truth == Truth::At { commit, image };
                // A restore that nobody has met since is on no record.
                let unknowable = database.restored > 0 && !database.met_since;
                assert!(
                    is_true || unknowable,
                    "seed {seed}: {proof:?} proves {claim:?}, but it is {database:?}: {evidence:?}"
                );
                assert!(!evidence.unread, "seed {seed}");
                assert_eq!(proof.environment, environment, "seed {seed}");
            }
        }
    }
    // Where nobody names the environment, two of them never prove each other.
    for commit in COMMITS {
        let claim = Claim { commit, place: "prod/app", environment: "", image: None };
        if green(&evidence, claim).is_ok() {
            let known: BTreeSet<String> = runs(&evidence.lines)
                .iter()
                .filter(|run| !is_elsewhere(run, claim))
                .map(|run| run.word.environment().to_owned())
                .filter(|name| !name.is_empty())
                .collect();
            assert!(known.len() <= 1, "seed {seed}: {known:?}");
        }
    }
    proved
}
