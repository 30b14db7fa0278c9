//! Small things that were believed wrongly: who made a database, what a child is told, what a time zone or a
//! time limit does to what the server says.

use crate::support::{World, finish};
use protocol::DatabaseState;

#[tokio::test]
async fn many_that_make_the_database_at_once_all_start() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let made = format!("{}_made", world.database);
    let url = world.url.replace(&world.database, &made);
    let children: Vec<_> = (0..6)
        .map(|_| {
            let mut command = world.command(&["start", "--create-database", "--", "/bin/true"]);
            command.env("DATABASE_URL", &url).spawn().unwrap()
        })
        .collect();
    for child in children {
        let ended = finish(child).await;
        assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    }
    world.sql(&format!("DROP DATABASE {made} WITH (FORCE)")).await;
}

/// What reads PG* and no URL works in the same schema.
#[tokio::test]
async fn a_child_is_told_the_schema_by_pgoptions_too() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    for child_url in ["prisma", "libpq"] {
        let url = format!("{}?schema=my+own", world.url);
        let mut command =
            world.command(&["exec", "--", "/bin/sh", "-c", "echo \"options: $PGOPTIONS\""]);
        command.env("DATABASE_URL", &url).env("ECS_MIGRATE_CHILD_URL", child_url);
        let ended = finish(command.spawn().unwrap()).await;
        assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
        let said = r#"options: -c search_path="my\ own""#;
        let lines = ended.lines.iter().any(|line| line.msg == said);
        assert!(lines, "{}", ended.stdout);
    }
}

/// Who may use single columns cannot use the next one: that is said, and may be meant so.
#[tokio::test]
async fn a_column_that_is_added_behind_granted_ones_is_told() {
    let world = World::new().await;
    let role = format!("{}_app", world.database);
    world
        .sql(&format!(
            "CREATE ROLE {role}; CREATE TABLE a(id int, secret text, name text); GRANT SELECT (id, name), INSERT (id, name), UPDATE (id, name), DELETE ON a TO {role}"
        ))
        .await;
    world.migration("1_a", "SELECT 1;");
    world.run(&["resolve", "--applied", "1_a", "--force"]).await.succeeded();
    world.run(&["deploy", "--app-role", &role]).await.succeeded();
    world.migration("2_b", "ALTER TABLE a ADD COLUMN mail text;");
    let told = world.run(&["deploy", "--app-role", &role]).await;
    told.succeeded();
    let grant =
        format!("GRANT INSERT (mail), SELECT (mail), UPDATE (mail) ON TABLE public.a TO {role};");
    assert!(told.stdout.contains(&grant), "{}", told.stdout);
    // What stands between the granted ones was left out by somebody.
    assert!(!told.stdout.contains("secret"), "{}", told.stdout);
    world.sql(&grant).await;
    let quiet = world.run(&["deploy", "--app-role", &role]).await;
    quiet.succeeded();
    assert!(!quiet.stdout.contains("column by column"), "{}", quiet.stdout);
    world.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

/// The journal is of who made it; what needs none does not ask for it.
#[tokio::test]
async fn without_rights_on_the_journal_what_needs_none_is_applied() {
    for revoked in [
        "REVOKE ALL ON ecs_migrate.journal FROM {r}; REVOKE USAGE ON SCHEMA ecs_migrate FROM {r}",
        "GRANT USAGE ON SCHEMA ecs_migrate TO {r}",
    ] {
        let world = World::new().await;
        let role = format!("r_{}", world.database);
        world.migration(
            "1_a",
            "-- ecs-migrate: transaction=off\nCREATE TABLE a(id int);\nVACUUM a;",
        );
        world.deploy().await.succeeded();
        world
            .sql(&format!(
                "CREATE ROLE {role} LOGIN; GRANT ALL ON _prisma_migrations TO {role}; GRANT CREATE, USAGE ON SCHEMA public TO {role}; {}",
                revoked.replace("{r}", &role)
            ))
            .await;
        let url = world.url.replace("postgres@", &format!("{role}@"));
        let run = async |arguments: &[&str]| {
            let mut command = world.command(arguments);
            finish(command.env("DATABASE_URL", &url).spawn().unwrap()).await
        };
        world.migration("2_b", "CREATE TABLE b(id int);");
        run(&["deploy"]).await.succeeded();
        run(&["status"]).await.succeeded();
        // One that fails leaves a row, which the next attempt looks at.
        world.migration("3_c", "CREATE TABLE c(id int); SELECT 1/0;");
        run(&["deploy"]).await.failed(10);
        world.migration("3_c", "CREATE TABLE c(id int);");
        run(&["deploy"]).await.succeeded();
        run(&["status"]).await.succeeded();
        // Neither does an index, whatever becomes of it; nor a plain file whose run was killed.
        world.sql("INSERT INTO c VALUES (1), (1)").await;
        world.migration("3_i", "CREATE UNIQUE INDEX CONCURRENTLY i ON c(id);");
        run(&["deploy"]).await.failed(10);
        world.sql("DELETE FROM c").await;
        run(&["deploy"]).await.succeeded();
        world.migration("3_k", "SELECT pg_sleep(60);");
        let mut command = world.command(&["deploy"]);
        let mut child = command.env("DATABASE_URL", &url).spawn().unwrap();
        world.until(&format!("EXISTS (SELECT FROM pg_stat_activity WHERE usename = '{role}' AND query LIKE '%pg_sleep(60)%' AND state = 'active')")).await;
        child.kill().await.unwrap();
        world
            .sql(&format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"
            ))
            .await;
        world.migration("3_k", "SELECT 1;");
        run(&["deploy"]).await.succeeded();
        // What needs one says which right is missing.
        world.migration("4_d", "-- ecs-migrate: transaction=off\nVACUUM c;\nVACUUM b;");
        let red = run(&["deploy"]).await;
        assert!(red.failed(22).hint.as_ref().unwrap().contains("GRANT"), "{}", red.stdout);
        world.sql(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}")).await;
    }
}

