//! The server's own limits: on idleness, on connections, on what an index is worth; and somebody who
//! holds the history's table.

use crate::follow::Follow;
use crate::proxy::{Arrival, Proxy};
use crate::support::{World, finish, send};
use protocol::Event;
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

impl World {
    fn as_role(&self, role: &str) -> String {
        self.url.replace("postgres@", &format!("{role}@"))
    }

    /// A role of this test's own.
    async fn role(&self, options: &str) -> String {
        let role = format!("{}_r", self.database);
        self.sql(&format!("CREATE ROLE {role} LOGIN {options}; ALTER DATABASE {} OWNER TO {role}; ALTER SCHEMA public OWNER TO {role}", self.database)).await;
        role
    }

    async fn major(&self) -> u32 {
        self.value("SELECT current_setting('server_version_num')::int / 10000")
            .await
            .parse()
            .unwrap()
    }
}

/// Giving way to traffic takes longer than the role may be idle; what a script sees is the role's.
#[tokio::test]
async fn a_pause_is_longer_than_a_session_may_be_idle() {
    let world = World::new().await;
    if world.major().await < 14 {
        return crate::support::skip("there is no idle_session_timeout before PostgreSQL 14");
    }
    let role = world.role("").await;
    world
        .sql(&format!(
            "ALTER ROLE {role} SET idle_session_timeout = '200ms'; ALTER ROLE {role} SET idle_in_transaction_session_timeout = '200ms'"
        ))
        .await;
    let deploy = |wanted: &str| {
        let mut command = world.command(&["deploy", "--lock-budget", wanted]);
        command.env("DATABASE_URL", world.as_role(&role));
        command
    };
    world.migration("1_a", "CREATE TABLE t(a int);");
    finish(deploy("1m").spawn().unwrap()).await.succeeded();
    world.migration(
        "2_b",
        "ALTER TABLE t ADD COLUMN b int;\nCREATE TABLE seen AS SELECT current_setting('idle_session_timeout') AS idle, \
         current_setting('idle_in_transaction_session_timeout') AS idle_in_transaction;",
    );
    let reader = world.session("reader").await;
    reader.batch_execute("BEGIN; LOCK TABLE t IN ACCESS SHARE MODE").await.unwrap();
    let mut run = Follow::spawn(deploy("1m"));
    // By then the pauses are several times as long as the limit.
    run.until(|event| matches!(event, Event::AttemptBlocked(blocked) if blocked.attempt == 4))
        .await;
    reader.batch_execute("COMMIT").await.unwrap();
    let ended = run.finish().await;
    assert_eq!(ended.succeeded().applied, 1, "{}", ended.stdout);
    assert!(!ended.notice("connection_lost"), "{}", ended.stdout);
    assert_eq!(
        world.column("SELECT idle || ' ' || idle_in_transaction FROM seen").await,
        ["200ms 200ms"]
    );
}

/// A role that may have one connection: the second one is for looking on only.
#[tokio::test]
async fn one_connection_is_enough() {
    let world = World::new().await;
    let role = world.role("CONNECTION LIMIT 1").await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    for (number, arguments) in
        [vec!["deploy"], vec!["deploy", "--check"], vec!["status"], vec!["check"]]
            .iter()
            .enumerate()
    {
        world.migration(&format!("{}_x", number + 2), &format!("CREATE TABLE x{number}(id int);"));
        let mut command = world.command(arguments);
        command.env("DATABASE_URL", world.as_role(&role)).env("ECS_MIGRATE_CONNECT_WAIT", "20s");
        let ended = finish(command.spawn().unwrap()).await;
        ended.succeeded();
        if arguments[0] == "deploy" {
            let said = ended.stdout.matches("\"no_second_connection\"").count();
            assert_eq!(said, 1, "{}", ended.stdout);
        }
    }
}

