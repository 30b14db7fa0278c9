//! What is done and not yet written down: the run died between a statement that runs alone and its row
//! in the journal. Whether it was done is asked of the catalog; what nothing shows, of a person.

use crate::support::{World, finish, send};
use protocol::DatabaseState;
use rustix::process::Signal;

/// Takes back the end of the first unit: as if the run had died right before it was written.
const FORGET_THE_END: &str = "UPDATE ecs_migrate.journal SET finished_at = NULL, session = NULL, settled = NULL, settings = NULL WHERE unit = 0; \
     DELETE FROM ecs_migrate.journal WHERE unit > 0";

/// Runs `script` behind `init` up to a statement that fails, forgets that its first unit has ended, and
/// goes on with a repaired file.
async fn die_behind(world: &World, init: &str, script: &str) {
    world.migration("1_a", init);
    world.deploy().await.succeeded();
    world.migration("2_b", &format!("{script};\nSELECT nope();"));
    let red = world.deploy().await;
    assert_eq!(red.failed(10).sqlstate.as_deref(), Some("42883"), "{}", red.stdout);
    world.sql(FORGET_THE_END).await;
    world.migration("2_b", &format!("{script};\nSELECT 1;"));
}

#[tokio::test]
async fn what_cannot_run_twice_is_looked_up() {
    let table = "CREATE TABLE t(a int); CREATE INDEX i ON t(a);";
    let partitions = "CREATE TABLE p(n int) PARTITION BY RANGE (n); CREATE TABLE q PARTITION OF p FOR VALUES FROM (1) TO (2);";
    let id = uuid::Uuid::new_v4().simple().to_string();
    let create_database = format!("CREATE DATABASE other_{id}");
    let drop_database = format!("DROP DATABASE other_{id}");
    let slot = format!("SELECT pg_create_physical_replication_slot('s_{id}')");
    let drop_slot = format!("SELECT pg_drop_replication_slot('s_{id}')");
    for (init, script) in [
        (partitions, "ALTER TABLE p DETACH PARTITION q CONCURRENTLY"),
        (table, "CREATE INDEX CONCURRENTLY ON t(a)"),
        (table, "CREATE INDEX CONCURRENTLY j ON t(a)"),
        (table, "DROP INDEX CONCURRENTLY i"),
        (table, "REINDEX TABLE CONCURRENTLY t"),
        (table, "VACUUM t"),
        (table, create_database.as_str()),
        (table, drop_database.as_str()),
        (table, slot.as_str()),
        (table, drop_slot.as_str()),
    ] {
        let world = World::new().await;
        let old = world.value("SELECT current_setting('server_version_num')::int < 140000").await;
        if old == "t" && script.contains("DETACH") {
            crate::support::skip("DETACH PARTITION CONCURRENTLY came with PostgreSQL 14");
            continue;
        }
        die_behind(&world, init, script).await;
        let green = world.deploy().await;
        assert_eq!(green.code, 0, "{script}: {}", green.stdout);
        assert_eq!(world.history().await.last().unwrap(), "2_b applied 1", "{script}");
        let indexes =
            world.value("SELECT count(*) FROM pg_index WHERE indrelid = to_regclass('t')").await;
        let expected = match script {
            "CREATE INDEX CONCURRENTLY ON t(a)" | "CREATE INDEX CONCURRENTLY j ON t(a)" => "2",
            _ if init == partitions || script.starts_with("DROP INDEX") => "0",
            _ => "1",
        };
        assert_eq!(indexes, expected, "{script}");
    }
}

/// The next attempt chooses another name, so nobody would find what the first one left.
#[tokio::test]
async fn an_unnamed_build_leaves_no_invalid_index() {
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE t(a int); INSERT INTO t VALUES (1), (1);");
    world.deploy().await.succeeded();
    // Somebody else's stays.
    world
        .client
        .batch_execute("CREATE UNIQUE INDEX CONCURRENTLY theirs ON t(a)")
        .await
        .unwrap_err();
    world.migration("2_b", "CREATE UNIQUE INDEX CONCURRENTLY ON t(a);\nVACUUM t;");
    let red = world.deploy().await;
    assert_eq!(red.failed(10).sqlstate.as_deref(), Some("23505"), "{}", red.stdout);
    assert_eq!(world.value(invalid).await, "1");
    world.sql("DELETE FROM t").await;
    let writer = world.session("writer").await;
    writer.batch_execute("BEGIN; INSERT INTO t VALUES (2)").await.unwrap();
    let child = world.command(&["deploy"]).spawn().unwrap();
    world.until("2 = (SELECT count(*) FROM pg_index WHERE NOT indisvalid)").await;
    send(&child, Signal::KILL);
    assert_eq!(finish(child).await.code, -1);
    writer.batch_execute("COMMIT").await.unwrap();
    world.lock_is_free().await;
    let green = world.deploy().await;
    green.succeeded();
    let left = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid";
    assert_eq!(world.column(left).await, ["theirs"], "{}", green.stdout);
    let all = "SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass";
    assert_eq!(world.value(all).await, "2");
}

