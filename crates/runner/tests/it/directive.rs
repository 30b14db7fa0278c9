//! `-- ecs-migrate: transaction=off` is off.

use crate::support::World;

const OFF: &str = "-- ecs-migrate: transaction=off\n";

#[tokio::test]
async fn what_minds_a_transaction_runs_without_one() {
    let world = World::new().await;
    world.migration(
        "1_a",
        "CREATE TABLE p(a int) PARTITION BY RANGE(a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9); \
         CREATE INDEX pi ON p(a);\n\
         CREATE FUNCTION minds() RETURNS void LANGUAGE plpgsql AS $$ BEGIN \
           IF EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'transactionid') THEN \
             RAISE EXCEPTION 'cannot run inside a transaction block' USING ERRCODE = '25001'; END IF; \
           CREATE TABLE minded(a int); END $$;",
    );
    world.migration(
        "2_b",
        &format!(
            "{OFF}REINDEX TABLE p;\nSELECT minds();\nDISCARD ALL;\n\
             DO $$ BEGIN INSERT INTO p VALUES (1); COMMIT; END $$;\nINSERT INTO p VALUES (2);"
        ),
    );
    world.deploy().await.succeeded();
    assert!(world.exists("minded").await);
    assert_eq!(world.column("SELECT a FROM p ORDER BY a").await, ["1", "2"]);
    world.lock_is_free().await;
}

/// What does not mind stays together with its end in the journal.
#[tokio::test]
async fn what_does_not_mind_is_done_once() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.migration("2_b", &format!("{OFF}INSERT INTO a VALUES (1);\nSELECT nope();"));
    assert_eq!(world.deploy().await.failed(10).statement.as_ref().unwrap().number, 2);
    world.migration("2_b", &format!("{OFF}INSERT INTO a VALUES (1);\nSELECT 1;"));
    world.deploy().await.succeeded();
    assert_eq!(world.column("SELECT id FROM a").await, ["1"]);
}

#[tokio::test]
async fn the_advice_never_asks_for_what_is_there() {
    let world = World::new().await;
    let minds = "DO $$ BEGIN EXECUTE 'VACUUM'; END $$;";
    world.migration("1_a", minds);
    let without = world.deploy().await;
    assert!(
        without.failed(10).hint.as_ref().unwrap().contains("transaction=off"),
        "{}",
        without.stdout
    );
    world.migration("1_a", &format!("{OFF}{minds}"));
    let with = world.deploy().await;
    let hint = with.failed(10).hint.as_ref().unwrap();
    assert!(!hint.contains("transaction=off"), "{hint}");
}

/// PostgreSQL 17 knows that the enum is as new as its value.
#[tokio::test]
async fn an_enum_made_and_extended_in_one_file_names_the_way_out() {
    let world = World::new().await;
    let script =
        "CREATE TYPE m AS ENUM ('a'); ALTER TYPE m ADD VALUE 'b'; CREATE TABLE t(v m DEFAULT 'b');";
    world.migration("1_a", script);
    let ended = world.deploy().await;
    if world.value("SELECT current_setting('server_version_num')::int < 170000").await == "t" {
        let hint = ended.failed(10).hint.as_ref().unwrap();
        assert!(hint.contains("CREATE TYPE") && hint.contains("transaction=off"), "{hint}");
        world.migration("1_a", &format!("{OFF}{script}"));
        world.deploy().await.succeeded();
    } else {
        ended.succeeded();
    }
    assert!(world.exists("t").await);
}
