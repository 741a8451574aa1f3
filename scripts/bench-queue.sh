#!/usr/bin/env bash
# Measures the queue alone, with empty jobs, beside BullMQ's own worker from PyPI, on a Redis of its own; docs/queue.md has the
# figures. After the build; needs no root.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

binaries=${BENCH_BINARIES:-$BULKHEAD_ROOT/.build/release}
[[ -x $binaries/bulkhead ]] || fail "needs $binaries/bulkhead (make build makes it)"
command -v redis-server >/dev/null || fail "needs redis-server (scripts/packages.sh test installs it)"
python=$("$BULKHEAD_ROOT/scripts/pypi.sh" bullmq)/python3
PYTHONDONTWRITEBYTECODE=1 exec "$python" "$BULKHEAD_ROOT/scripts/bench_queue.py" "$binaries/bulkhead" "$@"
