//! What `check` finds, each thing against a real server; and that it changes nothing.

use crate::support::{Ended, World, finish};
use protocol::Event;
use protocol::event::{CheckFinding, Finding};

/// Every finding, in its order.
fn findings(ended: &Ended) -> Vec<&CheckFinding> {
    let found = ended.lines.iter().filter_map(|line| match &line.event {
        Event::CheckFinding(found) => Some(found),
        _ => None,
    });
    found.collect()
}

pub(crate) fn finding<'a>(ended: &'a Ended, name: &str) -> &'a CheckFinding {
    let found = findings(ended).into_iter().find(|found| found.name == name);
    found.unwrap_or_else(|| panic!("no {name}: {}", ended.stdout))
}

/// The only things that block.
pub(crate) fn blocking(ended: &Ended) -> Vec<&str> {
    let no = findings(ended).into_iter().filter(|found| found.verdict == Finding::No);
    no.map(|found| found.name.as_str()).collect()
}

pub(crate) fn says(ended: &Ended, name: &str, verdict: Finding, words: &[&str]) {
    let found = finding(ended, name);
    assert_eq!(found.verdict, verdict, "{found:?}");
    let text = format!("{} | {}", found.sentence, found.fix.as_deref().unwrap_or("-"));
    for word in words {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
}

/// A role of the test's own, and the runner signed in as it.
async fn as_role(world: &World, attributes: &str) -> (String, tokio::process::Command) {
    let role = format!("role_{}", world.database);
    world.sql(&format!("CREATE ROLE {role} LOGIN {attributes}")).await;
    let mut command = world.command(&["check"]);
    command.env("DATABASE_URL", world.url.replace("postgres@", &format!("{role}@")));
    (role, command)
}

async fn drop_role(world: &World, role: &str) {
    world.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
async fn a_good_database_is_green_and_nothing_is_changed() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);").migration("2_b", "SELECT 1;");
    let everything = "SELECT count(*) FROM pg_class";
    let before = world.value(everything).await;
    let ended = world.run(&["check"]).await;
    assert_eq!(ended.succeeded().pending, 2);
    assert_eq!(world.value(everything).await, before);
    world.lock_is_free().await;
    assert_eq!(
        findings(&ended).iter().map(|found| found.name.as_str()).collect::<Vec<_>>(),
        [
            "dns",
            "reachable",
            "tls",
            "sign_in",
            "server_version",
            "primary",
            "pooler",
            "environment",
            "history",
            "pending",
            "schema_rights",
            "table_rights",
            "journal_rights",
            "statistics_rights",
            "application_role",
            "lock",
        ]
    );
    says(&ended, "dns", Finding::Skip, &["is an address"]);
    says(&ended, "tls", Finding::Ok, &["not encrypted", "verify-full"]);
    says(&ended, "server_version", Finding::Ok, &["PostgreSQL 1"]);
    says(&ended, "history", Finding::Ok, &["no history yet", "`public`"]);
    says(&ended, "environment", Finding::Skip, &["bears no name", "--environment"]);
    says(&ended, "pending", Finding::Ok, &["2 migrations are to be applied: 1_a, 2_b"]);
    says(&ended, "application_role", Finding::Skip, &["--app-role"]);
    world.deploy().await.succeeded();
    let ended = world.run(&["check"]).await;
    assert_eq!(ended.succeeded().pending, 0);
    says(&ended, "history", Finding::Ok, &["agrees"]);
    says(&ended, "pending", Finding::Ok, &["nothing"]);
}

