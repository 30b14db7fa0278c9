//! Token buckets: one account, many callers, virtual time.

use std::time::Duration;

use aws_sdk_ecs::config::retry::RetryConfig;
use sandbox::{Config, Faults, Program, Script, Speed, Traffic};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::support::{GROUP, World, arn};

fn world(faults: &str) -> World {
    let faults: Faults = serde_json::from_str(faults).expect("valid faults");
    let script = Script::new().line(Duration::ZERO, "line");
    World::in_memory(Config::new(Speed::Instant).image("*", Program::script(script)).faults(faults))
}

#[tokio::test(start_paused = true)]
async fn fifty_callers_share_what_aws_publishes() {
    let world = world(r#"{"requests": [{"operation": "*", "answer": "published_rates"}]}"#);
    world.register(&[]).await;
    let task = world.start().await;
    let once = aws_sdk_ecs::config::Config::builder().retry_config(RetryConfig::disabled());
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let (describe, once) = (world.ecs.describe_tasks().tasks(arn(&task)), once.clone());
        callers.spawn(async move {
            let mut passed = 0;
            for _ in 0..20 {
                let describe = describe.clone().customize().config_override(once.clone());
                passed += usize::from(describe.send().await.is_ok());
                sleep(Duration::from_secs(1)).await;
            }
            passed
        });
    }
    let passed: usize = callers.join_all().await.into_iter().sum();
    // 50 a second for 20 seconds against a burst of 100 and 20 a second.
    assert_eq!(passed, 100 + 19 * 20);
    let traffic = world.sandbox.traffic("DescribeTasks");
    assert_eq!(traffic.calls, 1_000);
    assert_eq!(traffic.throttled, 1_000 - passed);
    assert_eq!(traffic.peak, 50);
    assert!((traffic.per_second - 52.6).abs() < 0.1, "{traffic:?}");
    let journal = world.sandbox.journal();
    let first = journal[0].at;
    let start = journal.iter().filter(|entry| entry.at < first + 2_000);
    assert_eq!(Traffic::of(start).throttled, 0, "the burst and what it gains last so long");
}

#[tokio::test(start_paused = true)]
async fn each_service_throttles_in_its_own_words() {
    let world = world(
        r#"{"requests": [{"operation": "*", "from": 3, "answer": {"rate_limit": {"burst": 0, "per_second": 0}}}]}"#,
    );
    world.register(&[]).await;
    let task = world.start().await;
    let error = world.ecs.describe_tasks().tasks(arn(&task)).send().await.expect_err("throttled");
    assert_eq!(error.into_service_error().meta().code(), Some("ThrottlingException"));
    let read = world.logs.get_log_events().log_group_name(GROUP).log_stream_name("s");
    let error = read.send().await.expect_err("throttled").into_service_error();
    assert_eq!(error.meta().code(), Some("ThrottlingException"));
    assert_eq!(error.meta().message(), Some("Rate exceeded"));
    let request = http::Request::post("/");
    let body = b"Action=GetCallerIdentity&Version=2011-06-15".to_vec();
    let response = world.sandbox.handle(request.body(body).expect("a request")).await;
    let text = String::from_utf8_lossy(response.body()).into_owned();
    assert!(response.status() == 400 && text.contains("<Code>Throttling</Code>"), "{text}");
    assert!(text.contains("<Message>Rate exceeded</Message>"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_bucket_of_ones_own_fills_again() {
    let world = world(
        r#"{"requests": [{"operation": "DescribeClusters|ListTasks", "answer": {"rate_limit": {"burst": 2, "per_second": 0.1}}}]}"#,
    );
    let once = || aws_sdk_ecs::config::Config::builder().retry_config(RetryConfig::disabled());
    let describe = async || {
        let describe = world.ecs.describe_clusters().customize().config_override(once());
        describe.send().await.is_ok()
    };
    let list =
        async || world.ecs.list_tasks().customize().config_override(once()).send().await.is_ok();
    assert_eq!((describe().await, list().await, describe().await), (true, true, false));
    sleep(Duration::from_secs(10)).await;
    assert_eq!((list().await, describe().await), (true, false));
}
