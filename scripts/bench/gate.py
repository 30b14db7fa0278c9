"""The gate beside awscli's `wait` recipe and fabfuel's `ecs run`, against one sandbox."""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import threading
import time
import urllib.error
import urllib.request

parser = argparse.ArgumentParser()
for name in ("controller", "runner", "sandbox", "url", "scratch"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--venv", help="with awscli and ecs-deploy in it")
parser.add_argument("--rounds", type=int, default=3)
options = parser.parse_args()
scratch = pathlib.Path(options.scratch)
scratch.mkdir(parents=True)
GROUP = "/ecs/bench"
BURST, LONG = 24_000, 1_000_000
MIGRATIONS = scratch / "migrations"
for number in range(12):
    folder = MIGRATIONS / f"202601{number + 1:02}000000_table"
    folder.mkdir(parents=True)
    (folder / "migration.sql").write_text(f"CREATE TABLE t{number} (id int);\n")

# What runs in place of each image.
IMAGES = {
    "runner": f"{options.runner} deploy",
    "plain": "sh -c 'seq 40; exit 3'",
    "burst": f"sh -c 'seq {BURST}; exit 0'",
    "long": f"sh -c 'seq {LONG}; exit 0'",
}


class Sandbox:
    """A sandbox process; what a call of the observer costs does not count."""

    def __init__(self, speed):
        port = scratch / f"port-{speed}"
        command = [options.sandbox, "up", "--speed", speed, "--log-group", GROUP, "--port-file", str(port)]
        for name, line in IMAGES.items():
            command += ["--image", f"{name}={line}"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while not port.exists():
            time.sleep(0.05)
        self.endpoint = f"http://127.0.0.1:{port.read_text().strip()}"

    def call(self, service, operation, body):
        credential = "Credential=observer/20260101/eu-west-1/x/aws4_request, SignedHeaders=host, Signature=0"
        request = urllib.request.Request(self.endpoint, json.dumps(body).encode(), {
            "x-amz-target": f"{service}.{operation}", "content-type": "application/x-amz-json-1.1",
            "authorization": f"AWS4-HMAC-SHA256 {credential}", "x-amz-date": "20260101T000000Z"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def ecs(self, operation, **body):
        return self.call("AmazonEC2ContainerServiceV20141113", operation, body)

    def calls(self, operation, since):
        with urllib.request.urlopen(f"{self.endpoint}/_sandbox/journal") as answer:
            entries = json.load(answer)["entries"]
        return [entry for entry in entries
                if entry["operation"] == operation and entry.get("access_key") == "bench" and entry["at"] >= since]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def define(sandbox, image):
    environment = [{"name": "DATABASE_URL", "value": options.url}, {"name": "ECS_MIGRATE_MIGRATIONS", "value": str(MIGRATIONS)},
                   {"name": "ECS_MIGRATE_LOG_FORMAT", "value": "json"}]
    sandbox.ecs("RegisterTaskDefinition", family=image, requiresCompatibilities=["FARGATE"], networkMode="awsvpc",
                cpu="256", memory="512", executionRoleArn="arn:aws:iam::111122223333:role/exec",
                containerDefinitions=[{"name": "migrate", "image": image, "essential": True, "environment": environment,
                                       "logConfiguration": {"logDriver": "awslogs", "options": {
                                           "awslogs-group": GROUP, "awslogs-region": "eu-west-1",
                                           "awslogs-stream-prefix": "p", "mode": "blocking"}}}])


class Observer(threading.Thread):
    """Sees when the end is there to be seen: exit code and stop code, and the last line of the log."""

    def __init__(self, sandbox, known, lines):
        super().__init__(daemon=True)
        self.sandbox, self.known, self.lines = sandbox, known, lines
        self.ended = self.readable = None
        self.leave = threading.Event()

    def run(self):
        token, seen, task = None, 0, None
        while not self.leave.is_set() and not (self.ended and self.readable):
            if task is None:
                fresh = [arn for arn in self.sandbox.ecs("ListTasks", cluster="default")["taskArns"] if arn not in self.known]
                task = fresh[0] if fresh else None
            elif self.ended is None:
                found = self.sandbox.ecs("DescribeTasks", tasks=[task])["tasks"][0]
                if found.get("stopCode") and "exitCode" in found["containers"][0]:
                    self.ended = time.monotonic()
            if task and self.readable is None:
                body = {"logGroupName": GROUP, "logStreamName": f"p/migrate/{task.rsplit('/')[-1]}", "startFromHead": True}
                try:
                    page = self.sandbox.call("Logs_20140328", "GetLogEvents", body | ({"nextToken": token} if token else {}))
                except urllib.error.HTTPError:
                    page = {"events": [], "nextForwardToken": None}
                token = page["nextForwardToken"]
                seen += len(page["events"])
                if seen and (seen >= self.lines if self.lines else "run_finished" in page["events"][-1]["message"] if page["events"] else False):
                    self.readable = time.monotonic()
                if len(page["events"]) > 1000:
                    continue
            self.leave.wait(0.1)


def environment(sandbox):
    return {"PATH": os.environ["PATH"], "HOME": str(scratch), "AWS_ENDPOINT_URL": sandbox.endpoint, "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_EC2_METADATA_DISABLED": "true"}


def ours(image):
    return [options.controller, "run", "--task-definition", image, "--subnets", "subnet-a", "--security-groups", "sg-a", "--output", "text"]


# As most teams have it.
RECIPE = """set -euo pipefail
task=$({aws} ecs run-task --task-definition {image} --launch-type FARGATE --query 'tasks[0].taskArn' --output text \\
  --network-configuration 'awsvpcConfiguration={{subnets=[subnet-a],securityGroups=[sg-a]}}')
{aws} ecs wait tasks-stopped --tasks "$task"
{aws} logs get-log-events --log-group-name {group} --log-stream-name "p/migrate/${{task##*/}}" --start-from-head \\
  --query 'events[].[message]' --output text
exit "$({aws} ecs describe-tasks --tasks "$task" --query 'tasks[0].containers[0].exitCode' --output text)"
"""


def recipe(image):
    return ["bash", "-c", RECIPE.format(aws=f"{options.venv}/bin/aws", image=image, group=GROUP)]


def fabfuel(image):
    return [f"{options.venv}/bin/ecs", "run", "default", image, "--launchtype=FARGATE", "--subnet", "subnet-a", "--securitygroup", "sg-a"]


def follow(sandbox, command, lines):
    """Runs a command to its end; what it showed, and how late its verdict was."""
    known = set(sandbox.ecs("ListTasks", cluster="default")["taskArns"])
    known |= set(sandbox.ecs("ListTasks", cluster="default", desiredStatus="STOPPED")["taskArns"])
    observer = Observer(sandbox, known, lines)
    observer.start()
    since = int(time.time() * 1000)
    process = subprocess.Popen(command, env=environment(sandbox), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    errors = []
    drain = threading.Thread(target=lambda: errors.append(process.stderr.read()))
    drain.start()
    shown, last, ending = 0, None, False
    for line in process.stdout:
        text = line.decode(errors="replace").rstrip()
        # A red ending repeats the last lines.
        ending = ending or "NOT GREEN" in text
        if text and not ending and text.split()[-1].isdigit() and "lines" not in text:
            shown, last = shown + 1, time.monotonic()
    _, status, usage = os.wait4(process.pid, 0)
    over = time.monotonic()
    process.returncode = os.waitstatus_to_exitcode(status)
    observer.join(timeout=120)
    observer.leave.set()
    drain.join()
    waited = bool(observer.ended and observer.ended <= over)
    end = max(observer.ended or over, observer.readable or over)
    return {"code": process.returncode, "shown": shown, "waited": waited, "late": over - end,
            "last": (last - observer.readable) if last and observer.readable else None,
            "memory": usage.ru_maxrss / 1024, "looks": len(sandbox.calls("DescribeTasks", since)),
            "reads": len(sandbox.calls("GetLogEvents", since)), "errors": b"".join(errors).decode()[-500:]}


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


sandbox = Sandbox("aws")
for image in IMAGES:
    define(sandbox, image)
print(f"{options.rounds} rounds, worst value of each, on {os.cpu_count()} cores; the sandbox takes Fargate's times\n")
row("what", "who", "exit code", "lines shown", "verdict after its proof was readable", "DescribeTasks", "GetLogEvents")
row(*["---"] * 7)


def contest(title, image, lines, *contestants):
    for name, command in contestants:
        found = [follow(sandbox, command(image), lines) for _ in range(options.rounds)]
        late = [one["late"] for one in found]
        row(title, name, "/".join(sorted({str(one["code"]) for one in found})),
            "/".join(sorted({str(one["shown"]) for one in found})) + (f" of {lines}" if lines else ""),
            f"{max(late):.1f} s (median {statistics.median(late):.1f} s)" if min(one["waited"] for one in found) else "does not wait", max(one["looks"] for one in found), max(one["reads"] for one in found))


others = [("awscli, run-task and wait", recipe), ("fabfuel ecs run", fabfuel)] if options.venv else []
contest("our runner, 12 migrations", "runner", 0, ("ecs-migrate run", ours), *others[:1])
contest("40 lines, exit code 3", "plain", 40, ("ecs-migrate run", ours), *others)
contest(f"burst of {BURST:,} lines", "burst", BURST, ("ecs-migrate run", ours), *others[:1])
burst = [follow(sandbox, ours("burst"), BURST)["last"] for _ in range(options.rounds)]
print(f"\nthe last of {BURST:,} lines was printed {max(burst):.1f} s after it was readable (worst of {options.rounds})")
found = follow(sandbox, ours("long"), LONG)
print(f"{LONG:,} lines: exit code {found['code']}, {found['shown']:,} shown, {found['memory']:.0f} MB at most")
sandbox.stop()
