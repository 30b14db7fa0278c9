//! Runs whose pages are looked at.

use crate::on_call::{Speaker, now, story};
use crate::support::story::{Story, at};
use protocol::event::{
    AttemptBlocked, Connected, Event, Heartbeat, LockAcquired, LockWaiting, MigrationApplied,
    MigrationFailed, MigrationStarted, Notice, Outcome, Planned, RunFinished,
};
use protocol::failure::FailedStatement;
use protocol::traffic::{Blocker, StatementCost, TableLock};
use protocol::{DatabaseState, Failure};
use sandbox::{Launch, OnTerminate, Program, Script};
use std::time::Duration;
use tokio::time::Instant;

pub(super) const INIT: &str = "20260101000000_init";
pub(super) const ORDERS: &str = "20260102000000_orders";
pub(super) const INDEX: &str = "20260103000000_orders_by_customer";

type Began = (i64, Instant);

fn planned(names: &[&str]) -> Event {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    Event::Planned(Planned { found: 5, applied: 2, pending: names.len() as u64, names, ahead: 0 })
}

fn begins(name: &str, mode: &str, statements: u32) -> Event {
    let (migration, mode) = (name.to_owned(), mode.to_owned());
    Event::MigrationStarted(MigrationStarted { migration, number: 1, of: 3, mode, statements })
}

fn cost(number: u32, line: u32, duration_ms: u64) -> StatementCost {
    StatementCost { number, line, duration_ms, attempts: 1, rows: 41, ..StatementCost::default() }
}

fn applied(name: &str, statements: Vec<StatementCost>) -> Event {
    Event::MigrationApplied(MigrationApplied {
        migration: name.to_owned(),
        duration_ms: statements.iter().map(|cost| cost.duration_ms).sum(),
        ran: statements.len() as u64,
        statements,
    })
}

fn blocker(pid: i32, depth: u32, since_ms: u64) -> Blocker {
    Blocker {
        pid,
        blocker: "idle in transaction".to_owned(),
        application: "shop-worker".to_owned(),
        user: "app".to_owned(),
        since_ms: Some(since_ms),
        query: "UPDATE \"orders\" SET \"state\" = $1 WHERE \"id\" = $2 RETURNING \"id\", \"state\", \"updated_at\"".to_owned(),
        blocks: 4_711,
        depth,
    }
}

/// Up to the lock, which somebody else holds for a while.
fn opened(launch: &Launch, began: Began, names: &[&str]) -> Speaker {
    let connected = Connected {
        source: "DATABASE_URL".to_owned(),
        host: "shop.cluster-c0ffee.eu-west-1.rds.amazonaws.com".to_owned(),
        port: 5432,
        database: "shop".to_owned(),
        user: "migrator".to_owned(),
        schema: "public".to_owned(),
        server_version: "16.4".to_owned(),
        backend: 4_711,
        tls: true,
        environment: Some("production".to_owned()),
    };
    let waiting = LockWaiting {
        key: 123_456_789,
        waited_ms: 5_000,
        holder: Some("pid 4200 of deploy at 10.0.1.7, idle, for 2 m 05 s".to_owned()),
    };
    let acquired = LockAcquired { keys: vec![123_456_789], waited_ms: 6_000 };
    Speaker::of(launch, began)
        .started(launch, "deploy")
        .says(
            Duration::from_millis(400),
            "connected to `shop` (PostgreSQL 16.4, encrypted)",
            Event::Connected(connected),
        )
        .says(
            at(6),
            "waiting for the advisory lock 123456789 for 5.0 s, held by pid 4200 of deploy",
            Event::LockWaiting(waiting),
        )
        .says(at(7), "advisory lock acquired after 6.0 s", Event::LockAcquired(acquired))
        .says(
            at(7),
            &format!("5 migrations found, 2 applied, {} pending", names.len()),
            planned(names),
        )
}

fn ends(outcome: Outcome, count: u64, database: DatabaseState) -> RunFinished {
    let duration_ms = 58_000;
    RunFinished { outcome, applied: count, duration_ms, database, ..RunFinished::default() }
}

