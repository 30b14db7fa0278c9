#!/usr/bin/env bash
# Kills runners, backends, servers and connections at random moments.
set -euo pipefail
case "${1:-}" in
  -h | --help)
    echo "Usage: scripts/chaos.sh [ROUNDS [SEED]]"
    echo "After every round each migration must be applied exactly once. A seed repeats a run."
    exit 0
    ;;
esac
cd "$(dirname "$0")/.."
# shellcheck source=scripts/prepare.sh
. scripts/prepare.sh
export ECS_MIGRATE_CHAOS_ROUNDS="${1:-30}"
[ -z "${2:-}" ] || export ECS_MIGRATE_CHAOS_SEED="$2"
cargo test -p ecs-migrate-runner --test chaos -- --nocapture
