#!/usr/bin/env bash
# Tests of `make run` itself: without a network, and where somebody else has the port. Prints a line "ok …" or "not ok …" for
# each; exit 1 when one failed. As root, after the release build and the default image.
#
# Everything happens in namespaces of its own: no apt of these tests can change this machine.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
((EUID == 0)) || {
    say "privileged suite skipped: needs root"
    exit 0
}
for needed in "$BULKHEAD_ROOT/.build/release/bulkhead" "$STATE_DIR/images/default/current"; do
    [[ -e $needed ]] || {
        say "privileged suite skipped: needs $needed (make run makes it)"
        exit 0
    }
done

work=$(mktemp -d)
failures=0
service=
stranger=
finish() {
    [[ -z $service ]] || kill -KILL "$service" 2>/dev/null || true
    [[ -z $stranger ]] || kill -KILL "$stranger" 2>/dev/null || true
    rm -rf -- "$work"
}
trap finish EXIT

# check NAME LOG COMMAND…: whether the command succeeds; shows the log where it does not.
check() {
    local name=$1 log=$2
    shift 2
    if "$@"; then
        printf 'ok %s\n' "$name"
    else
        printf 'not ok %s\n' "$name"
        sed 's/^/  | /' "$log"
        failures=$((failures + 1))
    fi
}
has() { grep -qF -- "$2" "$1"; }

# An apt-get that only tells that it was called.
mkdir "$work/bin"
printf '#!/bin/sh\necho "$@" >>%q\nexit 1\n' "$work/apt-called" >"$work/bin/apt-get"
chmod +x "$work/bin/apt-get"

# All descendants of a process, itself included.
family() {
    local child
    printf '%s\n' "$1"
    for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do family "$child"; done
}
# Whether none of these processes, one "pid start-time" a line, is left within ten seconds.
all_gone() {
    local line pid start
    for _ in {1..100}; do
        while read -r line; do
            read -r pid start <<<"$line"
            [[ $(start_time "$pid") != "$start" ]] || {
                sleep 0.1
                continue 2
            }
        done <<<"$1"
        return 0
    done
    return 1
}
# The 22nd field of proc(5)'s stat; the name before it may hold spaces. Nothing for a zombie: that has ended, and whoever is PID 1
# takes it away in its own time.
start_time() { sed -nE 's/^.*\) ([^Z])/\1/p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

second_run() {
    local log=$work/second port=3000 code=0 pid processes
    : >"$log"
    PORT=$port PATH="$work/bin:$PATH" unshare --net -- bash -c 'ip link set lo up && exec "$@"' - \
        "$BULKHEAD_ROOT/scripts/run.sh" </dev/null >"$log" 2>&1 &
    service=$!
    for ((attempt = 0; attempt < 3000; attempt++)); do
        if grep -q '^serving on ' "$log" || ! kill -0 "$service" 2>/dev/null; then break; fi
        sleep 0.1
    done
    check "without a network: the sample is answered" "$log" grep -q '"status":"ok".*"stdout":"Hello from sandbox\\n"' "$log"
    check "without a network: apt is not called" "$log" test ! -e "$work/apt-called"
    [[ $(readlink "/proc/$service/ns/net") != "$(readlink /proc/self/ns/net)" ]] ||
        check "without a network: in a network namespace of its own" "$log" false

    code=0
    PORT=$port timeout 30 nsenter --net="/proc/$service/ns/net" "$BULKHEAD_ROOT/scripts/run.sh" \
        </dev/null >"$work/again" 2>&1 || code=$?
    check "while it serves: the sample is sent there" "$work/again" grep -q '"status":"ok"' "$work/again"
    check "while it serves: nothing else is done" "$work/again" test "$code" = 0 -a "$(grep -c '^\[' "$work/again")" = 0

    processes=$(for pid in $(family "$service"); do echo "$pid $(start_time "$pid")"; done)
    check "its processes are known" "$log" test "$(wc -l <<<"$processes")" -ge 4
    kill -TERM "$service"
    code=0
    wait "$service" || code=$?
    service=
    check "SIGTERM ends it with code 0" "$log" test "$code" = 0
    check "and with every process of it" "$log" all_gone "$processes"
}

first_run_without_network() {
    local log=$work/first code=0 start=$SECONDS
    : >"$log"
    # A package counts as missing in a database that is this namespace's own; the rest of the file system cannot be written.
    # shellcheck disable=SC2016 # for the shell inside
    TMPDIR=$work/private timeout 120 unshare --mount --net -- bash -euc '
        private=$1
        shift
        mkdir -p "$private"
        mount -t tmpfs tmpfs "$private"
        for folder in /var/lib/dpkg /var/lib/apt /var/cache/apt; do
            layer=$private/$(basename "$(dirname "$folder")")-$(basename "$folder")
            mkdir "$layer" "$layer/upper" "$layer/work"
            mount -t overlay -o "lowerdir=$folder,upperdir=$layer/upper,workdir=$layer/work" overlay "$folder"
        done
        sed -i "/^Package: mmdebstrap\$/,/^\$/s/^Status: .*/Status: deinstall ok config-files/" /var/lib/dpkg/status
        rm -f /var/cache/apt/archives/*.deb
        mount -o remount,bind,ro /
        ip link set lo up
        exec "$@"' - "$work/private" "$BULKHEAD_ROOT/scripts/run.sh" </dev/null >"$log" 2>&1 || code=$?
    check "the first run without a network fails" "$log" test "$code" = 1
    check "within seconds" "$log" test "$((SECONDS - start))" -le 30
    check "and says what it could not install" "$log" has "$log" "packages: mmdebstrap"
    check "and which host it could not reach" "$log" \
        grep -qE '^error: could not reach https?://[^ ]+.*: check the network' "$log"
    check "and this machine is as it was" "$log" \
        test "$(dpkg-query -W -f '${db:Status-Status}' mmdebstrap)" = installed
}

port_taken_by_a_stranger() {
    local log=$work/taken code=0 port
    # It listens and never says a word.
    python3 -c '
import socket, time
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
time.sleep(600)' >"$work/port" &
    stranger=$!
    for _ in {1..100}; do
        [[ ! -s $work/port ]] || break
        sleep 0.1
    done
    port=$(<"$work/port")
    make -C "$BULKHEAD_ROOT" run PORT="$port" STATE_DIR="$STATE_DIR" </dev/null >"$log" 2>&1 || code=$?
    check "a stranger on the port: make run fails" "$log" test "$code" != 0
    check "and names the process" "$log" has "$log" "port $port is held by python3 (pid $stranger)"
    check "and the way around" "$log" has "$log" "PORT=$((port == 65535 ? 3000 : port + 1)) make run"
    check "and begins nothing" "$log" test "$(grep -c '^\[2/5\]' "$log")" = 0
    kill -KILL "$stranger"
    wait "$stranger" 2>/dev/null || true
    stranger=
}

second_run
first_run_without_network
port_taken_by_a_stranger
((failures == 0))
