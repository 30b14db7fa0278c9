//! Where the database was before the first change, how to get back there, and what is kept.

use crate::support::{Ended, World, finish, is_too_old, search_path};
use protocol::event::RestorePoint;
use protocol::{DatabaseState, Event};

/// The point, which must stand before the first migration.
fn point(ended: &Ended) -> Option<&RestorePoint> {
    let place =
        |wanted: fn(&Event) -> bool| ended.lines.iter().position(|line| wanted(&line.event));
    let (noted, begun) = (
        place(|event| matches!(event, Event::RestorePoint(_)))?,
        place(|event| matches!(event, Event::MigrationStarted(_)))?,
    );
    assert!(noted < begun, "{}", ended.stdout);
    match &ended.lines[noted].event {
        Event::RestorePoint(point) => Some(point),
        _ => None,
    }
}

#[tokio::test]
async fn it_is_noted_before_the_first_change_and_stands_in_the_last_line() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let before = world.value("SELECT pg_current_wal_lsn()").await;
    let green = world.deploy().await;
    let noted = point(&green).unwrap();
    assert_eq!(green.succeeded().restore_point.as_ref(), Some(noted));
    assert!(!green.notice("way_back"));
    let lsn = noted.lsn.as_ref().unwrap();
    let order = format!(
        "SELECT '{before}'::pg_lsn <= '{lsn}' AND '{lsn}' <= pg_current_wal_lsn() AND '{}'::timestamptz BETWEEN now() - interval '1 minute' AND now()",
        noted.at
    );
    assert_eq!(world.value(&order).await, "t", "{noted:?}");
    // Where nothing changes there is nothing to go back from.
    let idle = world.deploy().await;
    assert_eq!((point(&idle), idle.succeeded().restore_point.as_ref()), (None, None));
}

#[tokio::test]
async fn a_red_run_that_changed_the_database_says_the_way_back() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);").migration("2_b", "SELECT 1/0;");
    let red = world.deploy().await;
    red.failed(10);
    assert_eq!(red.finished().database, DatabaseState::Changed);
    let at = &point(&red).unwrap().at;
    let said = format!(
        "as it was before this run, at {at}: restore the last base backup beside this server with recovery_target_time = '{at}'"
    );
    assert!(red.notice("way_back") && red.stdout.contains(&said), "{}", red.stdout);
    // This time nothing is left.
    let red = world.deploy().await;
    red.failed(10);
    assert_eq!(red.finished().database, DatabaseState::Unchanged);
    assert!(!red.notice("way_back"), "{}", red.stdout);
}

#[tokio::test]
async fn a_backup_runs_before_the_first_change_and_its_failure_changes_nothing() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let run = async |backup: &str, arguments: &[&str]| {
        let mut command = world.command(&[&["deploy"], arguments].concat());
        command.env("ECS_MIGRATE_BACKUP_COMMAND", backup).env("PATH", search_path());
        finish(command.spawn().unwrap()).await
    };
    let red = run("sh -c 'echo no space; exit 7'", &[]).await;
    let failure = red.failed(14);
    assert!(
        failure.message.contains("nothing was applied, because `sh` ended with exit code 7"),
        "{failure:?}"
    );
    assert_eq!(red.finished().database, DatabaseState::Unchanged);
    assert_eq!(red.output("stdout"), "no space\n");
    assert!(!world.exists("_prisma_migrations").await);
    run("no-such-program", &[]).await.failed(2);

    let kept = world.path("kept");
    let locked = "SELECT count(DISTINCT objid), to_regclass('a') FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let backup = format!("psql -X -A -t -o {kept} -c \"{locked}\"");
    let dump = world.path("schema.sql");
    let kept_both = run(&backup, &["--schema-dump", &dump]).await;
    if is_too_old(&kept_both.stdout) {
        return;
    }
    kept_both.succeeded();
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "1|\n", "under the lock, before the table");
    assert!(std::fs::read_to_string(&dump).unwrap().contains("PostgreSQL database dump"));
    // Nothing to apply, nothing to keep.
    std::fs::remove_file(&kept).unwrap();
    run(&backup, &[]).await.succeeded();
    assert!(!std::path::Path::new(&kept).exists());
    world.migration("2_b", "CREATE TABLE b(id int);");
    run(&backup, &["--schema-dump", &dump]).await.succeeded();
    assert!(std::fs::read_to_string(&dump).unwrap().contains("CREATE TABLE public.a"));
    world.lock_is_free().await;
}

#[tokio::test]
async fn without_pg_dump_nothing_is_changed() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let red = world.run(&["deploy", "--schema-dump", "/tmp/never"]).await;
    assert!(red.failed(2).message.contains("pg_dump"), "{}", red.stdout);
    assert!(!world.exists("a").await);
}
