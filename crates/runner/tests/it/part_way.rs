//! Scripts that end in the middle: nothing of them is done twice, and nothing that stays is denied.

use crate::support::{World, finish, send};
use protocol::DatabaseState;
use protocol::event::Event;
use rustix::process::Signal;

/// The usual repair: what could not be in a transaction goes out of the file.
#[tokio::test]
async fn what_is_done_is_not_done_again_when_the_rest_becomes_one_transaction() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.migration("2_b", "INSERT INTO a VALUES (7);\nCREATE INDEX CONCURRENTLY i ON nope(id);");
    assert_eq!(world.deploy().await.failed(10).statement.as_ref().unwrap().number, 2);
    world.migration("2_b", "INSERT INTO a VALUES (7);\nCREATE INDEX i ON nope(id);");
    let red = world.deploy().await;
    assert_eq!(red.failed(10).statement.as_ref().unwrap().number, 2, "{}", red.stdout);
    assert_eq!(red.finished().database, DatabaseState::PartWay);
    for edited in [
        "INSERT INTO a VALUES (8);\nCREATE INDEX i ON a(id);",
        // A single index build needs no journal, but what is written counts.
        "CREATE INDEX CONCURRENTLY i ON a(id);",
    ] {
        world.migration("2_b", edited);
        let red = world.deploy().await;
        assert!(red.failed(11).message.contains("has changed there since"), "{}", red.stdout);
        assert!(!red.has(|event| matches!(event, Event::Settled(_))), "{}", red.stdout);
    }
    world.migration("2_b", "INSERT INTO a VALUES (7);\nCREATE INDEX i ON a(id);");
    let green = world.deploy().await;
    green.succeeded();
    assert!(green.has(|event| matches!(event, Event::Settled(_))), "{}", green.stdout);
    assert_eq!(world.column("SELECT id FROM a").await, ["7"]);
    assert_eq!(world.value("SELECT count(*) FROM ecs_migrate.journal").await, "0");
}

/// Whatever stops a run before it goes on, the migration is where it was.
#[tokio::test]
async fn what_stops_the_next_run_does_not_hide_it() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.migration("2_b", "INSERT INTO a VALUES (7);\nCREATE INDEX CONCURRENTLY i ON nope(id);");
    assert_eq!(world.deploy().await.code, 10);
    let repaired = "INSERT INTO a VALUES (7);\nCREATE INDEX CONCURRENTLY i ON a(id);";
    for (script, code) in [
        ("INSERT INTO a VALUES (7);\nCOPY a FROM STDIN;", 10),
        ("-- ecs-migrate: phase=later\nINSERT INTO a VALUES (7);", 2),
    ] {
        world.migration("2_b", script);
        let red = world.deploy().await;
        assert_eq!(red.code, code, "{}", red.stdout);
        assert_eq!(red.finished().database, DatabaseState::PartWay, "{}", red.stdout);
    }
    world.migration("2_b", repaired);
    world.remove("1_a");
    let red = world.deploy().await;
    red.failed(13);
    assert_eq!(red.finished().database, DatabaseState::PartWay, "{}", red.stdout);
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.remove("2_b");
    let red = world.deploy().await;
    assert!(red.failed(11).message.contains("its directory is gone"), "{}", red.stdout);
    assert!(!red.has(|event| matches!(event, Event::Settled(_))), "{}", red.stdout);
    world.migration("2_b", repaired);
    world.deploy().await.succeeded();
    assert_eq!(world.column("SELECT id FROM a").await, ["7"]);
}

/// Its marker must not call it rolled back.
#[tokio::test]
async fn a_script_that_ended_its_transaction_unseen_waits_for_a_person() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.migration(
        "2_b",
        "SET LOCAL NAMES 'utf8';\nINSERT INTO a VALUES (1);\nCOMMIT;\nSELECT 1/0;",
    );
    world.deploy().await.failed(11);
    for _again in 0..2 {
        let red = world.deploy().await;
        let failure = red.failed(11);
        assert!(failure.hint.as_ref().unwrap().contains("resolve"), "{failure:?}");
        assert_eq!(red.finished().database, DatabaseState::NeedsAttention);
    }
    assert_eq!(world.column("SELECT id FROM a").await, ["1"]);
    world.migration("2_b", "INSERT INTO a VALUES (1);");
    // No catalog shows a row.
    let red = world.run(&["resolve", "--applied", "2_b"]).await;
    assert!(red.failed(14).message.contains("it cannot be known"), "{}", red.stdout);
    world.run(&["resolve", "--applied", "2_b", "--force"]).await.succeeded();
    world.deploy().await.succeeded();
    assert_eq!(world.column("SELECT id FROM a").await, ["1"]);
}

#[tokio::test]
async fn a_chained_transaction_is_refused() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.migration(
        "2_b",
        "BEGIN;\nINSERT INTO a VALUES (1);\nCOMMIT AND CHAIN;\nSELECT 1;\nCOMMIT;",
    );
    let red = world.deploy().await;
    assert!(red.failed(10).message.contains("AND CHAIN"), "{}", red.stdout);
    assert_eq!(world.value("SELECT count(*) FROM a").await, "0");
}

