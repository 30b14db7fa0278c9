#!/usr/bin/env bash
# Everything that must hold before a change lands: format, lints, tests, docs.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/test.sh [--fix] [CARGO TEST ARGUMENTS]

Checks the format, runs clippy with warnings as errors, all tests against a throw-away PostgreSQL,
and builds the docs. --fix formats instead of checking. What is missing is installed where the
script may (as root, with apt-get); otherwise one line says what to install.
With CI=true a skipped test that is not in scripts/allowed-skips.txt is a failure.
USAGE
}

format=(--check)
case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  --fix) format=(); shift ;;
esac

cd "$(dirname "$0")/.."
# A pooler in front of PostgreSQL; without it its tests are counted as skipped.
[ "$(id -u)" != 0 ] || prepare_needs=(pgbouncer)
# shellcheck source=scripts/prepare.sh
. scripts/prepare.sh

step() { printf '\n== %s (%s s)\n' "$1" "$SECONDS"; }

step "format"
cargo fmt --all -- "${format[@]}"

step "clippy"
cargo clippy --workspace --all-targets --locked -- -D warnings

step "build"
cargo build --workspace --all-targets --locked
# A build of a part of the workspace has other features, and makes most dependencies again.
export ECS_MIGRATE_BUILT=1

scratch=$(mktemp -d)
stop() { scripts/postgres.sh stop "$scratch/postgres"; rm -rf "$scratch"; }
trap stop EXIT
# The server's user has to pass through.
chmod 0755 "$scratch"
ECS_MIGRATE_TEST_DATABASE=$(scripts/postgres.sh start "$scratch/postgres")
export ECS_MIGRATE_TEST_DATABASE
# Tests write a line here for whatever they cannot do on this machine.
export ECS_MIGRATE_TEST_SKIPS=$scratch/skips.txt
: >"$ECS_MIGRATE_TEST_SKIPS"

# For an image that holds nothing else; without it its tests are counted as skipped.
step "static binary"
if ECS_MIGRATE_TEST_STATIC=$(scripts/static.sh); then export ECS_MIGRATE_TEST_STATIC; else unset ECS_MIGRATE_TEST_STATIC; fi

step "tests"
cargo test --workspace --locked "$@"

# Locks, interruptions and chaos on the oldest and the newest PostgreSQL that can be had. Started without
# cargo, which would build the package by itself, with other features.
mapfile -t tests < <(cargo test --workspace --locked --no-run --message-format=json 2>/dev/null |
  sed -n '/crates\/runner\/Cargo.toml/s/.*"executable":"\([^"]*\)".*/\1/p' | grep -E '/(it|chaos)-')
[ ${#tests[@]} = 2 ] || { echo "test.sh: the runner's tests are not found: ${tests[*]}" >&2; exit 1; }
for version in 13 18; do
  step "PostgreSQL $version"
  if ! bin=$(scripts/other-postgres.sh "$version"); then
    echo "PostgreSQL $version cannot be installed with npm" | tee -a "$ECS_MIGRATE_TEST_SKIPS"
    continue
  fi
  (
    export PG_BIN=$bin
    other=$scratch/postgres-$version
    trap 'scripts/postgres.sh stop "$other"' EXIT
    ECS_MIGRATE_TEST_DATABASE=$(scripts/postgres.sh start "$other")
    export ECS_MIGRATE_TEST_DATABASE
    for test in "${tests[@]}"; do (cd crates/runner && "$test" --quiet --skip prisma --skip image); done
  )
done

step "demo"
scripts/demo.sh >"$scratch/demo.log" 2>&1 || { cat "$scratch/demo.log"; exit 1; }
tail -n 9 "$scratch/demo.log"

step "docs"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

step "skips"
sort -u "$ECS_MIGRATE_TEST_SKIPS"
if [ "${CI:-}" = true ] && unexpected=$(grep -vxFf scripts/allowed-skips.txt "$ECS_MIGRATE_TEST_SKIPS"); then
  echo "test.sh: skipped, and not in scripts/allowed-skips.txt:" "$unexpected" >&2
  exit 1
fi

step "done"
