//! A script that goes on in another session goes on in the same one: path, role, user and settings are
//! what they were, or a person is asked.

use crate::support::{World, finish, send};
use protocol::DatabaseState;
use rustix::process::Signal;

/// A schema beside `public` with the same names in it, and a build that fails until the data is mended.
const TWO_SCHEMAS: &str = "CREATE SCHEMA app; CREATE TABLE app.t(a int); INSERT INTO app.t VALUES (1), (1); \
     CREATE TABLE public.t(a int);";

const WHERE: &str = "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relname IN ('one', 'two', 't_u') ORDER BY 1";

async fn part_way(script: &str) -> World {
    let world = World::new().await;
    world.migration("1_init", TWO_SCHEMAS);
    world.migration("2_b", script);
    let red = world.deploy().await;
    assert_eq!(red.failed(10).sqlstate.as_deref(), Some("23505"), "{}", red.stdout);
    assert_eq!(red.finished().database, DatabaseState::PartWay, "{}", red.stdout);
    world.sql("DELETE FROM app.t WHERE ctid = '(0,1)'").await;
    world
}

#[tokio::test]
async fn a_path_stays_whatever_set_it() {
    for set in [
        "SET search_path = app;\nCREATE TABLE one(a int);",
        "BEGIN;\nSET search_path = app;\nCREATE TABLE one(a int);\nCOMMIT;",
        "SELECT set_config('search_path', 'app', false);\nCREATE TABLE one(a int);",
        "DO $$ BEGIN SET search_path = app; END $$;\nCREATE TABLE one(a int);",
        "BEGIN;\nSET SCHEMA 'app';\nSAVEPOINT s;\nCREATE TABLE one(a int);\nCOMMIT;",
        "-- ecs-migrate: transaction=off\nCREATE TABLE app.one(a int);\nSELECT set_config('search_path', 'app', false);",
    ] {
        let script = format!(
            "{set}\nCREATE UNIQUE INDEX CONCURRENTLY t_u ON t(a);\nCREATE TABLE two(a int);"
        );
        let world = part_way(&script).await;
        world.deploy().await.succeeded();
        assert_eq!(world.column(WHERE).await, ["app.one", "app.t_u", "app.two"], "{set}");
    }
}

#[tokio::test]
async fn what_was_for_a_transaction_only_does_not_stay() {
    let world = part_way(
        "BEGIN;\nSET LOCAL search_path = app;\nCREATE TABLE one(a int);\nCOMMIT;\n\
         SELECT set_config('search_path', 'app', true);\n\
         CREATE UNIQUE INDEX CONCURRENTLY t_u ON app.t(a);\nCREATE TABLE two(a int);",
    )
    .await;
    world.deploy().await.succeeded();
    assert_eq!(world.column(WHERE).await, ["app.one", "app.t_u", "public.two"]);
}

/// The run was killed behind the COMMIT, before it could look at the session again.
#[tokio::test]
async fn a_session_that_was_seen_inside_its_transaction_only() {
    for (set, place) in
        [("SET search_path = app", "app.two"), ("SET LOCAL search_path = app", "public.two")]
    {
        let world = part_way(&format!(
            "BEGIN;\n{set};\nCREATE TABLE app.one(a int);\nCOMMIT;\n\
             CREATE UNIQUE INDEX CONCURRENTLY t_u ON app.t(a);\nCREATE TABLE two(a int);"
        ))
        .await;
        world
            .sql(
                "UPDATE ecs_migrate.journal SET settled = false, \
                 session = jsonb_set(session, '{settings,search_path}', '\"app\"') WHERE unit = 0",
            )
            .await;
        world.deploy().await.succeeded();
        assert_eq!(world.column(WHERE).await, ["app.one", "app.t_u", place], "{set}");
    }
    let world = part_way(
        "SELECT set_config('search_path', 'a' || 'pp', 1 = 2);\n\
         CREATE UNIQUE INDEX CONCURRENTLY t_u ON app.t(a);",
    )
    .await;
    world.sql("UPDATE ecs_migrate.journal SET settled = false WHERE unit = 0").await;
    let red = world.deploy().await;
    assert!(red.failed(11).message.contains("search_path"), "{}", red.stdout);
    assert_eq!(red.finished().database, DatabaseState::NeedsAttention);
}

