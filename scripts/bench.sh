#!/usr/bin/env bash
# Measures this machine with `bulkhead bench --all`, prints what it found, and writes it into docs/benchmarks.md between the
# two marker comments, with a plot beside it. As root, after the release build and the images. Some minutes.
#
#   scripts/bench.sh [OPTION…]     further options of `bulkhead bench`
#
# BENCH_OUT=FOLDER writes benchmarks.md and benchmarks.svg there in place of docs/.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

program=$BULKHEAD_ROOT/.build/release/bulkhead
[[ -x $program ]] || fail "no release build: scripts/build.sh"
((EUID == 0)) || fail "must run as root"
out=${BENCH_OUT:-$BULKHEAD_ROOT/docs}
document=$BULKHEAD_ROOT/docs/benchmarks.md
begin='<!-- measured: make bench -->'
end='<!-- end of what was measured -->'
grep -qxF -- "$begin" "$document" && grep -qxF -- "$end" "$document" || fail "$document has lost its marker comments"

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
"$program" bench --all --state-dir "$STATE_DIR" --plot "$work/plot.svg" "$@" >"$work/measured"
cat "$work/measured"

{
    sed -n "1,/^$begin\$/p" "$document"
    # shellcheck disable=SC2016 # the backquotes are Markdown's
    printf '\n`make bench`, commit %s%s\n\n![Time of one run: median, and the line to p95](benchmarks.svg)\n\n' \
        "$(git -c safe.directory="$BULKHEAD_ROOT" -C "$BULKHEAD_ROOT" describe --always --dirty 2>/dev/null || echo unknown)" \
        "${1:+, with $*}"
    cat "$work/measured"
    printf '\n'
    sed -n "/^$end\$/,\$p" "$document"
} >"$work/document"
mkdir -p -- "$out"
install -m 644 "$work/document" "$out/benchmarks.md"
install -m 644 "$work/plot.svg" "$out/benchmarks.svg"
# What root wrote into the checkout belongs to who builds.
user=$(builder)
[[ $user == root ]] || chown -- "$user" "$out/benchmarks.md" "$out/benchmarks.svg"
