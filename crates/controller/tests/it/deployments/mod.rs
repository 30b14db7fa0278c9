//! A thousand random histories of runs, releases, runs that are run again and what people do by hand:
//! no service is ever deployed behind anything but what its database was left with by the newest green
//! migration of the same commit and image, and no old verdict is taken for a new one.

mod errand;
mod world;

use crate::support::shop::{Shop, rolls_back, serves};
use crate::support::story::{Told, config};
use errand::{Errand, Kind};
use fastrand::Rng;
use sandbox::{Dwell, Faults, PageShape, RequestAnswer, RequestFault, Speed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};
use world::{DATABASE, World};

/// Two databases behind one cluster and family; a service of the same name stands on each.
const ENVIRONMENTS: [&str; 2] = ["production", "staging"];

/// An UpdateService that was carried out.
#[derive(Clone, Debug)]
struct Update {
    service: String,
    at: Instant,
}

/// How often something came of it; a model in which nothing happens proves nothing.
#[derive(Debug, Default)]
struct Counts {
    proved: usize,
    refused: usize,
    released: usize,
    followed: usize,
    again: usize,
}

struct History {
    shop: Shop,
    world: World,
    updates: Arc<Mutex<Vec<Update>>>,
    /// What jobs were told, to be run again.
    past: Vec<Errand>,
    /// For an assertion that fails.
    course: Vec<String>,
}

impl History {
    async fn begin(seed: u64) -> Self {
        let world = World::default();
        let updates = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&updates);
        // Nobody looks often at a service that only stands there.
        let dwell = Dwell { scheduler: Duration::from_secs(20), ..Speed::Aws.dwell() };
        let config = config().dwell(dwell).seed(seed).image("app:2", world.program(seed)).observe(
            move |entry| {
                if entry.operation == "UpdateService" && entry.status == 200 {
                    let service = entry.parameters["service"].as_str().unwrap().to_owned();
                    seen.lock().unwrap().push(Update { service, at: Instant::now() });
                }
            },
        );
        let programs = (world.program(seed), serves());
        let mut shop = Shop::of(config, programs, &ENVIRONMENTS, rolls_back()).await;
        shop.story = shop.story.unhurried();
        shop.story.register(&["--image", "app:1"]).await.says(0, &[]);
        Self { shop, world, updates, past: Vec::new(), course: vec![format!("seed {seed}")] }
    }

    /// Something happens.
    async fn goes_on(mut self, rng: &mut Rng, counts: &mut Counts) -> Self {
        let id = self.past.len();
        let leaves = (rng.u8(..3) == 0).then(|| rng.u64(1..60));
        match rng.u8(..16) {
            0..=3 => {
                let errand = Errand::drawn(rng, Kind::Run, id);
                self.past.push(errand.clone());
                self.does(errand, leaves, counts).await
            }
            4..=5 => {
                let errand = Errand::drawn(rng, Kind::Release, id);
                self.past.push(errand.clone());
                self.does(errand, leaves, counts).await
            }
            6..=8 if !self.past.is_empty() => {
                // Mostly what was just done, which may still go on.
                let which = if rng.bool() { id - 1 } else { rng.usize(..id) };
                let errand = self.past[which].clone();
                counts.again += 1;
                self.does(errand, leaves, counts).await
            }
            9..=10 => {
                let command = [&[][..], &["deploy"], &["exec", "--", "psql"], &["status"]];
                let command = command[rng.usize(..4)];
                let last = self.past.last().cloned();
                let database = match &last {
                    Some(last) if rng.bool() => last.environment,
                    _ => ENVIRONMENTS[rng.usize(..2)],
                };
                self.course.push(format!("by hand in {database}: {command:?}"));
                self.shop.by_hand(command, (DATABASE, database)).await;
                match last {
                    // It may still wait for the lock when a run has come and gone.
                    Some(last) if rng.bool() => {
                        sleep(Duration::from_mins(2)).await;
                        let again = self.does(last.clone(), None, counts).await;
                        again.does(last.deployed(), None, counts).await
                    }
                    _ => {
                        if rng.bool() {
                            sleep(Duration::from_mins(10)).await;
                        }
                        self
                    }
                }
            }
            11 => {
                let command = [&["exec", "--", "psql"][..], &["status"]][rng.usize(..2)];
                let environment = ENVIRONMENTS[rng.usize(..2)];
                self.course.push(format!("one-off in {environment}: {command:?}"));
                let place = ["--task-definition", "app-migrate", "--environment", environment];
                let network = ["--subnets", "subnet-a", "--security-groups", "sg-a"];
                let (command, words) = command.split_at(1);
                let _told =
                    self.shop.story.invoke(&[command, &place, &network, words].concat()).await;
                self
            }
            12..=13 => {
                let database = ENVIRONMENTS[rng.usize(..2)];
                // A task that was just started has not met its database yet.
                sleep(Duration::from_mins(5)).await;
                sleep_until(self.world.quiet()).await;
                self.course.push(format!("{database} is restored"));
                self.world.restore(database);
                sleep(Duration::from_mins(1)).await;
                self
            }
            14 => {
                self.course.push("ECS forgets".to_owned());
                sleep(Duration::from_mins(70)).await;
                self
            }
            _ => {
                // Pages without end, of which the reader gives up.
                let answer = RequestAnswer::Page(PageShape { events: Some(0), repeats: 0 });
                let operation = "FilterLogEvents".to_owned();
                let fault = RequestFault { operation, from: 1, to: None, answer };
                let faults = Faults { requests: vec![fault], ..Faults::default() };
                self.shop.story.sandbox.set_faults(faults);
                self.course.push("pages are lost".to_owned());
                let before = self.updates.lock().unwrap().len();
                let errand = Errand::drawn(rng, Kind::DeployService, id);
                self = self.does(errand, None, counts).await;
                assert_eq!(self.updates.lock().unwrap().len(), before, "{:#?}", self.course);
                self.shop.story.sandbox.set_faults(Faults::default());
                self
            }
        }
    }

    /// A job, and what became of it held against what is true.
    async fn does(mut self, errand: Errand, leaves: Option<u64>, counts: &mut Counts) -> Self {
        let (began, known) = (Instant::now(), self.updates.lock().unwrap().len());
        let (shop, told) = errand.done(self.shop, leaves).await;
        self.shop = shop;
        let ended = Instant::now();
        let left = leaves.map_or(String::new(), |after| format!(", left after {after} s"));
        self.course.push(format!("{errand:?}{left}: {}", told.code));
        let updates = self.updates.lock().unwrap()[known..].to_vec();
        for update in &updates {
            assert_eq!(update.service, errand.environment, "{:#?}", self.course);
            self.judge(&errand, (began, update.at), &told);
        }
        let is_deployed = !updates.is_empty();
        counts.followed += usize::from(told.err.contains("this run has a task already"));
        match errand.kind {
            Kind::DeployService => {
                counts.proved += usize::from(is_deployed);
                counts.refused += usize::from(told.code == 85);
            }
            Kind::Release => counts.released += usize::from(is_deployed),
            Kind::Run if told.code == 0 => self.judge(&errand, (began, ended), &told),
            Kind::Run => assert!(!is_deployed, "{:#?}", self.course),
        }
        self
    }

    /// Whether it was right that the job went on at that moment.
    fn judge(&self, errand: &Errand, (began, at): (Instant, Instant), told: &Told) {
        let (database, wanted) = (errand.environment, errand.truth());
        let is_right = match errand.kind {
            // By its own verdict: what somebody does between that and the next call nobody can see.
            Kind::Run | Kind::Release => self.world.became(database, &wanted, (began, at)),
            Kind::DeployService => {
                self.world.truth(database, at) == wanted
                    || self.world.is_restored_unseen(database, at)
            }
        };
        assert!(
            is_right,
            "{:#?}\nbut it is {:?}: {}",
            self.course,
            self.world.truth(database, at),
            told.everything()
        );
    }
}

