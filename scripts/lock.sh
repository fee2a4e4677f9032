#!/usr/bin/env bash
# Resolves pyproject.toml (all extras) anew into requirements.lock: versions only, no hosts,
# paths or hashes. Then `make environment.yml`. Run on purpose; nothing calls it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

links=${PIP_FIND_LINKS:-$(.venv/bin/python -m pip config get global.find-links 2>/dev/null || true)}
[ -z "$links" ] || export UV_FIND_LINKS="$links"
# Into a new file: uv keeps the versions of an old one. For the oldest Python 3.11 there is,
# not the one at hand: Debian 12 has 3.11.2.
new=$(mktemp)
trap 'rm -f "$new"' EXIT
.venv/bin/uv pip compile pyproject.toml --all-extras --python .venv/bin/python \
    --python-version 3.11 --no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet >"$new"
sed -E 's/\+[A-Za-z0-9.]+$//' "$new" | LC_ALL=C sort >requirements.lock
.venv/bin/python scripts/environment.py
