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
    let locked = "SELECT count(DISTINCT objid), to_regclass('a') FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 123456789 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
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

/// Somebody else's migration was under way when the run came, and over when it was its turn.
#[tokio::test]
async fn whether_a_backup_is_called_for_is_judged_under_the_lock() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int); INSERT INTO a VALUES (1);");
    world.deploy().await.succeeded();
    world.migration("2_b", "DROP TABLE a;");
    let prisma = world.session("prisma").await;
    prisma
        .batch_execute(
            "SELECT pg_advisory_lock(72707369); INSERT INTO _prisma_migrations (id, checksum, started_at, migration_name) \
             VALUES ('theirs', 'y', now(), '0_theirs')",
        )
        .await
        .unwrap();
    for before in ["change", "loss"] {
        let kept = world.path(before);
        let mut command =
            world.command(&["deploy", "--keep-before", before, "--allow", "missing:0_theirs"]);
        command
            .env("ECS_MIGRATE_BACKUP_COMMAND", format!("sh -c 'echo kept >>{kept}'"))
            .env("PATH", search_path());
        let child = command.spawn().unwrap();
        world.until("EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'ecs-migrate %' AND query LIKE '%advisory%' AND datname = current_database())").await;
        prisma
            .batch_execute("UPDATE _prisma_migrations SET finished_at = now() WHERE id = 'theirs'; SELECT pg_advisory_unlock(72707369)")
            .await
            .unwrap();
        let ended = finish(child).await;
        ended.succeeded();
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), "kept\n", "{before}: {}", ended.stdout);
        world.sql("CREATE TABLE a(id int); INSERT INTO a VALUES (1); DELETE FROM _prisma_migrations WHERE migration_name = '2_b'; UPDATE _prisma_migrations SET finished_at = NULL WHERE id = 'theirs'").await;
        prisma.batch_execute("SELECT pg_advisory_lock(72707369)").await.unwrap();
    }
}

#[tokio::test]
async fn nobody_enters_between_a_backup_and_what_it_was_made_for() {
    for key in [123_456_789, 72_707_369] {
        let world = World::new().await;
        world.migration("1_a", "CREATE TABLE a(id int);");
        let mut command = world.command(&["deploy"]);
        let (ready, go) = (world.path("ready"), world.path("go"));
        let backup = format!("sh -c 'echo x >{ready}; while [ ! -e {go} ]; do sleep 0.05; done'");
        command.env("ECS_MIGRATE_BACKUP_COMMAND", backup).env("PATH", search_path());
        let child = command.spawn().unwrap();
        world.file("ready").await;
        let other = world.session("other").await;
        let visit = tokio::spawn(async move {
            let poll = format!(
                "DO $$ BEGIN WHILE NOT pg_try_advisory_lock({key}) LOOP PERFORM pg_sleep(0.001); END LOOP; END $$"
            );
            other.batch_execute(&poll).await.unwrap();
            other
                .query_one("SELECT to_regclass('a') IS NOT NULL", &[])
                .await
                .unwrap()
                .try_get::<_, bool>(0)
                .unwrap()
        });
        std::fs::write(&go, "").unwrap();
        finish(child).await.succeeded();
        assert!(visit.await.unwrap(), "{key}: it came after the deployment");
    }
}

/// Who takes no lock is seen all the same: what was kept before him is not what he left.
#[tokio::test]
async fn a_history_that_changes_during_the_backup_calls_for_another_one() {
    for (always, code) in [(false, 0), (true, 14)] {
        let world = World::new().await;
        world.migration("1_a", "CREATE TABLE a(id int);");
        world.deploy().await.succeeded();
        world.migration("2_b", "CREATE TABLE b(id int);");
        let runs = world.path("runs");
        let insert = "INSERT INTO _prisma_migrations (id, checksum, started_at, finished_at, migration_name) SELECT md5(clock_timestamp()::text), checksum, now(), now(), migration_name FROM _prisma_migrations WHERE migration_name = '1_a' LIMIT 1";
        let first = if always { "true" } else { "test $(wc -l <RUNS) = 1" };
        let script = format!(
            "echo x >>{runs}; if {}; then psql -X -q -v ON_ERROR_STOP=1 -c \"{insert}\"; fi",
            first.replace("RUNS", &runs)
        );
        let file = world.path("backup.sh");
        std::fs::write(&file, script).unwrap();
        let mut command = world.command(&["deploy"]);
        command.env("ECS_MIGRATE_BACKUP_COMMAND", format!("sh {file}")).env("PATH", search_path());
        let ended = finish(command.spawn().unwrap()).await;
        assert_eq!(ended.code, code, "{}", ended.stdout);
        let times = std::fs::read_to_string(&runs).unwrap().lines().count();
        assert_eq!((times, world.exists("b").await), if always { (3, false) } else { (2, true) });
        world.lock_is_free().await;
    }
}
