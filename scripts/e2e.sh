#!/usr/bin/env bash
# The whole flow on other people's parts: their AWS (MiniStack), real containers of real images (podman), real registries,
# real PostgreSQL. Every step asserts.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/e2e.sh [--keep]

Sets up infrastructure through CloudFormation, pushes images, and runs, releases, breaks, kills, cancels and explains migrations
in real containers; then takes everything down. Needs root for containers of its own; what is missing is installed with apt-get,
pip and npm. Without an engine for containers it is skipped, which CI=true makes a failure. --keep leaves the logs.
USAGE
}

keep=
case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  --keep) keep=1 ;;
  "") ;;
  *) usage >&2; exit 2 ;;
esac

cd "$(dirname "$0")/.."
# shellcheck source=scripts/prepare.sh
. scripts/prepare.sh

scratch=$(mktemp -d /tmp/ecs-migrate-e2e.XXXXXX)
chmod 0755 "$scratch" # the database's user has to pass through
pids=()
cleanup() {
  trap - EXIT INT TERM
  scripts/ministack.sh stop "$scratch/ministack" 2>/dev/null || true
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  scripts/containers.sh stop "$scratch/containers" || true
  scripts/postgres.sh stop "$scratch/postgres" || true
  if [ -n "$keep" ]; then echo "kept: $scratch"; else rm -rf "$scratch"; fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

step() { printf '\n== %s (%s s)\n' "$1" "$SECONDS"; }
fail() { echo "e2e.sh: $*" >&2; exit 1; }
skip() {
  echo "e2e.sh: skipped: $1" >&2
  [ "${CI:-}" != true ] || exit 1
  exit 0
}
# expect CODE TEXT COMMAND…: it ends with CODE, and says TEXT.
expect() {
  local code=0 wanted=$1 text=$2
  shift 2
  "$@" >"$scratch/out" 2>&1 </dev/null || code=$?
  { [ "$code" = "$wanted" ] && grep -qF -- "$text" "$scratch/out"; } ||
    { tail -n 60 "$scratch/out" >&2; fail "exit $code instead of $wanted with '$text': $*"; }
  echo "ok: exit $code, '$text': ${*##*/target/}" | cut -c1-150
}
same() { [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"; echo "ok: $1: $3"; }
until_true() {
  local what=$1
  shift
  for _ in $(seq 300); do if "$@"; then return; fi; sleep 0.1; done
  fail "never: $what"
}

step "build"
[ -n "${ECS_MIGRATE_BUILT:-}" ] || cargo build --locked --quiet -p ecs-migrate -p ecs-migrate-sandbox
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
runner=$(scripts/static.sh)
us() { "$target/debug/ecs-migrate" --config "$scratch/ecs-migrate.toml" "$@"; }

step "containers, registries, AWS, PostgreSQL"
[ "$(id -u)" = 0 ] || skip "containers of its own need root"
[ -x /bin/busybox ] && command -v docker-registry >/dev/null ||
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends busybox-static docker-registry; } >&2 ||
  skip "busybox-static and docker-registry cannot be installed with apt-get"
python=$(scripts/python-tools.sh) || skip "MiniStack cannot be installed with pip"
free() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
GATEWAY_PORT=$(free)
DOCKER_HOST=$(scripts/containers.sh start "$scratch/containers" "127.0.0.1:$GATEWAY_PORT") || skip "podman does not run here"
export GATEWAY_PORT DOCKER_HOST
engine() { scripts/containers.sh run "$scratch/containers" "$@"; }
mkdir "$scratch/empty" && cp /bin/busybox "$scratch/empty/busybox"
printf 'FROM scratch\nCOPY busybox /busybox\nENTRYPOINT ["/busybox"]\nCMD ["sleep", "600"]\n' >"$scratch/empty/Dockerfile"
first_container() {
  engine buildah bud --quiet --tag 127.0.0.1/busybox "$scratch/empty" && engine podman run --rm 127.0.0.1/busybox true
}
first_container >"$scratch/bud.log" 2>&1 || { cat "$scratch/bud.log"; skip "no container runs here"; }
AWS_ENDPOINT_URL=$(scripts/ministack.sh start "$scratch/ministack")
export AWS_ENDPOINT_URL AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true
url=$(scripts/postgres.sh start "$scratch/postgres")
psql=$(scripts/postgres.sh bin)/psql
sql() { "$psql" -X -q -A -t -P pager=off -d "$url" -c "$1" </dev/null; }
port=$(echo "$url" | sed -E 's/.*:([0-9]+)\/.*/\1/')
"$python" scripts/forward.py 10.88.0.1 "$port" "$GATEWAY_PORT" &
pids+=($!)
# The same database, as a container sees it.
inside=${url/127.0.0.1/10.88.0.1}
registry=127.0.0.1:$(free)
printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: "%s"}\n' "$scratch/registry" "$registry" >"$scratch/registry.yml"
docker-registry serve "$scratch/registry.yml" >"$scratch/registry.log" 2>&1 &
pids+=($!)
# aws SERVICE EXPRESSION: what boto3 says.
aws() {
  "$python" -c "import boto3, sys; c = boto3.client('$1'); print($2)"
}

step "setup-infra"
secret=$(aws secretsmanager "c.create_secret(Name='app/url', SecretString='$inside?sslmode=disable')['ARN']")
subnet=$(aws ec2 "c.describe_subnets()['Subnets'][0]['SubnetId']")
vpc=$(aws ec2 "c.describe_subnets()['Subnets'][0]['VpcId']")
: >"$scratch/ecs-migrate.toml"
expect 0 "task definition registered: app:1" us setup-infra --yes --family app --url-secret "$secret" --vpc "$vpc" \
  --database-security-group sg-0123456789abcdef0 --subnets "$subnet"
expect 0 "nothing to do" us setup-infra --yes --family app

step "image push"
repository=000000000000.dkr.ecr.eu-west-1.amazonaws.com/app
export ECS_MIGRATE_IMAGE_REPOSITORY=$repository ECS_MIGRATE_RUNNER=$runner ECS_MIGRATE_REGISTRY_ENDPOINT=$AWS_ENDPOINT_URL
migrations=$scratch/migrations
migration() { mkdir -p "$migrations/$1" && printf '%s\n' "$2" >"$migrations/$1/migration.sql"; }
migration 20260101000000_users 'CREATE TABLE users (id int PRIMARY KEY);'
push() { us image push --migrations "$migrations" "$@"; }
expect 0 uploaded push
image=$(push 2>/dev/null)
expect 0 "nothing uploaded" push
digest=${image#*@}
same "digest in ECR" "$(aws ecr "c.describe_images(repositoryName='app')['imageDetails'][0]['imageDigest']")" "$digest"
ECS_MIGRATE_REGISTRY_ENDPOINT='' expect 0 "$digest" push --image-repository "$registry/app"
size=$(push --output json 2>/dev/null | sed -nE 's/.*"size":([0-9]+).*/\1/p')
[ "$size" -le 10000000 ] || fail "the image has $size bytes"
echo "ok: $size bytes"
engine podman pull --quiet "$image" >/dev/null
alone=(engine podman run --rm --read-only --cap-drop all --env "DATABASE_URL=$inside?sslmode=disable")
expect 0 20260101000000_users "${alone[@]}" "$image" status

step "run"
expect 0 ":task-definition/app:2" us register --image "$image"
expect 0 "applied" us run --image "$image" --run-key first
same "tables" "$(sql "SELECT count(*) FROM pg_tables WHERE tablename = 'users'")" 1
expect 0 "ecs-migrate" us run --image "$image" --run-key again
expect 0 "20260101000000_users" us logs key/first
migration 20260102000000_orders 'CREATE TABLE orders (id int PRIMARY KEY);'
expect 0 "1 migration applied" us run --build --migrations "$migrations" --run-key built

step "release"
aws ecr "c.create_repository(repositoryName='api')" >/dev/null
for version in 1 2; do
  engine buildah bud --quiet --label "version=$version" --tag "127.0.0.1:$GATEWAY_PORT/api:$version" "$scratch/empty" >/dev/null
  engine buildah push --quiet --tls-verify=false "127.0.0.1:$GATEWAY_PORT/api:$version"
done
api=${repository%/app}/api
network="{'awsvpcConfiguration': {'subnets': ['$subnet'], 'securityGroups': ['sg-0123456789abcdef0']}}"
aws ecs "c.register_task_definition(family='api', requiresCompatibilities=['FARGATE'], networkMode='awsvpc', cpu='256', memory='512', \
  executionRoleArn='arn:aws:iam::000000000000:role/x', containerDefinitions=[{'name': 'api', 'image': '$api:1'}])" >/dev/null
aws ecs "c.create_service(cluster='default', serviceName='api', taskDefinition='api', desiredCount=1, launchType='FARGATE', \
  networkConfiguration=$network, deploymentConfiguration={'deploymentCircuitBreaker': {'enable': True, 'rollback': True}})" >/dev/null
stands_on() { aws ecs "c.describe_services(cluster='default', services=['api'])['services'][0]['taskDefinition'].split('/')[-1]"; }
running() { [ "$(aws ecs "c.describe_services(cluster='default', services=['api'])['services'][0]['runningCount']")" = 1 ]; }
until_true "the API runs" running
release=(us release --build --migrations "$migrations" --service api --service-image "$api:2")
migration 20260103000000_broken 'CREATE TABLE half (id int); SELECT 1 / 0;'
expect 10 "division by zero" "${release[@]}" --run-key broken
same "service" "$(stands_on)" api:1
same "tables of the broken migration" "$(sql "SELECT count(*) FROM pg_tables WHERE tablename = 'half'")" 0
expect 0 "division by zero" us explain key/broken
migration 20260103000000_broken 'CREATE TABLE whole (id int);'
expect 0 "api: is on api:2" "${release[@]}" --run-key mended
same "service" "$(stands_on)" api:2

step "one list of stories, on MiniStack and on the sandbox"
aws ecr "c.create_repository(repositoryName='busybox')" >/dev/null
engine buildah tag 127.0.0.1/busybox "127.0.0.1:$GATEWAY_PORT/busybox:1"
engine buildah push --quiet --tls-verify=false "127.0.0.1:$GATEWAY_PORT/busybox:1"
busybox=${repository%/app}/busybox
cat >"$scratch/story.json" <<'JSON'
{"family": "story", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
 "executionRoleArn": "arn:aws:iam::000000000000:role/x", "containerDefinitions": [{"name": "story", "image": "REPLACE_IMAGE", "essential": true,
  "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/story", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "s"}}}]}
