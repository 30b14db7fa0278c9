#!/usr/bin/env bash
# Deploys a commit: the Job first, the API only when it was green. Again for the same commit, it goes on where it was.
set -euo pipefail
usage() { echo "Usage: ./deploy.sh COMMIT   (in kubectl's current context and namespace)"; }
case "${1:-}" in
  -h | --help) usage; exit ;;
  '' | -*) usage >&2; exit 2 ;;
  *[!a-z0-9]*) echo "deploy.sh: a commit has small letters and digits only" >&2; exit 2 ;;
esac
commit=$1 job=job/rooms-migrate-$1
cd "$(dirname "$0")/k8s"
manifest() { sed "s/COMMIT/$commit/g" "$1"; }
# `kubectl wait` waits for one condition, and would not see a Job that failed.
conditions() { kubectl get "$job" --ignore-not-found -o 'jsonpath={range .status.conditions[?(@.status=="True")]}{.type} {end}'; }

# A Job that failed is run again only as a new one.
if [[ $(conditions) == *"Failed "* ]]; then kubectl delete "$job"; fi
manifest job.yaml | kubectl apply -f -
ended=
# The Job's own activeDeadlineSeconds ends it earlier.
until [ -n "$ended" ] || [ "$SECONDS" -gt 4000 ]; do
  # A question that is not answered is asked again.
  case $(conditions || true) in
    *"Complete "*) ended=green ;;
    *"Failed "*) ended=red ;;
    *) sleep "${POLL:-2}" ;;
  esac
done
kubectl logs "$job" --all-containers --prefix --tail=-1 || true
[ "$ended" = green ] || { echo "deploy.sh: the migration was not green; the API stays as it is" >&2; exit 1; }
manifest deployment.yaml | kubectl apply -f -
kubectl rollout status deployment/rooms-api --timeout=15m
