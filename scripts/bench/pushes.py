"""What `ecs-migrate check` and squawk say of each push of a project, beside what the push does to a PostgreSQL."""

import argparse
import collections
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

parser = argparse.ArgumentParser()
for name in ("controller", "squawk", "url", "psql"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--pushes", type=int, default=25, help="the newest of each project")
parser.add_argument("projects", nargs="+", help="GIT-DIRECTORY:FOLDER-OF-MIGRATIONS")
options = parser.parse_args()

# Taste, and what ecs-migrate-runner sees to by itself.
TASTE = ("prefer-bigint-over-int prefer-bigint-over-smallint prefer-identity prefer-robust-stmts prefer-text-field "
         "prefer-timestamptz require-timeout-settings ban-char-field require-table-schema transaction-nesting "
         "ban-uncommitted-transaction require-enum-value-ordering prefer-repack")
# Rows are not there, so this is read off the text.
DELETES = re.compile(r"^\s*(DELETE|MERGE)\b", re.IGNORECASE | re.MULTILINE)
UPDATES = re.compile(r"^\s*UPDATE\s+(?:ONLY\s+)?(?:\"?\w+\"?\.)?\"?(\w+)\"?[^;]*?\bSET\s+\"?(\w+)\"?", re.IGNORECASE | re.MULTILINE)


def git(folder, *arguments):
    return subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True).stdout


def sql(text, database="postgres"):
    url = options.url.rsplit("/", 1)[0] + "/" + database
    return subprocess.run([options.psql, "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", url], input=text, capture_output=True, text=True)


# Everything of the tables that are there: what a push does to them is the difference.
LOOK = """SELECT json_build_object(
 'tables', (SELECT json_object_agg(oid, json_build_array(relname, relnamespace::regnamespace, relfilenode)) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace::regnamespace::text !~ '^pg_|^information_schema'),
 'columns', (SELECT json_object_agg(attrelid || '.' || attnum, json_build_array(attname, atttypid, atttypmod, attnotnull, atthasdef OR attidentity <> '' OR attgenerated <> '')) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p') AND relnamespace::regnamespace::text !~ '^pg_|^information_schema'),
 'indexes', (SELECT json_object_agg(indexrelid, indrelid) FROM pg_index),
 'constraints', (SELECT json_object_agg(oid, json_build_array(conrelid, contype, convalidated)) FROM pg_constraint WHERE conrelid <> 0),
 'types', (SELECT json_object_agg(oid, typname) FROM pg_type WHERE typtype IN ('e', 'd') AND oid >= 16384),
 'enums', (SELECT json_agg(enumtypid || '.' || enumlabel) FROM pg_enum))"""


def look(database):
    seen = json.loads(sql(LOOK, database).stdout)
    return {name: part or ([] if name == "enums" else {}) for name, part in seen.items()}


def referee(before, after, text):
    """What was done to tables that were there before, in the words of the check."""
    done = set()
    old = set(before["tables"])
    for table, (name, schema, file) in before["tables"].items():
        now = after["tables"].get(table)
        if now is None:
            done.add("loses")
        elif now[:2] != [name, schema]:
            done.add("breaks")
        elif now[2] != file:
            done.add("blocks")
    for column, (name, kind, mod, filled, default) in before["columns"].items():
        if column.split(".")[0] not in after["tables"]:
            continue
        now = after["columns"].get(column)
        if now is None:
            done.add("loses")
        elif now[0] != name or (filled < now[3]) or now[1:3] != [kind, mod]:
            done.add("breaks")
        elif default and not now[4] and now[3]:
            done.add("breaks")
    for column, (_name, _kind, _mod, filled, default) in after["columns"].items():
        if column not in before["columns"] and column.split(".")[0] in old and filled and not default:
            done.add("breaks")
    for index, table in after["indexes"].items():
        if index not in before["indexes"] and str(table) in old and "CONCURRENTLY" not in text.upper():
            done.add("blocks")
    for constraint, (table, kind, valid) in after["constraints"].items():
        if constraint not in before["constraints"] and str(table) in old and kind in "cf" and valid:
            done.add("blocks")
    # Code that runs names its types, and may write every value.
    if any(after["types"].get(kind) != name for kind, name in before["types"].items()):
        done.add("breaks")
    names = {table: name for table, (name, _schema, _file) in before["tables"].items()}
    there = {(names[column.split(".")[0]], name) for column, (name, *_rest) in before["columns"].items()}
    # What the push adds holds no values yet.
    if DELETES.search(text) or any(written in there for written in UPDATES.findall(text)):
        done.add("writes")
    return done