#[tokio::test]
async fn people_get_a_list() {
    let world = World::new().await;
    world.migration("1_a", "SELECT 1;");
    let mut command = world.command(&["check"]);
    command.env("ECS_MIGRATE_LOG_FORMAT", "text");
    let ended = finish(command.spawn().unwrap()).await;
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert!(ended.stdout.contains("\n[ok]   reachable          127.0.0.1:"), "{}", ended.stdout);
    assert!(ended.stdout.contains("\n[skip] application_role   no role"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("\n                          fix: name it with"),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn a_name_nobody_knows_and_a_port_nobody_listens_at() {
    let world = World::new().await;
    for (url, name, words) in [
        (
            "postgresql://postgres@db.invalid:5432/x",
            "dns",
            ["`db.invalid` cannot be looked up", "VPC"],
        ),
        ("postgresql://postgres@127.0.0.1:9/x", "reachable", ["127.0.0.1:9", "is the database"]),
    ] {
        let mut command = world.command(&["check", "--connect-wait", "0s"]);
        command.env("DATABASE_URL", url);
        let ended = finish(command.spawn().unwrap()).await;
        ended.failed(14);
        assert_eq!(blocking(&ended), [name], "{}", ended.stdout);
        says(&ended, name, Finding::No, &words);
        says(&ended, "lock", Finding::Skip, &["no connection"]);
    }
    let mut command = world.command(&["check"]);
    command.env_remove("DATABASE_URL");
    let ended = finish(command.spawn().unwrap()).await;
    ended.failed(14);
    says(&ended, "settings", Finding::No, &["no database is named", "DATABASE_URL"]);
}

#[tokio::test]
async fn what_the_server_refuses_belongs_to_its_step() {
    let world = World::new().await;
    for (from, to, name, words) in [
        (world.database.as_str(), "no_such_database", "sign_in", "no_such_database"),
        ("postgres@", "no_such_role@", "sign_in", "no_such_role"),
        ("/test_", "/test_", "tls", "does not encrypt"),
    ] {
        let mut command = world.command(&["check", "--connect-wait", "0s"]);
        let mode = if name == "tls" { "?sslmode=require" } else { "" };
        command.env("DATABASE_URL", format!("{}{mode}", world.url.replace(from, to)));
        let ended = finish(command.spawn().unwrap()).await;
        ended.failed(14);
        assert_eq!(blocking(&ended), [name], "{}", ended.stdout);
        says(&ended, name, Finding::No, &[words]);
        says(&ended, "reachable", Finding::Ok, &["answers"]);
    }
}

#[tokio::test]
async fn a_role_without_rights_is_told_which_to_ask_for() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.deploy().await.succeeded();
    world.sql("GRANT SELECT ON _prisma_migrations TO PUBLIC; REVOKE CREATE ON SCHEMA public FROM PUBLIC").await;
    world.migration("2_b", "CREATE INDEX CONCURRENTLY b ON a(id); ALTER TABLE a ADD c int;");
    let (role, mut command) = as_role(&world, "").await;
    let ended = finish(command.spawn().unwrap()).await;
    ended.failed(14);
    assert_eq!(blocking(&ended), ["schema_rights", "table_rights", "journal_rights"]);
    let grant = |right: &str| format!("{right} TO {role}");
    says(&ended, "schema_rights", Finding::No, &[&grant("GRANT USAGE, CREATE ON SCHEMA public")]);
    says(&ended, "table_rights", Finding::No, &["2 of 2", &grant("GRANT postgres")]);
    let database = &world.database;
    says(
        &ended,
        "journal_rights",
        Finding::No,
        &["2_b", &grant(&format!("CREATE ON DATABASE {database}"))],
    );
    says(&ended, "statistics_rights", Finding::Skip, &[&grant("GRANT pg_read_all_stats")]);

    // What the fixes say is enough, and what nobody needs does not block.
    world
        .sql(&format!(
            "GRANT USAGE, CREATE ON SCHEMA public TO {role}; GRANT pg_read_all_stats TO {role}"
        ))
        .await;
    world.sql(&format!("ALTER TABLE a OWNER TO {role}")).await;
    world.migration("2_b", "CREATE INDEX CONCURRENTLY b ON a(id);");
    let ended = finish(command.spawn().unwrap()).await;
    assert_eq!(blocking(&ended), [""; 0], "{}", ended.stdout);
    says(&ended, "table_rights", Finding::Skip, &["1 of 2", "_prisma_migrations"]);
    says(&ended, "journal_rights", Finding::Skip, &["nothing that is to be applied needs it"]);
    says(&ended, "statistics_rights", Finding::Ok, &[]);
    drop_role(&world, &role).await;
}

#[tokio::test]
async fn the_applications_role_is_looked_at() {
    let world = World::new().await;
    world.migration("1_a", "SELECT 1;");
    let role = format!("app_{}", world.database);
    let database = &world.database;
    let check = async || world.run(&["check", "--app-role", &role]).await;
    let ended = check().await;
    ended.failed(14);
    says(&ended, "application_role", Finding::No, &["there is no role"]);
    world.sql(&format!("CREATE ROLE {role}; REVOKE CONNECT ON DATABASE {database} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC")).await;
    for (word, remedy) in [
        ("may not sign in", format!("ALTER ROLE {role} LOGIN")),
        ("may not connect", format!("GRANT CONNECT ON DATABASE {database} TO {role}")),
        ("may not use the schema public", format!("GRANT USAGE ON SCHEMA public TO {role}")),
    ] {
        let ended = check().await;
        ended.failed(14);
        assert_eq!(blocking(&ended), ["application_role"]);
        says(&ended, "application_role", Finding::No, &[word, &remedy]);
        world.sql(&remedy).await;
    }
    let ended = check().await;
    ended.succeeded();
    says(
        &ended,
        "application_role",
        Finding::Ok,
        &["will not see tables", "ALTER DEFAULT PRIVILEGES FOR ROLE postgres"],
    );
    world.sql(&format!("ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT SELECT ON TABLES TO {role}")).await;
    let ended = check().await;
    says(&ended, "application_role", Finding::Ok, &["read new tables"]);
    drop_role(&world, &role).await;
}

#[tokio::test]
async fn history_directory_and_lock() {
    let world = World::new().await;
    world.migration("1_a", "SELECT 1;");
    world.deploy().await.succeeded();
    world.migration("1_a", "SELECT 2;");
    let ended = world.run(&["check"]).await;
    ended.failed(14);
    assert_eq!(blocking(&ended), ["history"]);
    says(&ended, "history", Finding::No, &["was edited", "--allow edited:1_a"]);
    world.run(&["check", "--allow", "edited:1_a"]).await.succeeded();

    let ended = world.run(&["check", "--migrations", "/nonexistent"]).await;
    ended.failed(14);
    says(&ended, "history", Finding::No, &["/nonexistent", "--migrations"]);
    says(&ended, "pending", Finding::Skip, &[]);

    world.migration("1_a", "SELECT 1;");
    let holder = world.session("a deployment").await;
    holder.batch_execute("SELECT pg_advisory_lock(123456789)").await.unwrap();
    let ended = world.run(&["check"]).await;
    ended.failed(14);
    says(&ended, "lock", Finding::No, &["123456789", "`a deployment`"]);
}

#[tokio::test]
async fn a_schema_that_somebody_else_uses_is_no_place_for_a_history() {
    let world = World::new().await;
    world.migration("1_a", "SELECT 1;").sql("CREATE TABLE theirs(id int)").await;
    let ended = world.run(&["check"]).await;
    ended.failed(14);
    says(&ended, "history", Finding::No, &["theirs", "resolve --baseline"]);
}

#[tokio::test]
async fn a_server_that_takes_no_writes() {
    let world = World::new().await;
    world.migration("1_a", "SELECT 1;");
    world
        .sql(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", world.database))
        .await;
    let ended = world.run(&["check"]).await;
    ended.failed(14);
    assert_eq!(blocking(&ended), ["primary"], "{}", ended.stdout);
    says(&ended, "primary", Finding::No, &["default_transaction_read_only"]);
}

#[tokio::test]
async fn a_replica() {
    let server = crate::own_server::OwnServer::start().await;
    let world = World::at(&server.url).await;
    world.migration("1_a", "SELECT 1;");
    let standby = server.standby().await;
    let mut command = world.command(&["check"]);
    command.env(
        "DATABASE_URL",
        format!("postgresql://postgres@127.0.0.1:{}/{}", standby.port(), world.database),
    );
    let ended = finish(command.spawn().unwrap()).await;
    ended.failed(14);
    assert_eq!(blocking(&ended), ["primary"], "{}", ended.stdout);
    says(&ended, "primary", Finding::No, &["a replica"]);
}

#[tokio::test]
async fn a_signal_ends_it() {
    let world = World::new().await;
    world.migration("1_a", "SELECT 1;");
    // Nobody answers, so it waits.
    let mut command = world.command(&["check", "--connect-wait", "10m"]);
    command.env("DATABASE_URL", "postgresql://postgres@127.0.0.1:9/x");
    let mut child = command.spawn().unwrap();
    let mut first = [0; 1];
    tokio::io::AsyncReadExt::read_exact(child.stdout.as_mut().unwrap(), &mut first).await.unwrap();
    crate::support::send(&child, rustix::process::Signal::TERM);
    assert_eq!(child.wait().await.unwrap().code(), Some(30));
}
