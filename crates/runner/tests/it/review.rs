//! `deploy --check`: the same SQL on a small and on a large table; and the phases of a deployment.

use crate::support::{Ended, World};
use protocol::Event;
use protocol::event::Finding;

/// A database with its first migration, and a table of this many rows.
async fn world(rows: u32) -> World {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE events (id int, kind varchar(10), note text);");
    world.deploy().await.succeeded();
    world.sql(&format!("INSERT INTO events SELECT i, 'k', 'n' FROM generate_series(1, {rows}) i; ANALYZE events;")).await;
    world
}

/// Rules that block, and those that are only said.
fn found(ended: &Ended) -> (Vec<&str>, Vec<&str>) {
    let findings = ended.lines.iter().filter_map(|line| match &line.event {
        Event::CheckFinding(found) => Some((found.verdict == Finding::No, found.name.as_str())),
        _ => None,
    });
    let (blocking, said): (Vec<_>, Vec<_>) = findings.partition(|(blocks, _)| *blocks);
    (blocking.iter().map(|(_, name)| *name).collect(), said.iter().map(|(_, name)| *name).collect())
}

const HEAVY: &str = "CREATE INDEX i ON events (id);\nALTER TABLE events ADD CONSTRAINT c CHECK (id > 0);\n\
    ALTER TABLE events ADD COLUMN u uuid DEFAULT gen_random_uuid();\n";

#[tokio::test]
async fn the_same_sql_is_nothing_on_forty_rows_and_blocks_on_two_million() {
    let small = world(40).await;
    small.migration("2_b", HEAVY);
    let ended = small.run(&["deploy", "--check"]).await;
    assert_eq!((ended.succeeded().applied, found(&ended)), (1, (vec![], vec![])));

    let large = world(2_000_000).await;
    large.migration("2_b", HEAVY);
    let ended = large.run(&["deploy", "--check"]).await;
    let failure = ended.failed(14);
    assert!(failure.hint.as_deref().unwrap().contains("--approve create-index:i"), "{failure:?}");
    assert_eq!(found(&ended).0, ["create-index", "add-check", "add-column-rewrite"]);
    assert!(ended.stdout.contains("about 2000000 rows in "), "{}", ended.stdout);
    assert!(ended.notice("disk_unknown"), "{}", ended.stdout);
    // Nothing was changed.
    assert_eq!(large.history().await.len(), 1);
    assert!(!large.exists("i").await);
    // A name, and only that name; a policy; a limit.
    let approved = ["deploy", "--check", "--approve", "create-index:i,add-check:events.c"];
    let ended = large.run(&approved).await;
    ended.failed(14);
    assert_eq!(found(&ended), (vec!["add-column-rewrite"], vec!["create-index", "add-check"]));
    let ended = large.run(&["deploy", "--check", "--check-limit", "1h"]).await;
    assert_eq!(ended.succeeded().applied, 1);
}

