#!/usr/bin/env bash
# Prints a Chromium that runs without a screen: the one on the path, else Debian's, installed where the script may.
set -euo pipefail
case "${1:-}" in
  -h | --help)
    echo "Usage: scripts/chromium.sh   (as root it installs chromium-headless-shell with apt-get)"
    exit
    ;;
esac
find_it() {
  for name in chromium-headless-shell chromium google-chrome google-chrome-stable chrome; do
    # Ubuntu's chromium-browser is a stub that only says to use snap.
    if command -v "$name"; then return; fi
  done
  return 1
}
find_it && exit
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "chromium.sh: no Chromium is installed, e.g. sudo apt-get install chromium-headless-shell" >&2
  exit 1
fi
echo "installing chromium-headless-shell" >&2
{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium-headless-shell fonts-dejavu-core; } >&2 ||
  { echo "chromium.sh: apt-get could not install chromium-headless-shell" >&2; exit 1; }
find_it
