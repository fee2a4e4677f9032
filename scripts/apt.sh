#!/usr/bin/env bash
# Debian packages that tests need. Under CI=true, or with --install, installs what is missing;
# else prints the command to run, and the tests that need one skip by name.
set -euo pipefail

# Where a program is what counts, another distribution's will do.
declare -A package=([chromium]=chromium)

missing=()
for program in "${!package[@]}"; do
    command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "${CI:-}" != true ] && [ "${1:-}" != --install ]; then
    echo "Some tests will skip. They need: sudo apt-get install ${missing[*]}   (or: make apt)" >&2
    exit 0
fi
command -v apt-get >/dev/null || { echo "no apt-get here; install by hand: ${missing[*]}" >&2; exit 1; }
root=()
[ "$(id -u)" = 0 ] || root=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${root[@]}" apt-get update -qq
"${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
