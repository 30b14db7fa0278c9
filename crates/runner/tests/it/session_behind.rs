//! What a script makes of its session behind functions: settings that no catalog lists, locks that
//! nobody sees.

use crate::support::{World, finish};
use protocol::DatabaseState;

/// A function that sets one, as an audit has it.
const SET_ACTOR: &str = "CREATE FUNCTION set_actor(who text) RETURNS void LANGUAGE plpgsql AS $$ \
     BEGIN PERFORM set_config('app.actor', who, false); END $$;\n\
     CREATE TABLE t(a int); INSERT INTO t VALUES (1), (1);\n\
     CREATE TABLE audited(a int, actor text DEFAULT current_setting('app.actor', true));";

/// Stops behind `sets`, goes on, and gives back who the audit says it was.
async fn actor_behind(sets: &str) -> String {
    let world = World::new().await;
    world.migration("1_a", SET_ACTOR);
    world.deploy().await.succeeded();
    world.migration(
        "2_b",
        &format!(
            "{sets};\nCREATE UNIQUE INDEX CONCURRENTLY u ON t(a);\nINSERT INTO audited VALUES (1);"
        ),
    );
    let red = world.deploy().await;
    assert_eq!(red.failed(10).sqlstate.as_deref(), Some("23505"), "{sets}: {}", red.stdout);
    assert_eq!(red.finished().database, DatabaseState::PartWay, "{}", red.stdout);
    world.sql("DELETE FROM t WHERE ctid = '(0,1)'").await;
    let green = world.deploy().await;
    assert_eq!(green.code, 0, "{sets}: {}", green.stdout);
    world.value("SELECT actor FROM audited").await
}

#[tokio::test]
async fn what_a_function_sets_goes_on_in_another_session() {
    for sets in [
        "SELECT set_actor('mig')",
        "DO $$ BEGIN PERFORM set_actor('mig'); END $$",
        "VALUES (set_config('app.actor', 'mig', false))",
        "CREATE TABLE made AS SELECT set_config('app.actor', 'mig', false) AS a",
        "CREATE TABLE made(a text);\nINSERT INTO made SELECT set_config('app.actor', 'mig', false)",
        "SELECT 'x' UNION SELECT set_config('app.actor', 'mig', false)",
        "CREATE FUNCTION other() RETURNS void LANGUAGE plpgsql AS $$ BEGIN \
         EXECUTE 'SET app.actor = mig'; END $$;\nSELECT other()",
    ] {
        assert_eq!(actor_behind(sets).await, "mig", "{sets}");
    }
    // The name comes from the caller.
    let named = "CREATE FUNCTION put(n text) RETURNS text LANGUAGE sql AS $$ SELECT set_config(n, 'mig', false) $$;\n\
                 SELECT put('app.actor')";
    assert_eq!(actor_behind(named).await, "mig");
}

/// An empty text is not nothing: the next migration finds what a new session finds.
#[tokio::test]
async fn what_a_function_sets_does_not_reach_the_next_migration() {
    let world = World::new().await;
    world.migration("1_a", SET_ACTOR);
    world.deploy().await.succeeded();
    world.migration("2_b", "SELECT set_actor('mig');");
    world.migration("3_c", "INSERT INTO audited VALUES (1);");
    world.deploy().await.succeeded();
    assert_eq!(world.value("SELECT actor FROM audited").await, "-");
}

/// Its session goes on with the next migration, and with it the locks that it took.
#[tokio::test]
async fn a_lock_of_a_script_does_not_reach_the_next() {
    for takes in [
        "SELECT pg_advisory_lock(7), pg_advisory_lock(7), pg_advisory_lock_shared(8), pg_advisory_lock(-5, 6), pg_advisory_lock_shared(-1);",
        "-- ecs-migrate: transaction=off\nSELECT pg_advisory_lock(7);",
    ] {
        let world = World::new().await;
        world.migration("1_a", takes);
        world.migration(
            "2_b",
            "CREATE TABLE held AS SELECT classid::bigint::text || ' ' || objid::bigint::text AS key FROM pg_locks \
             WHERE locktype = 'advisory' AND pid = pg_backend_pid();",
        );
        world.deploy().await.succeeded();
        let held = "SELECT key FROM held ORDER BY 1";
        assert_eq!(world.column(held).await, ["0 123456789", "0 72707369"], "{takes}");
        world.lock_is_free().await;
    }
}

/// What needs no function of the database's own: the server's `set_config` in a default.
#[tokio::test]
async fn what_a_default_sets_does_not_reach_the_next() {
    let world = World::new().await;
    world.migration(
        "1_a",
        "CREATE TABLE a(b text DEFAULT set_config('work_mem', '7MB', false), c int);",
    );
    world.migration("2_b", "INSERT INTO a(c) VALUES (1);");
    world.migration("3_c", "CREATE TABLE seen AS SELECT current_setting('work_mem') AS it;");
    world.deploy().await.succeeded();
    assert_eq!(world.value("SELECT it FROM seen").await, "4MB");
    world.migration("4_d", "INSERT INTO a(c) VALUES (1);");
    world.migration("5_e", "CREATE TABLE seen_again AS SELECT current_setting('work_mem') AS it;");
    world.deploy().await.succeeded();
    assert_eq!(world.value("SELECT it FROM seen_again").await, "4MB");
}