pub(super) fn green(launch: &Launch, began: Began) -> Script {
    let heavy = StatementCost {
        lock_wait_ms: 1_200,
        attempts: 2,
        rows: 1_204_411,
        lock: Some(TableLock {
            relation: "public.orders".to_owned(),
            mode: "AccessExclusiveLock".to_owned(),
        }),
        rewritten: vec!["public.orders".to_owned()],
        ..cost(2, 9, 31_400)
    };
    let notice = Notice {
        code: "rewrite".to_owned(),
        text: "`20260102000000_orders` rewrote public.orders, which nobody could use meanwhile"
            .to_owned(),
    };
    opened(launch, began, &[INIT, ORDERS, INDEX])
        .says(at(8), &format!("applying {INIT}"), begins(INIT, "transaction", 2))
        .says(
            at(9),
            &format!("applied {INIT} in 1.0 s"),
            applied(INIT, vec![cost(1, 2, 820), cost(2, 7, 12)]),
        )
        .says(at(9), &format!("applying {ORDERS}"), begins(ORDERS, "transaction", 3))
        .says(
            at(41),
            &format!("applied {ORDERS} in 32 s"),
            applied(ORDERS, vec![cost(1, 2, 4), heavy, cost(3, 14, 63)]),
        )
        .says(at(41), "the table was rewritten", Event::Notice(notice))
        .says(at(41), &format!("applying {INDEX}"), begins(INDEX, "statements", 1))
        .says(at(57), &format!("applied {INDEX} in 16 s"), applied(INDEX, vec![cost(1, 1, 15_900)]))
        .ends(at(58), ends(Outcome::Applied, 3, DatabaseState::Changed))
}

fn failure(code: &str, message: &str) -> Failure {
    Failure {
        message: message.to_owned(),
        hint: Some(
            "fill the column first: UPDATE \"orders\" SET \"n\" = … WHERE \"n\" IS NULL".to_owned(),
        ),
        migration: Some(ORDERS.to_owned()),
        sqlstate: Some(code.to_owned()),
        ..Failure::default()
    }
}

/// The second of three migrations does not go through.
pub(super) fn broken(launch: &Launch, began: Began) -> Script {
    let failure = Failure {
        statement: Some(FailedStatement {
            number: 2,
            of: 3,
            line: 9,
            text: "ALTER TABLE \"orders\"\n  ALTER COLUMN \"n\" SET NOT NULL".to_owned(),
        }),
        detail: Some("Failing row contains (7, null).".to_owned()),
        prisma_code: Some("P3018".to_owned()),
        ..failure("23502", "column \"n\" of relation \"orders\" contains null values")
    };
    let failed = MigrationFailed {
        migration: ORDERS.to_owned(),
        failure: failure.clone(),
        database: DatabaseState::Changed,
    };
    let finished = RunFinished {
        exit_code: 10,
        pending: 2,
        failure: Some(failure),
        ..ends(Outcome::Failed, 1, DatabaseState::Changed)
    };
    opened(launch, began, &[INIT, ORDERS, INDEX])
        .says(at(8), &format!("applying {INIT}"), begins(INIT, "transaction", 2))
        .says(at(9), &format!("applied {INIT} in 1.0 s"), applied(INIT, vec![cost(1, 2, 820), cost(2, 7, 12)]))
        .says(at(9), &format!("applying {ORDERS}"), begins(ORDERS, "transaction", 3))
        .says(at(14), &format!("{ORDERS} failed: column \"n\" of relation \"orders\" contains null values; rolled back"), Event::MigrationFailed(failed))
        .ends(at(14), finished)
}