/// A time is told as the server reads it again.
#[tokio::test]
async fn an_index_is_built_in_every_style_of_dates() {
    let world = World::new().await;
    // Never without a young transaction.
    let mut busy = Vec::new();
    for _session in 0..3 {
        let session = world.session("busy").await;
        busy.push(tokio::spawn(async move {
            while session.batch_execute("SELECT pg_sleep(0.2)").await.is_ok() {}
        }));
    }
    for (number, (style, zone)) in [
        ("SQL, DMY", "Asia/Kolkata"),
        ("German", "Europe/Berlin"),
        ("SQL, MDY", "Asia/Kolkata"),
        ("Postgres, DMY", "America/St_Johns"),
        ("SQL, DMY", "Australia/Brisbane"),
    ]
    .iter()
    .enumerate()
    {
        world
            .sql(&format!("ALTER DATABASE {0} SET DateStyle = '{style}'; ALTER DATABASE {0} SET TimeZone = '{zone}'", world.database))
            .await;
        world.migration(
            &format!("{number}_a"),
            &format!("CREATE TABLE a{number}(id int);\nCREATE INDEX CONCURRENTLY i{number} ON a{number}(id);"),
        );
        let ended = world.run(&["deploy", "--lock-budget", "4s"]).await;
        assert_eq!(ended.code, 0, "{style} {zone}: {}", ended.stdout);
    }
    for busy in busy {
        busy.abort();
    }
}

