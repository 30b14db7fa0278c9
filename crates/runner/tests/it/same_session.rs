//! Every migration begins in the same session, as if it had come with a run of its own.

use crate::support::{World, finish};

/// Red where anything of another migration is left in the session.
const NOTHING_IS_LEFT: &str = "DO $$ DECLARE left_over text; BEGIN \
    SELECT string_agg(what, ', ') INTO left_over FROM (\
      SELECT 'temporary ' || relname AS what FROM pg_class WHERE relnamespace = pg_my_temp_schema() \
      UNION ALL SELECT 'prepared ' || name FROM pg_prepared_statements WHERE from_sql \
      UNION ALL SELECT 'cursor ' || name FROM pg_cursors WHERE is_holdable \
      UNION ALL SELECT 'channel ' || channel FROM pg_listening_channels() AS channel \
      UNION ALL SELECT 'work_mem' WHERE current_setting('work_mem') <> '4MB' \
      UNION ALL SELECT 'custom' WHERE current_setting('app.tenant', true) IS NOT NULL \
      UNION ALL SELECT 'role' WHERE current_user <> session_user) AS l; \
    IF left_over IS NOT NULL THEN RAISE EXCEPTION 'left over: %', left_over; END IF; END $$;";

const LEAVES_MUCH: &str = "CREATE TABLE users(id int);\n\
    CREATE TEMP TABLE users(id int);\nCREATE TEMP SEQUENCE s;\nPREPARE p AS SELECT 1;\nLISTEN c;\nSET work_mem = '7MB';\n\
    SELECT set_config('app.tenant', '5', false);\nDECLARE k CURSOR WITH HOLD FOR SELECT 1;\nSET ROLE pg_monitor;";

#[tokio::test]
async fn nothing_of_a_migration_reaches_the_next() {
    let statements = format!("-- ecs-migrate: transaction=off\n{LEAVES_MUCH}");
    for script in [LEAVES_MUCH, &statements] {
        let world = World::new().await;
        world.migration("1_a", script);
        world.migration(
            "2_b",
            &format!("{NOTHING_IS_LEFT}\nALTER TABLE users ADD COLUMN email text;"),
        );
        world.migration("3_c", "CREATE TEMP TABLE users(b int);");
        world.deploy().await.succeeded();
        let columns = "SELECT string_agg(column_name, ',' ORDER BY column_name) FROM information_schema.columns \
                       WHERE table_schema = 'public' AND table_name = 'users'";
        assert_eq!(world.value(columns).await, "email,id");
    }
}

/// A script that proves to leave nothing is not taken back; what functions do behind it counts.
#[tokio::test]
async fn what_a_trigger_leaves_does_not_reach_the_next() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id serial);");
    world.migration("2_b", "INSERT INTO a DEFAULT VALUES;");
    world.migration(
        "3_c",
        "DO $$ BEGIN PERFORM currval('a_id_seq'); RAISE 'left over: currval'; \
         EXCEPTION WHEN object_not_in_prerequisite_state THEN NULL; END $$;",
    );
    world.migration(
        "4_d",
        "CREATE FUNCTION leaves() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         PERFORM set_config('work_mem', '7MB', false); CREATE TEMP TABLE a(b int); RETURN NEW; END $$;\n\
         CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION leaves();",
    );
    world.migration("5_e", "INSERT INTO a DEFAULT VALUES;");
    world.migration("6_f", &format!("{NOTHING_IS_LEFT}\nALTER TABLE a ADD COLUMN email text;"));
    world.deploy().await.succeeded();
    assert!(world.value("SELECT count(*) FROM information_schema.columns WHERE table_name = 'a' AND column_name = 'email'").await == "1");
    // In a run of its own too: then the function was there before.
    world.migration("7_g", "INSERT INTO public.a DEFAULT VALUES;");
    world.migration("8_h", NOTHING_IS_LEFT);
    world.deploy().await.succeeded();
}

/// Both keys are there again when the next one begins, also after a script that drops every lock.
#[tokio::test]
async fn a_script_that_drops_every_lock_keeps_none_for_the_next() {
    for script in ["SELECT pg_advisory_unlock_all();", "DISCARD ALL;"] {
        let world = World::new().await;
        world.migration("1_a", script);
        world.migration(
            "2_b",
            "CREATE TABLE held AS SELECT objid::bigint AS key FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();",
        );
        world.deploy().await.succeeded();
        let held = "SELECT key FROM held ORDER BY 1";
        assert_eq!(world.column(held).await, ["72707369", "123456789"], "{script}");
        world.lock_is_free().await;
    }
}

/// Prisma's key is free for a step, however often it was counted.
#[tokio::test]
async fn a_step_finds_the_second_key_free() {
    let world = World::new().await;
    for name in ["1_a", "2_b", "3_c"] {
        world.migration(name, "SELECT 1;");
    }
    let step = "psql -XAtc \"SELECT 'free: ' || pg_try_advisory_lock(72707369)\"";
    let mut command = world.command(&["deploy", "--then", step, "--child-url", "libpq"]);
    command.env("PATH", crate::support::search_path());
    let ended = finish(command.spawn().unwrap()).await;
    ended.succeeded();
    assert!(ended.stdout.contains("free: true"), "{}", ended.stdout);
}

