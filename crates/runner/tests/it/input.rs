//! Bad input: one sentence with the cause, a hint, the right exit code, nothing secret.

use crate::support::{World, finish, nowhere};
use protocol::Failure;

/// Runs with some variables changed; an empty value takes one away.
async fn failure(world: &World, changes: &[(&str, &str)], code: i32) -> Failure {
    let mut command = world.command(&["deploy"]);
    for (name, value) in changes {
        command.env(name, value);
    }
    let ended = finish(command.spawn().unwrap()).await;
    assert!(!format!("{}{}", ended.stdout, ended.stderr).contains("hunter2"), "{}", ended.stdout);
    let failure = ended.failed(code).clone();
    assert!(failure.hint.is_some(), "{failure:?}");
    failure
}

/// No guard is turned on or off by a typing error.
#[tokio::test]
async fn a_truth_is_said_clearly() {
    let world = World::new().await;
    let (neither, blank) = ("neither true nor false", "env ECS_MIGRATE_CHECK is blank");
    // `status` would not obey it, so an empty one is none.
    for (value, code, words) in
        [("perhaps", 2, neither), (" ", 2, blank), ("", 0, ""), ("off", 0, "")]
    {
        let mut command = world.command(&["status"]);
        let ended = finish(command.env("ECS_MIGRATE_CHECK", value).spawn().unwrap()).await;
        assert_eq!(ended.code, code, "{value:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn settings_that_cannot_be() {
    let world = World::new().await;
    let nowhere = nowhere();
    let file = tempfile::NamedTempFile::new().unwrap();
    for (changes, word) in [
        (vec![("ECS_MIGRATE_MIGRATIONS", nowhere.to_str().unwrap())], "no migrations directory"),
        (vec![("ECS_MIGRATE_MIGRATIONS", file.path().to_str().unwrap())], "not a directory"),
        (vec![("DATABASE_URL", "mysql://u:hunter2@db/shop")], "not a PostgreSQL URL"),
        (vec![("DATABASE_URL", "postgresql://u:hunter2#x@db/shop")], "not a PostgreSQL URL"),
        (vec![("DATABASE_URL", "")], "no database is named"),
        (vec![("DATABASE_URL", ""), ("PGHOST", "db")], "PGUSER"),
        (vec![("DATABASE_URL", "postgresql://u:hunter2@db/shop?sslmode=sometimes")], "TLS mode"),
    ] {
        let failure = failure(&world, &changes, 2).await;
        assert!(failure.message.contains(word), "{failure:?}");
    }
}

#[tokio::test]
async fn a_database_that_does_not_answer() {
    let world = World::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap().port();
    let silent =
        format!("postgresql://u:hunter2@127.0.0.1:{silent}/shop?connect_timeout=1&sslmode=disable");
    for (url, word) in [
        ("postgresql://u:hunter2@127.0.0.1:1/shop", "127.0.0.1:1"),
        (silent.as_str(), "no answer within 1 s"),
        ("postgresql://u:hunter2@database.invalid/shop", "database.invalid"),
    ] {
        let changes = [("DATABASE_URL", url), ("ECS_MIGRATE_CONNECT_WAIT", "0s")];
        let failure = failure(&world, &changes, 21).await;
        assert!(failure.message.contains(word), "{failure:?}");
        assert_eq!(failure.prisma_code.as_deref(), Some("P1001"));
        let hint = failure.hint.unwrap();
        let expected = if word == "database.invalid" { "spelling" } else { "the container itself" };
        assert!(hint.contains(expected), "{word}: {hint}");
    }
}

#[tokio::test]
async fn a_password_that_is_wrong_and_one_with_every_character() {
    let world = World::new().await;
    world
        .sql("DO $$ BEGIN CREATE ROLE with_password LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        .await;
    world.sql("ALTER ROLE with_password PASSWORD 'p#a/s?s%40@:wo rd+!^&='").await;
    world.sql(&format!("GRANT ALL ON DATABASE {} TO with_password; GRANT ALL ON SCHEMA public TO with_password", world.database)).await;
    world.migration("20260101000000_a", "CREATE TABLE a(id int);");
    let wrong = world.url.replace("postgres@", "with_password:hunter2@");
    let refused = failure(&world, &[("DATABASE_URL", &wrong)], 22).await;
    assert_eq!(refused.prisma_code.as_deref(), Some("P1000"));
    let none = world.url.replace("postgres@", "with_password@");
    assert_eq!(
        failure(&world, &[("DATABASE_URL", &none)], 22).await.prisma_code.as_deref(),
        Some("P1000")
    );

    let port = world.url.rsplit_once(':').unwrap().1.split('/').next().unwrap();
    let mut command = world.command(&["deploy"]);
    for (name, value) in [
        ("DATABASE_URL", ""),
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", port),
        ("PGUSER", "with_password"),
        ("PGPASSWORD", "p#a/s?s%40@:wo rd+!^&="),
        ("PGDATABASE", &world.database),
    ] {
        command.env(name, value);
    }
    finish(command.spawn().unwrap()).await.succeeded();
}

#[tokio::test]
async fn a_right_that_is_missing_is_named() {
    let world = World::new().await;
    world.migration("20260101000000_a", "SELECT 1;");
    let role = format!("weak_{}", world.database);
    world
        .sql(&format!("CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
        .await;
    let url = world.url.replace("postgres@", &format!("{role}@"));
    let failure = failure(&world, &[("DATABASE_URL", &url)], 22).await;
    world.sql(&format!("DROP ROLE {role}")).await;
    assert_eq!(failure.sqlstate.as_deref(), Some("42501"));
}

#[tokio::test]
async fn a_command_line_that_cannot_be_and_one_that_asks() {
    let world = World::new().await;
    for arguments in [
        vec!["frobnicate"],
        vec!["--lock-wait", "soon"],
        vec!["--allow", "everything"],
        vec!["--lock-key", "x"],
    ] {
        let ended = world.run(&arguments).await;
        assert_eq!(ended.code, 2, "{arguments:?}");
        assert!(ended.stderr.contains("error:"), "{}", ended.stderr);
    }
    let help = world.run(&["--help"]).await;
    assert_eq!(help.code, 0);
    assert!(help.stdout.contains("--migrations"), "{}", help.stdout);
}

#[tokio::test]
async fn a_lock_file_of_another_database_stops() {
    let world = World::new().await;
    world.migration("20260101000000_a", "SELECT 1;");
    std::fs::write(world.directory.path().join("migration_lock.toml"), "provider = \"mysql\"\n")
        .unwrap();
    let failure = failure(&world, &[], 2).await;
    assert!(failure.message.contains("mysql"), "{failure:?}");
}

#[tokio::test]
async fn an_empty_directory_is_green_with_a_notice() {
    let world = World::new().await;
    let ended = world.deploy().await;
    ended.succeeded();
    assert!(ended.notice("no_migrations"));
    assert!(world.exists("_prisma_migrations").await);
}

#[tokio::test]
async fn a_setting_that_is_misspelt_is_named() {
    let world = World::new().await;
    world.migration("1_a", "SELECT 1;");
    let run = async |command: &[&str]| {
        let mut command = world.command(command);
        finish(command.env("ECS_MIGRATE_CHEK", "1").spawn().unwrap()).await
    };
    let ended = run(&["status"]).await;
    ended.succeeded();
    assert!(ended.notice("no_such_setting"), "{}", ended.stdout);
    assert!(ended.stdout.contains("ECS_MIGRATE_CHEK is no setting; ECS_MIGRATE_CHECK is one"));
    assert!(!run(&["status", "--compat", "prisma"]).await.stdout.contains("no setting"));
}

#[tokio::test]
async fn an_image_that_lost_its_migrations_is_not_green() {
    let world = World::new().await;
    world.migration("1_a", "SELECT 1;");
    world.deploy().await.succeeded();
    world.remove("1_a");
    for command in ["deploy", "status"] {
        let ended = world.run(&[command]).await;
        let failure = ended.failed(13);
        assert!(failure.message.contains("has 1 of them applied"), "{failure:?}");
        assert!(failure.hint.as_deref().unwrap().contains("--migrations"), "{failure:?}");
    }
    // Prisma goes on.
    assert_eq!(world.run(&["deploy", "--compat", "prisma"]).await.code, 0);
}

#[tokio::test]
async fn it_runs_without_a_working_directory_a_terminal_or_a_home() {
    let world = World::new().await;
    world.migration("20260101000000_a", "SELECT 1;");
    let mut command = world.command(&[]);
    command.current_dir("/").env("ECS_MIGRATE_LOG_FORMAT", "auto");
    let ended = finish(command.spawn().unwrap()).await;
    assert_eq!(ended.succeeded().applied, 1, "without a terminal it writes event lines");
}
