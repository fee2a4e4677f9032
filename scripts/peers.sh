#!/usr/bin/env bash
# Sets up an environment of its own for each published peer, experiments/peers/<name>, from
# benchmarks/peers/requirements-<name>.txt; this project's .venv and lock stay as they are.
# Does nothing when nothing changed. Without dependencies: the files list all that is needed,
# and leave out what is not to be had (see benchmarks/peers/README.md).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'peers: %s\n' "$*" >&2; }

# The index and the wheels that pip knows, where it knows any; uv does not read pip's settings.
links=${PIP_FIND_LINKS:-$(.venv/bin/python -m pip config get global.find-links 2>/dev/null || true)}
index=${PIP_INDEX_URL:-$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)}
[ -z "$links" ] || export UV_FIND_LINKS="$links"
[ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"

for file in benchmarks/peers/requirements-*.txt; do
    name=$(basename "$file" .txt)
    place=experiments/peers/${name#requirements-}
    want="$(pwd) $(sha256sum <"$file")"
    [ "$(cat "$place/.stamp" 2>/dev/null || true)" != "$want" ] || continue
    say "installing $(wc -l <"$file") packages into $place"
    .venv/bin/uv venv --quiet --clear --python .venv/bin/python "$place"
    .venv/bin/uv pip install --quiet --no-deps --python "$place/bin/python" -r "$file"
    printf '%s\n' "$want" >"$place/.stamp"
done
say "done: experiments/peers"
