#!/usr/bin/env bash
# The inputs of infra/docker/prisma.Dockerfile on a machine that reaches npm but no registry of images.
set -euo pipefail
case "${1:--h}" in
  -h | --help)
    echo "Usage: scripts/wrapped-image.sh FOLDER RUNNER MIGRATIONS"
    echo "Makes FOLDER/base (this machine's node and its libraries, instead of the image node) and FOLDER/context."
    exit
    ;;
esac
folder=$1 runner=$2 migrations=$3
cd "$(dirname "$0")/.."
{ node=$(command -v node) && command -v npm >/dev/null; } || { echo "wrapped-image.sh: node and npm are missing" >&2; exit 1; }
mkdir -p "$folder/base/root/bin" "$folder/context/amd64" "$folder/context/prisma"

# The libraries as the linker finds them.
node=$(readlink -f "$node")
ldd "$node" | grep -oE '/[^ ]+' | sort -u | while read -r library; do
  mkdir -p "$folder/base/root$(dirname "$library")"
  cp -L "$library" "$folder/base/root$library"
done
cp "$node" "$folder/base/root/bin/node"
# Prisma's engine is started as a script.
cp /bin/busybox "$folder/base/root/bin/busybox"
mkdir -p "$folder/base/root/usr/bin" "$folder/base/root/tmp"
ln -sf /bin/busybox "$folder/base/root/usr/bin/env"
ln -sf /bin/busybox "$folder/base/root/bin/sh"
printf 'FROM scratch\nCOPY root /\nENV PATH=/bin:/usr/bin\n' >"$folder/base/Dockerfile"

# The native engine is not in npm, so the WebAssembly one stands in: PRISMA_SCHEMA_ENGINE_BINARY names it.
mkdir -p "$folder/context/prisma/engine"
cp crates/runner/tests/prisma/*.mjs "$folder/context/prisma/engine/"
chmod 0755 "$folder/context/prisma/engine/schema-engine.mjs"
cp crates/runner/tests/prisma/package.json "$folder/context/"
sed "s|'schema.prisma'|'prisma/schema.prisma'|" crates/runner/tests/wrapped/prisma.config.mjs >"$folder/context/prisma.config.mjs"
python3 - "$folder/context/package.json" crates/runner/tests/wrapped/package.json <<'PY'
import json, sys
ours, theirs = (json.load(open(path)) for path in sys.argv[1:])
ours["dependencies"]["prisma"] = theirs["dependencies"]["prisma"]
json.dump(ours, open(sys.argv[1], "w"))
PY
(cd "$folder/context" && npm install --ignore-scripts --no-package-lock --no-audit --no-fund --silent >&2)
cp "$runner" "$folder/context/amd64/ecs-migrate-runner"
cp crates/runner/tests/wrapped/schema.prisma "$folder/context/prisma/"
cp -r "$migrations" "$folder/context/prisma/migrations"
