#!/usr/bin/env bash
# The main job, end to end, on this machine: PostgreSQL is real, the runner is real, AWS is a sandbox.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/demo.sh [--keep]

Builds, starts a throw-away PostgreSQL and a local AWS, and deploys examples/gate seven times: green,
nothing to do, broken, fixed, interrupted, again, and an older image. The exit codes are checked.
--keep leaves everything running and says how to look at it.
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

target=${CARGO_TARGET_DIR:-target}
target=$(mkdir -p "$target" && cd "$target" && pwd)/debug
echo "building (the first time takes some minutes)"
# scripts/test.sh has built everything: a part of it has other features, and would be built again.
[ -n "${ECS_MIGRATE_BUILT:-}" ] || cargo build --locked --quiet -p ecs-migrate -p ecs-migrate-runner -p ecs-migrate-sandbox -p gate-api

scratch=$(mktemp -d)
chmod 0755 "$scratch" # the database's user has to pass through
sandbox_pid='' api_pid='' run_pid=''

stop_api() {
  [ -n "$api_pid" ] && kill "$api_pid" 2>/dev/null && wait "$api_pid" 2>/dev/null
  api_pid=
}

cleanup() {
  trap - EXIT INT TERM
  [ -n "$run_pid" ] && kill "$run_pid" 2>/dev/null || true
  stop_api || true
  [ -n "$sandbox_pid" ] && kill "$sandbox_pid" 2>/dev/null && wait "$sandbox_pid" 2>/dev/null || true
  scripts/postgres.sh stop "$scratch/postgres" || true
  rm -rf "$scratch"
}
trap cleanup EXIT
trap 'echo; echo "demo: interrupted, cleaning up"; exit 130' INT TERM

database_url=$(scripts/postgres.sh start "$scratch/postgres")
psql="$(scripts/postgres.sh bin)/psql"
# A pager would wait for a key.
sql() { "$psql" -X -q -A -t -P pager=off -d "$database_url" -c "$1" </dev/null; }

# Five versions of the repository: what their images contain.
base=examples/gate/apps/api/prisma/migrations
version() { cp -r "$scratch/$2" "$scratch/$1"; mkdir -p "$scratch/$1/$3"; cat >"$scratch/$1/$3/migration.sql"; }
cp -r "$base" "$scratch/v1"
version v2 v1 20260601090000_shipping <<'SQL'
CREATE TABLE "shipments" ("id" SERIAL PRIMARY KEY, "order_id" INTEGER NOT NULL);

ALTER TABLE "order" ADD COLUMN "shipped_at" TIMESTAMPTZ;
SQL
version v3 v1 20260601090000_shipping <<'SQL'
CREATE TABLE "shipments" ("id" SERIAL PRIMARY KEY, "order_id" INTEGER NOT NULL);

ALTER TABLE "orders" ADD COLUMN "shipped_at" TIMESTAMPTZ;
SQL
version v4 v3 20260608090000_backfill <<'SQL'
ALTER TABLE "orders" ADD COLUMN "region" TEXT NOT NULL DEFAULT 'EU';

-- A backfill that takes a while.
SELECT pg_sleep(6);
SQL