/// Others do not let it through.
pub(super) fn blocked(launch: &Launch, began: Began) -> Script {
    let mut speaker = opened(launch, began, &[ORDERS]).says(
        at(8),
        &format!("applying {ORDERS}"),
        begins(ORDERS, "transaction", 3),
    );
    for attempt in 1..=3_u32 {
        let seconds = u64::from(attempt) * 20;
        let beat = Heartbeat {
            doing: format!("applying `{ORDERS}`"),
            elapsed_ms: seconds * 1_000,
            waits_for: Some("AccessExclusiveLock on public.orders".to_owned()),
            blockers: vec![blocker(4_812, 1, seconds * 1_000), blocker(4_813, 2, seconds * 900)],
            ..Heartbeat::default()
        };
        let stopped = AttemptBlocked {
            migration: ORDERS.to_owned(),
            attempt,
            blocked_ms: seconds * 1_000,
            pause_ms: 5_000,
            sqlstate: "55P03".to_owned(),
            blockers: vec![blocker(4_812, 1, seconds * 1_000)],
        };
        speaker = speaker
            .says(
                at(seconds),
                &format!("applying `{ORDERS}`: waits for public.orders, blocked by pid 4812"),
                Event::Heartbeat(beat),
            )
            .says(
                at(seconds + 1),
                &format!(
                    "attempt {attempt} was blocked by pid 4812; rolled back, the next one in 5.0 s"
                ),
                Event::AttemptBlocked(stopped),
            );
    }
    let failure = Failure {
        blockers: vec![blocker(4_812, 1, 61_000)],
        ..failure("55P03", "other sessions held public.orders for the whole budget of 1 m 00 s")
    };
    let failed = MigrationFailed {
        migration: ORDERS.to_owned(),
        failure: failure.clone(),
        database: DatabaseState::Unchanged,
    };
    let finished = RunFinished {
        exit_code: 23,
        pending: 1,
        failure: Some(failure),
        ..ends(Outcome::Failed, 0, DatabaseState::Unchanged)
    };
    speaker
        .says(
            at(66),
            &format!("{ORDERS} was given up; rolled back"),
            Event::MigrationFailed(failed),
        )
        .ends(at(66), finished)
}

/// It works until it is stopped.
pub(super) fn endless(launch: &Launch, began: Began) -> Script {
    let finished = RunFinished {
        exit_code: 30,
        pending: 1,
        ..ends(Outcome::Interrupted, 0, DatabaseState::Unchanged)
    };
    let speaker = opened(launch, began, &[ORDERS]).says(
        at(8),
        &format!("applying {ORDERS}"),
        begins(ORDERS, "transaction", 3),
    );
    let (script, last) = speaker.last_word(at(70), finished);
    script.on_terminate(OnTerminate::Exit { after: at(1), code: 30, lines: vec![last] })
}

/// Whatever a log can hold against a page.
pub(super) fn hostile(_launch: &Launch, _began: Began) -> Script {
    Script::new()
        .line(at(0), "</pre></style><script>alert(1)</script><img src=x onerror=alert(1)>")
        .line(
            at(1),
            "\u{1b}[2J\u{202e}turned \u{1b}]8;;https://evil.example\u{7}link\u{1b}]8;;\u{7}",
        )
        .line(at(2), "the password is hunter22-and-more & <b>bold</b> &amp; \" onload=\"x")
        .line(at(3), "x".repeat(20_000))
        .exits(at(4), 3)
}

/// A runner with a migration before the rollout and one behind it.
pub(super) fn in_phases() -> Program {
    let began = now();
    Program::scripted(move |launch| {
        let expand = launch.environment["ECS_MIGRATE_PHASE"] == "expand";
        let (name, waiting) = if expand { (INIT, 1) } else { (INDEX, 0) };
        let finished = RunFinished {
            pending: waiting,
            after_deploy: waiting,
            ..ends(Outcome::Applied, 1, DatabaseState::Changed)
        };
        opened(launch, began, &[name])
            .says(at(8), &format!("applying {name}"), begins(name, "transaction", 1))
            .says(at(9), &format!("applied {name}"), applied(name, vec![cost(1, 2, 820)]))
            .ends(at(9), finished)
    })
}

pub(super) fn of(program: fn(&Launch, Began) -> Script) -> Story {
    story(program)
}
