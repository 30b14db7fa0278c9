"""From the start of a process to the answers to its first queries, in one run."""

import argparse
import json
import os
import statistics
import subprocess
import time

parser = argparse.ArgumentParser()
for name in ("static", "dynamic", "url", "psql", "migrations"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--rounds", type=int, default=50)
options = parser.parse_args()


def runner(binary):
    """Until the line that says `connected`: by then it has connected and asked a few things."""
    environment = {"DATABASE_URL": options.url, "ECS_MIGRATE_MIGRATIONS": options.migrations, "ECS_MIGRATE_LOG_FORMAT": "json"}
    begun = time.monotonic()
    process = subprocess.Popen([binary, "status"], env=environment, stdout=subprocess.PIPE)
    for line in process.stdout:
        if json.loads(line)["event"]["kind"] == "connected":
            seconds = time.monotonic() - begun
            break
    else:
        raise SystemExit(f"{binary} did not connect")
    process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{binary} failed")
    return seconds, usage.ru_maxrss / 1024


def psql(binary):
    begun = time.monotonic()
    process = subprocess.Popen([binary, "-X", "-A", "-t", "-d", options.url, "-c", "SELECT 1"], stdout=subprocess.PIPE)
    process.stdout.readline()
    seconds = time.monotonic() - begun
    _, _, usage = os.wait4(process.pid, 0)
    return seconds, usage.ru_maxrss / 1024


contestants = [
    ("ecs-migrate-runner, static", options.static, runner),
    ("ecs-migrate-runner, dynamic", options.dynamic, runner),
    ("psql, `SELECT 1`", options.psql, psql),
]
seen = {name: [] for name, _, _ in contestants}
for _ in range(options.rounds):
    for name, binary, work in contestants:
        seen[name].append(work(binary))

print(f"{options.rounds} rounds on {os.cpu_count()} cores\n")
print("| who | size | median | slowest of 20 | memory |\n|---|---|---|---|---|")
for name, binary, _ in contestants:
    times = [seconds * 1000 for seconds, _ in seen[name]]
    memory = max(memory for _, memory in seen[name])
    slow = statistics.quantiles(times, n=20)[-1]
    size = os.path.getsize(os.path.realpath(binary)) / 1024 / 1024
    print(f"| {name} | {size:.1f} MB | {statistics.median(times):.1f} ms | {slow:.1f} ms | {memory:.0f} MB |")
