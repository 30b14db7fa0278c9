"""The engine beside psql, Prisma's schema engine and dbmate, in one run."""

import argparse
import hashlib
import os
import pathlib
import shutil
import statistics
import subprocess

from history import made_up, run, write

parser = argparse.ArgumentParser()
for name in ("runner", "url", "scratch", "psql"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--dbmate")
parser.add_argument("--prisma")
parser.add_argument("--migrations", help="a directory of migrations instead of 434 made up ones")
parser.add_argument("--rounds", type=int, default=5)
options = parser.parse_args()
scratch = pathlib.Path(options.scratch)
scratch.mkdir(parents=True)


def sql(text, database="postgres"):
    subprocess.run([options.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url(database), "-c", text], check=True)


def url(database):
    return options.url.rsplit("/", 1)[0] + "/" + database


def fresh(database):
    sql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
    sql(f"CREATE DATABASE {database}")
    return url(database)


def ours(database, folder):
    return run([options.runner, "deploy"], DATABASE_URL=database, ECS_MIGRATE_MIGRATIONS=str(folder), ECS_MIGRATE_LOG_FORMAT="json")


def measure(title, *contestants):
    """Rounds of all contestants in turn; medians, and the ratio to the first."""
    seen = {name: [] for name, _, _ in contestants}
    for _ in range(options.rounds):
        for name, prepare, work in contestants:
            given = prepare()
            seen[name].append(work(given))
    base = statistics.median(seconds for seconds, _ in seen[contestants[0][0]])
    for name, values in seen.items():
        seconds = statistics.median(value[0] for value in values)
        memory = max(value[1] for value in values)
        print(f"| {title} | {name} | {seconds * 1000:,.0f} ms | {seconds / base:.2f} | {memory:,.0f} MB |")


print(f"{options.rounds} rounds, median time, highest memory of the process itself, on {os.cpu_count()} cores\n")
print("| what | who | time | ratio | memory |\n|---|---|---|---|---|")


def one_session(folder, names):
    """What psql has to run: the same scripts, each in a transaction with a row of its own."""
    session = scratch / f"session-{len(names)}.sql"
    with session.open("w") as file:
        file.write("CREATE TABLE history (name text PRIMARY KEY, at timestamptz);\n")
        for name in names:
            file.write(f"INSERT INTO history VALUES ('{name}');\nBEGIN;\n{(folder / name / 'migration.sql').read_text()}\n"
                       f"UPDATE history SET at = now() WHERE name = '{name}';\nCOMMIT;\n")
    return session


def psql(database, *arguments):
    return run([options.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, *map(str, arguments)])


def whole(folder):
    """Applying a history to an empty database, beside psql; then the same with nothing left to do."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    count = f"{len(names):,}"
    session = one_session(folder, names)
    measure(f"applying {count}",
            ("psql, one session", lambda: fresh("bench_psql"), lambda database: psql(database, "-f", session)),
            ("ecs-migrate-runner", lambda: fresh("bench_apply"), lambda database: ours(database, folder)))
    applied = url("bench_apply")
    measure(f"nothing pending of {count}", ("ecs-migrate-runner", lambda: applied, lambda database: ours(database, folder)))


def large_and_applied(megabytes):
    """A script of that size that was applied long ago: its digest is all that is needed of it."""
    folder = write(scratch / f"applied-{megabytes}", [("1_data", ""), ("2_b", "SELECT 1;")])
    digest = hashlib.sha256()
    lines = "".join(f"INSERT INTO big VALUES ({number}, '{'x' * 180}');\n" for number in range(5000)).encode()
    script = folder / "1_data" / "migration.sql"
    database = fresh("bench_applied_large")
    ours(database, folder)
    with script.open("wb") as file:
        while file.tell() < megabytes * 1024 * 1024:
            file.write(lines)
            digest.update(lines)
    sql(f"UPDATE _prisma_migrations SET checksum = '{digest.hexdigest()}' WHERE migration_name = '1_data'", "bench_applied_large")
    measure(f"nothing pending, {megabytes:,} MB applied",
            ("ecs-migrate-runner", lambda: database, lambda database: ours(database, folder)))
    shutil.rmtree(folder)


folder = pathlib.Path(options.migrations) if options.migrations else write(scratch / "history", made_up(434))
names = sorted(path.name for path in folder.iterdir() if path.is_dir())
count = len(names)

# (a) nothing pending
applied = fresh("bench_applied")
ours(applied, folder)
contestants = [("ecs-migrate-runner", lambda: applied, lambda database: ours(database, folder))]
if options.prisma:
    contestants.append(("Prisma's engine on node, without its CLI", lambda: applied,
                        lambda database: run(["node", options.prisma, "deploy", str(folder)], DATABASE_URL=database)))
if options.dbmate and not options.migrations:
    flat = scratch / "dbmate"
    flat.mkdir()
    for name in names:
        script = (folder / name / "migration.sql").read_text()
        (flat / f"{name}.sql").write_text(f"-- migrate:up\n{script}\n-- migrate:down\n")
    dbmate = fresh("bench_dbmate") + "?sslmode=disable"
    command = [options.dbmate, "--migrations-dir", str(flat), "--no-dump-schema", "migrate"]
    run(command, DATABASE_URL=dbmate)
    contestants.append(("dbmate", lambda: dbmate, lambda database: run(command, DATABASE_URL=database)))
measure(f"nothing pending of {count}", *contestants)

# (b) applying everything, and then nothing, of short and long histories
if options.migrations:
    measure(f"applying {count}", ("ecs-migrate-runner", lambda: fresh("bench_apply"), lambda database: ours(database, folder)))
else:
    whole(folder)
    for number in (2_000, 10_000):
        whole(write(scratch / f"history-{number}", made_up(number)))

# (c) one large data migration
rows = "".join(f"INSERT INTO big VALUES ({number}, '{'x' * 180}');\n" for number in range(1000))
large = write(scratch / "large", [("1_table", "CREATE TABLE big (id int, text text);")])
(large / "2_data").mkdir()
with (large / "2_data" / "migration.sql").open("w") as file:
    while file.tell() < 200 * 1024 * 1024:
        file.write(rows)
size = (large / "2_data" / "migration.sql").stat().st_size / 1024 / 1024
options.rounds = max(1, options.rounds // 3)
measure(f"one data migration of {size:.0f} MB",
        ("psql, one transaction", lambda: fresh("bench_large"),
         lambda database: (sql("CREATE TABLE big (id int, text text)", "bench_large"),
                           run([options.psql, "-X", "-q", "-1", "-d", database, "-f", str(large / "2_data" / "migration.sql")]))[1]),
        ("ecs-migrate-runner", lambda: fresh("bench_large"), lambda database: ours(database, large)))
options.rounds = max(3, options.rounds)

# (d) large scripts that are applied
for megabytes in (1, 1_000):
    large_and_applied(megabytes)
shutil.rmtree(scratch)