host_port=${database_url#*@}
host_port=${host_port%/*}
secret=$(printf '{"engine":"postgres","host":"%s","port":%s,"username":"postgres","password":"any #/@ %%","dbname":"postgres"}' "${host_port%:*}" "${host_port#*:}")
images=()
for version in v1 v2 v3 v4; do
  images+=(--image "shop-migrate:$version=$target/ecs-migrate-runner --migrations $scratch/$version")
done
"$target/ecs-migrate-sandbox" up --speed fast --region eu-central-1 --cluster shop --log-group /ecs/shop-migrate \
  --secret "shop/database=$secret" "${images[@]}" --journal "$scratch/journal.jsonl" --port-file "$scratch/port" \
  >"$scratch/sandbox.log" 2>&1 &
sandbox_pid=$!
for _ in $(seq 100); do
  [ -s "$scratch/port" ] && break
  kill -0 "$sandbox_pid" 2>/dev/null || { cat "$scratch/sandbox.log" >&2; exit 1; }
  sleep 0.1
done
AWS_ENDPOINT_URL=http://127.0.0.1:$(cat "$scratch/port")
export AWS_ENDPOINT_URL AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo

bold() { if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then printf '\033[1m%s\033[0m\n' "$1"; else printf '%s\n' "$1"; fi; }

history_rows() {
  echo
  [ "$(sql "SELECT to_regclass('_prisma_migrations') IS NULL")" = f ] || { echo "    no history"; return; }
  echo "    history (newest five):"
  sql "SELECT '      ' || rpad(migration_name, 36) || CASE WHEN rolled_back_at IS NOT NULL THEN 'rolled back' WHEN finished_at IS NULL THEN 'unfinished' ELSE 'applied' END
       FROM (SELECT * FROM _prisma_migrations ORDER BY started_at DESC LIMIT 5) newest ORDER BY started_at"
}

api_port=$((40000 + RANDOM % 10000))
api=none
deploy_api() {
  stop_api || true
  DATABASE_URL=$database_url PORT=$api_port VERSION=$1 "$target/gate-api" >"$scratch/api.log" 2>&1 &
  api_pid=$!
  for _ in $(seq 100); do
    if health=$(healthz); then api=$1; echo "    API $1 is deployed: $health"; return; fi
    sleep 0.1
  done
  cat "$scratch/api.log"
  return 1
}
healthz() {
  exec 3<>"/dev/tcp/127.0.0.1/$api_port" || return 1
  printf 'GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n' >&3
  local answer
  answer=$(cat <&3)
  exec 3>&-
  case $answer in *" 200 OK"*) tail -n 1 <<<"$answer" ;; *) return 1 ;; esac
} 2>/dev/null

table=()
failures=0
judge() { # TITLE EXPECTED GOT EXPECTED_API
  local mark=ok
  [ "$2" = "$3" ] && [ "$4" = "$api" ] || { mark="NOT AS EXPECTED"; failures=$((failures + 1)); }
  table+=("$(printf '  %-46s %8s %8s   %-5s  %s' "$1" "$2" "$3" "$api" "$mark")")
}

migrate() {
  (cd examples/gate && exec "$target/ecs-migrate" run --image "shop-migrate:$1" --output text)
}

number=0
act() { # TITLE VERSION EXPECTED_CODE EXPECTED_API
  number=$((number + 1))
  echo
  bold "== $number. $1: ecs-migrate run --image shop-migrate:$2"
  local code=0
  migrate "$2" || code=$?
  if [ "$code" = 0 ]; then deploy_api "$2"; else echo "    the gate is red ($code): API $api stays"; fi
  history_rows
  judge "$1" "$3" "$code" "$4"
}

interrupted() { # TITLE VERSION EXPECTED_CODE EXPECTED_API
  number=$((number + 1))
  echo
  bold "== $number. $1: ecs-migrate run --image shop-migrate:$2, then Ctrl-C"
  local code=0
  # A process group of its own, as a job in a terminal has.
  set -m
  migrate "$2" &
  run_pid=$!
  set +m
  for _ in $(seq 300); do
    [ "$(sql "SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL")" = 0 ] || break
    sleep 0.1
  done
  # Ctrl-C goes to the whole process group.
  kill -INT -- "-$run_pid"
  wait "$run_pid" || code=$?
  run_pid=
  if [ "$code" = 0 ]; then echo "    the gate is green, which it must not be"; else echo "    the gate is red ($code): API $api stays"; fi
  for _ in $(seq 100); do
    [ "$(sql "SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL")" != 0 ] || break
    sleep 0.1
  done
  history_rows
  judge "$1" "$3" "$code" "$4"
}

act "first deployment: everything is applied" v1 0 v1
act "second deployment: nothing to do" v1 0 v1
act "a broken migration: rolled back, API stays" v2 10 v1
act "fixed, without any manual repair" v3 0 v3
interrupted "interrupted by Ctrl-C: rolled back" v4 83 v3
act "run again" v4 0 v4
act "an older image: the database is ahead" v3 0 v3

echo
bold "The acts"
printf '  %-46s %8s %8s   %-5s\n' "" expected got API
printf '%s\n' "${table[@]}"

if [ -n "$keep" ]; then
  trap - EXIT INT TERM
  cat <<KEEP

Everything is left running. To look at it:
  export AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL AWS_REGION=$AWS_REGION AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo
  (cd examples/gate && $target/ecs-migrate run --image shop-migrate:v4)
  $psql $database_url -c 'TABLE _prisma_migrations'
  cat $scratch/journal.jsonl      # every call to AWS
To end it:
  kill $sandbox_pid $api_pid; scripts/postgres.sh stop $scratch/postgres; rm -rf $scratch
KEEP
fi
[ "$failures" = 0 ]
