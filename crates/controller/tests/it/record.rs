//! What proves a deployment: the newest run of the same environment, whoever started what came after.

use crate::support::runner::{applied, failed};
use crate::support::shop::{Shop, rolls_back, serves};
use crate::support::story::{Told, at};
use protocol::event::{Event, Origin, RunFinished, RunStarted};
use protocol::line::EventLine;
use protocol::{RunnerCommand, env};
use sandbox::{Faults, Launch, PageShape, Program, RequestAnswer, RequestFault, Script};
use std::time::Duration;

/// A runner that does as `OUTCOME` says: an exit code, or `hangs`. It says of itself what its environment
/// says, as the real one does.
fn runner() -> Program {
    Program::scripted(|launch: &Launch| {
        let text = |name: &str| launch.environment.get(name).cloned().unwrap_or_default();
        let run = if text(env::RUN).is_empty() { launch.task_arn.clone() } else { text(env::RUN) };
        let origin = Origin {
            started_by: text(env::STARTED_BY),
            commit: text(env::COMMIT),
            place: text(env::PLACE),
            environment: text(env::ENVIRONMENT),
            ..Origin::default()
        };
        let words = protocol::command::decode(&text(env::COMMAND)).unwrap_or_default();
        let words = if words.is_empty() { launch.arguments.clone() } else { words };
        let command = RunnerCommand::first_of(&words).unwrap_or(RunnerCommand::Deploy);
        let started = Event::RunStarted(RunStarted { command, origin, ..RunStarted::default() });
        let line = |seq, event| EventLine::new(&run, "p-1", seq, event).encode();
        let script = Script::new().line(Duration::ZERO, line(1, started));
        let code: u8 = match text("OUTCOME").as_str() {
            "hangs" => return script,
            outcome => outcome.parse().unwrap_or_default(),
        };
        let finished = if code == 0 { applied(1) } else { failed(code, "it failed") };
        let finished = RunFinished { command, ..finished };
        script.line(at(1), line(2, Event::RunFinished(finished))).exits(at(2), i32::from(code))
    })
}

async fn shop() -> Shop {
    Shop::open(runner(), serves(), rolls_back()).await
}

/// `ecs-migrate run` as a job of its own.
async fn gate(shop: &Shop, key: &str, more: &[&str]) -> Told {
    shop.story.run(&[&["--run-key", key], more].concat()).await
}

/// Somebody's hand; waits for the end of what ends.
async fn by_hand(shop: &Shop, command: &[&str], outcome: &str) {
    shop.by_hand(command, ("OUTCOME", outcome)).await;
    // In the sandbox's time.
    tokio::time::sleep(Duration::from_mins(10)).await;
}

fn refused(told: &Told, shop: &Shop, text: &str) {
    assert_eq!(told.code, 85, "{}", told.everything());
    assert!(told.err.contains(text), "no {text:?} in {}", told.everything());
    assert_eq!(shop.story.calls("UpdateService"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_started_by_hand_after_the_proof_revokes_or_blocks_it() {
    for (command, outcome, text) in [
        (&[][..], "10", "does not say which commit it was for"),
        (&["deploy"], "0", "does not say which commit it was for"),
        (&["exec", "--", "psql"], "0", "proves nothing"),
        (&["exec", "--", "psql"], "hangs", "a migration is in progress"),
        (&[], "hangs", "a migration is in progress"),
    ] {
        let shop = shop().await;
        gate(&shop, "a", &[]).await.says(0, &[]);
        by_hand(&shop, command, outcome).await;
        refused(&shop.deploy(&[]).await, &shop, text);
    }
    // Who only looks is in nobody's way, and what came before the proof neither.
    let shop = shop().await;
    gate(&shop, "a", &[]).await.says(0, &[]);
    by_hand(&shop, &[], "10").await;
    gate(&shop, "b", &[]).await.says(0, &[]);
    by_hand(&shop, &["status"], "0").await;
    by_hand(&shop, &["status"], "hangs").await;
    let told = shop.deploy(&[]).await;
    told.says(0, &["api: is on api:2 after"]);
}

#[tokio::test(start_paused = true)]
async fn pages_that_are_left_prove_nothing() {
    let pages = |events| {
        let answer = RequestAnswer::Page(PageShape { events: Some(events), repeats: 0 });
        let operation = "FilterLogEvents".to_owned();
        Faults {
            requests: vec![RequestFault { operation, from: 1, to: None, answer }],
            ..Faults::default()
        }
    };
    let shop = shop().await;
    gate(&shop, "a", &[]).await.says(0, &[]);
    shop.story.sandbox.set_faults(pages(0));
    refused(&shop.deploy(&[]).await, &shop, "too large to be read to its end");
    // One line a page is read to its end.
    shop.story.sandbox.set_faults(pages(1));
    shop.deploy(&["--dry-run"]).await.says(0, &[]);
    assert_eq!(gate(&shop, "b", &["--env", "OUTCOME=10"]).await.code, 10);
    refused(&shop.deploy(&[]).await, &shop, "ended red, exit code 10");
}

#[tokio::test(start_paused = true)]
async fn environments_of_one_family_do_not_prove_each_other() {
    let shop = shop().await;
    gate(&shop, "s", &["--environment", "staging"]).await.says(0, &[]);
    let production = ["--environment", "production", "--dry-run"];
    refused(&shop.deploy(&production).await, &shop, "no run of default/app-migrate");
    gate(&shop, "p", &["--environment", "production"]).await.says(0, &[]);
    shop.deploy(&production).await.says(0, &[]);
    let told = shop.deploy(&["--dry-run"]).await;
    refused(&told, &shop, "several environments are on record (production, staging)");
    assert!(told.err.contains("--environment NAME"), "{}", told.err);
    // Staging's failure is none of production's.
    let red = ["--environment", "staging", "--env", "OUTCOME=10"];
    assert_eq!(gate(&shop, "r", &red).await.code, 10);
    let told = shop.deploy(&production).await;
    assert!(told.code == 0 && told.err.contains("environment production"), "{}", told.everything());
    let staging = ["--environment", "staging"];
    refused(&shop.deploy(&staging).await, &shop, "ended red, exit code 10");
}

/// Some histories of what the record's own model plays by the thousand, through all of it: the last that
/// migrated decides.
#[tokio::test(start_paused = true)]
async fn the_last_that_migrated_decides() {
    for seed in 1..=20_u64 {
        let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut below = |sides: u64| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            dice % sides
        };
        let shop = shop().await;
        let (mut last, mut told) = ("nothing", String::new());
        for step in 0..4 {
            let key = format!("{seed}-{step}");
            match below(4) {
                0 | 1 => {
                    gate(&shop, &key, &[]).await.says(0, &[]);
                    last = "green";
                }
                2 => {
                    assert_eq!(gate(&shop, &key, &["--env", "OUTCOME=10"]).await.code, 10);
                    last = "red";
                }
                _ if last != "nothing" => {
                    by_hand(&shop, &[], if below(2) == 0 { "0" } else { "10" }).await;
                    last = "by hand";
                }
                _ => continue,
            }
            told.push_str(last);
            told.push(' ');
            let deployed = shop.deploy(&["--dry-run"]).await;
            let expected = if last == "green" { 0 } else { 85 };
            assert_eq!(deployed.code, expected, "{seed}: {told}: {}", deployed.everything());
        }
    }
}
