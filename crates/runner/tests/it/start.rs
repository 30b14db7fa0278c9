//! Migrate, then become the application.

use crate::support::{Ended, World, finish, search_path, send};
use protocol::event::Outcome;
use rustix::process::Signal;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, BufReader};

impl World {
    /// A container that migrates and then becomes a shell script.
    fn start(&self, script: &str) -> tokio::process::Command {
        let mut command = self.command(&["start", "--", "sh", "-c", script]);
        command.env("PATH", search_path());
        command
    }
}

/// A shell's background job is born deaf to SIGINT. Who listened to it in between leaves it at its
/// default.
const INTERRUPT: u64 = 1 << 1;
/// Signals 32 and 33, which posix_spawn leaves ignored in a child (glibc, `spawni.c`), and fork does not:
/// which of the two Rust takes depends on how a program is named.
const OF_THE_C_LIBRARY: u64 = 3 << 31;

fn heeding_interrupts(report: &str) -> String {
    let heeding = |line: &str| match line.strip_prefix("SigIgn:\t") {
        Some(mask) => {
            let mask = u64::from_str_radix(mask, 16).unwrap();
            format!("SigIgn:\t{:016x}", mask & !INTERRUPT & !OF_THE_C_LIBRARY)
        }
        None => line.to_owned(),
    };
    report.lines().map(heeding).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_application_is_the_same_process_with_nothing_changed() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let script = "echo ours: $$; grep -E 'Sig(Blk|Ign|Cgt)|Threads' /proc/self/status; echo /proc/self/fd/*; env | sort; exit 5";
    // What the shell says when nobody stands in between.
    let mut direct = tokio::process::Command::new("sh");
    let mut command = world.start(script);
    let environment = command
        .as_std()
        .get_envs()
        .map(|(name, value)| (name.to_owned(), value.unwrap().to_owned()));
    direct
        .env_clear()
        .envs(environment.collect::<Vec<_>>())
        .args(["-c", script])
        .env("ODD", " #\t$");
    let direct = direct.stdin(Stdio::null()).output().await.unwrap();
    let direct = String::from_utf8(direct.stdout).unwrap();
    let child = command.env("ODD", " #\t$").spawn().unwrap();
    let pid = child.id().unwrap();
    let ended = finish(child).await;
    assert_eq!(ended.code, 5, "{}{}", ended.stdout, ended.stderr);
    let last = ended.lines.last().unwrap();
    let finished = last.event.terminal().unwrap();
    assert_eq!((finished.exit_code, finished.applied), (0, 1));
    // Our lines end where the application's begin.
    let (ours, theirs) = ended.stdout.split_once("ours: ").unwrap();
    assert_eq!(ours.lines().count(), ended.lines.len());
    let (their_pid, theirs) = theirs.split_once('\n').unwrap();
    assert_eq!(their_pid, pid.to_string());
    assert_eq!(heeding_interrupts(theirs), heeding_interrupts(direct.split_once('\n').unwrap().1));
    world.lock_is_free().await;
}

#[tokio::test]
async fn signals_are_the_applications() {
    let world = World::new().await;
    let mut child = world
        .start("trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.05; done")
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while lines.next_line().await.unwrap().unwrap() != "ready" {}
    send(&child, Signal::TERM);
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "caught");
    assert_eq!(child.wait().await.unwrap().code(), Some(9));
}

#[tokio::test]
async fn of_twenty_containers_one_applies_and_all_start() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int); INSERT INTO a VALUES (1);");
    world.migration("2_b", "CREATE INDEX CONCURRENTLY i ON a(id);");
    let children: Vec<_> = (0..20).map(|_| world.start("echo started").spawn().unwrap()).collect();
    let mut applied = Vec::new();
    for child in children {
        let ended = finish(child).await;
        assert_eq!(ended.code, 0, "{}", ended.stdout);
        assert!(ended.stdout.ends_with("started\n"), "{}", ended.stdout);
        applied.push(ended.finished().applied);
    }
    applied.sort_unstable();
    assert_eq!((applied[18], applied[19]), (0, 2), "{applied:?}");
    assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
    world.lock_is_free().await;
}

