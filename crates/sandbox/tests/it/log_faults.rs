//! Logs as CloudWatch delivers them on a bad day: late, torn, repeated, out of order, not at all.

use std::time::Duration;

use sandbox::{Config, Faults, Program, Script, Speed};
use serde_json::Value;
use tokio::time::sleep;

use crate::support::{GROUP, World, arn, container, exit_code, stream};

const SECOND: Duration = Duration::from_secs(1);

fn world(script: Script, faults: &str) -> World {
    let faults: Faults = serde_json::from_str(faults).expect("valid faults");
    let config = Config::new(Speed::Instant).image("*", Program::script(script));
    World::in_memory(config.faults(faults))
}

/// Lines 1 to `count`, one a second from the start on.
fn numbered(count: u32) -> Script {
    let lines = 1..=count;
    lines.fold(Script::new(), |script, number| {
        script.line((number - 1) * SECOND, number.to_string())
    })
}

/// A reader as ours is: from the head by forward tokens, until the token stays.
struct Reader<'world> {
    world: &'world World,
    stream: String,
    token: Option<String>,
}

impl<'world> Reader<'world> {
    fn of(world: &'world World, stream: String) -> Self {
        Self { world, stream, token: None }
    }

    /// One page, and whether its token moved on.
    async fn page(&mut self) -> (Vec<String>, bool) {
        let read = self.world.logs.get_log_events().log_group_name(GROUP).start_from_head(true);
        let read = read.log_stream_name(&self.stream).set_next_token(self.token.clone());
        let page = read.send().await.expect("a page");
        let token = page.next_forward_token().map(str::to_owned);
        let moved = token != self.token;
        self.token = token;
        let text = |event: &aws_sdk_cloudwatchlogs::types::OutputLogEvent| {
            event.message().unwrap_or_default().to_owned()
        };
        (page.events().iter().map(text).collect(), moved)
    }