#[tokio::test]
async fn what_ends_a_session_or_cannot_be_sent_is_said_in_its_words() {
    let world = World::new().await;
    for (number, (script, code, says)) in [
        ("CREATE TABLE c(id int); COPY c TO STDOUT;", 10, "COPY"),
        ("-- ecs-migrate: transaction=off\nCREATE TABLE d(id int); COPY d TO STDOUT;", 10, "COPY"),
    ]
    .iter()
    .enumerate()
    {
        let name = format!("1_{number}");
        world.migration(&name, script);
        let red = world.deploy().await;
        let failure = red.failed(*code);
        assert!(failure.message.contains(says), "{}", red.stdout);
        assert!(!red.stdout.contains("not answer"), "{}", red.stdout);
        assert_eq!(failure.migration.as_deref(), Some(name.as_str()), "{}", red.stdout);
        world.remove(&name);
    }
    let number: u32 = world.value("SHOW server_version_num").await.parse().unwrap();
    if number >= 170_000 {
        world.migration(
            "3_t",
            "SET transaction_timeout = '100ms'; CREATE TABLE e(id int); SELECT pg_sleep(5);",
        );
        let red = world.deploy().await;
        let failure = red.failed(10);
        assert!(
            failure.message.contains("transaction_timeout")
                || failure.message.contains("transaction timeout"),
            "{}",
            red.stdout
        );
        assert_eq!(failure.migration.as_deref(), Some("3_t"), "{}", red.stdout);
    }
}

/// A constraint that waits for the end of its transaction speaks up for its migration.
#[tokio::test]
async fn a_deferred_constraint_of_a_unit_fails_its_migration() {
    for script in [
        "-- ecs-migrate: transaction=off\nINSERT INTO b VALUES (7);\nSELECT 1;",
        "VACUUM a;\nBEGIN;\nINSERT INTO b VALUES (7);\nCOMMIT;\nSELECT 1;",
        "INSERT INTO b VALUES (7);",
    ] {
        let world = World::new().await;
        world.sql("CREATE TABLE a(id int PRIMARY KEY); CREATE TABLE b(id int REFERENCES a DEFERRABLE INITIALLY DEFERRED)").await;
        world.migration("0_z", "SELECT 1;");
        world.run(&["resolve", "--baseline", "0_z", "--force"]).await.succeeded();
        world.migration("1_a", script);
        let red = world.deploy().await;
        let failure = red.failed(10);
        assert_eq!(failure.migration.as_deref(), Some("1_a"), "{script}: {}", red.stdout);
        assert!(failure.message.contains("foreign key"), "{script}: {}", red.stdout);
        assert_eq!(world.value("SELECT count(*) FROM b").await, "0");
        world.sql("INSERT INTO a VALUES (7)").await;
        world.deploy().await.succeeded();
        assert_eq!(world.value("SELECT count(*) FROM b").await, "1", "{script}");
    }
}

/// A block without a COMMIT in it is there whole, or not at all.
#[tokio::test]
async fn a_block_that_cannot_commit_leaves_nothing() {
    let world = World::new().await;
    world.sql("CREATE TABLE n(id int)").await;
    world.migration("0_z", "SELECT 1;");
    world.run(&["resolve", "--baseline", "0_z", "--force"]).await.succeeded();
    for (number, body) in [
        "INSERT INTO n VALUES (1); RAISE EXCEPTION 'no';",
        "INSERT INTO n VALUES (1); PERFORM 1/0; -- COMMIT",
        "INSERT INTO n VALUES (1); RAISE EXCEPTION 'do not commit';",
        "INSERT INTO n VALUES (1); EXECUTE 'SELECT 1/0';",
    ]
    .iter()
    .enumerate()
    {
        let name = format!("1_{number}");
        let off = "-- ecs-migrate: transaction=off\n";
        world.migration(&name, &format!("{off}DO $$ BEGIN {body}\nEND $$;\nSELECT 1;"));
        let red = world.deploy().await;
        red.failed(10);
        assert_eq!(red.finished().database, DatabaseState::Unchanged, "{body}: {}", red.stdout);
        world.migration(
            &name,
            &format!("{off}DO $$ BEGIN INSERT INTO n VALUES (1); END $$;\nSELECT 1;"),
        );
        world.deploy().await.succeeded();
    }
    assert_eq!(world.value("SELECT count(*) FROM n").await, "4");
}
