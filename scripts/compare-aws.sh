#!/usr/bin/env bash
# Holds what AWS answers against what the sandbox answers, so that whoever has an account can say where the sandbox is wrong.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/compare-aws.sh record FOLDER   run seven tasks on AWS, write FOLDER/NAME.jsonl: DescribeTasks once a second
       scripts/compare-aws.sh FOLDER          run the same seven on the sandbox, and compare: 1 where they contradict

Recording takes a quarter of an hour and less than $0.10. It needs credentials, AWS_REGION, EXECUTION_ROLE_ARN (may pull and log),
ECS_MIGRATE_SUBNETS and ECS_MIGRATE_SECURITY_GROUPS (a network that reaches public.ecr.aws); ECS_MIGRATE_CLUSTER [default],
ASSIGN_PUBLIC_IP [DISABLED], LOG_GROUP [/ecs/seven-tasks, which must exist], SHELL_IMAGE [busybox of public.ecr.aws].
Differences are what we want to know: open an issue with the output and the folder; account numbers may be replaced.
USAGE
}

case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  "") usage >&2; exit 2 ;;
esac
cd "$(dirname "$0")/.."
python=$(scripts/python-tools.sh)
if [ "$1" = record ]; then
  exec "$python" scripts/compare_aws.py record "${2:?the folder is missing}"
fi

# shellcheck source=scripts/prepare.sh
. scripts/prepare.sh
cargo build --locked --quiet -p ecs-migrate-sandbox
scratch=$(mktemp -d)
trap 'kill "$(cat "$scratch/pid")" 2>/dev/null || true; rm -rf "$scratch"' EXIT
# No local process is as large as a task may be.
echo '{"tasks": [{"family": "seven-memory", "effect": {"out_of_memory": {"container": "runner", "after_seconds": 2}}}]}' >"$scratch/faults.json"
"${CARGO_TARGET_DIR:-target}/debug/ecs-migrate-sandbox" up --port 0 --port-file "$scratch/port" --log-group /ecs/seven-tasks \
  --image 'busybox=' --faults "$scratch/faults.json" >"$scratch/log" 2>&1 </dev/null &
echo $! >"$scratch/pid"
for _ in $(seq 100); do [ ! -s "$scratch/port" ] || break; sleep 0.1; done
AWS_ENDPOINT_URL=http://127.0.0.1:$(cat "$scratch/port")
export AWS_ENDPOINT_URL AWS_DEFAULT_REGION=eu-west-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
ECS_MIGRATE_CLUSTER='default' ECS_MIGRATE_SUBNETS=subnet-a ECS_MIGRATE_SECURITY_GROUPS=sg-a SHELL_IMAGE=busybox PAUSE=0.05 \
  EXECUTION_ROLE_ARN=arn:aws:iam::111122223333:role/execution LOG_GROUP=/ecs/seven-tasks \
  "$python" scripts/compare_aws.py record "$scratch/sandbox" >&2
[ -z "${KEEP:-}" ] || cp -r "$scratch/sandbox" "$KEEP"
"$python" scripts/compare_aws.py compare "$1" "$scratch/sandbox"