    async fn pages(&mut self) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        loop {
            let (lines, moved) = self.page().await;
            if !moved {
                return pages;
            }
            pages.push(lines);
        }
    }

    async fn lines(&mut self) -> Vec<String> {
        self.pages().await.concat()
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_appears_late_and_brings_what_was_written() {
    let world = world(
        numbered(20).exits(20 * SECOND, 0),
        r#"{"tasks": [{"effect": {"log_stream": {"after_seconds": 10}}}]}"#,
    );
    world.register(&[]).await;
    let task = world.start().await;
    world.until_status(arn(&task), "RUNNING").await;
    let stream = stream(&task, "runner");
    let read = world.logs.get_log_events().log_group_name(GROUP).log_stream_name(&stream);
    sleep(9 * SECOND).await;
    let error = read.send().await.expect_err("no stream").into_service_error();
    assert_eq!(error.meta().message(), Some("The specified log stream does not exist."));
    sleep(2 * SECOND).await;
    let mut reader = Reader::of(&world, stream);
    assert_eq!(reader.lines().await.len(), 12);
    world.until_status(arn(&task), "STOPPED").await;
    assert_eq!(reader.lines().await.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_never_comes_does_not_keep_the_task_from_running() {
    let never = r#"{"tasks": [{"effect": {"log_stream": {}}}]}"#;
    let world = world(numbered(3).exits(3 * SECOND, 0), never);
    let mut runner = container("runner").build();
    let options = runner.log_configuration.as_mut().and_then(|logs| logs.options.as_mut());
    options.expect("options").insert("awslogs-group".to_owned(), "/missing".to_owned());
    world.definition().container_definitions(runner).send().await.expect("valid");
    let ended = world.run_to_end().await;
    assert_eq!(exit_code(&ended, "runner"), Some(0));
    let read = world.logs.get_log_events().log_group_name("/missing");
    let read = read.log_stream_name(stream(&ended, "runner")).send().await;
    let error = read.expect_err("no group").into_service_error();
    assert_eq!(error.meta().message(), Some("The specified log group does not exist."));
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_makes_its_group_does_so_for_a_late_stream_too() {
    let late = r#"{"tasks": [{"effect": {"log_stream": {"after_seconds": 5}}}]}"#;
    let world = world(numbered(3).exits(3 * SECOND, 0), late);
    let mut runner = container("runner").build();
    let options = runner.log_configuration.as_mut().and_then(|logs| logs.options.as_mut());
    let options = options.expect("options");
    options.insert("awslogs-group".to_owned(), "/new".to_owned());
    options.insert("awslogs-create-group".to_owned(), "true".to_owned());
    world.definition().container_definitions(runner).send().await.expect("valid");
    let ended = world.run_to_end().await;
    let stream = stream(&ended, "runner");
    assert!(world.sandbox.log_messages("/new", &stream).is_empty());
    sleep(2 * SECOND).await;
    assert_eq!(world.sandbox.log_messages("/new", &stream), ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn a_late_line_lands_behind_the_reader() {
    let world = world(
        numbered(6).exits(6 * SECOND, 0),
        r#"{"tasks": [{"effect": {"log_lines": {"from": 3, "to": 3, "fate": {"late": {"seconds": 10}}}}}]}"#,
    );
    world.register(&[]).await;
    let task = world.run_to_end().await;
    let mut reader = Reader::of(&world, stream(&task, "runner"));
    assert_eq!(reader.lines().await, ["1", "2", "4", "5", "6"]);
    sleep(10 * SECOND).await;
    assert!(reader.lines().await.is_empty(), "the cursor is past it");
    let mut again = Reader::of(&world, stream(&task, "runner"));
    assert_eq!(again.lines().await, ["1", "2", "3", "4", "5", "6"]);
}

#[tokio::test(start_paused = true)]
async fn a_whole_stream_falls_behind() {
    let world = world(
        numbered(10).exits(10 * SECOND, 0),
        r#"{"tasks": [{"effect": {"log_lines": {"fate": {"late": {"seconds": 1, "more_each": 1}}}}}]}"#,
    );
    world.register(&[]).await;
    let task = world.run_to_end().await;
    let mut reader = Reader::of(&world, stream(&task, "runner"));
    // Line n is written at n - 1 and readable n later.
    assert_eq!(reader.lines().await, ["1", "2", "3", "4", "5"]);
    sleep(5 * SECOND).await;
    assert_eq!(reader.lines().await, ["6", "7", "8"]);
    sleep(5 * SECOND).await;
    assert_eq!(reader.lines().await, ["9", "10"]);
}

#[tokio::test(start_paused = true)]
async fn lines_get_lost_and_timestamps_go_back() {
    let world = world(
        numbered(9).exits(9 * SECOND, 0),
        r#"{"tasks": [
            {"effect": {"log_lines": {"from": 3, "every": 3, "fate": "lost"}}},
            {"effect": {"log_lines": {"from": 5, "to": 5, "fate": {"timestamp": {"off_by_seconds": -3.5}}}}},
            {"effect": {"log_lines": {"container": "other", "fate": "lost"}}}
        ]}"#,
    );
    world.register(&[]).await;
    let task = world.run_to_end().await;
    let lines = Reader::of(&world, stream(&task, "runner")).lines().await;
    assert_eq!(lines, ["1", "5", "2", "4", "7", "8"]);
}

#[tokio::test(start_paused = true)]
async fn two_lines_of_a_millisecond_keep_their_order() {
    let script = Script::new().line(SECOND, "b").line(SECOND, "a").exits(2 * SECOND, 0);
    let world = world(script, "{}");
    world.register(&[]).await;
    let task = world.run_to_end().await;
    let read = world.logs.get_log_events().log_group_name(GROUP).start_from_head(true);
    let read = || read.clone().log_stream_name(stream(&task, "runner")).limit(1);
    let first = read().send().await.expect("a page");
    let second = read().set_next_token(first.next_forward_token).send().await.expect("a page");
    let (first, second) = (&first.events.expect("one")[0], &second.events.expect("one")[0]);
    assert_eq!((first.message(), second.message()), (Some("b"), Some("a")));
    assert_eq!(first.timestamp(), second.timestamp());
}

#[tokio::test(start_paused = true)]
async fn pages_end_early_repeat_themselves_or_are_empty() {
    let world = world(
        Script::new()
            .burst(Duration::ZERO, (1..=9).map(|number| number.to_string()))
            .exits(SECOND, 0),
        r#"{"requests": [
            {"operation": "GetLogEvents", "from": 1, "to": 2, "answer": {"page": {"events": 2}}},
            {"operation": "GetLogEvents", "from": 3, "to": 4, "answer": {"page": {"events": 0}}},
            {"operation": "GetLogEvents", "from": 5, "to": 5, "answer": {"page": {"events": 3, "repeats": 2}}}
        ]}"#,
    );
    world.register(&[]).await;
    let task = world.run_to_end().await;
    let mut reader = Reader::of(&world, stream(&task, "runner"));
    let pages = reader.pages().await;
    assert_eq!(
        pages,
        [&["1", "2"][..], &["3", "4"], &[], &[], &["3", "4", "5", "6", "7"], &["8", "9"],]
    );
    assert_eq!(reader.page().await, (Vec::new(), false));
}

#[tokio::test(start_paused = true)]
async fn an_empty_first_page_is_not_the_end() {
    let world = world(
        Script::new().line(Duration::ZERO, "all").exits(SECOND, 0),
        r#"{"requests": [{"operation": "GetLogEvents", "to": 2, "answer": {"page": {"events": 0}}}]}"#,
    );
    world.register(&[]).await;
    let task = world.run_to_end().await;
    let pages = Reader::of(&world, stream(&task, "runner")).pages().await;
    assert_eq!(pages, [&[][..], &[], &["all"]]);
}

#[tokio::test]
async fn whatever_a_container_writes_arrives_over_http() {
    let most = 262_118;
    let script = Script::new()
        .bytes(Duration::ZERO, b"a\xff\xfe\0\x1b[31m::stop::".to_vec())
        .bytes(Duration::ZERO, vec![b'x'; 2 * most + 1])
        .line(Duration::ZERO, "")
        .line(Duration::ZERO, "end")
        .exits(Duration::ZERO, 0);
    let config = Config::new(Speed::Instant).image("*", Program::script(script));
    let world = World::served(config).await;
    world.register(&[]).await;
    let task = world.run_to_end().await;
    let lines = Reader::of(&world, stream(&task, "runner")).lines().await;
    assert_eq!(lines[0], "a\u{fffd}\u{fffd}\0\u{1b}[31m::stop::");
    let lengths: Vec<usize> = lines[1..].iter().map(String::len).collect();
    assert_eq!(lengths, [most, most, 1, 3]);
}

/// The wire itself, without an SDK in between.
#[tokio::test(start_paused = true)]
async fn a_page_is_as_aws_writes_it() {
    let world = world(Script::new().line(Duration::ZERO, "one \"line\"").exits(SECOND, 0), "{}");
    world.register(&[]).await;
    let task = world.run_to_end().await;
    let body = serde_json::json!({
        "logGroupName": GROUP, "logStreamName": stream(&task, "runner"), "startFromHead": true
    });
    let request = http::Request::post("/").header("x-amz-target", "Logs_20140328.GetLogEvents");
    let request = request.body(body.to_string().into_bytes()).expect("a request");
    let response = world.sandbox.handle(request).await;
    assert_eq!(response.headers()["content-type"], "application/x-amz-json-1.1");
    let page: Value = serde_json::from_slice(response.body()).expect("JSON");
    let timestamp = page["events"][0]["timestamp"].as_u64().expect("integer milliseconds");
    assert_eq!(
        page["events"],
        serde_json::json!([
            {"timestamp": timestamp, "message": "one \"line\"", "ingestionTime": timestamp}
        ])
    );
    let members: Vec<&String> = page.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["events", "nextBackwardToken", "nextForwardToken"]);
}

#[tokio::test]
async fn a_burst_is_read_in_full_pages() {
    let lines = 50_000;
    let burst = (0..lines).map(|number| format!("line {number:06}"));
    let script = Script::new().burst(Duration::ZERO, burst).exits(Duration::ZERO, 0);
    let config = || Config::new(Speed::Instant).image("*", Program::script(script.clone()));
    for world in [World::in_memory(config()), World::served(config()).await] {
        world.register(&[]).await;
        let task = world.run_to_end().await;
        let pages = Reader::of(&world, stream(&task, "runner")).pages().await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [10_000; 5]);
        assert_eq!(pages[4][9_999], "line 049999");
    }
}
