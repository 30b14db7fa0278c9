//! CloudWatch Logs itself, and how a container's output becomes events.

use aws_sdk_cloudwatchlogs::types::{InputLogEvent, OrderBy};
use sandbox::{Config, Program, Speed};

use crate::support::{GROUP, World, stream};

#[tokio::test(start_paused = true)]
async fn groups_streams_events() {
    let world = World::in_memory(Config::new(Speed::Instant));
    let logs = &world.logs;
    logs.create_log_group().log_group_name("/new").send().await.expect("created");
    let again = logs.create_log_group().log_group_name("/new").send().await;
    assert!(again.expect_err("there").into_service_error().is_resource_already_exists_exception());
    let groups = logs.describe_log_groups().log_group_name_prefix("/n").send().await;
    assert_eq!(groups.expect("groups").log_groups()[0].log_group_name(), Some("/new"));

    let stream = || logs.create_log_stream().log_group_name("/new").log_stream_name("s").send();
    stream().await.expect("created");
    for (timestamp, message) in [(2_000, "b"), (1_000, "a"), (3_000, "c")] {
        let event = InputLogEvent::builder().timestamp(timestamp).message(message).build();
        let put = logs.put_log_events().log_group_name("/new").log_stream_name("s");
        put.log_events(event.expect("an event")).send().await.expect("put");
    }
    let get = || logs.get_log_events().log_group_name("/new").log_stream_name("s");
    let newest = get().limit(1).send().await.expect("a page");
    assert_eq!(newest.events()[0].message(), Some("c"), "the tail is the default");
    let from = get().start_from_head(true).start_time(2_000).end_time(3_000).send().await;
    assert_eq!(from.expect("a page").events().len(), 1);
    let found = logs.filter_log_events().log_group_name("/new").filter_pattern("b").send().await;
    let found = found.expect("events");
    assert_eq!(found.events()[0].message(), Some("b"));
    assert!(found.events()[0].event_id().is_some());
    let streams = logs.describe_log_streams().log_group_name("/new").send().await;
    assert_eq!(streams.expect("streams").log_streams()[0].last_event_timestamp(), Some(3_000));

    let missing = logs.get_log_events().log_group_name("/no").log_stream_name("s").send().await;
    let error = missing.expect_err("missing").into_service_error();
    assert_eq!(error.meta().message(), Some("The specified log group does not exist."));
    let nonsense = get().next_token("nonsense").send().await;
    assert!(nonsense.expect_err("refused").into_service_error().is_invalid_parameter_exception());
}

#[tokio::test(start_paused = true)]
async fn streams_come_in_pages_and_in_one_of_two_orders() {
    let world = World::in_memory(Config::new(Speed::Instant));
    let logs = &world.logs;
    logs.create_log_group().log_group_name("/new").send().await.expect("created");
    for number in 0..120 {
        let create = logs.create_log_stream().log_group_name("/new");
        create.log_stream_name(format!("p/{number:03}")).send().await.expect("created");
    }
    let event = InputLogEvent::builder().timestamp(7).message("x").build().expect("an event");
    let put = logs.put_log_events().log_group_name("/new").log_stream_name("p/042");
    put.log_events(event).send().await.expect("put");
    let ask = || logs.describe_log_streams().log_group_name("/new");
    let mut sizes = Vec::new();
    let mut token = None;
    loop {
        let page = ask().log_stream_name_prefix("p/").set_next_token(token).send().await;
        let page = page.expect("a page");
        sizes.push(page.log_streams().len());
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [50, 50, 20]);
    let by_time = || ask().order_by(OrderBy::LastEventTime);
    let newest = by_time().descending(true).limit(1).send().await.expect("a page");
    assert_eq!(newest.log_streams()[0].log_stream_name(), Some("p/042"));
    let last = ask().descending(true).limit(1).send().await.expect("a page");
    assert_eq!(last.log_streams()[0].log_stream_name(), Some("p/119"));
    let refused = by_time().log_stream_name_prefix("p/").send().await.expect_err("not both");
    let refused = refused.into_service_error();
    let text = "Cannot order by LastEventTime with a logStreamNamePrefix.";
    assert_eq!(refused.meta().message(), Some(text));
    assert!(ask().limit(51).send().await.is_err());
}

#[tokio::test]
async fn output_becomes_events() {
    let program = Program::command("sh -c").expect("words");
    let world = World::served(Config::new(Speed::Instant).image("*", program)).await;
    let command =
        "printf 'a\\377b\\n\\n\\n'; head -c 300000 /dev/zero | tr '\\0' x; printf '\\nunfinished'";
    world.register(&[command]).await;
    let ended = world.run_to_end().await;
    let page = world
        .logs
        .get_log_events()
        .log_group_name(GROUP)
        .log_stream_name(stream(&ended, "runner"))
        .start_from_head(true)
        .send()
        .await
        .expect("a page");
    let events = page.events();
    let lengths: Vec<usize> =
        events.iter().map(|event| event.message().map_or(0, str::len)).collect();
    assert_eq!(lengths, [5, 262_118, 37_882, 10]);
    assert_eq!(events[0].message(), Some("a\u{fffd}b"));
    assert_eq!(events[1].timestamp(), events[2].timestamp());
    assert_eq!(events[3].message(), Some("unfinished"));
}
