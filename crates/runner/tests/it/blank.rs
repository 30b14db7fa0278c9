//! Blank is not a value: what should have guarded a database is not switched off by a variable that
//! is not there.

use crate::support::{World, finish};

#[tokio::test]
async fn a_blank_guard_is_refused_before_anything_is_asked_or_changed() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a ();");
    for name in [
        "ECS_MIGRATE_ENVIRONMENT",
        "ECS_MIGRATE_APP_ROLE",
        "ECS_MIGRATE_ON_DRIFT",
        "ECS_MIGRATE_BACKUP_COMMAND",
        "ECS_MIGRATE_SCHEMA_DUMP",
        "ECS_MIGRATE_RESTORE_POINT",
        "ECS_MIGRATE_KEEP_BEFORE",
        "ECS_MIGRATE_CHECK",
        "ECS_MIGRATE_CHECK_POLICY",
        "ECS_MIGRATE_PHASE",
    ] {
        for blank in ["", " \t\r\n"] {
            let mut command = world.command(&["deploy"]);
            let red = finish(command.env(name, blank).spawn().unwrap()).await;
            assert_eq!(red.code, 2, "{name}: {}", red.stderr);
            assert!(red.stderr.contains(&format!("env {name} is blank")), "{}", red.stderr);
        }
    }
    for flag in ["--environment", "--app-role", "--backup-command", "--schema-dump", "--secret"] {
        for blank in ["", " "] {
            let red = world.run(&["deploy", flag, blank]).await;
            assert_eq!(red.code, 2, "{flag}: {}", red.stderr);
            // Of a path clap says it itself.
            assert!(red.stderr.contains(flag), "{}", red.stderr);
        }
    }
    assert!(!world.exists("a").await && !world.exists("_prisma_migrations").await);
}

/// A task definition cannot unset a variable: an empty one that guards nothing is none.
#[tokio::test]
async fn an_empty_variable_that_guards_nothing_is_none() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a ();");
    let mut command = world.command(&["deploy"]);
    for name in ["ECS_MIGRATE_THEN", "ECS_MIGRATE_IAM_AUTH", "ECS_MIGRATE_RDS"] {
        command.env(name, "");
    }
    finish(command.spawn().unwrap()).await.succeeded();
    assert!(world.exists("a").await);
}