#[tokio::test]
async fn with_nothing_pending_nobody_waits_for_the_lock() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.deploy().await.succeeded();
    world.sql("SELECT pg_advisory_lock(123456789)").await;
    let ended = finish(world.start("echo started").spawn().unwrap()).await;
    assert!(ended.stdout.ends_with("started\n"), "{}", ended.stdout);
    assert_eq!(ended.succeeded().outcome, Outcome::NothingToDo);

    // A database that is ahead: an older image starts again.
    world.remove("1_a");
    world.migration("0_before", "SELECT 1;");
    world.sql("UPDATE _prisma_migrations SET migration_name = '9_newer'; INSERT INTO _prisma_migrations SELECT '1', checksum, finished_at, '0_before', logs, rolled_back_at, started_at - interval '1 hour', 1 FROM _prisma_migrations").await;
    let ended = finish(
        world
            .command(&["start", "--allow", "edited:0_before", "--", "/bin/echo", "started"])
            .spawn()
            .unwrap(),
    )
    .await;
    assert!(ended.stdout.ends_with("started\n"), "{}", ended.stdout);
    assert!(ended.notice("database_ahead"), "{}", ended.stdout);
}

#[tokio::test]
async fn who_waits_goes_on_when_the_history_shows_it_although_the_lock_is_still_held() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.sql("SELECT pg_advisory_lock(123456789)").await;
    let waiting = world.start("echo started").spawn().unwrap();
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'ecs-migrate %' AND datname = current_database())").await;
    // Somebody else applies it; our lock stays taken.
    let other = finish(world.command(&["deploy", "--lock-key", "5"]).spawn().unwrap()).await;
    assert_eq!(other.succeeded().applied, 1);
    let ended = finish(waiting).await;
    assert!(ended.stdout.ends_with("started\n"), "{}", ended.stdout);
    assert_eq!(ended.succeeded().applied, 0);
}

#[tokio::test]
async fn with_a_migration_that_fails_none_starts() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.migration("2_b", "SELECT * FROM nope;");
    let children: Vec<_> = (0..5).map(|_| world.start("echo started").spawn().unwrap()).collect();
    for child in children {
        let ended = finish(child).await;
        assert!(ended.failed(10).message.contains("nope"), "{}", ended.stdout);
        assert!(!ended.stdout.contains("\nstarted"), "{}", ended.stdout);
    }
    world.lock_is_free().await;
}

#[tokio::test]
async fn interrupted_before_its_turn_it_does_not_start() {
    let world = World::new().await;
    world.migration("1_a", "SELECT pg_sleep(60);");
    let child = world.start("echo started").spawn().unwrap();
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND datname = current_database() AND state = 'active')").await;
    send(&child, Signal::TERM);
    let ended = finish(child).await;
    assert_eq!(ended.code, 30, "{}", ended.stdout);
    assert!(!ended.stdout.contains("\nstarted"));
}

#[tokio::test]
async fn the_application_gets_another_url_only_if_asked() {
    let world = World::new().await;
    let mut command = world.start("printenv DATABASE_URL PGDATABASE");
    let ended = finish(command.env("ECS_MIGRATE_CHILD_URL", "prisma").spawn().unwrap()).await;
    let database = &world.database;
    assert!(
        ended.stdout.contains(&format!("/{database}?"))
            && ended.stdout.ends_with(&format!("{database}\n")),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn an_application_that_is_no_program_is_said_in_the_last_line() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let path = world.garbage();
    let ended = world.run(&["start", "--migrations", "/nonexistent", "--", &path]).await;
    assert!(ended.failed(2).message.contains("no migrations directory"), "{}", ended.stdout);
    let ended = world.run(&["start", "--", &path]).await;
    assert!(ended.failed(2).message.contains("cannot start"), "{}", ended.stdout);
}

#[tokio::test]
async fn a_reader_that_is_not_there_holds_up_no_application() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let mut command = world.start(&format!("echo started >{}", world.path("started")));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(world.file("started").await, "started");
    let ended: Ended = finish(child).await;
    assert_eq!(ended.code, 0);
}
