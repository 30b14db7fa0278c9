"""Seven tasks that end in seven ways, with DescribeTasks once a second; and two such recordings held against each other."""
import json
import os
import pathlib
import sys
import time

IMAGE = os.environ.get("SHELL_IMAGE", "public.ecr.aws/docker/library/busybox:stable")
# Name: image, log group, secret, script.
TASKS = {
    "success": (IMAGE, True, False, "echo done"),
    "failure": (IMAGE, True, False, "echo failed; exit 1"),
    "image_missing": (IMAGE + "-nobody-pushed-this", True, False, "exit 0"),
    "secret_missing": (IMAGE, True, True, "exit 0"),
    "log_group_missing": (IMAGE, False, False, "exit 0"),
    "stopped": (IMAGE, True, False, "trap 'exit 0' TERM; sleep 600 & wait"),
    "memory": (IMAGE, True, False, "tail /dev/zero"),
}
PATIENCE = 600
NEEDED = ("EXECUTION_ROLE_ARN", "ECS_MIGRATE_SUBNETS", "ECS_MIGRATE_SECURITY_GROUPS")


def record(folder):
    if missing := [name for name in NEEDED if not os.environ.get(name)]:
        print(f"compare-aws.sh: not set: {', '.join(missing)}; --help says what they are", file=sys.stderr)
        sys.exit(2)
    import boto3

    ecs = boto3.client("ecs")
    region, group = ecs.meta.region_name, os.environ.get("LOG_GROUP") or "/ecs/seven-tasks"
    cluster = os.environ.get("ECS_MIGRATE_CLUSTER", "default")
    ids = lambda name: os.environ[name].split(",")
    network = {"awsvpcConfiguration": {
        "subnets": ids("ECS_MIGRATE_SUBNETS"), "securityGroups": ids("ECS_MIGRATE_SECURITY_GROUPS"),
        "assignPublicIp": os.environ.get("ASSIGN_PUBLIC_IP", "DISABLED")}}
    pause = float(os.environ.get("PAUSE", "1"))
    folder.mkdir(parents=True, exist_ok=True)
    for name, (image, has_group, has_secret, script) in TASKS.items():
        secret = f"arn:aws:secretsmanager:{region}:000000000000:secret:nobody-has-this-AbCdEf"
        log = {"awslogs-group": group if has_group else group + "-nobody-made-this", "awslogs-region": region,
               "awslogs-stream-prefix": "seven"}
        definition = ecs.register_task_definition(
            family=f"seven-{name.replace('_', '-')}", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
            executionRoleArn=os.environ["EXECUTION_ROLE_ARN"],
            containerDefinitions=[{"name": "runner", "image": image, "essential": True, "command": ["sh", "-c", script],
                                   "secrets": [{"name": "NOBODY", "valueFrom": secret}] if has_secret else [],
                                   "logConfiguration": {"logDriver": "awslogs", "options": log}}])
        task = ecs.run_task(cluster=cluster, launchType="FARGATE", networkConfiguration=network,
                            taskDefinition=definition["taskDefinition"]["taskDefinitionArn"])["tasks"][0]["taskArn"]
        status, asked, began = "", False, time.monotonic()
        with open(folder / f"{name}.jsonl", "w") as out:
            while status != "STOPPED" and time.monotonic() - began < PATIENCE:
                answer = ecs.describe_tasks(cluster=cluster, tasks=[task])
                for found in answer["tasks"]:
                    out.write(json.dumps(found, default=lambda at: at.timestamp(), sort_keys=True) + "\n")
                    status = found["lastStatus"]
                if name == "stopped" and status == "RUNNING" and not asked:
                    ecs.stop_task(cluster=cluster, task=task, reason="seven tasks")
                    asked = True
                time.sleep(pause)
        ecs.deregister_task_definition(taskDefinition=definition["taskDefinition"]["taskDefinitionArn"])
        print(f"{name}: {status or 'never seen'}", flush=True)


def shapes(value, path=""):
    """Each field with the type of its value; of a list, of all that are in it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from shapes(inner, f"{path}.{name}")
    elif isinstance(value, list):
        yield path, "list"
        for inner in value:
            yield from shapes(inner, path + "[]")
    else:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        yield path, "number" if number else type(value).__name__


def read(folder, name):
    path = folder / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def states(tasks):
    found = []
    for task in tasks:
        if task["lastStatus"] not in found[-1:]:
            found.append(task["lastStatus"])
    return found


def compare(aws, ours):
    """What contradicts, and what only AWS has."""
    wrong, more = [], []
    for name in TASKS:
        theirs, mine = read(aws, name), read(ours, name)
        if not theirs or not mine:
            wrong.append(f"{name}: {'the recording' if not theirs else 'the sandbox'} has nothing")
            continue
        # Whoever looks once a second misses short states: they may be absent, never in another order.
        left = iter(states(mine))
        common = [state for state in states(theirs) if state in states(mine)]
        if not all(state in left for state in common):
            wrong.append(f"{name}: states {states(theirs)}, the sandbox has {states(mine)}")
        if unknown := [state for state in states(theirs) if state not in states(mine)]:
            more.append(f"{name}: the sandbox was not seen in {', '.join(unknown)}")
        last, own = theirs[-1], mine[-1]
        for field in ("lastStatus", "stopCode"):
            if last.get(field) != own.get(field):
                wrong.append(f"{name}: {field} is {last.get(field)}, the sandbox has {own.get(field)}")
        codes = [[container.get("exitCode") for container in task["containers"]] for task in (last, own)]
        if codes[0] != codes[1]:
            wrong.append(f"{name}: exit codes {codes[0]}, the sandbox has {codes[1]}")
        for status in states(theirs):
            there = dict(shape for task in theirs if task["lastStatus"] == status for shape in shapes(task))
            here = dict(shape for task in mine if task["lastStatus"] == status for shape in shapes(task))
            if not here:
                continue
            for field in sorted(here.keys() | there.keys()):
                if field not in there:
                    wrong.append(f"{name}: {status}: only the sandbox has {field}")
                elif field not in here:
                    more.append(f"{name}: {status}: only AWS has {field}")
                elif here[field] != there[field]:
                    wrong.append(f"{name}: {status}: {field} is {there[field]}, the sandbox has {here[field]}")
    return wrong, more


def main(what, *folders):
    folders = [pathlib.Path(folder) for folder in folders]
    if what == "record":
        return record(*folders)
    wrong, more = compare(*folders)
    for line in more:
        print(f"note: {line}")
    for line in wrong:
        print(f"different: {line}")
    print(f"{len(wrong)} differences, {len(more)} notes")
    sys.exit(1 if wrong else 0)


main(*sys.argv[1:])
