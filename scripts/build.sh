#!/usr/bin/env bash
# Builds the programs for use: optimised, with Swift's libraries, hiredis and libseccomp linked in, so that all they need of a
# host is its C and C++ runtime libraries.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

find_swift || {
    swift_help
    exit 1
}
# A folder with the archives alone, searched first: the linker takes a shared library where it finds both beside each other.
archives=$BULKHEAD_ROOT/.build/archives
as_builder mkdir -p -- "$archives"
for library in hiredis seccomp; do
    archive=$(cc -print-file-name="lib$library.a")
    [[ $archive == /* ]] || fail "no lib$library.a: scripts/packages.sh build installs it"
    as_builder ln -sfn -- "$archive" "$archives/lib$library.a"
done

for product in bulkhead bulkhead-launcher bulkhead-attacks bulkhead-bench-tool; do
    "$BULKHEAD_ROOT/scripts/swift.sh" build -c release --static-swift-stdlib -Xlinker "-L$archives" --product "$product"
done
