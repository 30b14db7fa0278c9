//! What the runner writes, and what happens when nobody reads it.

use crate::support::{World, finish};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

#[tokio::test]
async fn text_is_for_people() {
    let world = World::new().await;
    world.migration("20260101000000_a", "CREATE TABLE a(id int);\nSELECT '\x1b[2J' FROM nope;");
    let ended = world.run(&["--log-format", "text"]).await;
    assert_eq!(ended.code, 10);
    assert!(ended.lines.is_empty());
    assert!(ended.stdout.contains("statement 2 of 2"), "{}", ended.stdout);
    assert!(!ended.stdout.contains('\x1b'), "{:?}", ended.stdout);
}

#[tokio::test]
async fn a_reader_that_stops_reading_does_not_hold_up_the_database() {
    let world = World::new().await;
    for number in 0..400 {
        world.migration(&format!("20260101{number:06}_m"), "SELECT 1;");
    }
    let mut child = world.command(&["deploy"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    world.until("to_regclass('_prisma_migrations') IS NOT NULL").await;
    world
        .until("(SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL) = 400")
        .await;
    world.lock_is_free().await;
    let mut text = String::new();
    tokio::time::timeout(Duration::from_secs(30), stdout.read_to_string(&mut text))
        .await
        .unwrap()
        .unwrap();
    assert!(
        text.lines().last().unwrap().contains("run_finished"),
        "nothing is lost when it reads again"
    );
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_reader_that_is_gone_does_not_change_the_outcome() {
    let world = World::new().await;
    world.migration("20260101000000_a", "CREATE TABLE a(id int);");
    let mut child = world.command(&["deploy"]).spawn().unwrap();
    drop(child.stdout.take());
    let ended = finish(child).await;
    assert_eq!(ended.code, 0);
    assert!(world.exists("a").await);
}