/// Types, domains and whatever else lives in the session's own schema end with it.
#[tokio::test]
async fn what_is_temporary_ends_with_the_session() {
    for (makes, words) in [
        ("CREATE TYPE pg_temp.mood AS ENUM ('a')", "the temporary mood"),
        ("CREATE DOMAIN pg_temp.short AS varchar(3)", "the temporary short"),
        ("CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "the temporary f()"),
    ] {
        let world = World::new().await;
        world.migration("1_a", "CREATE TABLE t(a int); INSERT INTO t VALUES (1), (1);");
        world.migration("2_b", &format!("{makes};\nCREATE UNIQUE INDEX CONCURRENTLY u ON t(a);"));
        let red = world.deploy().await;
        assert!(red.failed(11).message.contains(words), "{makes}: {}", red.stdout);
    }
}

/// A login that begins as another role, and a script that leaves that one: the rest runs as the login.
#[tokio::test]
async fn a_role_that_was_left_stays_left() {
    let world = World::new().await;
    let (login, owner) = (format!("{}_l", world.database), format!("{}_o", world.database));
    world
        .sql(&format!(
            "CREATE ROLE {owner}; CREATE ROLE {login} LOGIN IN ROLE {owner}; ALTER ROLE {login} SET role = {owner}; \
             ALTER DATABASE {} OWNER TO {owner}; ALTER SCHEMA public OWNER TO {owner}; GRANT CREATE ON SCHEMA public TO {login}",
            world.database
        ))
        .await;
    let deploy = async || {
        let mut command = world.command(&["deploy"]);
        command.env("DATABASE_URL", world.url.replace("postgres@", &format!("{login}@")));
        finish(command.spawn().unwrap()).await
    };
    world.migration("1_a", "CREATE TABLE t(a int); INSERT INTO t VALUES (1), (1);");
    deploy().await.succeeded();
    world.migration(
        "2_b",
        "SET ROLE NONE;\nCREATE TABLE mine(a int);\nCREATE UNIQUE INDEX CONCURRENTLY u ON t(a);\nCREATE TABLE too(a int);",
    );
    assert_eq!(deploy().await.failed(10).sqlstate.as_deref(), Some("23505"));
    world.sql("DELETE FROM t WHERE ctid = '(0,1)'").await;
    let green = deploy().await;
    assert_eq!(green.code, 0, "{}", green.stdout);
    let owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE tablename IN ('mine', 'too')";
    assert_eq!(world.column(owners).await, [login.as_str()]);
}

/// Over a socket file the server has no keepalives; what the journal has of them is the connection's.
#[tokio::test]
async fn a_script_goes_on_over_another_kind_of_connection() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE t(a int); INSERT INTO t VALUES (1), (1);");
    world.migration("2_b", "SET work_mem = '5MB';\nCREATE TABLE one(a int);\nCREATE UNIQUE INDEX CONCURRENTLY u ON t(a);");
    assert_eq!(world.deploy().await.failed(10).sqlstate.as_deref(), Some("23505"));
    world.sql("DELETE FROM t WHERE ctid = '(0,1)'").await;
    // As an older version wrote it.
    world
        .sql(
            "UPDATE ecs_migrate.journal SET session = jsonb_set(session, '{settings}', session -> 'settings' \
             || '{\"tcp_keepalives_idle\": \"20\", \"tcp_user_timeout\": \"35000\"}'::jsonb)",
        )
        .await;
    let folder =
        world.value("SELECT split_part(current_setting('unix_socket_directories'), ',', 1)").await;
    let mut command = world.command(&["deploy"]);
    command.env(
        "DATABASE_URL",
        format!(
            "postgresql://postgres@localhost:{}/{}?host={}",
            world.port(),
            world.database,
            folder.replace('/', "%2F")
        ),
    );
    let green = finish(command.spawn().unwrap()).await;
    assert_eq!(green.code, 0, "{}", green.stdout);
}

/// A constraint that is deferred speaks up when its transaction ends.
#[tokio::test]
async fn what_is_deferred_is_heard() {
    for script in [
        "INSERT INTO t VALUES (1);",
        "INSERT INTO t VALUES (1);\nVACUUM t;",
        "BEGIN; INSERT INTO t VALUES (1); COMMIT;\nVACUUM t;",
    ] {
        let world = World::new().await;
        world.migration(
            "1_a",
            "CREATE TABLE t(a int); CREATE FUNCTION says() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'late %', NEW.a; RETURN NULL; END $$;\n\
             CREATE CONSTRAINT TRIGGER c AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION says();",
        );
        world.migration("2_b", script);
        let ended = world.deploy().await;
        ended.succeeded();
        assert!(ended.stdout.contains("late 1"), "{script}: {}", ended.stdout);
    }
}

/// A cancel that comes behind the COMMIT, and again: what is committed is applied, and is said to be.
#[tokio::test]
async fn a_cancel_behind_the_commit_takes_nothing_back() {
    let world = World::new().await;
    // Dropping them takes the reset a while.
    world.migration(
        "1_a",
        "CREATE TABLE t(a int); DO $$ BEGIN FOR n IN 1..400 LOOP EXECUTE format('CREATE TEMP TABLE x%s(a int)', n); END LOOP; END $$;",
    );
    world.migration("2_b", "CREATE TABLE u(a int);");
    let child = world.command(&["deploy"]).spawn().unwrap();
    let cancels = async {
        loop {
            world
                .sql(
                    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' \
                     AND (query LIKE 'COMMIT;%DISCARD TEMP%' OR query LIKE '%CLOSE ALL;%DISCARD TEMP%') AND pid <> pg_backend_pid()",
                )
                .await;
        }
    };
    let ended = tokio::select! {
        ended = finish(child) => ended,
        () = cancels => unreachable!(),
    };
    assert!(world.exists("t").await, "{}", ended.stdout);
    ended.succeeded();
    assert!(world.exists("u").await);
}
