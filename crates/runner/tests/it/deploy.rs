//! What `deploy` does when nothing goes wrong, and when a script does.

use crate::support::World;
use protocol::DatabaseState;
use protocol::event::Outcome;

#[tokio::test]
async fn the_first_deployment_applies_everything_and_the_second_nothing() {
    let world = World::new().await;
    world.migration("20260101000000_users", "CREATE TABLE users(id int);");
    world.migration(
        "20260102000000_orders",
        "CREATE TABLE orders(id int);\r\nINSERT INTO orders VALUES (1);\r\n",
    );
    let first = world.deploy().await;
    let finished = first.succeeded();
    assert_eq!(
        (finished.outcome, finished.applied, finished.database),
        (Outcome::Applied, 2, DatabaseState::Changed)
    );
    assert_eq!(
        world.history().await,
        ["20260101000000_users applied 1", "20260102000000_orders applied 1"]
    );

    let second = world.deploy().await;
    let finished = second.succeeded();
    assert_eq!((finished.outcome, finished.applied), (Outcome::NothingToDo, 0));
    assert_eq!(finished.database, DatabaseState::Unchanged);
    assert_eq!(world.history().await.len(), 2);
    world.lock_is_free().await;
}

#[tokio::test]
async fn rows_are_what_prisma_writes() {
    let world = World::new().await;
    world.migration("20260101000000_a", "");
    world.deploy().await.succeeded();
    let row = world
        .value("SELECT concat_ws('|', id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$', checksum, started_at <= finished_at, rolled_back_at IS NULL, logs IS NULL) FROM _prisma_migrations")
        .await;
    assert_eq!(row, "t|e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855|t|t|t");
    let columns = world
        .column("SELECT concat_ws(' ', column_name, data_type, character_maximum_length, is_nullable, column_default) FROM information_schema.columns WHERE table_name = '_prisma_migrations' ORDER BY ordinal_position")
        .await;
    assert_eq!(
        columns,
        [
            "id character varying 36 NO",
            "checksum character varying 64 NO",
            "finished_at timestamp with time zone YES",
            "migration_name character varying 255 NO",
            "logs text YES",
            "rolled_back_at timestamp with time zone YES",
            "started_at timestamp with time zone NO now()",
            "applied_steps_count integer NO 0",
        ]
    );
    assert_eq!(
        world.value("SELECT conname FROM pg_constraint WHERE contype = 'p' AND conrelid = '_prisma_migrations'::regclass").await,
        "_prisma_migrations_pkey"
    );
}

#[tokio::test]
async fn a_broken_migration_leaves_nothing_and_its_repair_needs_no_hand() {
    let world = World::new().await;
    world.migration("20260101000000_a", "CREATE TABLE a(id int);");
    world.migration(
        "20260102000000_b",
        "CREATE TABLE b(id int);\n\nALTER TABLE nope ADD c int;\nCREATE TABLE c(id int);",
    );
    world.migration("20260103000000_d", "CREATE TABLE d(id int);");
    let red = world.deploy().await;
    let failure = red.failed(10);
    let statement = failure.statement.as_ref().unwrap();
    assert_eq!(failure.migration.as_deref(), Some("20260102000000_b"));
    assert_eq!((statement.number, statement.of, statement.line), (2, 3, 3));
    assert_eq!(statement.text, "ALTER TABLE nope ADD c int");
    assert_eq!(failure.sqlstate.as_deref(), Some("42P01"));
    assert_eq!((red.finished().applied, red.finished().pending), (1, 2));
    assert_eq!(red.finished().database, DatabaseState::Changed, "the first one stays");
    assert!(!world.exists("b").await && !world.exists("d").await);

    world.migration("20260102000000_b", "CREATE TABLE b(id int);");
    world.deploy().await.succeeded();
    assert_eq!(
        world.history().await,
        [
            "20260101000000_a applied 1",
            "20260102000000_b rolled-back 0",
            "20260102000000_b applied 1",
            "20260103000000_d applied 1"
        ]
    );
}

#[tokio::test]
async fn the_line_is_that_of_the_servers_position() {
    let world = World::new().await;
    world.migration(
        "20260101000000_a",
        "-- é\nCREATE TABLE a(id int);\nSELECT 'ä',\n  id,\n  nope\nFROM a;",
    );
    let red = world.deploy().await;
    let statement = red.failed(10).statement.as_ref().unwrap();
    assert_eq!((statement.number, statement.line), (2, 5));
}

#[tokio::test]
async fn what_a_script_sets_does_not_reach_the_next() {
    let world = World::new().await;
    world.migration(
        "20260101000000_a",
        "CREATE SCHEMA other; SET search_path = other; SET statement_timeout = '300ms'; SET lock_timeout = 7; \
         CREATE ROLE leaky_role; SET ROLE leaky_role;",
    );
    world.migration(
        "20260102000000_b",
        "SELECT pg_sleep(0.4); CREATE TABLE b AS SELECT current_user::text AS who;",
    );
    let ended = world.deploy().await;
    world.sql("DROP ROLE leaky_role").await;
    ended.succeeded();
    assert!(world.exists("public.b").await);
    assert_eq!(world.value("SELECT who FROM b").await, "postgres");
}

#[tokio::test]
async fn the_preamble_of_pg_dump_does_not_break_the_bookkeeping() {
    let world = World::new().await;
    world.migration(
        "20260101000000_a",
        "SELECT pg_catalog.set_config('search_path', '', false); CREATE TABLE public.a(id int);",
    );
    world.migration("20260102000000_b", "CREATE TABLE b(id int);");
    world.deploy().await.succeeded();
    assert!(world.exists("public.b").await);
}

#[tokio::test]
async fn deferred_constraints_speak_up_before_the_finished_mark() {
    let world = World::new().await;
    world.migration(
        "20260101000000_a",
        "CREATE TABLE p(id int PRIMARY KEY); CREATE TABLE c(p int REFERENCES p DEFERRABLE INITIALLY DEFERRED); INSERT INTO c VALUES (1);",
    );
    let red = world.deploy().await;
    assert_eq!(red.failed(10).sqlstate.as_deref(), Some("23503"));
    assert!(!world.exists("p").await);
}

#[tokio::test]
async fn a_schema_in_the_url_is_created_and_holds_the_history() {
    let mut world = World::new().await;
    world.url = format!("{}?schema=App%20x", world.url);
    world.migration("20260101000000_a", "CREATE TABLE a(id int);");
    world.deploy().await.succeeded();
    assert!(world.exists("\"App x\".a").await);
    assert!(world.exists("\"App x\"._prisma_migrations").await);
    assert!(!world.exists("public._prisma_migrations").await);
}

#[tokio::test]
async fn a_database_is_created_only_when_asked() {
    let mut world = World::new().await;
    world.url = world.url.replace(&world.database, &format!("{}_new", world.database));
    world.migration("20260101000000_a", "CREATE TABLE a(id int);");
    let red = world.deploy().await;
    assert_eq!(red.failed(21).prisma_code.as_deref(), Some("P1003"));
    let green = world.run(&["deploy", "--create-database"]).await;
    assert_eq!(green.succeeded().applied, 1);
    assert!(green.notice("database_created"));
}

#[tokio::test]
async fn a_hundred_names_are_announced_in_shares() {
    let world = World::new().await;
    for number in 0..120 {
        world.migration(&format!("20260101{number:06}_m"), "SELECT 1;");
    }
    let ended = world.deploy().await;
    ended.succeeded();
    let names: usize = ended
        .lines
        .iter()
        .map(|line| match &line.event {
            protocol::Event::Planned(planned) => planned.names.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(names, 120);
}