/// The intent was written, and the statement never began.
#[tokio::test]
async fn what_was_not_done_is_done() {
    let world = World::new().await;
    die_behind(
        &world,
        "CREATE TABLE t(a int); CREATE INDEX i ON t(a);",
        "DROP INDEX CONCURRENTLY i",
    )
    .await;
    world.sql("CREATE INDEX i ON t(a)").await;
    world.deploy().await.succeeded();
    assert!(!world.exists("i").await);
}

/// What was never there is not taken for done.
#[tokio::test]
async fn what_was_gone_before_proves_nothing() {
    let world = World::new().await;
    die_behind(
        &world,
        "CREATE TABLE t(a int); CREATE INDEX i ON t(a);",
        "DROP INDEX CONCURRENTLY i",
    )
    .await;
    world.sql("UPDATE ecs_migrate.journal SET before = 'absent'").await;
    let red = world.deploy().await;
    assert_eq!(red.failed(10).sqlstate.as_deref(), Some("42704"), "{}", red.stdout);
}

#[tokio::test]
async fn what_nothing_shows_is_asked_of_a_person() {
    let world = World::new().await;
    let procedure = "CREATE TABLE a(id int); CREATE PROCEDURE fill(n int) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO a VALUES (n); COMMIT; END $$;";
    let call = "-- ecs-migrate: transaction=off\nCALL fill(1)";
    die_behind(&world, procedure, call).await;
    for _again in 0..2 {
        let red = world.deploy().await;
        let failure = red.failed(11);
        assert!(failure.message.contains("CALL fill"), "{failure:?}");
        assert!(failure.hint.as_ref().unwrap().contains("SELECT 1"), "{failure:?}");
        assert_eq!(red.finished().database, DatabaseState::NeedsAttention);
    }
    // It was done, says the person.
    world.migration("2_b", "-- ecs-migrate: transaction=off\nSELECT 1;\nSELECT 1;");
    world.deploy().await.succeeded();
    assert_eq!(world.column("SELECT id FROM a").await, ["1"]);
    // It was not, and runs again.
    let world = World::new().await;
    die_behind(&world, procedure, call).await;
    world.sql("TRUNCATE a").await;
    world.migration(
        "2_b",
        &format!("{} /* again */;\nSELECT 1;", call.replace("CALL", "CALL /* again */")),
    );
    world.deploy().await.succeeded();
    assert_eq!(world.column("SELECT id FROM a").await, ["1"]);
}

/// What the server said that it failed is no riddle.
#[tokio::test]
async fn what_failed_runs_again() {
    let world = World::new().await;
    world.migration(
        "1_a",
        "CREATE TABLE a(id int); CREATE TABLE flag(n int); \
         CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO a VALUES (1); COMMIT; PERFORM 1 / (SELECT count(*) FROM flag); END $$;",
    );
    world.migration("2_b", "-- ecs-migrate: transaction=off\nCALL fill();");
    let red = world.deploy().await;
    red.failed(10);
    assert_eq!(red.finished().database, DatabaseState::PartWay, "{}", red.stdout);
    world.sql("INSERT INTO flag VALUES (1)").await;
    world.deploy().await.succeeded();
    assert_eq!(world.value("SELECT count(*) FROM a").await, "2");
}

/// A build beside the old indexes that nobody finished is taken away, and nobody else's.
#[tokio::test]
async fn an_unfinished_rebuild_is_dropped_and_only_ours() {
    let world = World::new().await;
    die_behind(
        &world,
        "CREATE TABLE t(a int); CREATE INDEX i ON t(a);",
        "REINDEX INDEX CONCURRENTLY i",
    )
    .await;
    world
        .sql(
            "CREATE INDEX i_ccnew ON t(a); CREATE INDEX j_ccnew ON t(a); \
             UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('i_ccnew'::regclass, 'j_ccnew'::regclass); \
             UPDATE ecs_migrate.journal SET before = 'j_ccnew'",
        )
        .await;
    world.deploy().await.succeeded();
    assert_eq!((world.exists("i_ccnew").await, world.exists("j_ccnew").await), (false, true));
}