#[tokio::test]
async fn role_user_and_settings_stay() {
    let id = uuid::Uuid::new_v4().simple().to_string();
    let (role, user) = (format!("role_{id}"), format!("user_{id}"));
    let script = format!(
        "BEGIN; SET work_mem = '5MB'; SET app.tenant = 'o''ne'; SET SESSION AUTHORIZATION {user}; SET ROLE {role}; \
         CREATE TABLE app.one(a int); COMMIT;\n\
         RESET SESSION AUTHORIZATION;\nSET SESSION AUTHORIZATION {user};\nSET ROLE {role};\n\
         INSERT INTO app.one VALUES (1);\n\
         RESET ROLE;\nRESET SESSION AUTHORIZATION;\n\
         BEGIN; CREATE UNIQUE INDEX t_u ON app.t(a); COMMIT;\n\
         CREATE TABLE two AS SELECT current_setting('work_mem') AS a, current_setting('app.tenant') AS b, \
         session_user::text AS c, current_user::text AS d;\nVACUUM two;"
    );
    let world = World::new().await;
    world.sql(&format!("CREATE ROLE {role}; CREATE ROLE {user} IN ROLE {role}")).await;
    world.migration("1_init", &format!("{TWO_SCHEMAS} GRANT ALL ON SCHEMA app TO {role}, {user};"));
    world.migration("2_b", &script);
    assert_eq!(world.deploy().await.failed(10).sqlstate.as_deref(), Some("23505"));
    world.sql("DELETE FROM app.t WHERE ctid = '(0,1)'").await;
    world.deploy().await.succeeded();
    assert_eq!(world.value("SELECT a || b FROM two").await, "5MBo'ne");
    assert_eq!(world.value("SELECT c = d AND c = current_user FROM two").await, "t");
    assert_eq!(world.value("SELECT tableowner FROM pg_tables WHERE tablename = 'one'").await, role);
    // And where the role is still taken on when it fails.
    let script = format!(
        "SELECT 1;\nSET SESSION AUTHORIZATION {user};\nBEGIN; SET ROLE {role}; CREATE TABLE app.three(a int); COMMIT;\n\
         CREATE TABLE app.four(a int);\nCREATE UNIQUE INDEX CONCURRENTLY three_u ON app.nope(a);\nCREATE TABLE app.five(a int);"
    );
    world.migration("3_c", &script);
    assert_eq!(world.deploy().await.failed(10).sqlstate.as_deref(), Some("42P01"));
    world.migration("3_c", &script.replace("nope", "four"));
    world.deploy().await.succeeded();
    let owners =
        "SELECT DISTINCT tableowner FROM pg_tables WHERE tablename IN ('three', 'four', 'five')";
    assert_eq!(world.column(owners).await, [role.as_str()]);
    world
        .sql(&format!(
            "DROP SCHEMA app CASCADE; DROP OWNED BY {role}, {user}; DROP ROLE {role}, {user}"
        ))
        .await;
}

#[tokio::test]
async fn what_ends_with_the_session_needs_a_person() {
    for (makes, undoes, words) in [
        ("CREATE TEMP TABLE helper AS SELECT 1 AS a", "DROP TABLE helper", "the temporary helper"),
        ("PREPARE p AS SELECT 1", "DEALLOCATE p", "the prepared statement p"),
        ("SELECT pg_advisory_lock(7)", "SELECT pg_advisory_unlock(7)", "an advisory lock"),
        ("LISTEN c", "UNLISTEN c", "the channel c"),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", "CLOSE c", "the cursor c"),
    ] {
        let world = World::new().await;
        world.migration("1_init", TWO_SCHEMAS);
        world.migration(
            "2_b",
            &format!("{makes};\nCREATE UNIQUE INDEX CONCURRENTLY t_u ON app.t(a);\n{undoes};"),
        );
        for _again in 0..2 {
            let red = world.deploy().await;
            let failure = red.failed(11);
            assert!(failure.message.contains(words), "{}", red.stdout);
            assert!(failure.hint.as_ref().unwrap().contains("resolve"), "{failure:?}");
            assert_eq!(red.finished().database, DatabaseState::NeedsAttention);
        }
        // What is gone again before it fails is no matter.
        let world = part_way(&format!(
            "{makes};\n{undoes};\nCREATE UNIQUE INDEX CONCURRENTLY t_u ON app.t(a);"
        ))
        .await;
        world.deploy().await.succeeded();
    }
}

