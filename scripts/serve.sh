#!/usr/bin/env bash
# Starts the service as root, waits until it is ready, sends the sample, and stays until Ctrl-C or its end.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
((EUID == 0)) || fail "the service starts as root: sudo $0"

"$BULKHEAD_ROOT/.build/release/bulkhead" serve --port "$PORT" --state-dir "$STATE_DIR" &
service=$!
stopping=0
stop() {
    stopping=1
    kill -TERM "$service" 2>/dev/null || true
}
trap stop INT TERM HUP
# However this script ends, the service does not outlive it.
trap 'kill -TERM "$service" 2>/dev/null || true' EXIT

ready=0
for ((attempt = 0; attempt < 300; attempt++)); do
    kill -0 "$service" 2>/dev/null || break
    if http --fail --output /dev/null "http://127.0.0.1:$PORT/healthz" 2>/dev/null; then
        ready=1
        break
    fi
    sleep 0.2
done
if ((ready)); then
    send_sample
    say ""
    say "serving on http://127.0.0.1:$PORT (Ctrl-C stops it)"
elif kill -0 "$service" 2>/dev/null && ((!stopping)); then
    fail "the service was not ready within 60 s: $BULKHEAD_ROOT/.build/release/bulkhead check says what is missing"
fi
# `wait` returns early when a signal is trapped, so it is asked until the service is gone.
while :; do
    code=0
    wait "$service" || code=$?
    kill -0 "$service" 2>/dev/null || break
done
if ((stopping)); then
    say "stopped"
    exit 0
fi
((code == 0)) || fail "the service ended with code $code"
