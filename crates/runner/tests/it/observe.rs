//! What the observer sees of those who block a migration, and of what the migration does.

use crate::support::{Ended, Server, World, finish};
use protocol::Event;
use protocol::event::Heartbeat;
use protocol::traffic::Blocker;
use std::time::Duration;

/// A world with the table `t`, and the migration `2_t` that needs all of it.
async fn busy() -> World {
    let world = World::new().await;
    world
        .migration("1_t", "CREATE TABLE t(id int); INSERT INTO t SELECT generate_series(1, 1000);");
    world.deploy().await.succeeded();
    world.migration("2_t", "ALTER TABLE t ADD c int;");
    world
}

impl World {
    /// Who blocked a migration that gave up.
    async fn blockers(&self) -> Vec<Blocker> {
        let red = self.run(&["deploy", "--lock-budget", "250ms"]).await;
        red.failed(23).blockers.clone()
    }
}

impl Ended {
    fn heartbeats(&self) -> Vec<&Heartbeat> {
        let beats = self.lines.iter().filter_map(|line| match &line.event {
            Event::Heartbeat(heartbeat) => Some(heartbeat),
            _ => None,
        });
        beats.collect()
    }
}

fn words(blockers: &[Blocker]) -> Vec<(&str, u32)> {
    blockers.iter().map(|blocker| (blocker.blocker.as_str(), blocker.depth)).collect()
}

#[tokio::test]
async fn an_active_query() {
    let world = busy().await;
    let query = world.session("report").await;
    let running = tokio::spawn(async move {
        query.batch_execute("SELECT pg_sleep(60), 'secret' FROM t LIMIT 1").await
    });
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'report' AND datname = current_database() AND wait_event = 'PgSleep')").await;
    let blockers = world.blockers().await;
    assert_eq!(words(&blockers), [("active query", 1)]);
    assert_eq!(blockers[0].query, "SELECT pg_sleep(?), ? FROM t LIMIT ?");
    running.abort();
    world.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'report' AND datname = current_database()").await;
}

#[tokio::test]
async fn a_dump() {
    let world = busy().await;
    let dump = world.session("pg_dump").await;
    dump.batch_execute(
        "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; LOCK TABLE t IN ACCESS SHARE MODE",
    )
    .await
    .unwrap();
    assert_eq!(words(&world.blockers().await), [("dump", 1)]);
}

#[tokio::test]
async fn a_prepared_transaction() {
    let world = busy().await;
    let gid = format!("forgotten {}", world.database);
    world.sql(&format!("BEGIN; INSERT INTO t VALUES (0); PREPARE TRANSACTION '{gid}'")).await;
    let blockers = world.blockers().await;
    assert_eq!(words(&blockers), [("prepared transaction", 1)]);
    assert_eq!((blockers[0].pid, blockers[0].query.as_str()), (0, gid.as_str()));
    assert_eq!(blockers[0].user, "postgres");
    world.sql(&format!("ROLLBACK PREPARED '{gid}'")).await;
    world.deploy().await.succeeded();
}

#[tokio::test]
async fn another_index_build_and_who_blocks_that_one() {
    let world = busy().await;
    let writer = world.session("writer").await;
    writer.batch_execute("BEGIN; INSERT INTO t VALUES (0)").await.unwrap();
    let builder = world.session("other build").await;
    let building = tokio::spawn(async move {
        builder.batch_execute("CREATE INDEX CONCURRENTLY other ON t(id)").await
    });
    world.until("EXISTS (SELECT FROM pg_stat_progress_create_index p JOIN pg_stat_activity a USING (pid) WHERE a.datname = current_database() AND a.wait_event_type = 'Lock')").await;
    let blockers = world.blockers().await;
    let tree: Vec<(&str, i32)> =
        blockers.iter().map(|blocker| (blocker.blocker.as_str(), blocker.blocks)).collect();
    let (build, writes) = (world.pid_of("other build").await, world.pid_of("writer").await);
    // Both block us; the writer blocks the build as well, and is said once.
    assert!(
        blockers.iter().any(|blocker| blocker.pid == build && blocker.blocker == "index build"),
        "{tree:?}"
    );
    assert!(
        blockers
            .iter()
            .any(|blocker| blocker.pid == writes && blocker.blocker == "idle in transaction"),
        "{tree:?}"
    );
    assert_eq!(blockers.len(), 2, "{tree:?}");
    writer.batch_execute("COMMIT").await.unwrap();
    building.await.unwrap().unwrap();
}

/// Vacuums that start at once and take their time.
const EAGER: &str = "autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0, \
    autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1";

