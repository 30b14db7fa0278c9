//! A person at a terminal is asked before a database is changed.

use crate::support::{World, search_path, skip};
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Runs the runner on a terminal of its own, which `script` of util-linux makes, and types; none
/// where there is no `script`.
async fn on_a_terminal(world: &World, arguments: &[&str], typed: &str) -> Option<(i32, String)> {
    let runner = env!("CARGO_BIN_EXE_ecs-migrate-runner");
    let words = shell(&[&[runner], arguments].concat());
    let child = Command::new("script")
        .args(["-qec", &words, "/dev/null"])
        .env_clear()
        .env("PATH", search_path())
        .env("DATABASE_URL", &world.url)
        .env("ECS_MIGRATE_MIGRATIONS", world.directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        skip("there is no `script` to make a terminal: install util-linux (bsdutils)");
        return None;
    };
    // What is typed before it is asked for waits in the terminal.
    child.stdin.take().unwrap().write_all(typed.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    Some((output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap()))
}

fn shell(words: &[&str]) -> String {
    let quoted = words.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''")));
    quoted.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_database_without_a_name_needs_a_yes() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let Some((code, said)) = on_a_terminal(&world, &["deploy"], "n\n").await else { return };
    assert_eq!(code, 14, "{said}");
    assert!(said.contains("about to change the database `test_"), "{said}");
    assert!(
        said.contains(
            "as `postgres`: 1 migration (1_a); it bears no environment's name; go on? [y/N]"
        ),
        "{said}"
    );
    assert!(!world.exists("_prisma_migrations").await);
    let (code, said) = on_a_terminal(&world, &[], "y\n").await.unwrap();
    assert_eq!(code, 0, "{said}");
    // With nothing to do nothing is asked.
    let (code, said) = on_a_terminal(&world, &["deploy"], "").await.unwrap();
    assert_eq!((code, said.contains("[y/N]")), (0, false), "{said}");
    world.migration("2_b", "CREATE TABLE b(id int);");
    let (code, said) = on_a_terminal(&world, &["deploy", "--yes"], "").await.unwrap();
    assert_eq!((code, said.contains("[y/N]")), (0, false), "{said}");
}

#[tokio::test]
async fn a_gates_database_needs_its_name() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.run(&["deploy", "--environment", "production"]).await.succeeded();
    world.migration("2_b", "CREATE TABLE b(id int);");
    for typed in ["y\n", "prod\n", "\n"] {
        let Some((code, said)) = on_a_terminal(&world, &["deploy", "--yes"], typed).await else {
            return;
        };
        assert_eq!(code, 14, "{said}");
        assert!(said.contains("belongs to `production`: type that name to go on"), "{said}");
        assert!(said.contains("the answer was not its name; "), "{said}");
        assert!(said.contains("run again and type production"), "{said}");
    }
    assert!(!world.exists("b").await);
    let (code, said) = on_a_terminal(&world, &["deploy"], "production\n").await.unwrap();
    assert_eq!(code, 0, "{said}");
    world.migration("3_c", "CREATE TABLE c(id int);");
    let (code, said) =
        on_a_terminal(&world, &["deploy", "--environment", "production"], "").await.unwrap();
    assert_eq!((code, said.contains("type that name")), (0, false), "{said}");
}
