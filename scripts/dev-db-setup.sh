#!/usr/bin/env bash
# A development database in one command: PostgreSQL, all migrations, .env. To be copied with compose.yaml beside it.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/dev-db-setup.sh [FOLDER] [OPTIONS]

Starts a PostgreSQL for the project in FOLDER (this folder unless said; at the top of this repository examples/gate), waits until it
is ready, applies all migrations with ecs-migrate-runner, and writes DATABASE_URL into FOLDER/.env. Again, it goes on where it was.

  --migrations DIR   the migrations, where FOLDER has several (with Prisma's migration_lock.toml)
  --with WHAT        docker (compose.yaml beside this script) or system (the machine's PostgreSQL); docker where it is unless said
  --reset            delete the database and everything in it first; asks
  --stop             stop the server; the data stay
  --yes              do not ask

Environment: ECS_MIGRATE_RUNNER (the runner's program; otherwise this repository's, otherwise the one in PATH), DEV_DB_PORT (54320, or
the next free one), PG_BIN (folder of the server's programs), DEV_DB_STATE (where port and data of the system's server are).
A .env that this script did not write stays as it is.
USAGE
}

say() { echo "dev-db-setup.sh: $*" >&2; }
fail() { say "$@"; exit 1; }
wrong() { say "$@"; exit 2; }

project='' migrations='' with='' reset='' stop='' yes=''
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit ;;
    --migrations | --with) [ $# -gt 1 ] || wrong "$1 needs a value"; if [ "$1" = --with ]; then with=$2; else migrations=$2; fi; shift ;;
    --reset) reset=1 ;;
    --stop) stop=1 ;;
    --yes) yes=1 ;;
    -*) wrong "there is no option $1; --help shows them" ;;
    *) [ -z "$project" ] || wrong "one folder, please: $project or $1"; project=$1 ;;
  esac
  shift
done
case "$with" in '' | docker | system) ;; *) wrong "--with is docker or system, not $with" ;; esac

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/.." && pwd)
[ -e "$repository/crates/runner/Cargo.toml" ] || repository=
if [ -z "$project" ]; then project=.; [ "$PWD" != "$repository" ] || project=examples/gate; fi
project=$(cd "$project" 2>/dev/null && pwd) || wrong "there is no such folder"

if [ -z "$migrations" ]; then
  found=$(find "$project" \( -name node_modules -o -name target -o -name .git \) -prune -o -name migration_lock.toml -print)
  [ -n "$found" ] || wrong "no migrations in $project (no migration_lock.toml of Prisma); --migrations names them"
  [ "$(wc -l <<<"$found")" = 1 ] || wrong "several migrations in $project; --migrations names those that are meant:"$'\n'"$(xargs -n1 dirname <<<"$found")"
  migrations=$(dirname "$found")
fi
[ -d "$migrations" ] || wrong "there is no folder $migrations"
migrations=$(cd "$migrations" && pwd)

# One server for each folder, however many are named alike.
name=$(basename "$project" | tr '[:upper:]' '[:lower:]' | tr -c 'a-z0-9\n' _)
name=${name:-app}
key=$name-$(cksum <<<"$project" | cut -d' ' -f1)
# The server's user has to get to its data, and cannot enter root's home.
if [ "$(id -u)" = 0 ]; then states=/var/lib/ecs-migrate-dev; else states=${XDG_STATE_HOME:-$HOME/.local/state}/ecs-migrate-dev; fi
state=${DEV_DB_STATE:-$states}/$key

docker_works() { command -v docker >/dev/null && docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1; }
if [ -z "$with" ]; then if docker_works; then with=docker; else with=system; fi; fi
[ "$with" = system ] || docker_works || fail "docker with compose does not answer: start it, or take --with system"

# compose.yaml's variables; the data are in a volume of the compose project. What it starts must not keep our lock (descriptor 9).
compose() { DEV_DB_NAME=$name DEV_DB_PORT=${port:-54320} docker compose --project-name "dev-db-$key" --file "$here/compose.yaml" "$@" 9>&-; }

# initdb and postgres refuse to run as root.
as_server() { if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }

find_bin() {
  local folder
  for folder in ${PG_BIN:-} $(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin | sort -rV); do
    if [ -x "$folder/initdb" ]; then echo "$folder"; return; fi
  done
  if command -v initdb >/dev/null; then dirname "$(command -v initdb)"; return; fi
  fail "neither Docker nor PostgreSQL is here: install one of them, e.g. sudo apt-get install postgresql"
}

server() { as_server "$bin/pg_ctl" -D "$state/data" -s "$@"; }
# After a crash or a restart of the machine the number in postmaster.pid can be another process's, which pg_ctl takes for the server.
running() {
  pid=$(head -n 1 "$state/data/postmaster.pid" 2>/dev/null) && [ -n "$pid" ] && [[ $(ps -o args= -p "$pid") == *"$state/data"* ]]
}

if [ "$with" = system ]; then
  bin=$(find_bin)
  if [ "$(id -u)" = 0 ]; then id postgres >/dev/null 2>&1 || fail "there is no user postgres, which the server has to run as"; fi
fi

mkdir -p "$state"
# Two at once would start two servers.
exec 9>"$state/lock"
! command -v flock >/dev/null || flock --timeout 120 9 || fail "another run of this script has not ended for two minutes"

stop_server() {
  if [ "$with" = docker ]; then compose stop; elif running; then server stop -m fast -w; fi >&2
}

if [ -n "$stop" ]; then
  stop_server
  say "stopped; the data stay"
  exit
fi

