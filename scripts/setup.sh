#!/usr/bin/env bash
# Creates .venv from requirements.lock and installs this package into it, editable.
# Does nothing when neither the lock nor pyproject.toml changed; safe to interrupt and to
# run twice at once. The stamp says that the last run finished: an install that was broken
# off leaves packages that look whole and lack files, so that without it .venv begins anew,
# as it does in a checkout that was moved: its scripts name the old place.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

UV=0.13.9
PYTHON=${PYTHON:-python3}
stamp=.venv/.aiops-stamp

say() { printf 'setup: %s\n' "$*" >&2; }

# The lock is held on a file that always exists, so that nothing is left behind.
exec 9<requirements.lock
flock --nonblock 9 || { say "another set-up runs here, waiting for it"; flock 9; }

version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])' || true)
[ "$version" = 3.11 ] || {
    say "Python 3.11 is needed; '$PYTHON' is ${version:-missing}. Name one: PYTHON=/path/to/python3.11 make setup"
    exit 1
}

place=$(pwd)
want="$place $(cat requirements.lock pyproject.toml scripts/setup.sh | sha256sum | cut -d' ' -f1)"
have=$(cat "$stamp" 2>/dev/null || true)
[ "$have" != "$want" ] || exit 0

if [ "${have% *}" != "$place" ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    say "creating .venv"
    "$PYTHON" -m venv --clear .venv || {
        say "no venv module? On Debian: apt-get install python3-venv"
        exit 1
    }
fi
rm -f "$stamp"
if [ "$(.venv/bin/uv --version 2>/dev/null | cut -d' ' -f2)" != "$UV" ]; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV"
fi

# A folder of wheels, where pip knows one, holds the CPU build of torch; elsewhere ask for it.
pip_config() { .venv/bin/python -m pip config get "global.$1" 2>/dev/null || true; }
links=${PIP_FIND_LINKS:-$(pip_config find-links)}
index=${PIP_INDEX_URL:-$(pip_config index-url)}
torch=()
if [ -n "$links" ]; then export UV_FIND_LINKS="$links"; else torch=(--torch-backend=cpu); fi
if [ -n "$index" ]; then export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"; fi

say "installing $(wc -l <requirements.lock) locked packages (3 GB; seconds to minutes)"
quiet=()  # a log needs errors, not progress and a line a package
[ -t 2 ] || quiet=(--quiet)
.venv/bin/uv pip install "${quiet[@]}" --no-deps --python .venv/bin/python "${torch[@]}" \
    -r requirements.lock
.venv/bin/uv pip install --quiet --no-deps --no-build-isolation --python .venv/bin/python -e .
printf '%s\n' "$want" >"$stamp"
say "done: $(pwd)/.venv"
