"""The check beside squawk's own program, over one history."""

import argparse
import os
import pathlib
import statistics
import subprocess

from history import made_up, run, write

parser = argparse.ArgumentParser()
for name in ("controller", "scratch"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--squawk")
parser.add_argument("--migrations", help="a directory of migrations instead of 434 made up ones")
parser.add_argument("--rounds", type=int, default=5)
options = parser.parse_args()

# In a repository whose base has none of them, so that all are new and each knows those before it.
project = pathlib.Path(options.scratch) / "project"
folder = project / "prisma" / "migrations"
scripts = made_up(434)
if options.migrations:
    source = pathlib.Path(options.migrations)
    scripts = [(path.parent.name, path.read_text()) for path in sorted(source.glob("*/migration.sql"))]
write(folder, scripts)
git = ["git", "-C", str(project), "-c", "user.name=bench", "-c", "user.email=bench@example.com"]
subprocess.run([*git, "init", "--quiet"], check=True)
subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "base"], check=True)
files = [str(path) for path in sorted(folder.glob("*/migration.sql"))]


def code(command):
    return subprocess.run(command, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


contestants = [("ecs-migrate check", [options.controller, "check", str(folder), "--base", "HEAD"])]
if options.squawk:
    contestants.append(("squawk, one process", [options.squawk, *files]))
expected = {name: code(command) for name, command in contestants}
print(f"{options.rounds} rounds, median time, highest memory of the process itself, on {os.cpu_count()} cores\n")
print("| what | who | exit code | time | ratio | memory |\n|---|---|---|---|---|---|")
seen = {name: [] for name, _ in contestants}
os.chdir(project)
for _ in range(options.rounds):
    for name, command in contestants:
        seen[name].append(run(command, expected[name]))
base = statistics.median(seconds for seconds, _ in seen["ecs-migrate check"])
for name, values in seen.items():
    seconds = statistics.median(value[0] for value in values)
    memory = max(value[1] for value in values)
    print(f"| {len(files)} new migrations | {name} | {expected[name]} | {seconds * 1000:,.0f} ms | {seconds / base:.2f} | {memory:,.0f} MB |")