JSON
story() {
  "$target/debug/ecs-migrate" run --template "$scratch/story.json" --image "$busybox:${tag:-1}" --subnets subnet-a --security-groups sg-a \
    --expect plain "$@"
}
# The containers expand what stands in single quotes.
# shellcheck disable=SC2016
stories() {
  expect 0 "hello" story -- sh -c 'echo hello'
  expect 3 "bye" story -- sh -c 'echo bye; exit 3'
  expect 0 "of=both" story --env of=both -- sh -c 'echo of=$of'
  expect 82 "" story --timeout 3s -- sleep 60
  tag=nobody-pushed-this expect 80 "" story -- sh -c 'exit 0'
  expect 0 "line 300" story -- sh -c 'i=0; while [ $i -lt 300 ]; do i=$((i + 1)); echo line $i; done'
  same "lines of 300" "$(grep -oE 'line [0-9]+$' "$scratch/out" | sort -u | wc -l)" 300
}
aws logs "c.create_log_group(logGroupName='/ecs/story')" >/dev/null
echo "MiniStack:"
stories
"$target/debug/ecs-migrate-sandbox" up --port 0 --port-file "$scratch/sandbox-port" --log-group /ecs/story --image '*/busybox:1=/bin/busybox' \
  >"$scratch/sandbox.log" 2>&1 </dev/null &
