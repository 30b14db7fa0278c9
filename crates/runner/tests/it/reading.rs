//! A script is read once: what was judged is what is applied, whatever becomes of the file meanwhile.

use crate::support::{Ended, World, finish, search_path};

/// Deploys with `meanwhile` between the look at what is pending and the deployment.
async fn deploy_while(world: &World, meanwhile: &str) -> Ended {
    let mut command = world.command(&["deploy", "--check", "--backup-command", meanwhile]);
    command.env("PATH", search_path());
    finish(command.spawn().unwrap()).await
}

#[tokio::test]
async fn a_file_that_changes_during_the_run_changes_nothing_of_it() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);").migration("2_b", "CREATE TABLE b(id int);");
    let file = |name: &str| world.path(&format!("{name}/migration.sql"));
    let meanwhile = format!(
        "sh -c \"echo 'DROP SCHEMA public CASCADE' > {}; rm {}\"",
        file("1_a"),
        file("2_b")
    );
    deploy_while(&world, &meanwhile).await.succeeded();
    assert!(world.exists("a").await && world.exists("b").await);
    let checksum = "SELECT checksum = encode(sha256('CREATE TABLE a(id int);'), 'hex') FROM _prisma_migrations WHERE migration_name = '1_a'";
    assert_eq!(world.value(checksum).await, "t");
    // The next run sees what is there now.
    world.migration("2_b", "CREATE TABLE b(id int);");
    assert!(world.deploy().await.failed(13).message.contains("`1_a` was edited"));
}

#[tokio::test]
async fn one_that_is_too_large_to_be_kept_is_refused_when_it_is_another_one() {
    let world = World::new().await;
    let rows = format!("INSERT INTO a VALUES (1);\n{}", "-- and so on\n".repeat(100_000));
    world.migration("1_a", "CREATE TABLE a(id int);").migration("2_b", &rows);
    let meanwhile = format!("sh -c \"echo 'SELECT 1;' >> {}\"", world.path("2_b/migration.sql"));
    let red = deploy_while(&world, &meanwhile).await;
    let failure = red.failed(2);
    assert!(failure.message.contains("changed after it was first read"), "{failure:?}");
    assert_eq!(world.history().await, ["1_a applied 1"]);
    assert_eq!(world.value("SELECT count(*) FROM a").await, "0");
    world.deploy().await.succeeded();
    assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
}
