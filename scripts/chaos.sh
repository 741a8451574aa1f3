#!/usr/bin/env bash
# Runs the chaos suite (scripts/chaos/chaos.py, which names its settings): workers, producers and a Redis, and everything that
# may end or harm one of them. As root, after the build and the default image. CHAOS_BINARIES: another build than the release's.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

binaries=${CHAOS_BINARIES:-$BULKHEAD_ROOT/.build/release}
skip() {
    say "privileged suite skipped: $*"
    exit 0
}
((EUID == 0)) || skip "needs root"
for needed in "$binaries/bulkhead" "$STATE_DIR/images/default/current"; do
    [[ -e $needed ]] || skip "needs $needed (make run makes it)"
done
command -v redis-server >/dev/null || skip "needs redis-server"
python=$("$BULKHEAD_ROOT/scripts/pypi.sh" bullmq)/python3 || skip "no bullmq from PyPI"

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cc -O2 -Wall -Wextra -Werror -shared -fPIC -o "$work/powercut.so" "$BULKHEAD_ROOT/scripts/chaos/powercut.c" -ldl -lpthread
env CHAOS_BINARIES="$binaries" CHAOS_SHIM="$work/powercut.so" BULKHEAD_STATE_DIR="$STATE_DIR" \
    BULKHEAD_POLICIES="$BULKHEAD_ROOT/policies" PYTHONDONTWRITEBYTECODE=1 "$python" "$BULKHEAD_ROOT/scripts/chaos/chaos.py"