pids+=($!)
until_true "the sandbox answers" test -s "$scratch/sandbox-port"
echo "sandbox:"
AWS_ENDPOINT_URL=http://127.0.0.1:$(cat "$scratch/sandbox-port") stories

step "a runner that the engine kills"
sleeping() { [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()")" != 0 ]; }
awake() { ! sleeping; }
migration 20260104000000_slow 'CREATE TABLE slow (id int); SELECT pg_sleep(60);'
us run --build --migrations "$migrations" --run-key killed >"$scratch/killed" 2>&1 &
killed=$!
until_true "the slow migration runs" sleeping
until_true "its log is shown while it runs" grep -q 20260104000000_slow "$scratch/killed"
engine podman ps --format '{{.ID}} {{.Image}}' | grep "$repository" | cut -d' ' -f1 | xargs scripts/containers.sh run "$scratch/containers" podman kill --signal KILL >/dev/null
code=0
wait "$killed" || code=$?
same "exit code of a killed runner" "$code" 137
until_true "the database let go" awake
same "tables of the killed migration" "$(sql "SELECT count(*) FROM pg_tables WHERE tablename = 'slow'")" 0
expect 0 137 us explain key/killed

step "cancel"
us run --build --migrations "$migrations" --run-key cancelled >"$scratch/cancelled" 2>&1 &
cancelled=$!
until_true "the slow migration runs" sleeping
expect 0 "" us cancel --run-key cancelled
code=0
wait "$cancelled" || code=$?
[ "$code" != 0 ] || { cat "$scratch/cancelled"; fail "a run that was cancelled is green"; }
echo "ok: exit $code of a cancelled run"
until_true "the database let go" awake
same "tables of the cancelled migration" "$(sql "SELECT count(*) FROM pg_tables WHERE tablename = 'slow'")" 0
expect 0 "" us logs key/cancelled

