//! What old code would not survive waits until old code is gone, however ECS counts a success.

use crate::release::in_phases;
use crate::support::runner::applied;
use crate::support::sdk;
use crate::support::shop::{Shop, early, rolls_back, serves};
use crate::support::story::{Told, config};
use aws_sdk_ecs::types::DesiredStatus;
use controller::Signal;
use sandbox::{
    FailureFault, Faults, RequestAnswer, RequestFault, ServiceEffect, ServiceFault, TaskEffect,
    TaskFault,
};
use serde_json::{Value, json};
use std::time::Duration;

fn protected(service: Option<&str>, seconds: f64) -> Faults {
    let service = service.map(str::to_owned);
    let effect = ServiceEffect::OldTasksProtected { seconds };
    Faults {
        services: vec![ServiceFault { service, from: 1, to: None, effect }],
        ..Faults::default()
    }
}

async fn shop(deployment: Value, faults: Faults) -> Shop {
    let shop = Shop::open(in_phases(applied(1)), serves(), deployment).await;
    shop.story.sandbox.set_faults(faults);
    shop
}

/// When the operation was called, in milliseconds on the sandbox's clock.
fn calls(shop: &Shop, operation: &str) -> Vec<u64> {
    let journal = shop.story.sandbox.journal();
    journal.iter().filter(|entry| entry.operation == operation).map(|entry| entry.at).collect()
}

/// Every task of a service that is not of its newest deployment was STOPPED by then.
async fn no_old_task_ran_at(shop: &Shop, at: u64, shown: &str) {
    let ecs = aws_sdk_ecs::Client::new(&sdk::config(&shop.story.sandbox));
    let answer = ecs.describe_services().services("api").send().await.unwrap();
    let newest = answer.services()[0].deployments()[0].id().unwrap().to_owned();
    for status in [DesiredStatus::Running, DesiredStatus::Stopped] {
        let list = ecs.list_tasks().service_name("api").desired_status(status);
        let names = list.send().await.unwrap().task_arns().to_vec();
        if names.is_empty() {
            continue;
        }
        let tasks = ecs.describe_tasks().set_tasks(Some(names)).send().await.unwrap();
        for task in tasks.tasks().iter().filter(|task| task.started_by() != Some(&newest)) {
            let stopped = task.stopped_at().map(|at| at.to_millis().unwrap());
            let early = stopped.is_some_and(|stopped| u64::try_from(stopped).unwrap() <= at);
            assert!(early, "{task:?} at {at}\n{shown}");
        }
    }
}

fn milliseconds(seconds: f64) -> u64 {
    u64::try_from(Duration::from_secs_f64(seconds).as_millis()).unwrap()
}

fn lines(told: &Told, text: &str) -> usize {
    told.err.lines().filter(|line| line.contains(text)).count()
}

#[tokio::test(start_paused = true)]
async fn an_early_success_with_old_tasks_is_waited_for() {
    let shop = shop(early("DEFERRED"), protected(None, 400.0)).await;
    let told = shop.release(&[]).await;
    told.says(0, &["api: is on api:2 after", "1 migration applied behind the rollout"]);
    let (runs, updates) = (calls(&shop, "RunTask"), calls(&shop, "UpdateService"));
    assert_eq!(runs.len(), 2);
    assert!(runs[1] >= updates[0] + 400_000, "{runs:?} {updates:?}");
    let waiting = "api: old code still runs: 2 tasks of api:1 (ecs-svc/";
    let count = lines(&told, waiting);
    assert!((4..10).contains(&count), "a line a minute, not {count}: {}", told.err);
    assert_eq!(lines(&told, "api: no old code runs any more"), 1);
    // Nothing that may take its time stands between the look and the task.
    let journal = shop.story.sandbox.journal();
    let run = journal.iter().rposition(|entry| entry.operation == "RunTask").unwrap();
    assert_eq!(journal[run - 1].operation, "DescribeServiceRevisions");
}