/// What a proxy, a balancer or a restart does to a connection that comes second must not end a run
/// whose first one stands.
#[tokio::test]
async fn a_second_connection_that_is_reset_or_hangs() {
    for fault in
        [Arrival::Reset, Arrival::Hang, Arrival::ResetSignedIn, Arrival::Goodbye, Arrival::Rotated]
    {
        for arguments in [
            ["deploy"].as_slice(),
            &["exec", "--", "/bin/true"],
            &["start", "--", "/bin/true"],
            &["check"],
        ] {
            let world = World::new().await;
            world.migration("1_a", "CREATE TABLE a(id int);");
            let endpoint = Proxy::to(world.port()).await;
            endpoint.arrivals(&[Arrival::Pass, fault]);
            let mut command = world.command(arguments);
            command
                .env("DATABASE_URL", endpoint.url(&world.database) + "&connect_timeout=1")
                .env("ECS_MIGRATE_CONNECT_WAIT", "20s");
            let ended = finish(command.spawn().unwrap()).await;
            assert_eq!(ended.code, 0, "{fault:?} {arguments:?}: {}", ended.stdout);
        }
    }
}

/// Every form of `IF NOT EXISTS` takes an invalid index for a good one.
#[tokio::test]
async fn an_invalid_index_is_not_the_one_that_is_meant() {
    for (number, script) in [
        "CREATE UNIQUE INDEX IF NOT EXISTS ti ON t(a);",
        "create unique index if\nnot exists \"ti\" on public.t(a);",
        "DO $$ BEGIN CREATE UNIQUE INDEX IF NOT EXISTS ti ON t(a); END $$;",
        "DO $$ BEGIN EXECUTE format('CREATE UNIQUE INDEX IF NOT EXISTS %I ON t(a)', 't' || 'i'); END $$;",
        "-- ecs-migrate: transaction=off\nSELECT 1;\nCREATE UNIQUE INDEX IF NOT EXISTS ti ON t(a);",
    ]
    .iter()
    .enumerate()
    {
        let world = World::new().await;
        world.migration("1_a", "CREATE TABLE t(a int);\nINSERT INTO t VALUES (1), (1);");
        world.deploy().await.succeeded();
        let building = world.client.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY ti ON t(a)").await;
        assert!(building.is_err());
        world.sql("DELETE FROM t").await;
        world.migration("2_b", script);
        let ended = world.deploy().await;
        let failure = ended.failed(10);
        assert!(failure.message.contains("index ti is there but invalid"), "{number}: {failure:?}");
        assert!(failure.hint.as_deref().unwrap().contains("DROP INDEX ti"), "{failure:?}");
        world.sql("DROP INDEX ti").await;
        world.deploy().await.succeeded();
        assert_eq!(world.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ti'::regclass").await, "t");
    }
}

/// An invalid index of that name elsewhere is another one: the statement built its own, or skipped a good
/// one.
#[tokio::test]
async fn an_invalid_index_of_another_schema_is_another_one() {
    for script in [
        "CREATE INDEX IF NOT EXISTS ti ON b.t(a);",
        "CREATE INDEX IF NOT EXISTS ti ON b.t(a);\nCREATE INDEX IF NOT EXISTS ti ON b.t(a);",
        "DO $$ BEGIN CREATE INDEX IF NOT EXISTS ti ON b.t(n); CREATE INDEX IF NOT EXISTS ti ON b.t(n); END $$;",
    ] {
        let world = World::new().await;
        world.migration(
            "1_a",
            "CREATE SCHEMA tenant; CREATE SCHEMA b; CREATE TABLE b.t(a int, n int); CREATE TABLE tenant.t(a int);\n\
             INSERT INTO tenant.t VALUES (1), (1);",
        );
        world.deploy().await.succeeded();
        let building =
            world.client.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY ti ON tenant.t(a)").await;
        assert!(building.is_err());
        world.migration("2_b", script);
        let ended = world.deploy().await;
        assert_eq!(ended.code, 0, "{script}: {}", ended.stdout);
        // On another table of its schema it is in the way all the same.
        world.migration(
            "3_c",
            "CREATE TABLE tenant.u(a int);\nCREATE INDEX IF NOT EXISTS ti ON tenant.u(a);",
        );
        let red = world.deploy().await;
        assert!(
            red.failed(10).message.contains("index tenant.ti is there but invalid"),
            "{}",
            red.stdout
        );
    }
}

/// A partitioned index is invalid until its partitions have theirs; that is no failure.
#[tokio::test]
async fn an_index_on_only_the_parent_may_be_invalid() {
    let world = World::new().await;
    world.migration(
        "1_a",
        "CREATE TABLE p(a int) PARTITION BY LIST (a);\nCREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);\n\
         CREATE INDEX IF NOT EXISTS pi ON ONLY p(a);",
    );
    world.deploy().await.succeeded();
}

/// Somebody holds the history's table: it is said, by whom, and a signal ends it.
#[tokio::test]
async fn a_history_that_is_held_is_waited_for_with_words() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.deploy().await.succeeded();
    world.migration("2_b", "CREATE TABLE b(id int);");
    for arguments in [
        ["deploy"].as_slice(),
        &["status"],
        &["resolve", "--rolled-back", "2_b"],
        &["start", "--", "/bin/true"],
        &["check"],
        &["deploy", "--backup-command", "/bin/true"],
        &["deploy", "--backup-command", "/bin/true", "--keep-before", "loss"],
    ] {
        let holder = world.session("somebody").await;
        holder.batch_execute("BEGIN; LOCK TABLE _prisma_migrations").await.unwrap();
        let mut run = Follow::spawn(world.command(arguments));
        run.until(|event| {
            matches!(event, Event::Heartbeat(beat) if beat.doing == "reading the history"
                && beat.blockers.iter().any(|blocker| blocker.application == "somebody"))
        })
        .await;
        let pid = Pid::from_raw(i32::try_from(run.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let ended = run.finish().await;
        assert_eq!(ended.code, 30, "{arguments:?}: {}", ended.stdout);
        assert!(ended.finished().failure.is_some());
        holder.batch_execute("ROLLBACK").await.unwrap();
        world.lock_is_free().await;
    }
    let holder = world.session("somebody").await;
    holder.batch_execute("BEGIN; LOCK TABLE _prisma_migrations").await.unwrap();
    let mut run = Follow::spawn(world.command(&["deploy"]));
    run.until(|event| matches!(event, Event::Heartbeat(_))).await;
    holder.batch_execute("COMMIT").await.unwrap();
    assert_eq!(run.finish().await.succeeded().applied, 1);
}

/// A session pool of one: the second connection is not refused, it waits.
#[tokio::test]
async fn a_pool_of_one_is_enough() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let folder = tempfile::tempdir().unwrap();
    let mode = crate::pooler::Mode { name: "session", size: 1 };
    let Some((_pooler, port)) = crate::pooler::pooler(&world, folder.path(), mode).await else {
        return crate::support::skip("pgbouncer is not installed");
    };
    let mut command = world.command(&["deploy", "--connect-wait", "2s"]);
    let url =
        format!("postgresql://postgres@127.0.0.1:{port}/{}?connect_timeout=1", world.database);
    command.env("DATABASE_URL", url);
    let ended = finish(command.spawn().unwrap()).await;
    assert_eq!(ended.succeeded().applied, 1, "{}", ended.stdout);
    assert_eq!(ended.stdout.matches("\"no_second_connection\"").count(), 1, "{}", ended.stdout);
}

/// Before the handlers stand nobody hears a signal; they stand before anything is read.
#[tokio::test]
async fn a_signal_that_comes_first() {
    let world = World::new().await;
    // Large enough for the signal to come while the command line is still being read.
    for pause in [5, 10, 20, 40] {
        let child = world.command(&["deploy"]).spawn().unwrap();
        let caught = format!("/proc/{}/status", child.id().unwrap());
        let handlers = async {
            loop {
                let status = std::fs::read_to_string(&caught).unwrap_or_default();
                let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
                let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
                if mask.unwrap_or(0) >> (Signal::TERM.as_raw() - 1) & 1 == 1 {
                    return;
                }
                tokio::time::sleep(Duration::from_micros(pause)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), handlers).await.unwrap();
        send(&child, Signal::TERM);
        let ended = finish(child).await;
        assert!([0, 30].contains(&ended.code), "{}", ended.stdout);
        ended.finished();
    }
}