step "a runner without memory"
# MiniStack sets no limit, so the engine is asked itself. The script alone is larger than that.
rm -r "$migrations/20260104000000_slow"
mkdir "$migrations/20260105000000_large"
{ echo "CREATE TABLE large (t text); INSERT INTO large VALUES"; for _ in $(seq 40); do printf "('%1000000d'),\n" 0; done; echo "('');"; } \
  >"$migrations/20260105000000_large/migration.sql"
large=$(push 2>/dev/null)
engine podman pull --quiet "$large" >/dev/null
expect 137 "" "${alone[@]}" --memory 24m "$large" deploy
until_true "the database let go" awake
same "tables of the large migration" "$(sql "SELECT count(*) FROM pg_tables WHERE tablename = 'large'")" 0
expect 0 "" us run --image "$large" --run-key large
same "rows of the large migration" "$(sql "SELECT count(*) FROM large")" 41

step "the wrapped image"
migration 20260106000000_wrapped 'CREATE TABLE wrapped (id int);'
scripts/wrapped-image.sh "$scratch/wrapped" "$runner" "$migrations" || skip "the Prisma CLI cannot be installed with npm"
aws ecr "c.create_repository(repositoryName='wrapped')" >/dev/null
engine buildah bud --quiet --tag 127.0.0.1/node "$scratch/wrapped/base" >/dev/null
engine buildah bud --quiet --build-arg BASE=127.0.0.1/node --pull-never --file infra/docker/prisma.Dockerfile \
  --tag "127.0.0.1:$GATEWAY_PORT/wrapped:1" "$scratch/wrapped/context" >/dev/null
engine buildah push --quiet --tls-verify=false --digestfile "$scratch/wrapped/digest" "127.0.0.1:$GATEWAY_PORT/wrapped:1"
expect 0 "All migrations have been successfully applied" us run --image "${repository%/app}/wrapped@$(cat "$scratch/wrapped/digest")" --run-key wrapped \
  --env PRISMA_SCHEMA_ENGINE_BINARY=/app/prisma/engine/schema-engine.mjs
same "rows of the history" "$(sql "SELECT count(*) FROM _prisma_migrations WHERE migration_name = '20260106000000_wrapped' AND finished_at IS NOT NULL")" 1

step "setup-infra --delete"
aws ecs "c.delete_service(cluster='default', service='api', force=True)" >/dev/null
expect 0 "deleted" us setup-infra --delete --delete-data --yes --confirm app --confirm /ecs/app --family app
same "repositories" "$(aws ecr "sorted(r['repositoryName'] for r in c.describe_repositories()['repositories'])")" "['api', 'busybox', 'wrapped']"

step "done"