/// Until ECS has room minutes may pass, in which somebody goes back to old code.
#[tokio::test(start_paused = true)]
async fn old_code_is_looked_for_before_each_try_to_start_the_task() {
    let short = FailureFault { reason: "RESOURCE:CPU".to_owned(), detail: None };
    let full = RequestFault {
        operation: "RunTask".to_owned(),
        from: 2,
        to: Some(4),
        answer: RequestAnswer::Failures(vec![short]),
    };
    let faults = Faults { requests: vec![full], ..Faults::default() };
    let shop = shop(early("DEFERRED"), faults).await;
    shop.release(&[]).await.says(0, &["1 migration applied behind the rollout"]);
    let journal = shop.story.sandbox.journal();
    let asks = |entry: &&str| !entry.starts_with("ListTasks") && *entry != "DescribeTasks";
    let operations: Vec<&str> = journal.iter().map(|entry| entry.operation.as_str()).collect();
    let tries: Vec<usize> =
        (0..operations.len()).filter(|place| operations[*place] == "RunTask").collect();
    assert_eq!(tries.len(), 5, "{operations:?}");
    for place in &tries[1..] {
        let before = operations[..*place].iter().copied().rev().find(|entry| asks(entry));
        assert_eq!(before, Some("DescribeServiceRevisions"), "{operations:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_early_success_that_blocks_waits_by_itself() {
    let shop = shop(early("BLOCKING"), protected(None, 200.0)).await;
    let told = shop.release(&[]).await;
    told.says(0, &["1 migration applied behind the rollout"]);
    let (runs, updates) = (calls(&shop, "RunTask"), calls(&shop, "UpdateService"));
    assert!(runs[1] >= updates[0] + 200_000, "{runs:?} {updates:?}");
    assert!(lines(&told, "the rollout goes on, ") >= 1, "a line a minute: {}", told.err);
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_leaves_it_pending_and_the_next_release_takes_it_up() {
    let shop = shop(early("DEFERRED"), protected(None, 900.0)).await;
    let told = shop.release(&["--rollout-timeout", "4m"]).await;
    told.says(
        84,
        &[
            "\nNOT GREEN: api: is on api:2 after",
            "[exit 84, detached]",
            "1 migration still pending: service api: old code still runs: 2 tasks of api:1",
            "\n  database      changed: whole migrations are applied",
        ],
    );
    assert_eq!(shop.story.calls("RunTask"), 1);
    assert!(told.took < Duration::from_mins(6), "{:?}", told.took);
    let json = shop.release(&["--rollout-timeout", "1s", "--output", "json"]).await;
    assert_eq!(json.code, 84, "{}", json.everything());
    assert_eq!(json.result()["after_deploy"], json!({"pending": 1}));
    assert_eq!(json.result()["services"][0]["outcome"], "already_there");
    // It stands on the new code already, and that is no proof either.
    let told = shop.release(&[]).await;
    told.says(0, &["api: is on api:2 already", "1 migration applied behind the rollout"]);
    let (runs, updates) = (calls(&shop, "RunTask"), calls(&shop, "UpdateService"));
    assert_eq!(updates.len(), 1);
    assert!(*runs.last().unwrap() >= updates[0] + 900_000, "{runs:?} {updates:?}");
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_the_waiting_and_nothing_follows() {
    let shop = shop(early("DEFERRED"), protected(None, 900.0)).await;
    let shop = Shop { story: shop.story.signal(Duration::from_mins(5), Signal::Terminate) };
    let told = shop.release(&[]).await;
    told.says(83, &["1 migration still pending: cancelled by SIGTERM before a task was started"]);
    assert_eq!(shop.story.calls("RunTask"), 1);
}

/// ECS counts a task no more from the moment at which it asks it to stop.
#[tokio::test(start_paused = true)]
async fn a_task_that_is_slow_to_stop_is_old_code_until_it_is_stopped() {
    let effect = TaskEffect::StopsLate { seconds: 110.0 };
    let family = Some("api".to_owned());
    let faults = Faults {
        tasks: vec![TaskFault { family, from: 1, to: None, effect }],
        ..Faults::default()
    };
    let shop = shop(rolls_back(), faults).await;
    shop.release(&[]).await.says(0, &[]);
    // The same definition once more: what is replaced are tasks that run.
    let told = shop.release(&["--force-new-deployment", "--run-key", "again"]).await;
    told.says(0, &["1 migration applied behind the rollout"]);
    let count = lines(&told, "old code still runs: 2 tasks of api:2 (ecs-svc/");
    assert!((2..=4).contains(&count), "a line a minute, not {count}: {}", told.err);
    no_old_task_ran_at(&shop, *calls(&shop, "RunTask").last().unwrap(), &told.everything()).await;
}

#[tokio::test(start_paused = true)]
async fn every_service_is_waited_for() {
    let api = (in_phases(applied(1)), serves());
    let shop = Shop::of(config(), api, &["api", "web"], early("DEFERRED")).await;
    shop.story.sandbox.set_faults(protected(Some("web"), 300.0));
    let told = shop.release(&["--service", "web"]).await;
    told.says(0, &["web: is on web:2 after", "1 migration applied behind the rollout"]);
    assert!(lines(&told, "web: old code still runs: 2 tasks of web:1") >= 3, "{}", told.err);
    let (runs, updates) = (calls(&shop, "RunTask"), calls(&shop, "UpdateService"));
    assert!(runs[1] >= updates[0] + 300_000, "{runs:?} {updates:?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_known_is_not_taken_for_gone() {
    let refused = RequestAnswer::Error {
        kind: "AccessDeniedException".to_owned(),
        message: "User: x is not authorized to perform: ecs:ListTasks on resource: *".to_owned(),
        status: 400,
    };
    let fault = |from, answer| {
        let operation = "ListTasks".to_owned();
        let requests = vec![RequestFault { operation, from, to: None, answer }];
        Faults { requests, ..Faults::default() }
    };
    // The first two belong to the gate: it looks whether another run is in flight.
    let shop = shop(rolls_back(), Faults::default()).await;
    shop.release(&["--rollout-timeout", "1s"]).await.says(84, &[]);
    let tasks = shop.story.sandbox.tasks().len();
    shop.story.sandbox.set_faults(fault(1, refused));
    let told = shop.release(&[]).await;
    assert_eq!(shop.story.calls("UpdateService"), 1);
    told.says(86, &["whether old code of api still runs is not known", "ecs:ListTasks"]);
    shop.story.sandbox.set_faults(fault(1, RequestAnswer::ServerError { status: 503 }));
    let told = shop.release(&["--rollout-timeout", "5m"]).await;
    told.says(84, &["whether old code still runs is not known: ListTasks"]);
    // Each ran the first phase again, because what has ended is no verdict, and none the contract.
    assert_eq!(shop.story.sandbox.tasks().len(), tasks + 2);
}

/// Early or not, deferred or not, protected or not, quick or slow to stop: never beside old tasks.
#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "a seed repeats a story")]
async fn no_contract_beside_old_tasks_whatever_the_seed() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let start = number("ECS_MIGRATE_FUZZ_SEED").unwrap_or(0);
    let count = number("ECS_MIGRATE_FUZZ_STORIES").unwrap_or(24);
    for seed in start..start + count {
        let mut random = fastrand::Rng::with_seed(seed);
        let deployment = match random.usize(..3) {
            0 => rolls_back(),
            1 => early("BLOCKING"),
            _ => early("DEFERRED"),
        };
        let held = random.bool().then(|| f64::from(random.u32(0..1_500)));
        let late = f64::from(random.u32(0..120));
        let mut faults = held.map_or_else(Faults::default, |held| protected(None, held));
        let effect = TaskEffect::StopsLate { seconds: late };
        faults.tasks.push(TaskFault { family: Some("api".to_owned()), from: 1, to: None, effect });
        let shop = shop(deployment, faults).await;
        let minutes = format!("{}m", random.u64(2..40));
        let mut told = shop.release(&["--rollout-timeout", &minutes]).await;
        if random.bool() {
            let more = ["--force-new-deployment", "--run-key", "2", "--rollout-timeout", &minutes];
            told = shop.release(&more).await;
        }
        let shown = format!("seed {seed}, held {held:?}, late {late}\n{}", told.everything());
        let (runs, updates) = (calls(&shop, "RunTask"), calls(&shop, "UpdateService"));
        let last_update = *updates.last().unwrap();
        let contract = runs.last().copied().filter(|run| *run > last_update);
        assert_eq!(contract.is_some(), told.code == 0, "{shown}");
        let Some(contract) = contract else {
            assert!([84, 88].contains(&told.code), "{shown}");
            continue;
        };
        let until = held.map_or(0, |held| last_update + milliseconds(held));
        assert!(contract >= until, "{contract} before {until}: {shown}");
        no_old_task_ran_at(&shop, contract, &shown).await;
    }
}