/// An index lives in the schema of its table, whatever the search path finds by its name.
#[tokio::test]
async fn an_index_of_another_schema_is_not_taken_for_ours() {
    let world = World::new().await;
    world.migration(
        "1_a",
        "CREATE SCHEMA app; CREATE TABLE public.t(n int); CREATE INDEX i ON public.t(n);\n\
         CREATE TABLE app.u(n int); INSERT INTO app.u VALUES (1), (1);",
    );
    world.migration(
        "2_b",
        "SET search_path = public, app;\nCREATE UNIQUE INDEX CONCURRENTLY i ON u(n);",
    );
    let red = world.deploy().await;
    assert_eq!(red.failed(10).sqlstate.as_deref(), Some("23505"), "{}", red.stdout);
    let indexes = "SELECT indexrelid::regclass || ' ' || indisvalid FROM pg_index \
                   WHERE indexrelid::regclass::text LIKE '%i' ORDER BY 1";
    assert_eq!(world.column(indexes).await, ["i true"], "the invalid one is dropped");
    // As if the run had been killed in the middle of the build.
    let client = world.session("killed").await;
    let built = client.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY i ON app.u(n)").await;
    assert!(built.is_err());
    world
        .sql(
            "UPDATE _prisma_migrations SET rolled_back_at = NULL, \
             logs = 'ecs-migrate: mode=statements backend=1 run=killed' WHERE migration_name = '2_b'",
        )
        .await;
    world.sql("DELETE FROM app.u").await;
    world.deploy().await.succeeded();
    assert_eq!(world.column(indexes).await, ["app.i true", "i true"]);
}

/// A procedure that commits leaves what it committed.
#[tokio::test]
async fn a_call_that_fails_may_have_committed() {
    let world = World::new().await;
    world.migration(
        "1_a",
        "CREATE TABLE a(id int);\n\
         CREATE PROCEDURE fill(n int) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO a VALUES (1); COMMIT; PERFORM 1 / n; END $$;",
    );
    world.migration("2_b", "-- ecs-migrate: transaction=off\nCALL fill(0);");
    let red = world.deploy().await;
    red.failed(10);
    assert_eq!(red.finished().database, DatabaseState::PartWay, "{}", red.stdout);
    assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
    assert_eq!(world.history().await[1], "2_b unfinished 0");
    // What the server refuses at once has done nothing.
    world.migration("3_c", "-- ecs-migrate: transaction=off\nCALL nowhere();");
    world.migration("2_b", "-- ecs-migrate: transaction=off\nCALL fill(1);");
    let red = world.deploy().await;
    red.failed(10);
    assert_eq!(red.finished().database, DatabaseState::Changed, "{}", red.stdout);
    assert_eq!(world.history().await[2], "3_c rolled-back 0");
}

#[tokio::test]
async fn a_drop_that_is_stopped_leaves_an_invalid_index_and_is_resumed() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int); CREATE INDEX i ON a(id);");
    world.deploy().await.succeeded();
    let reader = world.session("reader").await;
    reader.batch_execute("BEGIN; SELECT * FROM a").await.unwrap();
    world.migration("2_b", "DROP INDEX CONCURRENTLY i;");
    let child = world.command(&["deploy"]).spawn().unwrap();
    world
        .until(
            "EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('i') AND NOT indisvalid)",
        )
        .await;
    send(&child, Signal::TERM);
    let ended = finish(child).await;
    assert_eq!(ended.code, 31, "{}", ended.stdout);
    assert_eq!(ended.finished().database, DatabaseState::PartWay);
    assert!(ended.notice("invalid_index_left"), "{}", ended.stdout);
    reader.batch_execute("COMMIT").await.unwrap();
    world.deploy().await.succeeded();
    assert!(!world.exists("i").await);
    assert_eq!(world.history().await, ["1_a applied 1", "2_b applied 1"]);
}

#[tokio::test]
async fn a_detachment_that_is_stopped_is_finished() {
    let world = World::new().await;
    if world.value("SELECT current_setting('server_version_num')::int < 140000").await == "t" {
        return crate::support::skip("DETACH PARTITION CONCURRENTLY came with PostgreSQL 14");
    }
    world.migration(
        "1_a",
        "CREATE TABLE p(n int) PARTITION BY RANGE (n); CREATE TABLE q PARTITION OF p FOR VALUES FROM (1) TO (2);",
    );
    world.deploy().await.succeeded();
    let reader = world.session("reader").await;
    reader.batch_execute("BEGIN; SELECT * FROM p").await.unwrap();
    world.migration("2_b", "ALTER TABLE p DETACH PARTITION q CONCURRENTLY;\nDROP TABLE q;");
    let child = world.command(&["deploy"]).spawn().unwrap();
    world.until("EXISTS (SELECT FROM pg_inherits i WHERE (to_jsonb(i) ->> 'inhdetachpending')::boolean)").await;
    send(&child, Signal::TERM);
    let ended = finish(child).await;
    assert_eq!(ended.code, 31, "{}", ended.stdout);
    reader.batch_execute("COMMIT").await.unwrap();
    world.deploy().await.succeeded();
    assert!(!world.exists("q").await);
}

