"""Histories of migrations, and what a command costs."""

import os
import subprocess
import time


def run(command, expected=0, **environment):
    """Seconds and peak megabytes of a command, which must end as expected."""
    begun = time.monotonic()
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    if os.waitstatus_to_exitcode(status) != expected:
        raise SystemExit(f"{command[0]} failed: {errors.decode()[-2000:]}")
    return seconds, usage.ru_maxrss / 1024


def write(folder, scripts):
    for name, script in scripts:
        (folder / name).mkdir(parents=True)
        (folder / name / "migration.sql").write_text(script)
    (folder / "migration_lock.toml").write_text('provider = "postgresql"\n')
    return folder


def made_up(count):
    """Small migrations as they come: a table, columns, an index, some data, now and then a block."""
    for number in range(count):
        table = f"t{number // 4}"
        script = [
            f'CREATE TABLE "{table}" ("id" SERIAL PRIMARY KEY, "name" TEXT NOT NULL, "made" TIMESTAMPTZ DEFAULT now());\n',
            f'ALTER TABLE "{table}" ADD COLUMN "note" TEXT;\nALTER TABLE "{table}" ADD COLUMN "count" INTEGER DEFAULT 0;\n',
            f'-- an index; small\nCREATE INDEX "{table}_name" ON "{table}" ("name");\nINSERT INTO "{table}" ("name") VALUES (\'a;b\');\n',
            f'DO $$ BEGIN UPDATE "{table}" SET "note" = \'x;y\'; END $$;\n',
        ][number % 4]
        yield f"2026{number // 100:04}{number % 100:06}_m{number}", script