async fn play(seed: u64, counts: &mut Counts) {
    let mut rng = Rng::with_seed(seed);
    let mut history = History::begin(seed).await;
    for _ in 0..rng.usize(2..7) {
        history = history.goes_on(&mut rng, counts).await;
        if rng.bool() {
            // What somebody would deploy now: mostly what ran last.
            let errand = match history.past.last() {
                Some(last) if rng.u8(..4) > 0 => last.deployed(),
                _ => Errand::drawn(&mut rng, Kind::DeployService, 0),
            };
            history = history.does(errand, None, counts).await;
        }
    }
}

const PARTS: u64 = 4;

/// The parts run beside each other.
#[expect(clippy::disallowed_methods, reason = "a seed repeats a history")]
async fn play_part(part: u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("ECS_MIGRATE_FUZZ_SEED").unwrap_or(0);
    let count = number("ECS_MIGRATE_FUZZ_STORIES").unwrap_or(1_000);
    let mut counts = Counts::default();
    for seed in (first..first + count).filter(|seed| seed % PARTS == part) {
        play(seed, &mut counts).await;
    }
    let Counts { proved, refused, released, followed, again } = counts;
    let is_lively = proved > 50 && refused > 200 && released > 50 && followed > 5 && again > 50;
    // A part of a few seeds proves nothing of the mix.
    assert!(count < 1_000 || is_lively, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn histories_first_part() {
    play_part(0).await;
}

#[tokio::test(start_paused = true)]
async fn histories_second_part() {
    play_part(1).await;
}

#[tokio::test(start_paused = true)]
async fn histories_third_part() {
    play_part(2).await;
}

#[tokio::test(start_paused = true)]
async fn histories_fourth_part() {
    play_part(3).await;
}
