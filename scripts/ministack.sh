#!/usr/bin/env bash
# An AWS emulator by others, which really makes the resources of a CloudFormation stack.
set -euo pipefail
case "${1:-}" in
  start) ;;
  stop)
    [ ! -s "$2/pid" ] || kill "$(cat "$2/pid")" 2>/dev/null || true
    exit
    ;;
  *)
    echo "Usage: scripts/ministack.sh start FOLDER   (prints its AWS_ENDPOINT_URL)"
    echo "       scripts/ministack.sh stop FOLDER"
    [ "${1:-}" = -h ] || [ "${1:-}" = --help ] || exit 2
    exit
    ;;
esac
folder=$2
python=$("$(dirname "$0")/python-tools.sh")
mkdir -p "$folder"
port=${GATEWAY_PORT:-}
[ -n "$port" ] || port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# It would also listen for MQTT on every address otherwise.
IOT_MTLS_ENABLED=0 BIND_HOST=127.0.0.1 GATEWAY_PORT=$port "$python" -m ministack >"$folder/log" 2>&1 </dev/null &
echo $! >"$folder/pid"
url=http://127.0.0.1:$port
for _ in $(seq 300); do
  if "$python" -c "import urllib.request; urllib.request.urlopen('$url/_ministack/health', timeout=1)" 2>/dev/null; then
    echo "$url"
    exit
  fi
  kill -0 "$(cat "$folder/pid")" 2>/dev/null || break
  sleep 0.1
done
cat "$folder/log" >&2
exit 1
