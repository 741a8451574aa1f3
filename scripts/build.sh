#!/usr/bin/env bash
# Builds the programs for use: optimised, with Swift's libraries linked in.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
for product in bulkhead bulkhead-launcher bulkhead-attacks bulkhead-bench-tool; do
    "$BULKHEAD_ROOT/scripts/swift.sh" build -c release --static-swift-stdlib --product "$product"
done
