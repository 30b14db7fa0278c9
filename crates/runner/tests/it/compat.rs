//! `--compat prisma`: the CLI's own texts on stdout, its exit codes and its habits.

use crate::support::{Ended, World, finish};

async fn prisma(world: &World, arguments: &[&str]) -> Ended {
    let mut command = world.command(arguments);
    command.env("ECS_MIGRATE_COMPAT", "prisma").env("ECS_MIGRATE_LOG_FORMAT", "auto");
    finish(command.spawn().unwrap()).await
}

fn datasource(world: &World) -> String {
    let address = world.url.split('@').nth(1).unwrap().split('/').next().unwrap();
    format!(
        "Datasource \"db\": PostgreSQL database \"{}\", schema \"public\" at \"{address}\"\n\n",
        world.database
    )
}

#[tokio::test]
async fn deploy_prints_what_the_cli_prints() {
    let world = World::new().await;
    world.migration("20260101000000_a", "CREATE TABLE a(id int);");
    world.migration("20260102000000_b", "CREATE TABLE b(id int);");
    let head = format!("{}2 migrations found in prisma/migrations\n\n", datasource(&world));
    let first = prisma(&world, &["deploy"]).await;
    assert_eq!((first.code, first.stderr.as_str()), (0, ""));
    assert_eq!(
        first.stdout,
        format!(
            "{head}Applying migration `20260101000000_a`\nApplying migration `20260102000000_b`\n\n\
             The following migration(s) have been applied:\n\nmigrations/\n  └─ 20260101000000_a/\n    └─ migration.sql\n  \
             └─ 20260102000000_b/\n    └─ migration.sql\n\nAll migrations have been successfully applied.\n"
        )
    );
    let second = prisma(&world, &["deploy"]).await;
    assert_eq!(second.stdout, format!("{head}\nNo pending migrations to apply.\n"));
    let status = prisma(&world, &["status"]).await;
    assert_eq!(
        (status.code, status.stdout),
        (0, format!("{head}Database schema is up to date!\n"))
    );
}

#[tokio::test]
async fn a_failure_stays_failed_until_it_is_resolved() {
    let world = World::new().await;
    world.migration("1_bad", "CREATE TABLE a(id int); ALTER TABLE nope ADD x int;");
    world.migration("2_after", "CREATE TABLE after(id int);");
    let red = prisma(&world, &["deploy"]).await;
    assert_eq!(red.code, 1);
    assert!(red.stdout.ends_with("Applying migration `1_bad`\n"), "{}", red.stdout);
    for text in [
        "Error: P3018\n\nA migration failed to apply.",
        "Migration name: 1_bad",
        "Database error code: 42P01",
        "ERROR: relation \"nope\" does not exist",
    ] {
        assert!(red.stderr.contains(text), "{}", red.stderr);
    }
    assert_eq!(world.history().await, ["1_bad unfinished 0"]);
    assert!(world.value("SELECT logs FROM _prisma_migrations").await.contains("nope"));
    assert!(!world.exists("a").await);

    let blocked = prisma(&world, &["deploy"]).await;
    assert_eq!(blocked.code, 1);
    assert!(
        blocked.stderr.starts_with("Error: P3009\n\nmigrate found failed migrations"),
        "{}",
        blocked.stderr
    );
    assert!(blocked.stderr.contains("The `1_bad` migration started at 20"), "{}", blocked.stderr);
    assert!(blocked.stderr.contains(" UTC failed"), "{}", blocked.stderr);

    let resolved = prisma(&world, &["resolve", "--rolled-back", "1_bad"]).await;
    assert_eq!(
        (resolved.code, resolved.stdout),
        (0, format!("{}Migration 1_bad marked as rolled back.\n\n", datasource(&world)))
    );
    let status = prisma(&world, &["status"]).await;
    assert_eq!(status.code, 1);
    assert!(
        status.stdout.contains(
            "Following migrations have not yet been applied:\n1_bad\n2_after\n\nTo apply"
        ),
        "{}",
        status.stdout
    );
    world.migration("1_bad", "CREATE TABLE a(id int);");
    assert_eq!(prisma(&world, &["deploy"]).await.code, 0);
}

