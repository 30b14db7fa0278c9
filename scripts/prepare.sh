# shellcheck shell=bash
# Sourced by the other scripts: finds cargo, and what building needs, or says what to install.

prepare_fail() { echo "$(basename "$0"): $*" >&2; exit 1; }

# Debian's and Ubuntu's own rustc are older than the AWS SDK wants (1.94), so rustup is the way.
command -v cargo >/dev/null || { [ -x "$HOME/.cargo/bin/cargo" ] && PATH="$HOME/.cargo/bin:$PATH"; } ||
  prepare_fail "cargo is missing: install Rust with rustup (https://rustup.rs)"
if ! command -v rustup >/dev/null; then
  version=$(rustc --version | cut -d' ' -f2)
  [ "$(printf '%s\n' 1.95.0 "$version" | sort -V | head -n1)" = 1.95.0 ] ||
    prepare_fail "rustc $version is too old: a distribution's own is; install Rust 1.95 with rustup (https://rustup.rs)"
fi

# A linker and a C compiler (for the TLS library).
prepare_missing=()
command -v cc >/dev/null || prepare_missing+=(build-essential)
command -v runuser >/dev/null || [ "$(id -u)" != 0 ] || prepare_missing+=(util-linux)
# COMMAND, or COMMAND=PACKAGE where they are named apart.
for prepare_package in "${prepare_needs[@]:-}"; do
  [ -z "$prepare_package" ] || command -v "${prepare_package%%=*}" >/dev/null || prepare_missing+=("${prepare_package#*=}")
done
if [ ${#prepare_missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing ${prepare_missing[*]}" >&2
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${prepare_missing[@]}"; } >&2 ||
      prepare_fail "apt-get could not install ${prepare_missing[*]}"
  else
    prepare_fail "missing: install ${prepare_missing[*]}, e.g. sudo apt-get install ${prepare_missing[*]}"
  fi
fi