/// The journal is ours, not that of the role which the script takes on.
#[tokio::test]
async fn a_script_may_take_on_a_role() {
    let world = World::new().await;
    let role = format!("owner_{}", uuid::Uuid::new_v4().simple());
    world.sql(&format!("CREATE ROLE {role}; CREATE SCHEMA app AUTHORIZATION {role}")).await;
    world.migration(
        "1_a",
        &format!(
            "SET ROLE {role};\nCREATE TABLE app.t(n int);\nCREATE INDEX CONCURRENTLY i ON app.t(n);\n\
             BEGIN; CREATE TABLE app.u(n int); COMMIT;\nCREATE INDEX CONCURRENTLY j ON app.nope(n);"
        ),
    );
    let red = world.deploy().await;
    assert_eq!(red.failed(10).statement.as_ref().unwrap().number, 7, "{}", red.stdout);
    world.migration(
        "1_a",
        &format!(
            "SET ROLE {role};\nCREATE TABLE app.t(n int);\nCREATE INDEX CONCURRENTLY i ON app.t(n);\n\
             BEGIN; CREATE TABLE app.u(n int); COMMIT;\nCREATE INDEX CONCURRENTLY j ON app.u(n);"
        ),
    );
    world.deploy().await.succeeded();
    let owners = "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relname IN ('t', 'u', 'i', 'j')";
    assert_eq!(world.column(owners).await, [role.as_str()]);
    world.sql(&format!("DROP SCHEMA app CASCADE; DROP ROLE {role}")).await;
}

/// Deferred constraints are work like any other: a signal ends them.
#[tokio::test]
async fn a_signal_while_deferred_constraints_are_checked_rolls_back() {
    let world = World::new().await;
    world.migration(
        "1_a",
        "CREATE TABLE a(id int);\n\
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;\n\
         CREATE CONSTRAINT TRIGGER t AFTER INSERT ON a DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow();",
    );
    world.migration("2_b", "INSERT INTO a VALUES (1);");
    let child = world.command(&["deploy"]).spawn().unwrap();
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep')").await;
    send(&child, Signal::TERM);
    let ended = finish(child).await;
    assert_eq!(ended.code, 30, "{}", ended.stdout);
    assert_eq!(world.history().await, ["1_a applied 1", "2_b rolled-back 0"]);
    assert_eq!(world.value("SELECT count(*) FROM a").await, "0");
}

/// Nothing that a build left half done is a proof.
#[tokio::test]
async fn an_invalid_index_proves_nothing() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int); INSERT INTO a VALUES (1), (1);");
    world.deploy().await.succeeded();
    let client = world.session("by hand").await;
    assert!(client.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY i ON a(id)").await.is_err());
    world.migration("2_b", "CREATE UNIQUE INDEX CONCURRENTLY i ON a(id);");
    let red = world.run(&["resolve", "--applied", "2_b"]).await;
    assert!(red.failed(14).message.contains("i (an invalid index)"), "{}", red.stdout);
}

/// What is part-way is red in every phase, and whatever is left counts as pending.
#[tokio::test]
async fn a_phase_does_not_pass_over_what_is_part_way_in_the_other() {
    let after = "-- ecs-migrate: phase=after-deploy\n";
    let broken = "CREATE INDEX CONCURRENTLY i ON a(id);\nSELECT 1/0;";
    for (mark, own, other) in [(after, "contract", "expand"), ("", "expand", "contract")] {
        let world = World::new().await;
        world.migration("1_a", "CREATE TABLE a(id int);");
        world.deploy().await.succeeded();
        world.migration("2_b", &format!("{mark}{broken}"));
        world.run(&["deploy", "--phase", own]).await.failed(10);
        let passed = world.run(&["deploy", "--phase", other]).await;
        let failure = passed.failed(10);
        assert!(failure.message.contains("`2_b` is part-way"), "{}", passed.stdout);
        assert_eq!(passed.finished().pending, 1, "{}", passed.stdout);
        let started = world.run(&["start", "--phase", other, "--", "/bin/true"]).await;
        started.failed(10);
        world.migration("2_b", &format!("{mark}{}", broken.replace("1/0", "1/1")));
        world.run(&["deploy", "--phase", own]).await.succeeded();
        assert_eq!(world.run(&["deploy", "--phase", other]).await.succeeded().pending, 0);
    }
    let world = World::new().await;
    world.migration("1_a", &format!("{after}CREATE TABLE a(id int);"));
    world.migration("2_b", "CREATE TABLE b(id int);");
    let contract = ["deploy", "--phase", "contract", "--allow", "out-of-order:2_b"];
    let ended = world.run(&contract).await;
    assert_eq!((ended.succeeded().applied, ended.finished().pending), (1, 1), "{}", ended.stdout);
}
