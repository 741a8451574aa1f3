#!/usr/bin/env bash
# Everything that says whether this checkout is sound: packages, lint, debug build, release build, images, tests, and the
# virtual machine. Prints how long each part took and ends with "N passed, N failed".
#
# Suites that need root or an image print "privileged suite skipped: REASON" when they cannot run. With CI=true that is a
# failure.
# shellcheck disable=SC2317 # functions are called by name
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
scripts="$BULKHEAD_ROOT/scripts"
cd -- "$BULKHEAD_ROOT"

passed=0
failed=0
times=()
logs=$(mktemp -d)
trap 'rm -rf -- "$logs"' EXIT

# Runs one part, keeping its output and its time; a part that fails counts as one failure.
part() {
    local name=$1 start code=0
    shift
    say "== $name"
    start=$SECONDS
    "$@" </dev/null 2>&1 | tee "$logs/$name" || code=$?
    times+=("$(printf '%5d s  %s' "$((SECONDS - start))" "$name")")
    if ((code != 0)); then
        say "== $name: failed with code $code"
    fi
    return "$code"
}

finish() {
    say ""
    printf '%s\n' "${times[@]}" >&2
    printf '%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0)) || exit 1
    exit 0
}

# A part that the following ones stand on.
needed() {
    part "$@" && return
    failed=$((failed + 1))
    finish
}

# Adds what `swift test` counted. A run that ended without a summary, by a crash say, is a failure.
count_swift() {
    local log=$1 code=$2 total bad skipped
    sed -i -E 's/\x1b\[[0-9;]*m//g' "$log"
    total=$(sed -nE 's/.*Test run with ([0-9]+) tests?.*/\1/p' "$log" | awk '{sum += $1} END {print sum + 0}')
    bad=$(grep -E '^[^ ]+ +Test .* failed after ' "$log" | grep -cvE '^[^ ]+ +Test run with ' || true)
    skipped=$(grep -cE '^[^ ]+ +Test .* skipped(: ".*"|\.)?$' "$log" || true)
    if ((code != 0 && bad == 0)); then
        bad=1
        total=$((total > 0 ? total : 1 + skipped))
    elif ((code == 0 && total == 0)); then
        say "swift test ran no test"
        bad=1
        total=1
    fi
    passed=$((passed + total - bad - skipped))
    failed=$((failed + bad))
}

# Adds the lines "ok …" and "not ok …" of a script. One that ended without any, and was not skipped, is a failure.
count_lines() {
    local log=$1 code=$2 good bad
    good=$(grep -c '^ok ' "$log" || true)
    bad=$(grep -c '^not ok ' "$log" || true)
    if ((bad == 0)) && { ((code != 0)) || { ((good == 0)) && ! grep -q 'privileged suite skipped: ' "$log"; }; }; then
        bad=1
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
}

# `swift test` with root's rights, for the suites that need them; what root wrote below .build is handed back.
privileged_tests() {
    find_swift || return
    local code=0 user
    user=$(builder)
    as_root env PATH="$SWIFT_PATH:$PATH" CI="${CI:-}" BULKHEAD_TEST_LARGE_IMAGES="${BULKHEAD_TEST_LARGE_IMAGES:-}" \
        swift test --skip-build --no-parallel || code=$?
    [[ $user == root ]] || as_root chown -R --from=root "$user" .build
    return "$code"
}

images() {
    local image
    # Rust and Haskell take 1.5 GiB: only where asked for.
    for image in default java go scripting python-data ${BULKHEAD_TEST_LARGE_IMAGES:+rust haskell}; do
        as_root .build/release/bulkhead rootfs build "$image" --state-dir "$STATE_DIR" || return
    done
}

needed preflight "$scripts/preflight.sh" --no-port
needed packages "$scripts/packages.sh" test
needed packages-for-deb "$scripts/packages.sh" package
needed lint "$scripts/swift.sh" format lint --strict -r Sources Tests Package.swift
needed debug-build "$scripts/swift.sh" build --build-tests
needed release-build "$scripts/build.sh"
needed images images

code=0
part tests privileged_tests || code=$?
count_swift "$logs/tests" "$code"

code=0
part make-run as_root env STATE_DIR="$STATE_DIR" "$scripts/test-run.sh" || code=$?
count_lines "$logs/make-run" "$code"

code=0
part benchmark as_root env STATE_DIR="$STATE_DIR" "$scripts/test-bench.sh" || code=$?
count_lines "$logs/benchmark" "$code"

# The queue while its processes and its Redis are harmed; by hand: make chaos.
if part chaos as_root env STATE_DIR="$STATE_DIR" "$scripts/chaos.sh"; then
    grep -q 'privileged suite skipped: ' "$logs/chaos" || passed=$((passed + 1))
else
    failed=$((failed + 1))
fi

# The engine's tests against cgroup v2, the attacks, and some of them at once; the tests above ran them here. One guest for all
# three; where it ends before all have, those that it did not come to get another.
virtual_machine() {
    local -A commands=([tests]="" [selftest]=".build/release/bulkhead selftest"
        [storm]=".build/release/bulkhead selftest --storm 300 --seed 4")
    local left=(tests selftest storm) out=.build/vm/out arguments name code
    while ((${#left[@]} > 0)); do
        arguments=()
        # shellcheck disable=SC2206 # a command is words
        for name in "${left[@]}"; do arguments+=(--part "$name" ${commands[$name]}); done
        part virtual-machine as_root "$scripts/test-vm.sh" "${arguments[@]}" || true
        arguments=("${left[@]}")
        left=()
        for name in "${arguments[@]}"; do
            code=125
            if [[ -s $out/$name.status ]]; then
                code=$(<"$out/$name.status")
                times+=("$(printf '%5d s    of it %s' "$(<"$out/$name.seconds")" "$name")")
            elif [[ ! -e $out/$name.log && $name != "${arguments[0]}" ]]; then
                left+=("$name")
                continue
            fi
            if [[ $name == tests ]]; then
                cp "$out/$name.log" "$logs/virtual-machine-tests" 2>/dev/null || : >"$logs/virtual-machine-tests"
                count_swift "$logs/virtual-machine-tests" "$code"
            elif ((code == 0)); then
                passed=$((passed + 1))
            else
                failed=$((failed + 1))
            fi
        done
    done
}
virtual_machine

# The Debian package under systemd; all of it by hand: make test-package.
code=0
part package as_root env STATE_DIR="$STATE_DIR" "$scripts/test-package.sh" --short || code=$?
count_lines "$logs/package" "$code"

if grep -h 'privileged suite skipped: ' "$logs"/*; then
    if [[ ${CI:-} == true ]]; then
        say "suites were skipped, and CI may not skip any"
        failed=$((failed + 1))
    fi
fi
finish
