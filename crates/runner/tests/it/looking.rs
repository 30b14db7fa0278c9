//! Who looks changes nothing: a history is played on the live server without what acts beyond its
//! database.

use crate::support::{Ended, World, finish, skip};

/// A role of the live server, as everybody may see it.
struct Canary<'a> {
    world: &'a World,
    role: String,
}

impl<'a> Canary<'a> {
    async fn new(world: &'a World) -> Self {
        let role = format!("{}_canary", world.database);
        world
            .sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'kept' CONNECTION LIMIT 7; COMMENT ON ROLE {role} IS 'kept'"))
            .await;
        let canary = Self { world, role };
        canary.world.sql(&format!("ALTER ROLE {} SET work_mem = '7MB'", canary.role)).await;
        canary
    }

    /// Everything of it, of the server's settings, slots, databases and members.
    async fn state(&self) -> String {
        let role = &self.role;
        self.world
            .value(&format!(
                "SELECT concat_ws(' ', (SELECT concat(rolpassword, rolconnlimit, rolcanlogin) FROM pg_authid WHERE rolname = '{role}'), \
                 (SELECT string_agg(setconfig::text, ',' ORDER BY setdatabase) FROM pg_db_role_setting WHERE setrole = '{role}'::regrole \
                   AND setdatabase NOT IN (SELECT oid FROM pg_database WHERE datname LIKE 'ecs_migrate_scratch_%')), \
                 shobj_description('{role}'::regrole, 'pg_authid'), \
                 (SELECT count(*) FROM pg_auth_members WHERE member = '{role}'::regrole), \
                 (SELECT count(*) FROM pg_replication_slots), \
                 (SELECT datconnlimit FROM pg_database WHERE datname = '{}'))",
                self.world.database
            ))
            .await
    }

    async fn drop(self) {
        self.world.sql(&format!("DROP OWNED BY {0}; DROP ROLE {0}", self.role)).await;
    }
}

/// Everything that looks at a history by playing it.
const LOOKS: [&[&str]; 3] = [&["check", "--drift"], &["replay"], &["deploy", "--on-drift", "stop"]];

async fn look(world: &World, words: &[&str]) -> Ended {
    finish(world.command(words).spawn().unwrap()).await
}

#[tokio::test]
async fn what_acts_beyond_the_database_is_left_out_with_a_notice() {
    let world = World::new().await;
    let canary = Canary::new(&world).await;
    let role = &canary.role;
    let database = &world.database;
    let roles = |database: &str| {
        format!(
            "ALTER ROLE {role} PASSWORD 'lost' CONNECTION LIMIT 3 NOLOGIN;\n\
             GRANT pg_monitor TO {role};\nCOMMENT ON ROLE {role} IS 'lost';\n\
             ALTER DATABASE {database} CONNECTION LIMIT 90;\nGRANT SELECT ON a TO {role};\n\
             CREATE TABLE b(id int);"
        )
    };
    world.migration("1_a", "CREATE TABLE a(id int);").migration("2_roles", &roles(database));
    world.deploy().await.succeeded();
    // What the history did is done; what somebody has set since is what must stay.
    world
        .sql(&format!(
            "ALTER ROLE {role} PASSWORD 'kept' CONNECTION LIMIT 7 LOGIN; REVOKE pg_monitor FROM {role}; \
             COMMENT ON ROLE {role} IS 'kept'; ALTER DATABASE {database} CONNECTION LIMIT 80"
        ))
        .await;
    let before = canary.state().await;
    for words in LOOKS {
        world.migration("3_c", "CREATE TABLE c(id int);");
        let ended = look(&world, words).await;
        ended.succeeded();
        for part in ["ALTER ROLE (line 1)", "GRANT of a role (line 2)", "ALTER DATABASE (line 4)"] {
            assert!(ended.stdout.contains(part), "{words:?} {part}: {}", ended.stdout);
        }
        assert_eq!(canary.state().await, before, "{words:?}");
    }
    let baseline = World::new().await;
    baseline.migration("1_a", "CREATE TABLE a(id int);");
    baseline.migration("2_roles", &roles(&baseline.database));
    baseline
        .sql(&format!(
            "CREATE TABLE a(id int); CREATE TABLE b(id int); GRANT SELECT ON a TO {role}"
        ))
        .await;
    let recorded = baseline.run(&["resolve", "--baseline", "2_roles"]).await;
    recorded.succeeded();
    assert!(recorded.stdout.contains("ALTER ROLE (line 1)"), "{}", recorded.stdout);
    assert_eq!(canary.state().await, before);
    baseline.sql(&format!("DROP OWNED BY {role}")).await;
    canary.drop().await;
}

