#!/usr/bin/env bash
# A container engine of its own for tests: podman behind Docker's API, with storage, settings and registries apart from the
# machine's.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/containers.sh start FOLDER REGISTRY   start it, print its DOCKER_HOST; REGISTRY is HOST:PORT
       scripts/containers.sh stop FOLDER             stop and remove it with everything that it holds
       scripts/containers.sh run FOLDER COMMAND…     podman or buildah with its settings

Images of ECR (000000000000.dkr.ecr.eu-west-1.amazonaws.com) are pulled from REGISTRY. As root; what is missing is
installed with apt-get. Containers reach what listens on 127.0.0.1 of this machine only through a forwarder on the bridge.
USAGE
}

case "${1:-}" in
  start | stop | run) what=$1 folder=${2:?the folder is missing}; shift 2 ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac
fail() { echo "containers.sh: $*" >&2; exit 1; }
export CONTAINERS_CONF=$folder/containers.conf CONTAINERS_STORAGE_CONF=$folder/storage.conf
export CONTAINERS_REGISTRIES_CONF=$folder/registries.conf

case "$what" in
  run) exec "$@" ;;
  stop)
    if [ -s "$folder/pid" ]; then
      podman ps --all --quiet | xargs --no-run-if-empty podman rm --force --time 0 >/dev/null 2>&1 || true
      pid=$(cat "$folder/pid")
      kill "$pid" 2>/dev/null || true
      for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
      podman unmount --all --force >/dev/null 2>&1 || true
    fi
    # What cleans up behind a container is a process of its own, and may still write.
    for _ in $(seq 50); do rm -rf "$folder" 2>/dev/null && exit; sleep 0.2; done
    rm -rf "$folder"
    exit
    ;;
esac

registry=${1:?the registry is missing}
[ "$(id -u)" = 0 ] || fail "containers of its own need root"
missing=()
for command in podman buildah runc iptables; do command -v "$command" >/dev/null || missing+=("$command"); done
[ -x /usr/lib/podman/netavark ] || missing+=(netavark)
if [ ${#missing[@]} -gt 0 ]; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"; } >&2 ||
    fail "apt-get could not install ${missing[*]}"
fi
mkdir -p "$folder"
cat >"$folder/containers.conf" <<CONF
[containers]
# A machine that is a container itself may not raise its limits.
default_ulimits = ["nofile=10000:10000", "nproc=1000:1000"]
base_hosts_file = "$folder/hosts"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
helper_binaries_dir = ["/usr/lib/podman", "/usr/libexec/podman"]
[network]
network_backend = "netavark"
CONF
printf '127.0.0.1 localhost\n10.88.0.1 host.docker.internal\n' >"$folder/hosts"
printf '[storage]\ndriver = "vfs"\nrunroot = "%s/run"\ngraphroot = "%s/storage"\n' "$folder" "$folder" >"$folder/storage.conf"
cat >"$folder/registries.conf" <<CONF
unqualified-search-registries = []
[[registry]]
location = "$registry"
insecure = true
[[registry]]
prefix = "000000000000.dkr.ecr.eu-west-1.amazonaws.com"
location = "$registry"
insecure = true
CONF
podman system service --time=0 "unix://$folder/socket" >"$folder/log" 2>&1 </dev/null &
echo $! >"$folder/pid"
for _ in $(seq 100); do
  [ ! -S "$folder/socket" ] || { echo "unix://$folder/socket"; exit; }
  kill -0 "$(cat "$folder/pid")" 2>/dev/null || break
  sleep 0.1
done
cat "$folder/log" >&2
fail "podman does not answer"
