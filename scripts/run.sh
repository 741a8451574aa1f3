#!/usr/bin/env bash
# From a fresh checkout to a service that has answered: checks, packages, build, image, start, sample.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
scripts="$BULKHEAD_ROOT/scripts"

if command -v curl >/dev/null && port_taken && own_service; then
    say "the service already runs on port $PORT; this is the sample through it"
    send_sample
    exit 0
fi

say "[1/5] this machine"
"$scripts/preflight.sh"
say "[2/5] packages"
"$scripts/packages.sh" run
say "[3/5] build (the first takes some minutes)"
"$scripts/build.sh"
say "[4/5] image"
as_root "$BULKHEAD_ROOT/.build/release/bulkhead" rootfs build default --state-dir "$STATE_DIR"
say "[5/5] service"
if ((EUID == 0)); then
    exec "$scripts/serve.sh"
fi
# In the foreground, so that sudo can ask for a password and Ctrl-C reaches it.
exec sudo -- env PORT="$PORT" STATE_DIR="$STATE_DIR" "$scripts/serve.sh"
