#!/usr/bin/env bash
# Becomes ecs-migrate: GitHub signals the step's own process, and waits for no child of it.
set -euo pipefail
arguments=()
while IFS= read -r line; do
  [ -z "${line// /}" ] || arguments+=("$line")
done <<<"${ARGUMENTS:-}"
# The command may be several words: image push.
read -ra command <<<"${COMMAND:?}"
exec "$BINARY" "${command[@]}" "${arguments[@]}"