def pushes(project, folder):
    """Commits of the main line that only add migrations, with the new ones."""
    log = git(project, "log", "--first-parent", "--reverse", "--format=:%H", "--name-status", "--no-renames", "HEAD", "--", folder)
    found, commit, added, changed = [], None, [], False
    for line in [*log.splitlines(), ":"]:
        if line.startswith(":"):
            if added and len(added) <= 10 and not changed:
                found.append((commit, added))
            commit, added, changed = line[1:], [], False
        elif line.endswith("/migration.sql"):
            status, path = line.split("\t")
            if status == "A":
                added.append(path)
            else:
                changed = True
    return found


def squawk(files, *more):
    return subprocess.run([options.squawk, "--reporter", "json", *more, *files], capture_output=True, text=True).returncode != 0


def judge(project, folder, tally):
    scratch = pathlib.Path(tempfile.mkdtemp())
    git(scratch, "init", "-q")
    for commit, added in pushes(project, folder)[-options.pushes:]:
        names = [path.split("/")[-2] for path in added]
        shutil.rmtree(scratch / "m", ignore_errors=True)
        (scratch / "m").mkdir()
        archive = subprocess.run(["git", "-C", project, "archive", f"{commit}:{folder}"], check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", scratch / "m"], input=archive, check=True)
        new = {name: (scratch / "m" / name / "migration.sql").read_text() for name in names if (scratch / "m" / name / "migration.sql").exists()}
        sql("DROP DATABASE IF EXISTS pushes WITH (FORCE)")
        sql("CREATE DATABASE pushes")
        earlier = sorted(path.parent.name for path in (scratch / "m").glob("*/migration.sql") if path.parent.name not in new)
        whole = "\n;\n".join((scratch / "m" / name / "migration.sql").read_text() for name in earlier)
        if sql(whole, "pushes").returncode != 0 or not new:
            tally["skipped"] += 1
            continue
        before = look("pushes")
        if sql("\n;\n".join(new[name] for name in sorted(new)), "pushes").returncode != 0:
            tally["skipped"] += 1
            continue
        is_late = bool(earlier) and min(new) < max(earlier)
        truth = is_late or bool(referee(before, look("pushes"), "\n".join(new.values())))
        moved = {name: scratch / "new" / name for name in new}
        shutil.rmtree(scratch / "new", ignore_errors=True)
        (scratch / "new").mkdir()
        for name, place in moved.items():
            shutil.move(scratch / "m" / name, place)
        git(scratch, "add", "-A", "m")
        git(scratch, "-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", commit, "--allow-empty")
        for name, place in moved.items():
            shutil.move(place, scratch / "m" / name)
        check = subprocess.run([options.controller, "check", "m", "--base", "HEAD", "--output", "text"], cwd=scratch, capture_output=True, text=True)
        if check.returncode not in (0, 14):
            raise SystemExit(f"{project} {commit}: {check.stdout}{check.stderr}")
        files = [scratch / "m" / name / "migration.sql" for name in new]
        said = {"ours": check.returncode == 14, "squawk": squawk(files), "squawk without taste": squawk(files, *(f"--exclude={rule}" for rule in TASTE.split()))}
        tally["pushes"] += 1
        tally["hazards"] += truth
        for who, stops in said.items():
            tally[f"{who}: false alarms"] += stops and not truth
            tally[f"{who}: misses"] += truth and not stops
            if who == "ours" and stops != truth:
                print(f"  {commit[:9]} {', '.join(names)}: {'alarm' if stops else 'miss'}: {check.stdout.strip().splitlines()[:2]}", flush=True)
    shutil.rmtree(scratch)


total = collections.Counter()
print("| project | pushes | with a hazard | ours: false alarms | misses | squawk: false alarms | misses | squawk without taste: false alarms | misses |\n|---|---|---|---|---|---|---|---|---|")
for project in options.projects:
    place, folder = project.rsplit(":", 1)
    tally = collections.Counter()
    judge(place, folder, tally)
    total.update(tally)
    cells = [tally["pushes"], tally["hazards"], *(tally[f"{who}: {what}"] for who in ("ours", "squawk", "squawk without taste") for what in ("false alarms", "misses"))]
    print(f"| {pathlib.Path(place).parent.name.split('+')[-1]} | " + " | ".join(map(str, cells)) + f" | ({tally['skipped']} skipped)", flush=True)
cells = [total["pushes"], total["hazards"], *(total[f"{who}: {what}"] for who in ("ours", "squawk", "squawk without taste") for what in ("false alarms", "misses"))]
print("| all | " + " | ".join(map(str, cells)) + f" | ({total['skipped']} skipped)")
