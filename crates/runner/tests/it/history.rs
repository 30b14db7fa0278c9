//! What the runner makes of a history that differs.

use crate::support::World;
use protocol::DatabaseState;

async fn three() -> World {
    let world = World::new().await;
    for name in ["20260101000000_a", "20260102000000_b", "20260103000000_c"] {
        world.migration(name, &format!("CREATE TABLE {}(id int);", &name[15..]));
    }
    world.deploy().await.succeeded();
    world
}

#[tokio::test]
async fn an_older_image_is_green_with_a_notice() {
    let world = three().await;
    world.remove("20260103000000_c");
    let ended = world.deploy().await;
    ended.succeeded();
    assert!(ended.notice("database_ahead"), "{}", ended.stdout);
}

#[tokio::test]
async fn an_edited_script_stops_unless_allowed() {
    let world = three().await;
    world.migration("20260102000000_b", "CREATE TABLE b(id bigint);");
    world.migration("20260104000000_d", "CREATE TABLE d(id int);");
    let red = world.deploy().await;
    let failure = red.failed(13);
    assert!(
        failure.message.contains("20260102000000_b") && failure.message.contains("edited"),
        "{failure:?}"
    );
    assert!(
        failure.hint.as_ref().unwrap().contains("--allow edited:20260102000000_b"),
        "{failure:?}"
    );
    assert_eq!(red.finished().database, DatabaseState::Unchanged);
    assert!(!world.exists("d").await);
    let green = world.run(&["deploy", "--allow", "edited:20260102000000_b"]).await;
    assert_eq!(green.succeeded().applied, 1);
    assert!(green.notice("difference_allowed"));
}

#[tokio::test]
async fn a_missing_directory_and_a_late_migration_stop_unless_allowed() {
    let world = three().await;
    world.remove("20260102000000_b");
    world.migration("20260102500000_late", "CREATE TABLE late(id int);");
    let red = world.deploy().await;
    let message = &red.failed(13).message;
    assert!(
        message.contains("`20260102000000_b` is applied, but its directory is gone"),
        "{message}"
    );
    assert!(
        message
            .contains("`20260102500000_late` is not applied, but the newer `20260103000000_c` is"),
        "{message}"
    );
    let green =
        world.run(&["--allow", "missing:20260102000000_b,out-of-order:20260102500000_late"]).await;
    assert_eq!(green.succeeded().applied, 1);
}

#[tokio::test]
async fn another_tools_unfinished_row_is_never_settled() {
    let world = three().await;
    world
        .sql("INSERT INTO _prisma_migrations (id, checksum, started_at, migration_name) VALUES ('x', 'y', now(), '20260104000000_theirs')")
        .await;
    let red = world.deploy().await;
    let failure = red.failed(12);
    assert_eq!(failure.prisma_code.as_deref(), Some("P3009"));
    assert!(failure.message.contains("20260104000000_theirs"), "{failure:?}");
    assert_eq!(world.history().await[3], "20260104000000_theirs unfinished 0");
}

#[tokio::test]
async fn tables_without_a_history_stop() {
    let world = World::new().await;
    world.migration("20260101000000_a", "CREATE TABLE a(id int);");
    world.sql("CREATE TYPE mood AS ENUM ('ok'); CREATE VIEW v AS SELECT 1; CREATE TABLE p(id int) PARTITION BY LIST (id);").await;
    world.sql("CREATE TABLE \"Spatial_Ref_Sys\"(id int); CREATE TABLE existing(id int);").await;
    let red = world.deploy().await;
    assert_eq!(red.failed(13).prisma_code.as_deref(), Some("P3005"));
    assert!(red.failed(13).message.contains("`existing`"));
    world.sql("DROP TABLE existing").await;
    world.deploy().await.succeeded();
}

#[tokio::test]
async fn a_database_of_prisma_8_is_recognised() {
    let world = World::new().await;
    world.migration("1_a", "SELECT 1;");
    world.sql("CREATE SCHEMA prisma_contract").await;
    let red = world.deploy().await;
    assert!(red.failed(13).message.contains("Prisma 8"), "{}", red.stdout);
}

#[tokio::test]
async fn status_writes_nothing_not_even_a_missing_schema() {
    let mut world = World::new().await;
    world.url = format!("{}?schema=fresh", world.url);
    world.migration("1_a", "SELECT 1;");
    assert_eq!(world.run(&["status"]).await.succeeded().pending, 1);
    assert_eq!(world.value("SELECT to_regnamespace('fresh') IS NULL").await, "t");
}

#[tokio::test]
async fn an_earlier_runs_backend_that_still_works_is_named() {
    let world = World::new().await;
    world.migration("1_a", "SELECT 1;");
    world.deploy().await.succeeded();
    let worker = world.session("ecs-migrate r").await;
    let backend = world.pid_of("ecs-migrate r").await;
    world
        .sql(&format!("INSERT INTO _prisma_migrations (id, checksum, started_at, migration_name, logs) VALUES ('x', 'y', clock_timestamp(), '2_b', 'ecs-migrate: mode=transaction backend={backend} run=r')"))
        .await;
    worker.batch_execute("BEGIN").await.unwrap();
    let red = world.deploy().await;
    assert!(red.failed(20).message.contains(&format!("backend {backend}")), "{}", red.stdout);
    assert_eq!(world.history().await[1], "2_b unfinished 0");
    // A pooler lends the backend to somebody else.
    worker.batch_execute("SET application_name = 'shop'").await.unwrap();
    world.deploy().await.succeeded();
    assert_eq!(world.history().await[1], "2_b rolled-back 0");
}

#[tokio::test]
async fn a_directory_without_a_script_stops_before_anything_is_applied() {
    let world = World::new().await;
    world.migration("20260101000000_a", "CREATE TABLE a(id int);");
    std::fs::create_dir(world.directory.path().join("20260102000000_b")).unwrap();
    let red = world.deploy().await;
    let failure = red.failed(2);
    assert_eq!(failure.prisma_code.as_deref(), Some("P3015"));
    let sentence = format!("{}; {}", failure.message, failure.hint.as_deref().unwrap());
    assert!(sentence.starts_with("its script cannot be read: "), "{sentence}");
    assert!(sentence.contains("--migrations names the folder"), "{sentence}");
    assert!(!world.exists("a").await);
}

#[tokio::test]
async fn line_ends_and_extra_columns_do_not_matter() {
    let world = three().await;
    world.sql("ALTER TABLE _prisma_migrations ADD extra text").await;
    world.migration("20260101000000_a", "CREATE TABLE a(id int);\r\n");
    let red = world.deploy().await;
    assert_eq!(red.code, 13, "a new line end at the end is an edit");
    world.migration("20260101000000_a", "CREATE TABLE a(id int);");
    world.migration("20260104000000_d", "SELECT 1;\nSELECT 2;\n");
    world.deploy().await.succeeded();
    world.migration("20260104000000_d", "SELECT 1;\r\nSELECT 2;\r\n");
    world.deploy().await.succeeded();
}