if [ -n "$reset" ]; then
  if [ -z "$yes" ]; then
    [ -t 0 ] || wrong "--reset would delete the development database $name; there is no terminal to ask on, so --yes has to say it"
    read -r -p "delete the development database $name of $project and everything in it? [y/N] " answer
    case "$answer" in y | Y | yes) ;; *) fail "nothing was deleted" ;; esac
  fi
  if [ "$with" = docker ]; then compose down --volumes >&2; else stop_server; rm -rf "$state/data" "$state/data.new"; fi
fi

is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# free_port [FROM]
free_port() {
  local port=${DEV_DB_PORT:-54320}
  [ ! -s "$state/port" ] || [ -n "${DEV_DB_PORT:-}" ] || port=$(cat "$state/port")
  port=${1:-$port}
  for port in $(seq "$port" $((port + 50))); do
    if is_free "$port"; then echo "$port"; return; fi
  done
  fail "no free port from $port on; DEV_DB_PORT names another one"
}

# The port of a container that runs.
published() { compose port db 5432 2>/dev/null | sed -n 's/.*:\([1-9][0-9]*\)$/\1/p'; }

start_docker() {
  local waited=0
  port=$(published)
  [ -n "$port" ] || port=$(free_port)
  compose up --detach >&2 || fail "docker compose could not start the database"
  port=$(published)
  # Over TCP: while the image fills a new volume, its server answers on a socket only.
  until compose exec -T db pg_isready --quiet --host=127.0.0.1 --username=dev </dev/null 2>/dev/null; do
    waited=$((waited + 1))
    [ "$waited" -lt 120 ] || { compose logs --tail 20 db >&2; fail "the database is not ready after a minute"; }
    sleep 0.5
  done
}

start_system() {
  if [ ! -d "$state/data" ]; then
    rm -rf "$state/data.new"
    mkdir "$state/data.new"
    printf 'dev\n' >"$state/password"
    [ "$(id -u)" != 0 ] || chown postgres "$state" "$state/data.new" "$state/password"
    as_server "$bin/initdb" -D "$state/data.new" -U dev --pwfile="$state/password" -A scram-sha-256 -E UTF8 --locale=C.UTF-8 \
      >"$state/initdb.log" 2>&1 || { cat "$state/initdb.log" >&2; fail "initdb failed"; }
    rm -f "$state/password" "$state/initdb.log"
    # A killed initdb leaves nothing that looks like a database.
    mv "$state/data.new" "$state/data"
  fi
  if running; then
    port=$(cat "$state/port")
    return
  fi
  if [ -n "${pid:-}" ] && ps -p "$pid" >/dev/null; then rm -f "$state/data/postmaster.pid"; fi
  local said=$state/data/server.log
  port=$(free_port)
  # A path of a socket may be no longer than 107 bytes, so there is none.
  until as_server rm -f "$said" && server start -w -t 60 -l "$said" -o "-p $port -h 127.0.0.1 -c unix_socket_directories=''" 9>&- >"$state/pg_ctl.log" 2>&1; do
    # Somebody else took the port after it was looked at, or holds it without listening yet.
    grep -q "already in use" "$said" 2>/dev/null || { cat "$state/pg_ctl.log" "$said" >&2; fail "PostgreSQL does not start"; }
    port=$(free_port $((port + 1)))
  done
}

"start_$with"
echo "$port" >"$state/port"
url=postgresql://dev:dev@127.0.0.1:$port/$name

runner=${ECS_MIGRATE_RUNNER:-}
if [ -z "$runner" ] && [ -n "$repository" ]; then
  # shellcheck source=scripts/prepare.sh
  . "$here/prepare.sh"
  (cd "$repository" && cargo build --locked --quiet --package ecs-migrate-runner) >&2
  runner=${CARGO_TARGET_DIR:-$repository/target}/debug/ecs-migrate-runner
fi
runner=${runner:-$(command -v ecs-migrate-runner || true)}
[ -x "$runner" ] || fail "ecs-migrate-runner is not here: put it into PATH, or name it with ECS_MIGRATE_RUNNER"

# Nothing of the caller's environment, which may name another database. Without a terminal it asks nothing.
env -i PATH="$PATH" DATABASE_URL="$url" ECS_MIGRATE_ENVIRONMENT=development ECS_MIGRATE_LOG_FORMAT=text \
  "$runner" --migrations "$migrations" --create-database deploy </dev/null >&2 9>&- || {
  code=$?
  say "the migrations were not applied (exit code $code); the database is at $url"
  exit "$code"
}

mark="# Written by dev-db-setup.sh, which keeps DATABASE_URL up to date as long as this line is the first."
file=$project/.env
if [ ! -e "$file" ] && [ ! -L "$file" ]; then
  (umask 077 && printf '%s\nDATABASE_URL=%s\n' "$mark" "$url" >"$file")
  say "wrote $file"
elif [ "$(head -n 1 "$file" 2>/dev/null)" = "$mark" ]; then
  if ! grep -qxF "DATABASE_URL=$url" "$file"; then
    { grep -v '^DATABASE_URL=' "$file" || true; echo "DATABASE_URL=$url"; } >"$file.new"
    cat "$file.new" >"$file"
    rm "$file.new"
    say "changed DATABASE_URL in $file"
  fi
elif ! grep -qE "^(export )?DATABASE_URL=[\"']?$url" "$file" 2>/dev/null; then
  say "$file is yours and stays as it is; to use this database put into it:"
  say "  DATABASE_URL=$url"
fi
if git -C "$project" rev-parse >/dev/null 2>&1 && ! git -C "$project" check-ignore --quiet .env; then
  say "git does not ignore $file: put .env into .gitignore"
fi
say "ready, by $with; --stop stops it"
echo "$url"