#[tokio::test]
async fn an_autovacuum_yields_to_a_longer_attempt_and_one_against_wraparound_does_not() {
    let server = Server::start().await;
    let world = World::at(&server.url).await;
    let vacuums = "EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND query LIKE '%public.t%')";
    world.migration("1_t", &format!("CREATE TABLE t(id int) WITH ({EAGER}); INSERT INTO t SELECT generate_series(1, 100000);"));
    world.deploy().await.succeeded();
    world.migration("2_t", "ALTER TABLE t ADD c int;");
    world.sql("ALTER SYSTEM SET autovacuum_naptime = 1").await;
    world.sql("SELECT pg_reload_conf()").await;
    world.sql("DELETE FROM t WHERE id % 2 = 0").await;
    world.until(vacuums).await;
    let red = world.run(&["deploy", "--lock-timeout", "100ms", "--lock-budget", "250ms"]).await;
    let failure = red.failed(23);
    assert_eq!(words(&failure.blockers), [("autovacuum", 1)]);
    assert!(failure.blockers[0].query.starts_with("autovacuum: VACUUM"), "{failure:?}");
    assert!(failure.hint.as_ref().unwrap().contains("deadlock_timeout"), "{failure:?}");
    world.deploy().await.succeeded();

    world.migration("3_t", "ALTER TABLE w ADD d int;");
    // Only a vacuum against wraparound comes to a table where autovacuum is off.
    world
        .sql(&format!(
            "CREATE TABLE w(id int) WITH ({EAGER}, autovacuum_enabled = off, autovacuum_freeze_max_age = 100000); \
             INSERT INTO w SELECT generate_series(1, 100000)"
        ))
        .await;
    world
        .sql("DO $$ BEGIN FOR i IN 1..100100 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$")
        .await;
    world.until(&vacuums.replace("public.t", "public.w (to prevent wraparound)")).await;
    let red = world.run(&["deploy", "--lock-budget", "250ms"]).await;
    let failure = red.failed(23);
    assert_eq!(words(&failure.blockers), [("autovacuum to prevent wraparound", 1)]);
    assert!(failure.hint.as_ref().unwrap().contains("let that vacuum finish"), "{failure:?}");
}

#[tokio::test]
async fn a_long_run_is_never_silent() {
    let world = World::new().await;
    world.migration("1_t", &"SELECT pg_sleep(0.4);\n".repeat(30));
    let green = world.deploy().await;
    green.succeeded();
    assert!(!green.heartbeats().is_empty(), "{}", green.stdout);
    let at: Vec<jiff::Timestamp> =
        green.lines.iter().map(|line| line.at.parse().unwrap()).collect();
    assert!(at.windows(2).all(|pair| pair[1].duration_since(pair[0]).as_secs() < 15), "{at:?}");
}

#[tokio::test]
async fn a_copy_says_how_far_it_is() {
    let world = World::new().await;
    let reports = world.value("SELECT current_setting('server_version_num')::int >= 140000").await;
    world.migration(
        "1_t",
        "CREATE TABLE t(id int);\nCOPY t FROM PROGRAM 'echo 1; sleep 12; echo 2';",
    );
    let green = world.deploy().await;
    green.succeeded();
    let phases: Vec<Option<&str>> =
        green.heartbeats().iter().map(|heartbeat| heartbeat.phase.as_deref()).collect();
    let said = phases.iter().flatten().any(|phase| phase.starts_with("copy: "));
    // PostgreSQL 13 does not report copies; the heartbeat comes all the same.
    assert!(said == (reports == "t") && !phases.is_empty(), "{phases:?}");
}

#[tokio::test]
async fn the_tree_of_blockers_has_its_roots() {
    let world = busy().await;
    world.sql("CREATE TABLE w(id int)").await;
    let root = world.session("root").await;
    root.batch_execute("BEGIN; LOCK TABLE w").await.unwrap();
    let middle = world.session("middle").await;
    middle.batch_execute("BEGIN; SELECT * FROM t LIMIT 1").await.unwrap();
    let waiting =
        tokio::spawn(async move { middle.batch_execute("SELECT * FROM w").await.map(|()| middle) });
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'middle' AND datname = current_database() AND wait_event_type = 'Lock')").await;
    let blockers = world.blockers().await;
    assert_eq!(words(&blockers), [("active query", 1), ("idle in transaction", 2)]);
    assert_eq!(blockers[1].blocks, world.pid_of("middle").await);
    assert_eq!(blockers[1].pid, world.pid_of("root").await);
    root.batch_execute("COMMIT").await.unwrap();
    drop(waiting.await.unwrap().unwrap());
}

#[tokio::test]
async fn without_rights_it_says_what_it_cannot_see() {
    let world = busy().await;
    let role = format!("weak_{}", world.database);
    world
        .sql(&format!(
            "CREATE ROLE {role} LOGIN; GRANT ALL ON SCHEMA public TO {role}; ALTER TABLE t OWNER TO {role}; ALTER TABLE _prisma_migrations OWNER TO {role}"
        ))
        .await;
    let blocker = world.session("somebody").await;
    blocker.batch_execute("BEGIN; SELECT * FROM t WHERE id = 7").await.unwrap();
    let mut command = world.command(&["deploy", "--lock-budget", "250ms"]);
    command.env("DATABASE_URL", world.url.replace("postgres@", &format!("{role}@")));
    let red = finish(command.spawn().unwrap()).await;
    let failure = red.failed(23);
    assert_eq!(words(&failure.blockers), [("not shown to this role", 1)]);
    assert_eq!(
        (failure.blockers[0].application.as_str(), failure.blockers[0].query.as_str()),
        ("somebody", "")
    );
    assert!(failure.hint.as_ref().unwrap().contains("GRANT pg_read_all_stats"), "{failure:?}");
    blocker.batch_execute("COMMIT").await.unwrap();
    world
        .sql(&format!(
            "REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}; DROP ROLE {role}"
        ))
        .await;
}

