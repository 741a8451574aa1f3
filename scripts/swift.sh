#!/usr/bin/env bash
# Runs swift with the given arguments in the checkout, as the user who builds, wherever the toolchain is.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
find_swift || {
    swift_help
    exit 1
}
cd -- "$BULKHEAD_ROOT"
as_builder swift "$@"