/// What a migration changes for new sessions holds for the next one, in one run as in two.
#[tokio::test]
async fn what_new_sessions_begin_with_is_seen_by_the_next_migration() {
    let of_database = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = app, public', current_database()); END $$;";
    let of_role = "DO $$ BEGIN EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = app, public', session_user, current_database()); END $$;";
    let taken_back = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET search_path', current_database()); \
        EXECUTE format('ALTER ROLE %I IN DATABASE %I RESET ALL', session_user, current_database()); END $$;";
    for set in [of_database, of_role] {
        let (at_once, grown) = (World::new().await, World::new().await);
        let migrations = [
            ("1_a", format!("CREATE SCHEMA app; CREATE TABLE one(a int); {set}")),
            ("2_b", "CREATE TABLE two(a int);".to_owned()),
            (
                "3_c",
                format!(
                    "-- ecs-migrate: transaction=off\n{taken_back}\nCREATE TABLE three(a int);"
                ),
            ),
            ("4_d", "CREATE TABLE four(a int);".to_owned()),
        ];
        for (name, script) in &migrations {
            at_once.migration(name, script);
            grown.migration(name, script);
            grown.deploy().await.succeeded();
        }
        let whole = at_once.deploy().await;
        assert_eq!(whole.succeeded().applied, 4, "{}", whole.stdout);
        assert!(whole.notice("session_renewed"), "{}", whole.stdout);
        let tables = "SELECT schemaname || '.' || tablename FROM pg_tables \
                      WHERE tablename IN ('one', 'two', 'three', 'four') ORDER BY 1";
        let expected = ["app.three", "app.two", "public.four", "public.one"];
        assert_eq!(grown.column(tables).await, expected);
        assert_eq!(at_once.column(tables).await, expected);
        let checked = at_once.run(&["check", "--drift"]).await;
        assert!(
            checked.stdout.contains("is what its applied migrations make (4)"),
            "{}",
            checked.stdout
        );
        let replayed = at_once.run(&["replay"]).await;
        replayed.succeeded();
    }
}

/// The next run would begin elsewhere, and so does the rest of this one.
#[tokio::test]
async fn a_path_that_leads_away_from_the_history_stops_the_rest() {
    let away = "CREATE SCHEMA app; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = app', current_database()); END $$;";
    let world = World::new().await;
    world.migration("1_a", away);
    world.migration("2_b", "CREATE TABLE two(a int);");
    let red = world.deploy().await;
    assert!(red.failed(13).message.contains("`app`"), "{}", red.stdout);
    assert_eq!(red.finished().applied, 1);
    assert!(!world.exists("app._prisma_migrations").await);
    world.run(&["deploy", "--schema", "public"]).await.succeeded();
    assert!(world.exists("public.two").await);
}

/// While the script had let them go, somebody else took one.
#[tokio::test]
async fn a_lock_that_somebody_else_took_stops_it() {
    let world = World::new().await;
    world.migration(
        "1_a",
        "SELECT pg_advisory_unlock_all();\nSELECT pg_advisory_xact_lock(99);\nCREATE TABLE two(a int);",
    );
    world.sql("SELECT pg_advisory_lock(99)").await;
    let child = world.command(&["deploy"]).spawn().unwrap();
    world.until("EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 99 AND NOT granted)").await;
    world.sql("SELECT pg_advisory_lock(72707369); SELECT pg_advisory_unlock(99)").await;
    let ended = finish(child).await;
    assert!(ended.failed(20).message.contains("72707369"), "{}", ended.stdout);
    assert!(!world.exists("two").await);
}

/// In a scratch database "the database" is the scratch database: the real one, and the roles of the
/// server, are not touched.
#[tokio::test]
async fn a_rehearsal_sets_nothing_outside_its_database() {
    let world = World::new().await;
    let database = world.database.clone();
    let role = format!("set_{}", uuid::Uuid::new_v4().simple());
    world.sql(&format!("CREATE ROLE {role}")).await;
    world.migration(
        "1_a",
        &format!(
            "CREATE SCHEMA app; ALTER DATABASE {database} SET search_path = app, public; \
             ALTER ROLE {role} SET work_mem = '5MB';"
        ),
    );
    world.migration("2_b", "CREATE TABLE two(a int);");
    world.migration(
        "3_c",
        &format!(
            "ALTER DATABASE {database} SET search_path = public, app; ALTER ROLE {role} SET work_mem = '6MB';"
        ),
    );
    world.migration("4_d", "CREATE TABLE four(a int);");
    world.deploy().await.succeeded();
    let tables = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE tablename IN ('two', 'four') ORDER BY 1";
    assert_eq!(world.column(tables).await, ["app.two", "public.four"]);
    let set = format!(
        "SELECT string_agg(s.xmin::text || setconfig::text, ' ' ORDER BY setdatabase, setrole) FROM pg_db_role_setting s \
         WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) OR setrole = '{role}'::regrole"
    );
    let before = world.value(&set).await;
    assert!(before.contains("public, app") && before.contains("6MB"), "{before}");
    let checked = world.run(&["check", "--drift"]).await;
    assert!(
        checked.stdout.contains("is what its applied migrations make (4)"),
        "{}",
        checked.stdout
    );
    world.run(&["replay"]).await.succeeded();
    world.sql("DROP TABLE _prisma_migrations").await;
    world.run(&["resolve", "--baseline", "4_d"]).await.succeeded();
    assert_eq!(world.value(&set).await, before);
    world.sql(&format!("DROP ROLE {role}")).await;
}
