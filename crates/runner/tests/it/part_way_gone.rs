//! Part-way, and then the commit is reverted: whoever is asked says what is half done.

use crate::support::{Ended, World};
use protocol::DatabaseState;
use protocol::event::{Event, Finding};

/// `2_b` has made an index and stands at a statement that fails; its directory is gone.
async fn reverted() -> World {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.migration(
        "2_b",
        "CREATE INDEX CONCURRENTLY i ON a(id);\nCREATE INDEX CONCURRENTLY j ON nope(id);",
    );
    world.deploy().await.failed(10);
    assert!(world.exists("i").await);
    world.remove("2_b");
    world
}

fn says_what_is_half_done(ended: &Ended) {
    let message = &ended.failed(11).message;
    assert!(message.contains("`2_b` is part-way (statement 1 is done)"), "{message}");
    assert!(message.contains("its directory is gone"), "{message}");
}

#[tokio::test]
async fn status_and_deploy_are_red_and_say_what_is_half_done() {
    let world = reverted().await;
    let status = world.run(&["status"]).await;
    says_what_is_half_done(&status);
    assert_eq!(status.finished().database, DatabaseState::NeedsAttention);
    assert!(
        status.has(|event| matches!(event, Event::MigrationStatus(one)
            if one.migration == "2_b" && one.state == "unfinished")),
        "{}",
        status.stdout
    );
    says_what_is_half_done(&world.deploy().await);
}

#[tokio::test]
async fn check_blocks_with_it() {
    let world = reverted().await;
    let check = world.run(&["check"]).await;
    check.failed(14);
    assert!(
        check.has(|event| matches!(event, Event::CheckFinding(one)
            if one.name == "history" && one.verdict == Finding::No
                && one.sentence.contains("`2_b` is part-way"))),
        "{}",
        check.stdout
    );
}

#[tokio::test]
async fn resolve_does_not_call_finished_parts_rolled_back() {
    let world = reverted().await;
    for directory in ["gone", "there"] {
        let red = world.run(&["resolve", "--rolled-back", "2_b"]).await;
        let message = &red.failed(14).message;
        assert!(message.contains("statement 1 is done of `2_b`"), "{directory}: {message}");
        let journal = "SELECT count(*) FROM ecs_migrate.journal WHERE finished_at IS NOT NULL";
        assert_eq!(world.value(journal).await, "1");
        assert_eq!(world.history().await[1], "2_b unfinished 0");
        world.migration("2_b", "CREATE INDEX CONCURRENTLY i ON a(id);\nCREATE INDEX j ON a(id);");
    }
    world.remove("2_b");
    world.sql("DROP INDEX i").await;
    let green = world.run(&["resolve", "--rolled-back", "2_b", "--force"]).await;
    green.succeeded();
    assert!(green.notice("evidence"), "{}", green.stdout);
    assert_eq!(world.history().await[1], "2_b rolled-back 0");
    world.run(&["status"]).await.succeeded();
    world.deploy().await.succeeded();
}

/// A build that was killed may have left an index that is not valid: nobody can look without the script.
#[tokio::test]
async fn what_was_begun_is_not_called_rolled_back_unseen() {
    let world = reverted().await;
    // As a runner leaves it that was killed in its first statement.
    world.sql("DELETE FROM ecs_migrate.journal WHERE unit > 0").await;
    world.sql("UPDATE ecs_migrate.journal SET finished_at = NULL").await;
    let red = world.run(&["resolve", "--rolled-back", "2_b"]).await;
    assert!(red.failed(14).message.contains("statement 1 is begun of `2_b`"), "{}", red.stdout);
    assert_eq!(world.history().await[1], "2_b unfinished 0");
}

/// The next run resumes it, so nothing is in the way.
#[tokio::test]
async fn with_its_directory_nothing_is_red() {
    let world = reverted().await;
    world.migration(
        "2_b",
        "CREATE INDEX CONCURRENTLY i ON a(id);\nCREATE INDEX CONCURRENTLY j ON a(id);",
    );
    world.run(&["status"]).await.succeeded();
    world.run(&["check"]).await.succeeded();
    world.deploy().await.succeeded();
}