#[tokio::test]
async fn what_prisma_lets_pass_passes() {
    let world = World::new().await;
    for name in ["2_b", "3_c"] {
        world.migration(name, "SELECT 1;");
    }
    assert_eq!(prisma(&world, &["deploy"]).await.code, 0);
    world.migration("2_b", "SELECT 2;");
    world.remove("3_c");
    world.migration("1_late", "SELECT 1;");
    assert_eq!(prisma(&world, &["deploy"]).await.code, 0);
    assert_eq!(world.history().await, ["2_b applied 1", "3_c applied 1", "1_late applied 1"]);
    std::fs::remove_dir_all(world.directory.path()).unwrap();
    let nothing = prisma(&world, &["deploy"]).await;
    assert_eq!(nothing.code, 0);
    assert!(
        nothing.stdout.contains("No migration found in prisma/migrations\n\n\nNo pending"),
        "{}",
        nothing.stdout
    );
}

#[tokio::test]
async fn earlier_ones_are_applied_before_a_script_is_missed() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    std::fs::create_dir(world.directory.path().join("2_b")).unwrap();
    let red = prisma(&world, &["deploy"]).await;
    assert_eq!(red.code, 1);
    assert!(
        red.stderr.starts_with("Error: P3015\n\nCould not find the migration file"),
        "{}",
        red.stderr
    );
    assert_eq!(world.history().await, ["1_a applied 1"]);
}

#[tokio::test]
async fn prismas_order_is_kept() {
    let world = World::new().await;
    for name in ["1_a", "10_b", "2_c", "20260101_d", "20260101000000_e", "a_low", "Z_up"] {
        world.migration(name, "SELECT 1;");
    }
    world.deploy().await.succeeded();
    let names =
        world.column("SELECT migration_name FROM _prisma_migrations ORDER BY started_at").await;
    assert_eq!(names, ["1_a", "10_b", "2_c", "20260101_d", "20260101000000_e", "a_low", "Z_up"]);
}

#[tokio::test]
async fn a_missing_database_is_created_by_deploy_alone() {
    let mut world = World::new().await;
    world.database = format!("{}_new", world.database);
    world.url = world.url.replace(world.url.rsplit('/').next().unwrap(), &world.database);
    world.migration("1_a", "SELECT 1;");
    let status = prisma(&world, &["status"]).await;
    assert_eq!(status.code, 1);
    assert!(status.stderr.contains("P1003"), "{}", status.stderr);
    let deploy = prisma(&world, &["deploy"]).await;
    assert_eq!(deploy.code, 0, "{}", deploy.stderr);
    assert!(
        deploy.stdout.contains(&format!("PostgreSQL database {} created at", world.database)),
        "{}",
        deploy.stdout
    );
}

#[tokio::test]
async fn neither_and_both_have_the_clis_words() {
    let world = World::new().await;
    let neither = prisma(&world, &["resolve"]).await;
    assert_eq!(neither.code, 1);
    assert!(
        neither
            .stderr
            .starts_with("Error: --applied or --rolled-back must be part of the command like:\n"),
        "{}",
        neither.stderr
    );
    let both = prisma(&world, &["resolve", "--applied", "a", "--rolled-back", "b"]).await;
    assert_eq!(
        (both.code, both.stderr.as_str()),
        (1, "Error: Pass either --applied or --rolled-back, not both.\n")
    );
}

#[tokio::test]
async fn a_diverged_history_names_the_last_common_migration() {
    let world = World::new().await;
    for name in ["1_a", "2_b"] {
        world.migration(name, "SELECT 1;");
    }
    assert_eq!(prisma(&world, &["deploy"]).await.code, 0);
    world.remove("2_b");
    world.migration("3_c", "SELECT 1;");
    let status = prisma(&world, &["status"]).await;
    assert_eq!(status.code, 1);
    for text in [
        "Your local migration history and the migrations table from your database are different:",
        "The last common migration is: 1_a",
        "The migration have not yet been applied:\n3_c",
        "The migration from the database are not found locally in prisma/migrations:\n2_b",
    ] {
        assert!(status.stderr.contains(text), "{}", status.stderr);
    }
    world.migration("2_b", "SELECT 1;");
    world
        .sql("UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '2_b'")
        .await;
    world.remove("3_c");
    let failed = prisma(&world, &["status"]).await;
    assert_eq!(failed.code, 1);
    assert!(failed.stderr.contains("Following migration have failed:\n2_b"), "{}", failed.stderr);
    let nothing = World::new().await;
    let unmanaged = prisma(&nothing, &["status"]).await;
    assert_eq!(unmanaged.code, 1);
    assert!(
        unmanaged.stderr.starts_with("The current database is not managed by Prisma Migrate."),
        "{}",
        unmanaged.stderr
    );
}
