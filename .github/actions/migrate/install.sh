#!/usr/bin/env bash
# Writes the output `binary`: the one on the path, or a release whose checksum and attestation are right.
set -euo pipefail

fail() {
  echo "::error title=ecs-migrate::$1"
  exit 2
}
found() {
  echo "binary=$1" >>"$GITHUB_OUTPUT"
  exit 0
}

version=${VERSION:-}
if [ -z "$version" ]; then
  if binary=$(command -v ecs-migrate); then found "$binary"; fi
  case ${ACTION_REF:-} in
    v[0-9]*) version=$ACTION_REF ;;
    *) fail "no ecs-migrate on the path, and this action is not used by a version tag: set the input version" ;;
  esac
fi
[[ $version =~ ^v[0-9A-Za-z.+-]+$ ]] || fail "the input version is no release tag such as v1.2.3"
[[ $ACTION_REPOSITORY =~ ^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$ ]] ||
  fail "a copy of this action does not know where its releases are: put ecs-migrate on the path"

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) target=x86_64-unknown-linux-musl ;;
  Linux-aarch64) target=aarch64-unknown-linux-musl ;;
  *) fail "there is no release for $(uname -s) on $(uname -m): build it with cargo and put it on the path" ;;
esac

name=ecs-migrate-$target
folder=${RUNNER_TEMP:?}/ecs-migrate-$version
mkdir -p "$folder"
cd "$folder"
# --clobber: a re-run on the same machine begins anew.
gh release download "$version" --repo "$ACTION_REPOSITORY" --clobber \
  --pattern "$name" --pattern SHA256SUMS || fail "cannot download $name of $version from $ACTION_REPOSITORY"
grep " $name\$" SHA256SUMS >wanted || fail "SHA256SUMS of $version does not name $name"
sha256sum --check --strict --status wanted || fail "the checksum of $name of $version is wrong"
case $ATTESTATION in
  true)
    gh attestation verify "$name" --repo "$ACTION_REPOSITORY" >/dev/null ||
      fail "the attestation of $name of $version cannot be verified"
    ;;
  false) ;;
  *) fail "the input attestation is true or false" ;;
esac
chmod +x "$name"
found "$folder/$name"
