//! `resolve`: what it records, and what it refuses to.

use crate::support::World;

async fn theirs(world: &World, name: &str) {
    world.sql(&format!("INSERT INTO _prisma_migrations (id, checksum, started_at, migration_name) VALUES ('{name}', 'y', now(), '{name}')")).await;
}

async fn half_done() -> World {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.deploy().await.succeeded();
    world.migration("2_b", "CREATE TABLE b(id int); ALTER TABLE a ADD COLUMN n int;");
    theirs(&world, "2_b").await;
    world
}

#[tokio::test]
async fn nothing_there_can_be_rolled_back_and_is_tried_again() {
    let world = half_done().await;
    assert_eq!(world.deploy().await.code, 12);
    world.run(&["resolve", "--rolled-back", "2_b"]).await.succeeded();
    world.run(&["resolve", "--rolled-back", "2_b"]).await.succeeded();
    world.deploy().await.succeeded();
    assert_eq!(world.history().await, ["1_a applied 1", "2_b rolled-back 0", "2_b applied 1"]);
}

#[tokio::test]
async fn what_the_database_contradicts_is_refused_unless_forced() {
    let world = half_done().await;
    world.sql("CREATE TABLE b(id int)").await;
    for how in ["--rolled-back", "--applied"] {
        let red = world.run(&["resolve", how, "2_b"]).await;
        let failure = red.failed(14);
        assert!(failure.message.contains("there: b; not there: a.n"), "{failure:?}");
    }
    assert_eq!(world.history().await[1], "2_b unfinished 0", "no row is changed");
    world.run(&["resolve", "--applied", "2_b", "--force"]).await.succeeded();
    assert_eq!(world.history().await[2], "2_b applied 0");
    assert_eq!(world.value("SELECT logs FROM _prisma_migrations WHERE migration_name = '2_b' AND finished_at = started_at").await, "");
    world.deploy().await.succeeded();
}

#[tokio::test]
async fn everything_there_can_be_recorded_as_applied() {
    let world = half_done().await;
    world.sql("CREATE TABLE b(id int); ALTER TABLE a ADD n int").await;
    let green = world.run(&["resolve", "--applied", "2_b"]).await;
    green.succeeded();
    assert!(green.notice("evidence"), "{}", green.stdout);
    assert_eq!(world.history().await, ["1_a applied 1", "2_b rolled-back 0", "2_b applied 0"]);
}

#[tokio::test]
async fn what_makes_no_sense_has_prismas_code() {
    let world = half_done().await;
    for (arguments, code) in [
        (["resolve", "--applied", "1_a"], "P3008"),
        (["resolve", "--rolled-back", "9_z"], "P3011"),
        (["resolve", "--rolled-back", "1_a"], "P3012"),
        (["resolve", "--applied", "9_z"], "P3017"),
    ] {
        let red = world.run(&arguments).await;
        assert_eq!(red.failed(2).prisma_code.as_deref(), Some(code));
    }
    assert_eq!(world.run(&["resolve"]).await.code, 2);
    assert_eq!(world.run(&["resolve", "--applied", "1_a", "--rolled-back", "1_a"]).await.code, 2);
}

#[tokio::test]
async fn a_database_without_history_is_adopted_after_comparing() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int NOT NULL DEFAULT 7); CREATE TYPE m AS ENUM ('x', 'y'); CREATE VIEW v AS SELECT id FROM a;");
    world.migration("2_b", "CREATE INDEX CONCURRENTLY i ON a(id);");
    world.migration("3_c", "CREATE TABLE c(id int);");
    world.sql("CREATE TABLE a(id int NOT NULL DEFAULT 7, extra text); CREATE TYPE m AS ENUM ('x', 'y'); CREATE VIEW v AS SELECT id FROM a;").await;
    let red = world.run(&["resolve", "--baseline", "2_b"]).await;
    assert!(red.failed(14).message.contains(": 2 differences"), "{}", red.stdout);
    assert!(
        red.stdout.contains("column public.a.extra is only in the database (text, null)"),
        "{}",
        red.stdout
    );
    assert!(
        red.stdout.contains("index public.i is only in the migrations (CREATE INDEX i"),
        "{}",
        red.stdout
    );
    assert!(!world.exists("_prisma_migrations").await);

    world.sql("ALTER TABLE a DROP COLUMN extra; CREATE INDEX i ON a(id)").await;
    world.run(&["resolve", "--baseline", "2_b"]).await.succeeded();
    assert_eq!(world.history().await, ["1_a applied 0", "2_b applied 0"]);
    assert_eq!(world.deploy().await.succeeded().applied, 1);
    assert_eq!(world.run(&["resolve", "--baseline", "2_b"]).await.code, 2);
    assert_eq!(
        world
            .value("SELECT count(*) FROM pg_database WHERE datname LIKE 'ecs_migrate_scratch%'")
            .await,
        "0"
    );
}

/// As another tool leaves it that died in the middle.
async fn unfinished(before: &str, script: &str) -> World {
    let world = World::new().await;
    world.migration("1_a", before);
    world.deploy().await.succeeded();
    world.migration("2_b", script);
    theirs(&world, "2_b").await;
    world
}

