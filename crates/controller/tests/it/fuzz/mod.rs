//! Random trouble, many times over: never green without proof, never for ever, never a task left
//! running without a word, never a service behind what migrated nothing, and never what old code would
//! not survive beside old code.

mod container;
mod judge;
mod plot;
mod trouble;

use crate::support::shop::{Shop, serves};
use crate::support::story::{Story, config, container};
use judge::Played;
use plot::{Gate, Plot};
use sandbox::Program;
use serde_json::json;
use std::sync::{Arc, Mutex};

async fn play(plot: Plot) -> Played {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (workload, hears) = (plot.workload.clone(), Arc::clone(&heard));
    let program = Program::scripted(move |launch| {
        hears.lock().unwrap().push(workload.heard(launch));
        workload.script(launch)
    });
    let config = config().seed(plot.seed).wall_clock(plot.clock);
    let mut shop = match plot.gate {
        Gate::Run => Shop { story: Story::with(config.image("app:1", program)) },
        Gate::Release => {
            let api = (program, serves());
            let shop = Shop::of(config, api, &["api"], plot.deployment.clone()).await;
            // So that there are tasks to be replaced, some of them slow to go: what a service begins with
            // are none, and how a task stops is settled when it starts.
            shop.story.sandbox.set_faults(plot.slow_to_go());
            shop.deploy(&["--without-verdict", "the first"]).await.says(0, &[]);
            shop
        }
    };
    let before = shop.story.calls("UpdateService");
    shop.story.sandbox.set_faults(plot.faults.clone());
    let mut migrate = container("migrate", "app:1");
    if !plot.own_command.is_empty() {
        migrate["command"] = json!(plot.own_command);
    }
    if !plot.labelled {
        migrate.as_object_mut().unwrap().remove("dockerLabels");
    }
    shop.story = shop.story.containers(&[migrate]);
    for (after, signal) in &plot.signals {
        shop.story = shop.story.signal(*after, *signal);
    }
    let mut line: Vec<&str> = plot.arguments.iter().map(String::as_str).collect();
    if !plot.words.is_empty() {
        line.push("--");
        line.extend(plot.words);
    }
    let invocations = (0..plot.controllers).map(|_| async {
        match plot.gate {
            Gate::Run => shop.story.run(&line).await,
            Gate::Release => shop.release(&[&["--force-new-deployment"], &line[..]].concat()).await,
        }
    });
    let all = futures_util::future::join_all(invocations);
    let told = tokio::time::timeout(plot.longest(), all).await;
    let told = told.unwrap_or_else(|_| panic!("seed {} does not end: {plot:#?}", plot.seed));
    let heard = heard.lock().unwrap().clone();
    let updates = shop.story.calls("UpdateService") - before;
    Played { plot, story: shop.story, told, heard, updates }
}

/// One part of the stories; the parts run beside each other. `ECS_MIGRATE_FUZZ_SEED` is the first seed and
/// `ECS_MIGRATE_FUZZ_STORIES` how many there are.
#[expect(clippy::disallowed_methods, reason = "a seed repeats a story")]
async fn random_stories(part: u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("ECS_MIGRATE_FUZZ_SEED").unwrap_or(0);
    let count = number("ECS_MIGRATE_FUZZ_STORIES").unwrap_or(1_000);
    let (mut green, mut told) = (0, 0);
    for seed in (first..first + count).filter(|seed| seed % PARTS == part) {
        let played = play(Plot::of(seed)).await;
        told += played.told.len();
        green += played.judge();
    }
    // A part of a few seeds proves nothing of the mix.
    assert!(told < 100 || green > told / 10, "only {green} of {told} stories ended green");
}

const PARTS: u64 = 4;

#[tokio::test(start_paused = true)]
async fn random_stories_first_part() {
    random_stories(0).await;
}

#[tokio::test(start_paused = true)]
async fn random_stories_second_part() {
    random_stories(1).await;
}

#[tokio::test(start_paused = true)]
async fn random_stories_third_part() {
    random_stories(2).await;
}

#[tokio::test(start_paused = true)]
async fn random_stories_fourth_part() {
    random_stories(3).await;
}
