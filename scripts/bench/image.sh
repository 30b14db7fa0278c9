#!/usr/bin/env bash
# Sizes of images, and how long they take to make, push and run. Called by scripts/bench.sh.
set -euo pipefail
if [ "${1:--h}" = -h ] || [ "$1" = --help ]; then
  echo "Usage: scripts/bench/image.sh CONTROLLER RUNNER SCRATCH ROUNDS   (as root; podman, buildah, docker-registry, npm)"
  exit
fi
controller=$1 runner=$2 scratch=$3 rounds=$4
cd "$(dirname "$0")/../.."
mkdir -p "$scratch"
pids=()
stop() {
  scripts/ministack.sh stop "$scratch/ministack" 2>/dev/null || true
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  scripts/containers.sh stop "$scratch/containers"
  scripts/postgres.sh stop "$scratch/postgres"
}
trap stop EXIT
python=$(scripts/python-tools.sh)
free() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
GATEWAY_PORT=$(free)
DOCKER_HOST=$(scripts/containers.sh start "$scratch/containers" "127.0.0.1:$GATEWAY_PORT")
export GATEWAY_PORT DOCKER_HOST
engine() { scripts/containers.sh run "$scratch/containers" "$@"; }
AWS_ENDPOINT_URL=$(scripts/ministack.sh start "$scratch/ministack")
export AWS_ENDPOINT_URL AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
aws() { "$python" -c "import boto3; c = boto3.client('$1'); print($2)"; }
url=$(scripts/postgres.sh start "$scratch/postgres")
port=$(echo "$url" | sed -E 's/.*:([0-9]+)\/.*/\1/')
"$python" scripts/forward.py 10.88.0.1 "$port" "$GATEWAY_PORT" &
pids+=($!)
registry=127.0.0.1:$(free)
printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: "%s"}\n' "$scratch/registry" "$registry" >"$scratch/registry.yml"
docker-registry serve "$scratch/registry.yml" >"$scratch/registry.log" 2>&1 &
pids+=($!)
migrations=$scratch/migrations
for number in $(seq -w 12); do
  mkdir -p "$migrations/202601${number}000000_m"
  echo "CREATE TABLE t$number (id int);" >"$migrations/202601${number}000000_m/migration.sql"
done
until curl -fs "http://$registry/v2/" >/dev/null; do sleep 0.1; done

# time COMMAND…: milliseconds.
milliseconds() {
  local began
  began=$(date +%s%N)
  "$@" >"$scratch/out" 2>&1 </dev/null || { cat "$scratch/out" >&2; exit 1; }
  echo $((($(date +%s%N) - began) / 1000000))
}
median() { sort -n | sed -n "$(((rounds + 1) / 2))p"; }
layers() { curl -fs -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$registry/v2/$1/manifests/$2" | "$python" -c 'import json, sys; print(sum(l["size"] for l in json.load(sys.stdin)["layers"]) / 1e6)'; }

ours() { "$controller" image push --runner "$runner" --migrations "$migrations" --image-repository "$registry/$1" --tag 1; }
mkdir -p "$scratch/native/amd64"
cp "$runner" "$scratch/native/amd64/"
cp -r "$migrations" "$scratch/native/migrations"
{ cat infra/docker/runner.Dockerfile; echo 'COPY migrations /migrations'; } >"$scratch/native/Dockerfile"
theirs() {
  engine buildah bud --quiet --tag "$registry/$1:1" "$scratch/native"
  engine buildah push --quiet --tls-verify=false "$registry/$1:1"
}
echo "| who | first push | second push |"
echo "|---|---|---|"
for who in ours theirs; do
  for round in $(seq "$rounds"); do
    milliseconds "$who" "$who-$round" >>"$scratch/$who-first"
    milliseconds "$who" "$who-$round" >>"$scratch/$who-second"
  done
  echo "| $who | $(median <"$scratch/$who-first") ms | $(median <"$scratch/$who-second") ms |"
done

scripts/wrapped-image.sh "$scratch/wrapped" "$runner" "$migrations"
bud() { engine buildah bud --quiet "$@" >/dev/null; }
bud --tag 127.0.0.1/node "$scratch/wrapped/base"
bud --build-arg BASE=127.0.0.1/node --pull-never --file infra/docker/prisma.Dockerfile --tag "$registry/wrapped:1" "$scratch/wrapped/context"
sed '/ecs-migrate-runner/d; s/"exec", "--", //' infra/docker/prisma.Dockerfile >"$scratch/plain.Dockerfile"
bud --build-arg BASE=127.0.0.1/node --pull-never --file "$scratch/plain.Dockerfile" --tag "$registry/plain:1" "$scratch/wrapped/context"
for name in wrapped plain; do engine buildah push --quiet --tls-verify=false --format oci "$registry/$name:1"; done
echo
echo "| image | to pull |"
echo "|---|---|"
echo "| native | $(layers ours-1 1) MB |"
echo "| wrapped | $(layers wrapped 1) MB |"
echo "| plain Node and Prisma | $(layers plain 1) MB |"

# From run to verdict, the image in the engine's store already.
aws ecs "c.create_cluster(clusterName='default')" >/dev/null
aws logs "c.create_log_group(logGroupName='/ecs/bench')" >/dev/null
for name in ours-1 wrapped; do
  repository=000000000000.dkr.ecr.eu-west-1.amazonaws.com/$name
  aws ecr "c.create_repository(repositoryName='$name')" >/dev/null
  engine podman pull --quiet "$registry/$name:1" --tls-verify=false >/dev/null
  engine podman push --quiet --tls-verify=false --digestfile "$scratch/digest" "$registry/$name:1" "127.0.0.1:$GATEWAY_PORT/$name:1"
  image=$repository@$(cat "$scratch/digest")
  engine podman pull --quiet "$image" >/dev/null
  sed "s|REPLACE_FAMILY|$name|; s|REPLACE_[A-Z_]*ROLE_ARN|arn:aws:iam::000000000000:role/x|; s|REPLACE_LOG_GROUP|/ecs/bench|; s|REPLACE_REGION|eu-west-1|; s|REPLACE_IMAGE|$image|" \
    infra/task-definition.json | "$python" -c 'import json, sys; d = json.load(sys.stdin); del d["containerDefinitions"][0]["secrets"]; json.dump(d, sys.stdout)' >"$scratch/$name.json"
done
psql=$(scripts/postgres.sh bin)/psql
echo
echo "| image | from run to verdict, 12 migrations |"
echo "|---|---|"
for name in ours-1 wrapped; do
  for round in $(seq "$rounds"); do
    "$psql" -X -q -d "$url" -c "CREATE DATABASE bench_${name/-/_}_$round" </dev/null
    there=${url/127.0.0.1/10.88.0.1}
    image=$("$python" -c "import json; print(json.load(open('$scratch/$name.json'))['containerDefinitions'][0]['image'])")
    milliseconds "$controller" run --template "$scratch/$name.json" --image "$image" --subnets subnet-a --security-groups sg-a \
      --env "DATABASE_URL=${there%/*}/bench_${name/-/_}_$round?sslmode=disable" \
      --env PRISMA_SCHEMA_ENGINE_BINARY=/app/prisma/engine/schema-engine.mjs >>"$scratch/$name-verdict"
  done
  echo "| $name | $(median <"$scratch/$name-verdict") ms |"
done
