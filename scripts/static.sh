#!/usr/bin/env bash
# The runner as one static file for an image that holds nothing else.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/static.sh [--arch x86_64|aarch64]

Builds ecs-migrate-runner for musl in release mode and prints its path. The Rust target is added with
rustup and musl's C compiler with apt-get, where the script may; otherwise one line says what to
install. Another architecture than this machine's needs a compiler for it (CC_aarch64_unknown_linux_musl).
USAGE
}

arch=$(uname -m)
case "${1:-}" in
  --arch) arch=${2:?--arch takes x86_64 or aarch64} ;;
  -h | --help) usage; exit 0 ;;
  "") ;;
  *) usage >&2; exit 2 ;;
esac

cd "$(dirname "$0")/.."
prepare_needs=(musl-gcc=musl-tools)
# shellcheck source=scripts/prepare.sh
. scripts/prepare.sh

triple=$arch-unknown-linux-musl
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$triple/lib" ]; then
  command -v rustup >/dev/null || prepare_fail "Rust's standard library for $triple is missing: install Rust with rustup (https://rustup.rs)"
  rustup target add "$triple" >&2 || prepare_fail "rustup could not add $triple"
fi
cargo build --release --locked --quiet --target "$triple" -p ecs-migrate-runner >&2
echo "$(cd "${CARGO_TARGET_DIR:-target}" && pwd)/$triple/release/ecs-migrate-runner"
