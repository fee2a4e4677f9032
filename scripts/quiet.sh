#!/usr/bin/env bash
# Wait while a recorder on this machine is at work: heavy work beside it may spoil what it records.
set -euo pipefail
lock="${AIOPS_RECORDER_LOCK:-/tmp/aiops-recorder.lock}"
[[ -e "$lock" ]] || exit 0
flock --shared --nonblock "$lock" true && exit 0
echo "a recorder is at work on this machine: waiting until it is done (Ctrl-C gives up)" >&2
exec flock --shared "$lock" true
