//! Any command under the lock.

use crate::follow::Follow;
use crate::support::{Ended, World, finish, search_path, send};
use protocol::DatabaseState;
use protocol::Event;
use protocol::event::Outcome;
use rustix::process::Signal;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

const LOCKED: &str = "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 123456789 \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";

impl World {
    /// Runs a shell script under the lock.
    fn script(&self, script: &str) -> tokio::process::Command {
        let mut command = self.command(&["exec", "--", "sh", "-c", script]);
        command.env("PATH", search_path());
        command
    }

    async fn exec(&self, script: &str) -> Ended {
        finish(self.script(script).spawn().unwrap()).await
    }

    /// Waits until the folder has the file.
    pub(crate) async fn file(&self, name: &str) -> String {
        let path = self.directory.path().join(name);
        let waiting = async {
            loop {
                match std::fs::read_to_string(&path) {
                    Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
                    _ => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect(name)
    }

    /// A file that may be executed and cannot be.
    pub(crate) fn garbage(&self) -> String {
        let path = self.directory.path().join("garbage");
        std::fs::write(&path, "#!/nonexistent/interpreter\n").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        path.display().to_string()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }
}

impl Ended {
    /// What the command wrote to a stream.
    pub(crate) fn output(&self, stream: &str) -> String {
        let parts = self.lines.iter().filter_map(|line| match &line.event {
            Event::Output(output) if output.stream == stream => {
                Some(output.text.clone() + if output.partial { "" } else { "\n" })
            }
            _ => None,
        });
        parts.collect()
    }
}

fn alive(pid: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[tokio::test]
async fn its_lines_are_events_and_its_code_is_ours() {
    let world = World::new().await;
    let script = r"printf 'one\r\ntwo\377\n'; echo err >&2; printf '{\042ecs_migrate\042:1,\042event\042:{\042kind\042:\042run_finished\042}}\n'; printf last; exit 7";
    let ended = world.exec(script).await;
    assert_eq!(ended.code, 7, "{}", ended.stdout);
    assert!(ended.output("stdout").starts_with("one\ntwo\u{fffd}\n{"), "{}", ended.stdout);
    assert!(ended.output("stdout").ends_with("}\nlast\n"), "{}", ended.stdout);
    assert_eq!(ended.output("stderr"), "err\n");
    let finished = ended.finished();
    assert!(finished.passed_through);
    assert_eq!((finished.outcome, finished.database), (Outcome::Failed, DatabaseState::Unknown));
    assert_eq!(finished.failure.as_ref().unwrap().message, "`sh` ended with exit code 7");
    assert!(ended.has(
        |event| matches!(event, Event::LockAcquired(acquired) if acquired.keys == [123_456_789])
    ));
    world.lock_is_free().await;

    let ended = world.exec("true").await;
    assert_eq!(ended.succeeded().outcome, Outcome::Done);
    assert_eq!(world.exec("kill -SEGV $$").await.code, 128 + 11);
}

#[tokio::test]
async fn a_long_line_is_parts_that_make_the_whole() {
    let world = World::new().await;
    let mut command = world.script(
        "head -c 30000 /dev/zero | tr '\\0' '\\033'; head -c 30000 /dev/zero | tr '\\0' '\"'",
    );
    let ended = finish(command.env("ECS_MIGRATE_RUN", "r".repeat(200)).spawn().unwrap()).await;
    ended.succeeded();
    let wanted = "\u{1b}".repeat(30_000) + &"\"".repeat(30_000) + "\n";
    assert!(ended.output("stdout") == wanted, "{}", ended.output("stdout").len());
    assert!(ended.stdout.lines().all(|line| line.len() <= 8 * 1024));
}

#[tokio::test]
async fn a_command_that_is_not_there_is_a_mistake_before_anything_is_done() {
    let world = World::new().await;
    for arguments in [
        vec!["exec", "--", "no-such-program"],
        vec!["exec", "--", "/etc/passwd"],
        vec!["start", "--", "no-such-program"],
        vec!["deploy", "--then", "no-such-program"],
    ] {
        let ended = world.run(&arguments).await;
        assert!(ended.failed(2).hint.is_some());
        assert!(!ended.has(|event| matches!(event, Event::Connected(_))));
    }
    for arguments in [
        vec!["exec"],
        vec!["exec", "--"],
        vec!["start"],
        vec!["deploy", "--then", "a && b"],
        vec!["deploy", "--then", "it's"],
    ] {
        let ended = world.run(&arguments).await;
        assert_eq!(ended.code, 2, "{arguments:?}");
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty());
    }
    // Found, but not a program: the system says so.
    let path = world.garbage();
    let ended = world.run(&["exec", "--", &path]).await;
    assert!(ended.failed(2).message.contains("cannot start"), "{}", ended.stdout);
    world.lock_is_free().await;
}

#[tokio::test]
async fn one_command_at_a_time() {
    let world = World::new().await;
    world.sql("CREATE TABLE seen(id int)").await;
    let first = world.script("echo in; read line; echo out").stdin(Stdio::piped()).spawn().unwrap();
    world.until(LOCKED).await;
    let mut second = world.command(&["exec", "--lock-wait", "200ms", "--", "true"]);
    let red = finish(second.env("PATH", "/bin").spawn().unwrap()).await;
    assert!(red.failed(20).message.contains("123456789"), "{}", red.stdout);
    // Prisma's own key stays free for a wrapped Prisma.
    assert_eq!(world.value("SELECT pg_try_advisory_lock(72707369)").await, "t");
    // Its standard input is ours.
    let mut first = first;
    drop(first.stdin.take());
    let ended = finish(first).await;
    assert_eq!(ended.output("stdout"), "in\nout\n");
}

#[tokio::test]
async fn signals_reach_the_whole_group_and_its_end_is_waited_for() {
    for (signal, code) in [(Signal::TERM, 3), (Signal::INT, 3)] {
        let world = World::new().await;
        // The inner shell is not the child itself.
        let script = format!(
            "trap 'sleep 0.2; echo caught; exit 3' TERM INT; (trap 'echo inner; exit' TERM INT; echo $$ >{}; while :; do sleep 0.1; done) & wait; wait",
            world.path("ready")
        );
        let child = world.script(&script).spawn().unwrap();
        world.file("ready").await;
        send(&child, signal);
        let ended = finish(child).await;
        assert_eq!(ended.code, code, "{}", ended.stdout);
        assert!(
            ended.output("stdout").contains("caught") && ended.output("stdout").contains("inner"),
            "{}",
            ended.stdout
        );
        assert_eq!(ended.finished().outcome, Outcome::Interrupted);
        assert!(ended.has(|event| matches!(event, Event::Interrupted(_))));
        world.lock_is_free().await;
    }
}

#[tokio::test]
async fn interrupted_while_it_waits_for_the_lock_nothing_is_started() {
    let world = World::new().await;
    world.sql("SELECT pg_advisory_lock(123456789)").await;
    let child = world.script("echo started").spawn().unwrap();
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'ecs-migrate %' AND query LIKE '%advisory%' AND datname = current_database())").await;
    send(&child, Signal::TERM);
    let ended = finish(child).await;
    assert_eq!(ended.code, 30, "{}", ended.stdout);
    assert_eq!((ended.finished().passed_through, ended.output("stdout").as_str()), (false, ""));
}

#[tokio::test]
async fn what_does_not_end_is_killed_after_the_grace_or_a_second_signal() {
    for (grace, signals) in [("300ms", 1), ("1h", 2)] {
        let world = World::new().await;
        let script = format!(
            "trap 'echo heard >{}' TERM INT; echo $$ >{}; while :; do sleep 0.1; done",
            world.path("heard"),
            world.path("ready")
        );
        let child = world.script(&script).env("ECS_MIGRATE_GRACE", grace).spawn().unwrap();
        let pid = world.file("ready").await;
        for number in 0..signals {
            send(&child, Signal::TERM);
            if number + 1 < signals {
                // Two signals of a kind that come together are one.
                world.file("heard").await;
                assert!(alive(&pid));
            }
        }
        let ended = finish(child).await;
        assert_eq!(ended.code, 137, "{}", ended.stdout);
        assert!(!alive(&pid));
        world.lock_is_free().await;
    }
}

#[tokio::test]
async fn what_it_leaves_behind_ends_before_the_lock_is_free() {
    let world = World::new().await;
    let script = format!(
        "(trap '' TERM; echo $(exec sh -c 'echo $PPID') >{}; while :; do sleep 0.1; done) & exit 0",
        world.path("left")
    );
    let child = world.script(&script).env("ECS_MIGRATE_GRACE", "300ms").spawn().unwrap();
    let pid = world.file("left").await;
    let ended = finish(child).await;
    ended.succeeded();
    assert!(ended.notice("processes_left"), "{}", ended.stdout);
    assert!(!alive(&pid));
}

#[tokio::test]
async fn a_process_that_left_the_group_ends_before_the_lock_is_free() {
    let world = World::new().await;
    let script = format!(
        "setsid sh -c 'echo $$ >{}; exec sleep 300' & while [ ! -s {} ]; do sleep 0.05; done; echo done",
        world.path("left"),
        world.path("left")
    );
    let ended = world.exec(&script).await;
    assert_eq!(ended.output("stdout"), "done\n");
    ended.succeeded();
    assert!(ended.notice("processes_left"), "{}", ended.stdout);
    assert!(!alive(&world.file("left").await));
}

#[tokio::test]
async fn a_lost_connection_is_no_reason_to_stop_unless_somebody_else_has_the_lock() {
    const RUNNER: &str = "application_name LIKE 'ecs-migrate %' AND datname = current_database()";
    let world = World::new().await;
    let script = format!(
        "echo $$ >{0}; while [ ! -e {0}.end ]; do sleep 0.05; done; echo survived",
        world.path("ready")
    );
    let mut run = Follow::spawn(world.script(&script));
    world.file("ready").await;
    // Not the one that only observes.
    let before = world.value(&format!("SELECT pid FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE {RUNNER} AND locktype = 'advisory'")).await;
    world.sql(&format!("SELECT pg_terminate_backend({before})")).await;
    run.until(|event| matches!(event, Event::Notice(notice) if notice.code == "lock_taken_again"))
        .await;
    std::fs::write(world.path("ready.end"), "").unwrap();
    let ended = run.finish().await;
    ended.succeeded();
    assert_eq!(ended.output("stdout"), "survived\n");

    let world = World::new().await;
    let script = format!(
        "trap 'echo told; exit 0' TERM; echo $$ >{0}; while :; do sleep 0.05; done",
        world.path("ready")
    );
    let child = world.script(&script).spawn().unwrap();
    let pid = world.file("ready").await;
    // Whoever waits for the lock has it before we can connect again.
    let taker = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {RUNNER}; SELECT pg_advisory_lock(123456789);"
    );
    world.sql(&taker).await;
    let ended = finish(child).await;
    let failure = ended.failed(20);
    assert!(
        failure.message.contains("was stopped") && failure.message.contains("now held by pid"),
        "{failure:?}"
    );
    assert_eq!(ended.finished().database, DatabaseState::Unknown);
    assert_eq!(ended.output("stdout"), "told\n");
    assert!(!alive(&pid));
}

#[tokio::test]
async fn a_reader_that_stops_reading_holds_up_nobody_and_the_loss_is_counted() {
    let world = World::new().await;
    // Some 60 MB of lines, and nobody reads.
    let script = format!(
        "yes 0123456789012345678901234567890123456789 | head -n 1500000; echo ended >{}",
        world.path("ended")
    );
    let mut child = world.script(&script).spawn().unwrap();
    world.file("ended").await;
    let mut text = String::new();
    let mut stdout = child.stdout.take().unwrap();
    tokio::time::timeout(Duration::from_mins(1), stdout.read_to_string(&mut text))
        .await
        .unwrap()
        .unwrap();
    let ended = Ended { lines: Ended::decode(&text), stdout: String::new(), ..finish(child).await };
    ended.succeeded();
    let (mut dropped, mut bytes, mut written) = (0, 0, 0);
    for line in &ended.lines {
        match &line.event {
            Event::OutputDropped(lost) => {
                dropped += lost.lines;
                bytes += lost.bytes;
            }
            Event::Output(_) => written += 1,
            _ => {}
        }
    }
    assert!(dropped > 0 && bytes == dropped * 40, "{dropped} lines, {bytes} bytes");
    assert_eq!(dropped + written, 1_500_000);
}

#[tokio::test]
async fn the_child_reaches_the_database_whatever_named_it_and_no_password_is_shown() {
    let world = World::new().await;
    let password = "p#a/s?s %@:hunter2";
    world.sql("DO $$ BEGIN CREATE ROLE with_password LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$").await;
    let psql = "echo $PGPASSWORD; printenv DATABASE_URL; \
        psql -X -At -c \"SELECT 'variables', current_user, current_setting('application_name')\"; \
        env -u PGHOST -u PGUSER -u PGDATABASE -u PGPASSWORD -u PGPORT psql -X -At -d \"$DATABASE_URL\" -c \"SELECT 'url', current_user, current_setting('application_name')\"";
    let address = world.url.split('@').nth(1).unwrap().split('/').next().unwrap();
    let (host, port) = address.split_once(':').unwrap();
    let mut command = world.script(psql);
    command
        .env_remove("DATABASE_URL")
        .env("PGHOST", host)
        .env("PGPORT", port)
        .env("PGUSER", "postgres")
        .env("PGPASSWORD", password)
        .env("PGDATABASE", &world.database)
        .env("ECS_MIGRATE_CHILD_URL", "libpq")
        .env("ECS_MIGRATE_RUN", "run7");
    let ended = finish(command.spawn().unwrap()).await;
    ended.succeeded();
    let output = ended.output("stdout");
    assert!(output.contains("variables|postgres|ecs-migrate-exec run7"), "{}", ended.stdout);
    assert!(output.contains("url|postgres|ecs-migrate-exec run7"), "{}", ended.stdout);
    assert!(output.starts_with("***\npostgresql://postgres:***@"), "{output}");
    assert!(!ended.stdout.contains("hunter2"), "{}", ended.stdout);

    let mut command = world.script("printenv DATABASE_URL; echo ${PGHOST-unset}");
    command.env("ECS_MIGRATE_CHILD_URL", "keep");
    let ended = finish(command.spawn().unwrap()).await;
    assert_eq!(ended.output("stdout"), format!("{}\nunset\n", world.url));
}

#[tokio::test]
async fn on_a_terminal_its_lines_are_as_it_wrote_them() {
    let world = World::new().await;
    let mut command = world.script(r"printf '\033[1mbold\033[0m\n'; echo err >&2; printf end");
    command.env("ECS_MIGRATE_LOG_FORMAT", "text");
    let ended = finish(command.spawn().unwrap()).await;
    assert_eq!(ended.code, 0);
    assert!(ended.stdout.contains("\n\u{1b}[1mbold\u{1b}[0m\nend\n"), "{}", ended.stdout);
    assert_eq!(ended.stderr, "err\n");
}

/// A script in which psql waits behind a reader that never ends.
const QUEUES: &str =
    "psql -X -c 'ALTER TABLE busy ADD COLUMN b int'; echo psql ended with $?; sleep 60";

#[tokio::test]
async fn a_command_that_queues_for_too_long_is_stopped_and_the_blocker_named() {
    let world = World::new().await;
    world.sql("CREATE TABLE busy (a int)").await;
    let reader = world.session("reader").await;
    reader.batch_execute("BEGIN; SELECT * FROM busy").await.unwrap();
    let mut command = world.script(QUEUES);
    command.env("ECS_MIGRATE_LOCK_BUDGET", "2s");
    let ended = finish(command.spawn().unwrap()).await;
    let sentence = ended.failed(23).message.clone();
    assert!(sentence.contains("its sessions were blocked for"), "{sentence}");
    assert_eq!(ended.finished().database, DatabaseState::Unknown, "only the command knows");
    assert!(!ended.stdout.contains("nothing changed"), "{}", ended.stdout);
    assert!(sentence.contains("reader"), "{sentence}");
    let waited = ended.has(
        |event| matches!(event, Event::Heartbeat(beat) if beat.blockers.iter().any(|blocker| blocker.application == "reader")),
    );
    assert!(waited, "who blocks is said while it waits: {}", ended.stdout);
    // Nothing of it stands in the queue any more.
    world.until("NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'ecs-migrate-exec%' AND datname = current_database())").await;
    let columns =
        "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'busy'";
    assert_eq!(world.column(columns).await, ["a"]);
}

#[tokio::test]
async fn a_command_that_waits_for_less_than_its_budget_goes_on() {
    let world = World::new().await;
    world.sql("CREATE TABLE busy (a int)").await;
    let reader = world.session("reader").await;
    reader.batch_execute("BEGIN; SELECT * FROM busy").await.unwrap();
    let child = world.script("psql -X -c 'ALTER TABLE busy ADD COLUMN b int'").spawn().unwrap();
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE 'ecs-migrate-exec%' AND datname = current_database())").await;
    reader.batch_execute("COMMIT").await.unwrap();
    let ended = finish(child).await;
    assert_eq!(ended.code, 0, "{}", ended.stdout);
}