/// Renames, constraints that take an index's name, every column of a statement, what is dropped.
#[tokio::test]
async fn everything_that_the_script_makes_and_takes_away_is_looked_for() {
    let before = "CREATE TABLE a(id int NOT NULL, old int); CREATE TABLE gone(id int); CREATE TYPE m AS ENUM ('x'); CREATE UNIQUE INDEX i ON a(id);";
    for (script, done) in [
        ("ALTER TABLE a RENAME TO b;", "ALTER TABLE a RENAME TO b"),
        ("ALTER TABLE a RENAME COLUMN old TO new;", "ALTER TABLE a RENAME old TO new"),
        (
            "ALTER TABLE a ADD CONSTRAINT k UNIQUE USING INDEX i;",
            "ALTER TABLE a ADD CONSTRAINT k UNIQUE USING INDEX i",
        ),
        ("ALTER TABLE a ADD COLUMN x int, ADD COLUMN y int;", "ALTER TABLE a ADD COLUMN y int"),
        ("DROP TABLE gone;", "DROP TABLE gone"),
        ("ALTER TABLE a DROP COLUMN old;", "ALTER TABLE a DROP COLUMN old"),
        ("ALTER TYPE m ADD VALUE 'y';", "ALTER TYPE m ADD VALUE 'y'"),
    ] {
        let world = unfinished(before, script).await;
        let red = world.run(&["resolve", "--applied", "2_b"]).await;
        red.failed(14);
        world.sql(done).await;
        let red = world.run(&["resolve", "--rolled-back", "2_b"]).await;
        assert!(red.failed(14).message.contains("contradicts"), "{script}: {}", red.stdout);
        if !script.contains("x int") {
            world.run(&["resolve", "--applied", "2_b"]).await.succeeded();
        }
    }
    let world = unfinished(before, "ALTER TABLE a RENAME TO b; DROP TABLE gone;").await;
    world.run(&["resolve", "--rolled-back", "2_b"]).await.succeeded();
}

/// Where there is no table there is no row.
#[tokio::test]
async fn what_is_behind_something_that_is_not_done_is_not_done() {
    let script = "CREATE TABLE b(id int);\nINSERT INTO b VALUES (1);";
    let world = unfinished("CREATE TABLE a(id int);", script).await;
    world.run(&["resolve", "--rolled-back", "2_b"]).await.succeeded();
}

#[tokio::test]
async fn data_alone_shows_nothing() {
    let world = unfinished("CREATE TABLE a(id int);", "INSERT INTO a\n VALUES (1);").await;
    for how in ["--rolled-back", "--applied"] {
        let red = world.run(&["resolve", how, "2_b"]).await;
        let failure = red.failed(14);
        assert!(failure.message.contains("it cannot be known"), "{failure:?}");
        assert!(failure.hint.as_ref().unwrap().contains("--force"), "{failure:?}");
    }
    assert_eq!(world.history().await[1], "2_b unfinished 0");
    // What comes behind it is there, so it was run.
    world.migration("2_b", "INSERT INTO a VALUES (1);\nCREATE TABLE b(id int);");
    world.sql("CREATE TABLE b(id int)").await;
    world.run(&["resolve", "--applied", "2_b"]).await.succeeded();
}

/// Half of it is done, as the journal says: neither word is true.
#[tokio::test]
async fn the_journal_is_evidence() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.migration(
        "2_b",
        "-- ecs-migrate: transaction=off\nINSERT INTO a SELECT generate_series(1, 100);\nINSERT INTO a SELECT 1/0;",
    );
    world.deploy().await.failed(10);
    let red = world.run(&["resolve", "--rolled-back", "2_b"]).await;
    assert!(red.failed(14).message.contains("statement 1 is done"), "{}", red.stdout);
    let red = world.run(&["resolve", "--applied", "2_b"]).await;
    let message = &red.failed(14).message;
    assert!(message.contains("statement of line 3 was run"), "{message}");
    world.migration("2_b", "-- ecs-migrate: transaction=off\nINSERT INTO a SELECT generate_series(1, 100);\nINSERT INTO a VALUES (0);");
    world.deploy().await.succeeded();
    assert_eq!(world.value("SELECT count(*) FROM a").await, "101");
}

#[tokio::test]
async fn its_own_words_are_true() {
    let world = half_done().await;
    world.run(&["resolve", "--rolled-back", "2_b"]).await.succeeded();
    let again = world.run(&["resolve", "--rolled-back", "2_b"]).await;
    again.succeeded();
    assert!(again.stdout.contains("was marked as rolled back before"), "{}", again.stdout);
    world.deploy().await.succeeded();
    let red = world.run(&["resolve", "--rolled-back", "2_b"]).await;
    assert_eq!(red.failed(2).prisma_code.as_deref(), Some("P3012"));
    assert!(!red.stdout.contains("is marked as rolled back\""), "{}", red.stdout);
}
