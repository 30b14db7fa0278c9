//! What `status` says.

use crate::support::World;
use protocol::Event;

fn states(ended: &crate::support::Ended) -> Vec<String> {
    ended
        .lines
        .iter()
        .filter_map(|line| match &line.event {
            Event::MigrationStatus(status) => {
                Some(format!("{} {}", status.migration, status.state))
            }
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn it_answers_without_writing_and_without_the_lock() {
    let world = World::new().await;
    world.migration("1_a", "SELECT 1;");
    world.sql("SELECT pg_advisory_lock(123456789), pg_advisory_lock(72707369)").await;
    let ended = world.run(&["status"]).await;
    assert_eq!(ended.succeeded().pending, 1);
    assert_eq!(states(&ended), ["1_a pending"]);
    assert!(!world.exists("_prisma_migrations").await);
}

#[tokio::test]
async fn every_state_is_named_and_a_blocker_gives_its_exit_code() {
    let world = World::new().await;
    for name in ["1_a", "2_b", "3_c", "5_e"] {
        world.migration(name, "SELECT 1;");
    }
    world.deploy().await.succeeded();
    world.remove("2_b");
    world.remove("5_e");
    world.migration("3_c", "SELECT 2;");
    world.migration("4_d", "SELECT 1;");
    let ended = world.run(&["status"]).await;
    assert_eq!(
        states(&ended),
        ["1_a applied", "2_b missing", "3_c edited", "4_d pending", "5_e ahead"]
    );
    ended.failed(13);
    world
        .sql("UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '1_a'")
        .await;
    let ended = world.run(&["status"]).await;
    assert_eq!(states(&ended)[0], "1_a unfinished");
    ended.failed(12);
}

#[tokio::test]
async fn a_database_that_others_filled_is_not_merely_pending() {
    let world = World::new().await;
    world.sql("CREATE TABLE theirs(id int)").await;
    world.migration("1_a", "SELECT 1;");
    let ended = world.run(&["status"]).await;
    assert_eq!(states(&ended), ["1_a pending"]);
    let failure = ended.failed(13);
    assert!(failure.hint.as_deref().unwrap().contains("resolve --baseline"), "{failure:?}");
    world.remove("1_a");
    world.run(&["status"]).await.succeeded();
}
