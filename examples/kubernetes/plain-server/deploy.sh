#!/usr/bin/env bash
# From a laptop or a pipeline: brings the database of a plain server up to date, and only on green replaces its API.
set -euo pipefail
usage() { echo "Usage: plain-server/deploy.sh SERVER COMMIT   (SERVER as ssh takes it; the server has Docker and /etc/rooms/database.env)"; }
case "${1:-}" in
  -h | --help) usage; exit ;;
  '' | -*) usage >&2; exit 2 ;;
esac
server=$1 commit=${2:?the commit is missing}
case "$commit" in *[!a-z0-9]*) echo "deploy.sh: a commit has small letters and digits only" >&2; exit 2 ;; esac
on_server() { ssh -o BatchMode=yes -o ServerAliveInterval=15 "$server" "$*" </dev/null; }

# No -t: the log comes as it is, the exit code is the runner's. If the connection is cut, the container goes on to its end, and the
# next run waits for its lock and finds the migrations applied.
on_server docker run --rm --network host --env-file /etc/rooms/database.env "registry.example.com/rooms-migrate:$commit" deploy || {
  code=$?
  echo "deploy.sh: exit code $code; the API stays as it is" >&2
  exit "$code"
}
on_server "cd /srv/rooms && COMMIT=$commit docker compose up --detach --wait api"
