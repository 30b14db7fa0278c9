//! A release that is killed between any two calls and run again: it ends right, and no service is
//! ever updated before this run's migration is green.

use crate::support::runner::{Lines, applied, failed};
use crate::support::shop::{Shop, crashes, rolls_back, serves};
use crate::support::story::config;
use sandbox::{JournalEntry, Program, Script};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

#[derive(Debug, Clone, Copy)]
enum Scenario {
    Green,
    Red,
    RolledBack,
}

/// Tells when so many more requests have been made.
#[derive(Default)]
struct Fuse {
    left: AtomicUsize,
    burnt: Notify,
}

impl Fuse {
    fn request(&self) {
        let burn = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, burn) == Ok(1) {
            self.burnt.notify_one();
        }
    }
}

fn migration(scenario: Scenario) -> Program {
    Program::scripted(move |launch| {
        let mut lines = Lines::of(launch);
        let finished = match scenario {
            Scenario::Red => failed(10, "it failed"),
            Scenario::Green | Scenario::RolledBack => applied(1),
        };
        let code = i32::from(finished.exit_code);
        Script::new()
            .line(Duration::ZERO, lines.started_for(launch))
            .line(Duration::from_secs(4), lines.finished(finished))
            .exits(Duration::from_secs(5), code)
    })
}

/// UpdateService comes only after a task of the migration has ended, and only where that is good.
fn check_order(journal: &[JournalEntry], scenario: Scenario) {
    let first = |name: &str| journal.iter().find(|entry| entry.operation == name);
    if let Some(update) = first("UpdateService") {
        assert!(!matches!(scenario, Scenario::Red), "a service was updated behind a red gate");
        let run = first("RunTask").map_or(u64::MAX, |entry| entry.at);
        // 25 s until it runs, 5 s until it ends.
        assert!(update.at >= run + 30_000, "{} after {run}", update.at);
    }
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "a seed repeats a story")]
async fn killed_anywhere_and_run_again_it_ends_right() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let start = number("ECS_MIGRATE_FUZZ_SEED").unwrap_or(0);
    let count = number("ECS_MIGRATE_FUZZ_STORIES").unwrap_or(40);
    for seed in start..start + count {
        let mut random = fastrand::Rng::with_seed(seed);
        let scenario = [Scenario::Green, Scenario::Red, Scenario::RolledBack][random.usize(..3)];
        let api = if matches!(scenario, Scenario::RolledBack) { crashes() } else { serves() };
        let fuse = Arc::new(Fuse::default());
        let observed = Arc::clone(&fuse);
        let config = config().seed(seed).observe(move |_| observed.request());
        let shop = Shop::of(config, (migration(scenario), api), &["api"], rolls_back()).await;
        let kills: Vec<usize> = (0..random.usize(1..4)).map(|_| random.usize(1..120)).collect();
        for kill in &kills {
            fuse.left.store(*kill, Ordering::SeqCst);
            tokio::select! {
                biased;
                () = fuse.burnt.notified() => {}
                _told = shop.release(&[]) => {}
            }
            fuse.left.store(0, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(random.u64(0..200))).await;
        }
        let told = shop.release(&[]).await;
        let shown =
            || format!("seed {seed}, {scenario:?}, killed at {kills:?}\n{}", told.everything());
        let (code, stands_on) = match scenario {
            Scenario::Green => (0, "api:2"),
            Scenario::Red => (10, "api:1"),
            Scenario::RolledBack => (88, "api:1"),
        };
        assert_eq!(told.code, code, "{}", shown());
        assert_eq!(shop.stands_on().as_deref(), Some(stands_on), "{}", shown());
        check_order(&shop.story.sandbox.journal(), scenario);
        assert_eq!(shop.story.calls("DeregisterTaskDefinition"), 0);
    }
}
