//! The last word always comes, and costs little: however much a server, a script or a command says.

use crate::follow::Follow;
use crate::support::{Ended, World, finish, search_path};
use protocol::Event;
use protocol::limits::MAX_LINE_BYTES;
use std::time::Duration;
use tokio::process::Command;

/// Runs it, and says how much memory it took at most, in MB. Asked for as long as it lives: the kernel
/// tells of nobody who has ended.
async fn measured(command: Command) -> (Ended, u64) {
    let run = Follow::spawn(command);
    let path = format!("/proc/{}/status", run.id());
    let mut highest = 0;
    let finishing = run.finish();
    tokio::pin!(finishing);
    loop {
        tokio::select! {
            ended = &mut finishing => return (ended, highest),
            () = tokio::time::sleep(Duration::from_millis(5)) => {
                let status = std::fs::read_to_string(&path).unwrap_or_default();
                let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
                let kilobytes: u64 = kilobytes.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
                highest = highest.max(kilobytes / 1024);
            }
        }
    }
}

/// A debug build takes some 40 MB by itself.
const LITTLE: u64 = 120;

#[tokio::test]
async fn a_large_message_of_the_server() {
    for script in [
        "DO $$ BEGIN RAISE EXCEPTION '%', repeat('x', 60000000); END $$;",
        "DO $$ BEGIN RAISE EXCEPTION 'short' USING DETAIL = repeat('é', 30000000), HINT = repeat('y', 30000000); END $$;",
        "DO $$ BEGIN PERFORM repeat('7', 60000000)::int; END $$;",
        "DO $$ BEGIN RAISE NOTICE '%', repeat('x', 60000000); RAISE EXCEPTION 'after it'; END $$;",
        "SELECT repeat('x', 60000000) FROM generate_series(1, 3);\nSELECT 1 / 0;",
    ] {
        let world = World::new().await;
        world.migration("1_a", script);
        let (ended, megabytes) = measured(world.command(&["deploy"])).await;
        let failure = ended.failed(10);
        assert!(!failure.message.is_empty() && failure.migration.is_some());
        assert!(megabytes < LITTLE, "{script}: {megabytes} MB");
        for line in ended.stdout.lines() {
            assert!(line.len() <= MAX_LINE_BYTES, "{} bytes", line.len());
        }
        assert_eq!(world.history().await, ["1_a rolled-back 0"]);
    }
}

#[tokio::test]
async fn a_flood_of_notices() {
    let world = World::new().await;
    world.migration(
        "1_a",
        "DO $$ BEGIN FOR i IN 1..200000 LOOP RAISE NOTICE '%', repeat('x', 100); END LOOP; END $$;",
    );
    let (ended, megabytes) = measured(world.command(&["deploy"])).await;
    ended.succeeded();
    assert!(megabytes < LITTLE, "{megabytes} MB");
    assert!(ended.lines.len() < 60, "{} lines", ended.lines.len());
}

/// What cannot be written in time is dropped, and told in few lines.
#[tokio::test]
async fn a_flood_of_a_commands_output() {
    let world = World::new().await;
    let mut command = world.command(&["exec", "--", "sh", "-c", "yes | head -c 6000000"]);
    command.env("PATH", search_path());
    let ended = finish(command.spawn().unwrap()).await;
    ended.succeeded();
    let dropped = |event: &Event| match event {
        Event::OutputDropped(dropped) => Some(dropped.lines),
        _ => None,
    };
    let told: Vec<u64> = ended.lines.iter().filter_map(|line| dropped(&line.event)).collect();
    let written =
        ended.lines.iter().filter(|line| matches!(line.event, Event::Output(_))).count() as u64;
    assert_eq!(written + told.iter().sum::<u64>(), 3_000_000);
    // One for each time that the queue was full, at most.
    assert!((told.len() as u64) < 10 + written / 5_000, "{} for {written}", told.len());
}