/// What functions and blocks do is seen before it is committed.
#[tokio::test]
async fn what_a_function_does_beyond_the_database_is_not_committed() {
    for (way, changes) in [
        ("DO $$ BEGIN EXECUTE 'ALTER ' || 'ROLE {role} CONNECTION LIMIT 3'; END $$;", "pg_authid"),
        ("DO $$ BEGIN GRANT pg_monitor TO {role}; END $$;", "pg_auth_members"),
        (
            "DO $$ BEGIN ALTER ROLE {role} SET work_mem = '3MB'; END $$;",
            "of other databases or of roles",
        ),
        ("DO $$ BEGIN ALTER ROLE {role} RESET work_mem; END $$;", "of other databases or of roles"),
        ("DO $$ BEGIN COMMENT ON ROLE {role} IS NULL; END $$;", "of other databases or of roles"),
        (
            "DO $$ BEGIN ALTER DATABASE {database} CONNECTION LIMIT 3; END $$;",
            "of other databases or of roles",
        ),
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ALTER ROLE {role} NOLOGIN; RETURN NULL; END $$;\n\
             CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f();\nINSERT INTO a VALUES (1);",
            "pg_authid",
        ),
        (
            "-- ecs-migrate: transaction=off\nDO $$ BEGIN ALTER ROLE {role} NOLOGIN; END $$;",
            "pg_authid",
        ),
        (
            "-- ecs-migrate: transaction=off\nDO $$ BEGIN ALTER ROLE {role} NOLOGIN; COMMIT; END $$;",
            "commits by itself",
        ),
        ("BEGIN;\nDO $$ BEGIN ALTER ROLE {role} NOLOGIN; END $$;\nCOMMIT;\nSELECT 1;", "pg_authid"),
        (
            "DO $$ BEGIN PERFORM pg_create_physical_replication_slot('{role}'); END $$;",
            "pg_create_physical_replication_slot",
        ),
    ] {
        let world = World::new().await;
        let canary = Canary::new(&world).await;
        let script = way.replace("{role}", &canary.role).replace("{database}", &world.database);
        world.migration("1_a", "CREATE TABLE a(id int);");
        world.deploy().await.succeeded();
        world.migration("2_b", &script);
        // As if an earlier version had applied it.
        world.sql(
            "INSERT INTO _prisma_migrations(id, checksum, migration_name, started_at, finished_at, applied_steps_count) \
             SELECT 'x', encode(sha256('x'), 'hex'), '2_b', now(), now(), 1"
        ).await;
        world
            .sql(&format!(
                "UPDATE _prisma_migrations SET checksum = '{}' WHERE migration_name = '2_b'",
                migrations::checksum::checksum(&script)
            ))
            .await;
        let before = canary.state().await;
        let looked = look(&world, &["check", "--drift"]).await;
        looked.succeeded();
        assert!(looked.stdout.contains(changes), "{script}: {}", looked.stdout);
        assert!(looked.stdout.contains("--scratch-url"), "{script}: {}", looked.stdout);
        assert_eq!(canary.state().await, before, "{script}");
        world.migration("3_c", "CREATE TABLE c(id int);");
        let red = look(&world, &["deploy", "--on-drift", "stop"]).await;
        red.failed(2);
        let red = look(&world, &["replay"]).await;
        red.failed(2);
        assert_eq!(canary.state().await, before, "{script}");
        canary.drop().await;
    }
}

/// A block that makes the role only where it is not there does nothing beyond.
#[tokio::test]
async fn a_role_that_is_made_unless_it_is_there_can_be_compared() {
    let world = World::new().await;
    let canary = Canary::new(&world).await;
    let role = &canary.role;
    world.migration("1_a", &format!(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role}; END IF; END $$;\n\
         CREATE TABLE a(id int);\nGRANT SELECT ON a TO {role};"
    ));
    world.deploy().await.succeeded();
    let looked = look(&world, &["check", "--drift", "--drift-grants"]).await;
    looked.succeeded();
    assert!(looked.stdout.contains("is what its applied migrations make (1)"), "{}", looked.stdout);
    canary.drop().await;
}

/// A history that makes a role is compared on the live server, and on another one as often as wanted.
#[tokio::test]
async fn a_history_with_a_role_is_compared() {
    let world = World::new().await;
    let role = format!("{}_made", world.database);
    world.migration(
        "1_a",
        &format!(
            "CREATE TABLE a(id int);\nCREATE ROLE {role} LOGIN;\nGRANT SELECT ON a TO {role};"
        ),
    );
    world.deploy().await.succeeded();
    for _again in 0..2 {
        let looked = look(&world, &["check", "--drift", "--drift-grants"]).await;
        looked.succeeded();
        assert!(
            looked.stdout.contains("is what its applied migrations make (1)"),
            "{}",
            looked.stdout
        );
        assert!(looked.stdout.contains("CREATE ROLE (line 2)"), "{}", looked.stdout);
    }
    world.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    // The server is not the database's own, because no database is named: it may have the role.
    for _again in 0..2 {
        let mut command = world.command(&["replay", "--scratch-url", &world.url]);
        command.env_remove("DATABASE_URL");
        let played = finish(command.spawn().unwrap()).await;
        played.succeeded();
    }
    world.sql(&format!("DROP ROLE {role}")).await;
}

/// Another database may be reached by a foreign table.
#[tokio::test]
async fn a_foreign_table_is_not_written() {
    let world = World::new().await;
    if world.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'").await
        == "0"
    {
        return skip("postgres_fdw is not installed");
    }
    world.sql("CREATE TABLE a(id int)").await;
    world.migration(
        "1_far",
        &format!(
            "CREATE EXTENSION postgres_fdw;\nCREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{}', dbname '{}');\n\
             CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user 'postgres');\n\
             CREATE FOREIGN TABLE far(id int) SERVER far OPTIONS (table_name 'a');\nINSERT INTO far VALUES (1);",
            world.port(),
            world.database
        ),
    );
    let red = look(&world, &["replay"]).await;
    assert!(red.failed(2).message.contains("changes far"), "{}", red.stdout);
    assert_eq!(world.value("SELECT count(*) FROM a").await, "0");
}