#[tokio::test]
async fn what_breaks_the_api_blocks_whatever_the_size() {
    let world = world(40).await;
    world.migration(
        "2_b",
        "ALTER TABLE events DROP COLUMN note;\nALTER TABLE events ALTER COLUMN kind TYPE text;",
    );
    let ended = world.run(&["deploy", "--check"]).await;
    ended.failed(14);
    assert_eq!(found(&ended), (vec!["drop-column"], vec![]));
    let ended = world
        .run(&["deploy", "--check", "--approve", "drop-column:events.note,truncate:events"])
        .await;
    assert_eq!(ended.succeeded().applied, 1);
    assert!(ended.notice("unused_approval"), "{}", ended.stdout);
    // A table that this run makes is nobody's yet, and one without a row loses nothing.
    world
        .migration("3_c", "CREATE TABLE t (a int); DROP TABLE t; DELETE FROM events WHERE id = 1;");
    world.run(&["deploy", "--check"]).await.succeeded();
    world.sql("TRUNCATE events").await;
    world.migration("4_d", "TRUNCATE events; CREATE INDEX j ON events (id);");
    world.run(&["deploy", "--check"]).await.succeeded();
    for (arguments, words) in [
        (["deploy", "--approve", "drop-colum:x"], "there is no rule `drop-colum`"),
        (["deploy", "--check-policy", "blocs=off"], "`blocs` is neither a grade nor a rule"),
    ] {
        let ended = world.run(&arguments).await;
        assert!(ended.code == 2 && ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn a_table_is_found_by_every_way_to_name_it() {
    let world = world(1).await;
    world.sql("CREATE SCHEMA app; CREATE TABLE app.t (id int); INSERT INTO app.t VALUES (1); CREATE TABLE \"a.b\" (id int); INSERT INTO \"a.b\" VALUES (1); CREATE TABLE empty (id int)").await;
    for (script, expected) in [
        ("DROP TABLE app.t;", vec!["drop-table"]),
        ("DROP TABLE \"a.b\";", vec!["drop-table"]),
        // Nothing is lost where nothing is.
        ("DROP TABLE IF EXISTS app.gone, nowhere.gone, gone;", vec![]),
    ] {
        world.migration("2_b", script);
        let ended = world.run(&["deploy", "--check", "--phase", "all"]).await;
        assert_eq!(found(&ended).0, expected, "{script}: {}", ended.stdout);
        assert_eq!(ended.code, if expected.is_empty() { 0 } else { 14 }, "{script}");
    }
}

#[tokio::test]
async fn what_is_refused_leaves_nothing_in_an_empty_database() {
    let world = World::new().await;
    world.sql("CREATE SCHEMA other; CREATE TABLE other.t AS SELECT 1 AS id").await;
    world.migration("1_a", "DROP TABLE other.t;");
    let refused = async |arguments: &[&str], code| {
        world.run(&[&["deploy", "--environment", "x"], arguments].concat()).await.failed(code);
        assert!(!world.exists("_prisma_migrations").await, "{arguments:?}");
        let ours = "SELECT count(*) FROM pg_namespace WHERE nspname = 'ecs_migrate'";
        assert_eq!(world.value(ours).await, "0", "{arguments:?}");
    };
    refused(&["--check"], 14).await;
    std::fs::create_dir(world.directory.path().join("2_unreadable")).unwrap();
    refused(&[], 2).await;
}

#[tokio::test]
async fn what_stands_around_is_said() {
    let world = world(40).await;
    world.sql("CREATE INDEX bad ON events (id); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'bad'::regclass").await;
    world.migration("2_b", "SELECT 1;");
    let ended = world.run(&["deploy", "--check"]).await;
    ended.succeeded();
    assert!(ended.notice("invalid_index"), "{}", ended.stdout);
}

#[tokio::test]
async fn what_waits_for_the_rollout_is_applied_after_it() {
    let world = world(1).await;
    let after = "-- ecs-migrate: phase=after-deploy\nALTER TABLE events DROP COLUMN note;";
    world.migration("2_b", "ALTER TABLE events ADD COLUMN a int;").migration("3_c", after);
    let early = world.run(&["deploy", "--phase", "contract"]).await;
    early.failed(13);
    let expand = world.run(&["deploy", "--phase", "expand"]).await;
    let finished = expand.succeeded();
    assert_eq!((finished.applied, finished.pending, finished.after_deploy), (1, 1, 1));
    assert!(expand.notice("waits_for_rollout"), "{}", expand.stdout);
    // The rollout was rolled back, and the next push adds a migration: the order holds.
    world.migration("4_d", "ALTER TABLE events ADD COLUMN d int;");
    let refused = world.run(&["deploy", "--phase", "expand"]).await;
    assert!(refused.failed(13).hint.as_deref().unwrap().contains("--allow out-of-order:3_c"));
    let allowed = ["--allow", "out-of-order:3_c"];
    let expand = world.run(&[&["deploy", "--phase", "expand"][..], &allowed].concat()).await;
    assert_eq!((expand.succeeded().applied, expand.succeeded().after_deploy), (1, 1));
    let contract = world.run(&[&["deploy", "--phase", "contract"][..], &allowed].concat()).await;
    assert_eq!((contract.succeeded().applied, contract.succeeded().pending), (1, 0));
    let nothing = world.run(&["deploy", "--phase", "contract"]).await;
    assert_eq!(nothing.succeeded().applied, 0);
    assert_eq!(world.history().await.len(), 4);
}

#[tokio::test]
async fn a_replay_makes_everything_from_nothing_and_leaves_nothing() {
    let world = World::new().await;
    world
        .migration("1_a", "CREATE TABLE t (a int);")
        .migration("2_b", "ALTER TABLE t ADD COLUMN b int;");
    let ended = world.run(&["replay"]).await;
    assert_eq!(ended.succeeded().applied, 2);
    world.migration("2_b", "\nALTER TABLE nope ADD COLUMN b int;");
    let ended = world.run(&["replay"]).await;
    let failure = ended.failed(10);
    assert_eq!(failure.migration.as_deref(), Some("2_b"));
    assert!(!world.exists("t").await && !world.exists("_prisma_migrations").await);
    let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'ecs_migrate_scratch_%'";
    world.until(&format!("({left}) = 0")).await;
}

/// Who misspells a mark must not get the opposite of it, and who asks for no phase learns of it.
#[tokio::test]
async fn a_mark_is_never_overlooked() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.migration("2_b", "-- ecs-migrate: phase=after_deploy\nDROP TABLE a;");
    for phase in ["expand", "all"] {
        let red = world.run(&["deploy", "--phase", phase]).await;
        let failure = red.failed(2);
        assert!(failure.message.contains("phase=after_deploy` is not understood"), "{failure:?}");
        assert_eq!(failure.migration.as_deref(), Some("2_b"));
    }
    for misread in [
        "/* ecs-migrate: phase=after-deploy */\nDROP TABLE a;",
        "-- ecs_migrate: phase=after-deploy\nDROP TABLE a;",
        "DROP TABLE a;\n-- ecs-migrate: phase=after-deploy\n",
    ] {
        world.migration("2_b", misread);
        world.run(&["deploy", "--phase", "expand"]).await.failed(2);
        assert!(!world.exists("_prisma_migrations").await, "{misread}");
    }
    world.migration("2_b", "-- ecs-migrate: phase=after-deploy\nDROP TABLE a;");
    let green = world.deploy().await;
    green.succeeded();
    assert!(green.notice("not_waiting"), "{}", green.stdout);
}
