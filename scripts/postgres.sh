#!/usr/bin/env bash
# Starts and stops a throw-away PostgreSQL for tests and demos.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/postgres.sh start DIR   start a server with its data in DIR, print its URL
       scripts/postgres.sh stop DIR    stop it and remove DIR
       scripts/postgres.sh crash DIR   stop it as a crash would, and start it again
       scripts/postgres.sh halt DIR    stop it as a crash would, and keep its data: `crash` starts it
       scripts/postgres.sh standby DIR OF   start a replica of the server in OF, which restarts; print its URL
       scripts/postgres.sh promote DIR      make a replica a primary
       scripts/postgres.sh bin         print the folder of the server's programs

The server listens on 127.0.0.1 only, on a free port, and trusts every role but `with_password`.
It is not durable (fsync=off). Missing programs are installed where the script may: as root, with
apt-get. PG_BIN names the folder of another version's programs.
USAGE
}

fail() { echo "postgres.sh: $*" >&2; exit 1; }

# Newest version first; several may stand side by side.
find_bin() {
  if [ -n "${PG_BIN:-}" ]; then
    [ -x "$PG_BIN/initdb" ] || fail "there is no initdb in PG_BIN=$PG_BIN"
    echo "$PG_BIN"
    return
  fi
  local folder
  for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin | sort -rV); do
    if [ -x "$folder/initdb" ]; then echo "$folder"; return; fi
  done
  if command -v initdb >/dev/null; then dirname "$(command -v initdb)"; return; fi
  return 1
}

install_postgres() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    fail "PostgreSQL's server is missing: install it, e.g. sudo apt-get install postgresql"
  fi
  echo "installing PostgreSQL" >&2
  # Without this Debian starts a server of its own on port 5432.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql; } >&2 ||
    fail "apt-get could not install PostgreSQL"
}

# initdb and postgres refuse to run as root.
as_server() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

free_port() {
  local port
  for _ in $(seq 100); do
    port=$((20000 + RANDOM % 20000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "$port"; return; fi
  done
  fail "found no free port"
}

start() {
  local dir=$1 bin
  bin=$(find_bin) || { install_postgres; bin=$(find_bin) || fail "PostgreSQL was installed, but its initdb is not found"; }
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 || useradd --system --no-create-home postgres
    chown postgres "$dir"
  fi
  # The other user cannot enter the caller's folder.
  cd /
  as_server "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir.initdb.log" 2>&1 ||
    { cat "$dir.initdb.log" >&2; fail "initdb failed"; }
  rm -f "$dir.initdb.log"
  printf '%s\n' 'local all all trust' 'local replication all trust' \
    'host all with_password 127.0.0.1/32 scram-sha-256' \
    'host all all 127.0.0.1/32 trust' | as_server tee "$dir/data/pg_hba.conf" >/dev/null
  serve "$bin" "$dir"
}

# Starts the server whose data is in DIR/data on a free port.
serve() {
  local bin=$1 dir=$2 port
  for _ in 1 2 3 4 5; do
    port=$(free_port)
    if as_server "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 -s start \
      -o "-p $port -k $dir -h 127.0.0.1 -F -c max_connections=200 -c max_prepared_transactions=10 -c password_encryption=scram-sha-256" >/dev/null 2>&1; then
      echo "postgresql://postgres@127.0.0.1:$port/postgres"
      return
    fi
  done
  tail -n 20 "$dir/log" >&2 || true
  fail "the server does not start"
}

# Copies the data of the server in OF, which is down meanwhile: not every build has pg_basebackup.
standby() {
  local dir=$1 of=$2 bin port
  bin=$(find_bin)
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  of=$(cd "$of" && pwd)
  [ "$(id -u)" != 0 ] || chown postgres "$dir"
  cd /
  # postmaster.pid: the fourth line is the port.
  port=$(sed -n 4p "$of/data/postmaster.pid")
  as_server "$bin/pg_ctl" -D "$of/data" -m fast -w -s stop >/dev/null 2>&1 || fail "the primary does not stop"
  as_server cp -a "$of/data" "$dir/data"
  as_server "$bin/pg_ctl" -D "$of/data" -l "$of/log" -w -t 60 -s restart >/dev/null 2>&1 || fail "the primary does not start again"
  as_server touch "$dir/data/standby.signal"
  echo "primary_conninfo = 'host=$of port=$port user=postgres'" | as_server tee -a "$dir/data/postgresql.auto.conf" >/dev/null
  serve "$bin" "$dir"
}

promote() {
  local dir bin
  bin=$(find_bin)
  dir=$(cd "$1" && pwd)
  cd /
  as_server "$bin/pg_ctl" -D "$dir/data" -w -t 60 -s promote >/dev/null 2>&1 || fail "the replica cannot be promoted"
}

halt() {
  local dir bin
  bin=$(find_bin)
  dir=$(cd "$1" && pwd)
  cd /
  as_server "$bin/pg_ctl" -D "$dir/data" -m immediate -w -s stop >/dev/null 2>&1 || fail "the server does not stop"
}

stop() {
  local dir=$1 bin
  [ -d "$dir/data" ] || return 0
  bin=$(find_bin)
  dir=$(cd "$dir" && pwd)
  cd /
  as_server "$bin/pg_ctl" -D "$dir/data" -m immediate -s stop >/dev/null 2>&1 || true
  rm -rf "$dir"
}

crash() {
  local dir bin
  bin=$(find_bin)
  dir=$(cd "$1" && pwd)
  cd /
  as_server "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -m immediate -w -t 60 -s restart >/dev/null 2>&1 ||
    fail "the server does not start again"
}

case "${1:-}" in
  start | stop | crash | halt | promote) [ $# = 2 ] || { usage >&2; exit 2; }; "$1" "$2" ;;
  standby) [ $# = 3 ] || { usage >&2; exit 2; }; "$1" "$2" "$3" ;;
  bin) find_bin || fail "PostgreSQL's server is not installed" ;;
  -h | --help) usage ;;
  *) usage >&2; exit 2 ;;
esac