/// `currval` is of the session that called `nextval`, and nothing gives it back.
#[tokio::test]
async fn a_sequence_of_the_session_that_ended_needs_a_person() {
    for asks in ["currval('s')", "lastval()"] {
        let script = format!(
            "CREATE SEQUENCE s;\nSELECT nextval('s');\nCREATE UNIQUE INDEX CONCURRENTLY t_u ON app.t(a);\n\
             CREATE TABLE two AS SELECT {asks} AS a;"
        );
        let world = part_way(&script).await;
        for _again in 0..2 {
            let red = world.deploy().await;
            let failure = red.failed(11);
            assert!(failure.message.contains(&asks[..7]), "{}", red.stdout);
            assert_eq!(failure.statement.as_ref().unwrap().number, 4, "{failure:?}");
            assert_eq!(red.finished().database, DatabaseState::NeedsAttention);
        }
        world.migration("2_b", &script.replace(asks, "(SELECT last_value FROM s)"));
        world.deploy().await.succeeded();
        assert_eq!(world.value("SELECT a FROM two").await, "1");
        // What the rest calls itself is its own.
        let world =
            part_way(&script.replace("CREATE TABLE", "SELECT nextval('s');\nCREATE TABLE")).await;
        world.deploy().await.succeeded();
        assert_eq!(world.value("SELECT a FROM two").await, "2");
    }
    // That it was never called is the script's own mistake.
    let world = World::new().await;
    world.migration("1_a", "CREATE SEQUENCE s;\nVACUUM;\nSELECT currval('s');");
    assert_eq!(world.deploy().await.failed(10).sqlstate.as_deref(), Some("55000"));
}

#[tokio::test]
async fn a_lock_for_a_transaction_ends_with_it() {
    let world = part_way(
        "SELECT pg_advisory_xact_lock(7);\nBEGIN; CREATE TEMP TABLE h(a int) ON COMMIT DROP; COMMIT;\n\
         CREATE UNIQUE INDEX CONCURRENTLY t_u ON app.t(a);",
    )
    .await;
    world.deploy().await.succeeded();
}

#[tokio::test]
async fn a_setting_before_what_is_done_cannot_be_changed() {
    let script = "SET search_path = app;\nCREATE TABLE one(a int);\nSET work_mem = '5MB';\n\
                  CREATE UNIQUE INDEX CONCURRENTLY t_u ON t(a);\n\
                  CREATE TABLE two AS SELECT current_setting('work_mem') AS a;";
    let world = part_way(script).await;
    world.migration("2_b", &script.replace("= app", "= public"));
    let red = world.deploy().await;
    assert!(red.failed(11).message.contains("a SET of `2_b` before statement 2"), "{}", red.stdout);
    world.migration("2_b", &script.replace("5MB", "6MB"));
    world.deploy().await.succeeded();
    assert_eq!(world.column(WHERE).await, ["app.one", "app.t_u", "app.two"]);
    assert_eq!(world.value("SELECT a FROM app.two").await, "6MB");
}

/// Before there were these columns, every setting was set again.
#[tokio::test]
async fn a_journal_of_an_older_version_is_understood() {
    let script = "SET search_path = app;\nCREATE TABLE one(a int);\nCREATE UNIQUE INDEX CONCURRENTLY t_u ON t(a);";
    let world = part_way(script).await;
    let older = "ALTER TABLE ecs_migrate.journal DROP failed_at, DROP alone, DROP before, DROP session, DROP settled, DROP settings";
    world.sql(older).await;
    world.deploy().await.succeeded();
    assert_eq!(world.column(WHERE).await, ["app.one", "app.t_u"]);
    let columns = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'ecs_migrate.journal'::regclass AND attname IN ('session', 'before') AND NOT attisdropped";
    assert_eq!(world.value(columns).await, "2");
    let world = part_way(&format!("BEGIN; {}", script.replacen("int);", "int); COMMIT;", 1))).await;
    world.sql(older).await;
    let red = world.deploy().await;
    assert!(red.failed(11).message.contains("an older version"), "{}", red.stdout);
}

/// Nobody could say anything any more when the run was killed.
#[tokio::test]
async fn a_killed_run_goes_on_in_its_schema() {
    let world = World::new().await;
    world.migration("1_init", TWO_SCHEMAS);
    world.migration(
        "2_b",
        "SELECT set_config('search_path', 'app', false);\nCREATE INDEX CONCURRENTLY t_u ON t(a);\n\
         INSERT INTO t SELECT 2 FROM pg_advisory_xact_lock(99);\nCREATE TABLE two(a int);",
    );
    world.sql("SELECT pg_advisory_lock(99)").await;
    let child = world.command(&["deploy"]).spawn().unwrap();
    world.until("EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 99 AND NOT granted)").await;
    send(&child, Signal::KILL);
    finish_killed(child).await;
    world.sql("SELECT pg_advisory_unlock(99)").await;
    world.deploy().await.succeeded();
    assert_eq!(world.column(WHERE).await, ["app.t_u", "app.two"]);
    assert_eq!(world.value("SELECT count(*) FROM app.t WHERE a = 2").await, "1");
    assert_eq!(world.value("SELECT count(*) FROM public.t").await, "0");
}

async fn finish_killed(child: tokio::process::Child) {
    assert_eq!(finish(child).await.code, -1);
}
