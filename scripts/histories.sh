#!/usr/bin/env bash
# Functions are called by their names, by trap and by the ways of applying.
# shellcheck disable=SC2329
# Applies real histories by several ways and compares what comes out.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/histories.sh DIR…

Each DIR is a directory of Prisma migrations, of a project whose history is on this disk. Each history is
applied to empty databases of a throw-away PostgreSQL

  psql     file by file, each in a session of its own: the referee
  whole    by ecs-migrate-runner, all at once
  single   by ecs-migrate-runner, one more migration at a time
  half     the first half by Prisma's own engine (npm), the rest by ecs-migrate-runner
  cli      the first half by `prisma migrate deploy` (npm), the rest by ecs-migrate-runner
  back     the first half by ecs-migrate-runner, the rest by `prisma migrate deploy`

and the schema (pg_dump) and the number of rows of every table are held against the referee's. One line a
history; exit code 1 if anything differs or does not apply. RUN names a runner, else one is built.
USAGE
}

case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  '') usage >&2; exit 2 ;;
esac
folders=()
for folder in "$@"; do folders+=("$(cd "$folder" && pwd)"); done
cd "$(dirname "$0")/.."
prepare_needs=()
# shellcheck source=scripts/prepare.sh
. scripts/prepare.sh

if [ -z "${RUN:-}" ]; then
  cargo build --release --locked --quiet -p ecs-migrate-runner
  RUN=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)/release/ecs-migrate-runner
fi
scratch=$(mktemp -d)
chmod 0755 "$scratch"
stop() { scripts/postgres.sh stop "$scratch/postgres" || true; rm -rf "$scratch"; }
trap stop EXIT
url=$(scripts/postgres.sh start "$scratch/postgres")
bin=$(scripts/postgres.sh bin)
server=${url%/*}

engine=
if command -v npm >/dev/null; then
  mkdir "$scratch/prisma" && cp crates/runner/tests/prisma/* "$scratch/prisma/"
  if (cd "$scratch/prisma" && npm install --ignore-scripts --no-package-lock --no-audit --no-fund --silent >/dev/null 2>&1); then
    engine=$scratch/prisma/engine.mjs
  fi
fi
cli=
if [ -n "$engine" ]; then
  mkdir "$scratch/cli" && cp crates/runner/tests/wrapped/* "$scratch/cli/"
  if (cd "$scratch/cli" && npm install --ignore-scripts --no-package-lock --no-audit --no-fund --silent >/dev/null 2>&1); then
    cli=$scratch/cli/node_modules/prisma/build/index.js
  fi
fi
[ -n "$cli" ] || echo "[skip] cli, back: the Prisma CLI cannot be installed with npm" >&2
[ -n "$engine" ] || echo "[skip] half: Prisma's engine cannot be installed with npm" >&2

sql() { "$bin/psql" -XqAt -v ON_ERROR_STOP=1 -d "$server/$1" -c "$2"; }
fresh() { sql postgres "DROP DATABASE IF EXISTS $1 WITH (FORCE)" 2>/dev/null; sql postgres "CREATE DATABASE $1"; }
ours() { DATABASE_URL=$server/$1 ECS_MIGRATE_MIGRATIONS=$2 ECS_MIGRATE_LOG_FORMAT=text "$RUN" deploy >"$scratch/said" 2>&1; }

# The schema and how many rows each table has, without what belongs to whoever applied it.
picture() {
  "$bin/pg_dump" --schema-only --no-owner --no-privileges -T '*._prisma_migrations' -N ecs_migrate "$server/$1" |
    grep -Ev '^(--|\\(un)?restrict|$)'
  sql "$1" "SELECT format('SELECT %L, count(*) FROM %I.%I;', relname, nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema', 'ecs_migrate') AND relname <> '_prisma_migrations' ORDER BY nspname, relname" |
    "$bin/psql" -XqAt -d "$server/$1"
}

# The migrations that `psql` is given, in Prisma's order.
names() { find "$1" -mindepth 1 -maxdepth 1 -type d ! -name '.*' -printf '%f\n' | LC_ALL=C sort; }

# Copies the next names of a history.
grow() { local name; while read -r name; do cp -r "$1/$name" "$2/"; done; }

by_psql() {
  local name
  while read -r name; do
    "$bin/psql" -Xq -v ON_ERROR_STOP=1 -d "$server/psql" -f "$1/$name/migration.sql" </dev/null >"$scratch/said" 2>&1 || return 1
  done < <(names "$1")
}
by_whole() { ours whole "$1"; }
by_single() {
  local name
  rm -rf "$scratch/grown" && mkdir "$scratch/grown"
  while read -r name; do
    echo "$name" | grow "$1" "$scratch/grown"
    ours single "$scratch/grown" </dev/null || return 1
  done < <(names "$1")
}
# The first half of a history, in $scratch/grown.
first_half() {
  rm -rf "$scratch/grown" && mkdir "$scratch/grown"
  [ ! -e "$1/migration_lock.toml" ] || cp "$1/migration_lock.toml" "$scratch/grown/"
  names "$1" | head -n $(($(names "$1" | wc -l) / 2)) | grow "$1" "$scratch/grown"
}
by_half() {
  first_half "$1"
  (cd "$scratch/prisma" && DATABASE_URL=$server/half node "$engine" deploy "$scratch/grown") >"$scratch/said" 2>&1 || return 1
  ours half "$1"
}
# The CLI's native engine is not in npm, so the same engine in WebAssembly stands in.
prisma() {
  (cd "$scratch/cli" && DATABASE_URL=$server/$1 ECS_MIGRATE_MIGRATIONS=$2 CHECKPOINT_DISABLE=1 NO_COLOR=1 \
    PRISMA_SCHEMA_ENGINE_BINARY=$scratch/prisma/schema-engine.mjs node "$cli" migrate deploy) >"$scratch/said" 2>&1
}
by_cli() { first_half "$1" && prisma cli "$scratch/grown" && ours cli "$1"; }
by_back() { first_half "$1" && ours back "$scratch/grown" && prisma back "$1"; }

result=0
for folder in "${folders[@]}"; do
  line="$folder: $(names "$folder" | wc -l) migrations"
  fresh psql
  if ! by_psql "$folder"; then
    echo "$line; psql itself does not apply them: $(tail -n 1 "$scratch/said")"
    result=1
    continue
  fi
  picture psql >"$scratch/wanted"
  for way in whole single ${engine:+half} ${cli:+cli back}; do
    fresh "$way"
    if ! "by_$way" "$folder"; then
      line="$line; $way: FAILS ($(tail -n 1 "$scratch/said"))"
      result=1
    elif picture "$way" >"$scratch/found" && diff "$scratch/wanted" "$scratch/found" >"$scratch/difference"; then
      line="$line; $way: same"
    else
      line="$line; $way: DIFFERS ($(head -n 3 "$scratch/difference" | tr '\n' ' '))"
      result=1
    fi
  done
  echo "$line"
done
exit $result