/// A name proves nothing: anybody can make an index under it.
#[tokio::test]
async fn an_index_is_ours_by_its_definition() {
    let long = format!("\"{}\"", "long ".repeat(20));
    for (build, same, other) in [
        (
            "CREATE INDEX CONCURRENTLY j ON t(a)",
            "CREATE INDEX j ON t USING btree (a ASC)",
            "CREATE INDEX j ON t(b)",
        ),
        (
            "CREATE UNIQUE INDEX  CONCURRENTLY j ON t(a)",
            "CREATE UNIQUE INDEX j ON public.t(a)",
            "CREATE INDEX j ON t(a)",
        ),
        (
            "CREATE INDEX CONCURRENTLY j ON /* c */ ONLY t(lower(c) text_pattern_ops DESC, (a + b)) INCLUDE (b) WHERE a > 1",
            "CREATE INDEX j ON t(LOWER(c) text_pattern_ops DESC, (a+b)) INCLUDE (b) WHERE (a > 1)",
            "CREATE INDEX j ON t(lower(c) text_pattern_ops DESC, (a + b)) INCLUDE (b) WHERE a > 2",
        ),
        (
            format!("CREATE INDEX CONCURRENTLY {long} ON t(a)").as_str(),
            format!("CREATE INDEX {long} ON t(a)").as_str(),
            format!("CREATE INDEX {long} ON t(a DESC)").as_str(),
        ),
    ] {
        let world = World::new().await;
        // The numbers of columns are others than in a copy.
        let table =
            "CREATE TABLE t(gone int, a int, b int, c text); ALTER TABLE t DROP COLUMN gone;";
        die_behind(&world, table, build).await;
        let all = "SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass";
        let drop = "DO $$ BEGIN EXECUTE (SELECT 'DROP INDEX ' || indexrelid::regclass FROM pg_index WHERE indrelid = 't'::regclass); END $$";
        world.sql(drop).await;
        world.sql(other).await;
        for _again in 0..2 {
            let red = world.deploy().await;
            let failure = red.failed(11);
            assert!(failure.message.contains("is not the one"), "{build}: {failure:?}");
            assert_eq!(red.finished().database, DatabaseState::NeedsAttention);
        }
        world.sql(drop).await;
        world.sql(same).await;
        let green = world.deploy().await;
        assert_eq!(green.code, 0, "{build}: {}", green.stdout);
        assert_eq!(world.value(all).await, "1");
        assert_eq!(
            world.value("SELECT count(*) FROM pg_class WHERE relname LIKE 'ecs_migrate_%'").await,
            "0"
        );
    }
}

/// What is left of another one is not this statement's.
#[tokio::test]
async fn an_unfinished_detachment_of_another_partition_is_in_nobodys_way() {
    let world = World::new().await;
    if world.value("SELECT current_setting('server_version_num')::int < 140000").await == "t" {
        crate::support::skip("DETACH PARTITION CONCURRENTLY came with PostgreSQL 14");
        return;
    }
    let partitions = "CREATE TABLE p(n int) PARTITION BY RANGE (n); CREATE TABLE q PARTITION OF p FOR VALUES FROM (1) TO (2); \
        CREATE TABLE p2(n int) PARTITION BY RANGE (n); CREATE TABLE q2 PARTITION OF p2 FOR VALUES FROM (1) TO (2);";
    die_behind(&world, partitions, "ALTER TABLE p DETACH PARTITION q CONCURRENTLY").await;
    world.sql("ALTER TABLE p ATTACH PARTITION q FOR VALUES FROM (1) TO (2)").await;
    let reader = world.session("reader").await;
    reader.batch_execute("BEGIN; SELECT * FROM p2").await.unwrap();
    let by_hand = world.session("by hand").await;
    by_hand.batch_execute("SET statement_timeout = 300").await.unwrap();
    by_hand.batch_execute("ALTER TABLE p2 DETACH PARTITION q2 CONCURRENTLY").await.unwrap_err();
    reader.batch_execute("COMMIT").await.unwrap();
    let pending = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhdetachpending";
    assert_eq!(world.column(pending).await, ["q2"]);
    let green = world.deploy().await;
    green.succeeded();
    assert_eq!(world.column("SELECT inhrelid::regclass::text FROM pg_inherits").await, ["q2"]);
    assert_eq!(world.column(pending).await, ["q2"]);
}