#[tokio::test]
async fn a_wait_is_said_with_who_blocks_and_an_index_build_with_how_far_it_is() {
    let world = busy().await;
    world.migration("2_t", "CREATE INDEX CONCURRENTLY i ON t(id);");
    let writer = world.session("writer").await;
    writer.batch_execute("BEGIN; INSERT INTO t VALUES (0)").await.unwrap();
    let mut child = world.command(&["deploy"]).spawn().unwrap();
    let mut lines = tokio::io::BufReader::new(child.stdout.take().unwrap());
    let mut found = None;
    let reading = async {
        use tokio::io::AsyncBufReadExt as _;
        let mut text = String::new();
        while found.is_none() && lines.read_line(&mut text).await.unwrap() > 0 {
            if let protocol::Line::Event(line) = protocol::Line::decode(&text)
                && let Event::Heartbeat(heartbeat) = line.event
                && heartbeat.phase.is_some()
            {
                found = Some(heartbeat);
            }
            text.clear();
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reading).await.unwrap();
    let heartbeat = found.unwrap();
    assert_eq!(heartbeat.phase.as_deref(), Some("waiting for writers before build"));
    assert_eq!(heartbeat.waits_for.as_deref(), Some("the end of a transaction"));
    assert_eq!(heartbeat.blockers[0].application, "writer");
    writer.batch_execute("COMMIT").await.unwrap();
    let mut rest = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut lines, &mut rest).await.unwrap();
    assert!(child.wait().await.unwrap().success(), "{rest}");
}

#[tokio::test]
async fn a_lost_observer_is_said_once_and_the_migration_goes_on() {
    let world = busy().await;
    let blocker = world.session("app server").await;
    blocker.batch_execute("BEGIN; SELECT * FROM t").await.unwrap();
    let child = world.command(&["deploy", "--lock-budget", "1500ms"]).spawn().unwrap();
    world.until("(SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'ecs-migrate observer' AND datname = current_database()) > 0").await;
    let red = finish(child).await;
    red.failed(23);
    let said = red
        .lines
        .iter()
        .filter(|line| matches!(&line.event, Event::Notice(notice) if notice.code == "observer_unavailable"))
        .count();
    assert_eq!(said, 1, "{}", red.stdout);
    blocker.batch_execute("COMMIT").await.unwrap();
    world.deploy().await.succeeded();
}

#[tokio::test]
async fn what_a_migration_locked_and_rewrote_is_told_statement_by_statement() {
    let world = busy().await;
    world.sql("CREATE TABLE parent(id int PRIMARY KEY); CREATE TABLE gone(id int)").await;
    world.migration(
        "2_t",
        "ALTER TABLE t ADD parent int REFERENCES parent;\nALTER TABLE t ALTER id TYPE bigint;\nUPDATE t SET id = id + 1;\nDROP TABLE gone;\nCREATE TABLE fresh(id int);\nTRUNCATE parent CASCADE;",
    );
    world.migration("3_t", "VACUUM FULL parent;");
    let green = world.deploy().await;
    green.succeeded();
    let costs: Vec<String> = green
        .lines
        .iter()
        .filter_map(|line| match &line.event {
            Event::MigrationApplied(applied) => Some(&applied.statements),
            _ => None,
        })
        .flatten()
        .map(|cost| {
            let lock = cost
                .lock
                .as_ref()
                .map_or("-".to_owned(), |lock| format!("{} {}", lock.relation, lock.mode));
            format!("{} {} {lock} {}", cost.number, cost.rows, cost.rewritten.join(","))
        })
        .collect();
    assert_eq!(
        costs[..6],
        [
            "1 0 public.t AccessExclusiveLock ",
            "2 0 - public.t",
            "3 1000 - ",
            "4 0 public.gone AccessExclusiveLock ",
            "5 0 - ",
            "6 0 public.parent AccessExclusiveLock public.parent",
        ]
    );
    assert!(green.heartbeats().is_empty());
}

#[tokio::test]
async fn a_thousand_statements_are_one_line_that_fits() {
    let world = World::new().await;
    let long = "long ".repeat(10);
    let script: Vec<String> =
        (0..1000).map(|number| format!("CREATE TABLE \"{long}{number}\"(id int);")).collect();
    world.migration("1_t", &script.join("\n"));
    let green = world.deploy().await;
    green.succeeded();
    let applied = green.lines.iter().find_map(|line| match &line.event {
        Event::MigrationApplied(applied) => Some(applied),
        _ => None,
    });
    let applied = applied.unwrap();
    assert_eq!((applied.ran, applied.statements.len()), (1000, 20));
    assert!(green.stdout.lines().all(|line| line.len() <= protocol::limits::MAX_LINE_BYTES));
}
