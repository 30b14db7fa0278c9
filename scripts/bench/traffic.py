"""What readers suffer while an ALTER TABLE waits behind a long reader, in one run."""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import time

parser = argparse.ArgumentParser()
for name in ("runner", "url", "scratch", "psql"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--blocker", type=float, default=6, help="seconds that the long reader holds its lock")
parser.add_argument("--readers", type=int, default=4)
options = parser.parse_args()
scratch = pathlib.Path(options.scratch)
scratch.mkdir(parents=True)
# The lock_timeout of the first attempts; docs/engine.md.
TIMEOUTS = [100, 100, 200, 300, 500, 500, 500, 1000, 1000, 1000]
ALTER = "ALTER TABLE busy ADD COLUMN more int"

(scratch / "read.sql").write_text("SELECT id FROM busy WHERE id = 7;\n")
migrations = scratch / "migrations"
(migrations / "1_more").mkdir(parents=True)
(migrations / "1_more" / "migration.sql").write_text(ALTER + ";\n")
(migrations / "migration_lock.toml").write_text('provider = "postgresql"\n')


def url(database):
    return options.url.rsplit("/", 1)[0] + "/" + database


def psql(text, database, **how):
    return subprocess.Popen([options.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url(database), "-c", text],
                            env=os.environ | {"PGOPTIONS": "-c client_min_messages=warning"}, **how)


def sql(text, database="postgres"):
    if psql(text, database, stdout=subprocess.DEVNULL).wait():
        raise SystemExit(f"psql failed: {text}")


def until(condition, database):
    ask = [options.psql, "-X", "-t", "-A", "-d", url(database), "-c", f"SELECT {condition}"]
    deadline = time.monotonic() + 30
    while subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip() != "t":
        if time.monotonic() > deadline:
            raise SystemExit(f"waited in vain for {condition}")


def with_psql(database):
    return psql(ALTER, database), lambda output: []


def with_runner(*arguments):
    def start(database):
        command = [options.runner, "deploy", *arguments]
        environment = os.environ | {"DATABASE_URL": url(database), "ECS_MIGRATE_MIGRATIONS": str(migrations), "ECS_MIGRATE_LOG_FORMAT": "json"}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        blocked = lambda output: [event for event in (json.loads(line)["event"] for line in output.splitlines()) if event["kind"] == "attempt_blocked"]
        return process, blocked

    return start


def measure(start):
    """Longest read in this round, attempts, and how long after the long reader it was done."""
    sql("DROP DATABASE IF EXISTS bench_traffic WITH (FORCE)")
    sql("CREATE DATABASE bench_traffic")
    sql("CREATE TABLE busy (id int PRIMARY KEY); INSERT INTO busy SELECT generate_series(1, 1000)", "bench_traffic")
    # With a history already, a table that is not in it is no reason to stop.
    sql("CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, "
        "migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), "
        "applied_steps_count int NOT NULL DEFAULT 0)", "bench_traffic")
    for log in scratch.glob("log.*"):
        log.unlink()
    blocker = psql(f"BEGIN; SELECT count(*) FROM busy; SELECT pg_sleep({options.blocker}); COMMIT", "bench_traffic", stdout=subprocess.DEVNULL)
    until("EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database())", "bench_traffic")
    pgbench = pathlib.Path(options.psql).with_name("pgbench")
    readers = subprocess.Popen([pgbench, "-n", "-f", scratch / "read.sql", "-c", str(options.readers), "-T", str(int(options.blocker) + 2), "-R", "1000",
                                "-l", "--log-prefix", scratch / "log", url("bench_traffic")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until("(SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench' AND datname = current_database()) > 0", "bench_traffic")
    process, attempts = start("bench_traffic")
    blocker.wait()
    freed = time.monotonic()
    output, _ = process.communicate()
    late = time.monotonic() - freed
    if process.returncode or readers.wait():
        raise SystemExit(f"failed: {output}")
    # With -R the latency counts from the scheduled start; the last column is how late it started.
    reads = []
    for log in scratch.glob("log.*"):
        for line in log.read_text().splitlines():
            fields = line.split()
            reads.append((int(fields[2]) - int(fields[6])) / 1000)
    blocked = attempts(output or "")
    return max(reads), len(blocked) + 1, max(late, 0) * 1000


print(f"a reader holds the table for {options.blocker:.0f} s, {options.readers} others read it, {options.rounds} rounds, on {os.cpu_count()} cores\n")
print("| who alters the table | longest read | lock_timeout by then | attempts | done after the reader |\n|---|---|---|---|---|")
for name, longest_timeout, start in [
    ("psql", None, with_psql),
    ("ecs-migrate-runner --lock-timeout 0", None, with_runner("--lock-timeout", "0")),
    ("ecs-migrate-runner", 2000, with_runner()),
    ("ecs-migrate-runner --lock-timeout 100ms", 100, with_runner("--lock-timeout", "100ms")),
]:
    rounds = [measure(start) for _ in range(options.rounds)]
    worst = max(rounds, key=lambda round: round[0])
    timeout = f"{min(longest_timeout, TIMEOUTS[min(worst[1], len(TIMEOUTS)) - 1])} ms" if longest_timeout else "none"
    median = [statistics.median(round[at] for round in rounds) for at in range(3)]
    print(f"| {name} | {worst[0]:,.0f} ms | {timeout} | {median[1]:.0f} | {median[2]:,.0f} ms |")
