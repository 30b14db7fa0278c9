//! Any faults together: no call hangs past its timeout, no task lives for ever, nothing panics.

use std::time::Duration;

use aws_sdk_ecs::config::timeout::TimeoutConfig;
use sandbox::{
    Config, ConnectionFate, Faults, LineFate, PageShape, Program, RequestAnswer, RequestFate,
    RequestFault, Script, Speed, TaskEffect, TaskFault,
};
use tokio::time::{Instant, sleep};

use crate::support::{GROUP, World, arn, stream};

const OPERATIONS: &[&str] =
    &["*", "RunTask", "DescribeTasks", "GetLogEvents", "StopTask", "DescribeTasks|GetLogEvents"];

fn answer(random: &mut fastrand::Rng, operation: &str) -> RequestAnswer {
    let connection = if random.bool() { ConnectionFate::Drops } else { ConnectionFate::Hangs };
    let request = if random.bool() { RequestFate::CarriedOut } else { RequestFate::Ignored };
    match (random.u8(0..9), operation) {
        (0, "GetLogEvents") => RequestAnswer::Page(PageShape {
            events: random.bool().then(|| random.usize(0..5)),
            repeats: random.usize(0..4),
        }),
        (0, "RunTask") => RequestAnswer::RoleNotAssumable,
        (0, "DescribeTasks") => RequestAnswer::Missing,
        (0 | 1, _) => RequestAnswer::Unanswered { request, connection },
        (2, _) => RequestAnswer::RateLimit { burst: random.u32(0..5), per_second: random.f64() },
        (3, _) => RequestAnswer::PublishedRates,
        (4, _) => RequestAnswer::Slow {
            seconds: random.f64() * 30.0,
            answer: random.bool().then(|| Box::new(answer(random, operation))),
        },
        (5, _) => RequestAnswer::When {
            after_seconds: random.f64() * 60.0,
            until_seconds: Some(60.0 + random.f64() * 60.0),
            access_key: random.bool().then(|| "sandbox".to_owned()),
            answer: Box::new(answer(random, operation)),
        },
        (6, _) => RequestAnswer::ExpiredToken,
        (_, _) => RequestAnswer::Throttle,
    }
}

fn effect(random: &mut fastrand::Rng) -> TaskEffect {
    let late = random.f64() * 100.0;
    let fate = match random.u8(0..3) {
        0 => LineFate::Lost,
        1 => LineFate::Late { seconds: late, more_each: random.f64() },
        _ => LineFate::Timestamp { off_by_seconds: late - 50.0 },
    };
    match random.u8(0..8) {
        0 => TaskEffect::Missing { from_seconds: late, to_seconds: random.bool().then_some(200.0) },
        1 => TaskEffect::StopTold { stop_code: None, stopped_reason: None, late_seconds: late },
        2 => TaskEffect::ExitTold {
            container: None,
            exit_code: random.bool().then_some(1),
            reason: None,
            late_seconds: late,
        },
        3 => TaskEffect::StopsLate { seconds: late },
        4 => TaskEffect::DeprovisionsFor { seconds: late },
        5 => {
            TaskEffect::LogStream { container: None, after_seconds: random.bool().then_some(late) }
        }
        _ => TaskEffect::LogLines {
            container: None,
            from: random.u64(1..20),
            to: None,
            every: random.u64(1..5),
            fate,
        },
    }
}

fn faults(random: &mut fastrand::Rng) -> Faults {
    let requests = (0..random.usize(0..5))
        .map(|_| {
            let operation = OPERATIONS[random.usize(..OPERATIONS.len())];
            let from = random.u64(1..10);
            let to = Some(from + random.u64(0..10));
            let answer = answer(random, operation);
            RequestFault { operation: operation.to_owned(), from, to, answer }
        })
        .collect();
    let tasks = (0..random.usize(0..5))
        .map(|_| TaskFault { family: None, from: 1, to: None, effect: effect(random) })
        .collect();
    Faults { requests, tasks, ..Faults::default() }
}

/// One task, watched for some minutes.
async fn tell(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let lines = (0..30).map(|number| number.to_string());
    let script = Script::new().burst(Duration::from_secs(1), lines);
    let script = script.exits(Duration::from_secs(random.u64(1..100)), 0);
    let config = Config::new(Speed::Aws).image("*", Program::script(script));
    let world = World::in_memory(config.seed(seed));
    let limit = Duration::from_secs(10);
    let attempts = TimeoutConfig::builder().operation_attempt_timeout(limit).build();
    let patience = || aws_sdk_ecs::config::Config::builder().timeout_config(attempts.clone());
    let slowest = 3 * limit + Duration::from_mins(1);
    world.register(&[]).await;
    world.sandbox.set_faults(faults(&mut random));
    let mut task = None;
    for _ in 0..60 {
        let before = Instant::now();
        match &task {
            None => {
                let run = world.run().client_token("key").customize();
                let answer = run.config_override(patience()).send().await;
                task = answer.ok().and_then(|answer| answer.tasks().first().cloned());
            }
            Some(task) => {
                let describe = world.ecs.describe_tasks().tasks(arn(task)).customize();
                drop(describe.config_override(patience()).send().await);
                let attempts =
                    aws_sdk_cloudwatchlogs::Config::builder().timeout_config(attempts.clone());
                let read = world.logs.get_log_events().log_group_name(GROUP);
                let read = read.log_stream_name(stream(task, "runner")).customize();
                drop(read.config_override(attempts).send().await);
            }
        }
        assert!(before.elapsed() < 2 * slowest, "seed {seed} hangs");
        sleep(Duration::from_secs(5)).await;
    }
    assert!(world.sandbox.tasks().len() <= 1, "one token, one task: seed {seed}");
    sleep(Duration::from_mins(10)).await;
    assert!(world.sandbox.tasks().iter().all(|task| !task.runs()), "seed {seed} runs on");
}

#[tokio::test(start_paused = true)]
async fn any_faults_together() {
    for seed in 0..25 {
        tell(seed).await;
    }
}
