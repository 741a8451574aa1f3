#!/usr/bin/env bash
# Says, a line each, whether this machine has what building and running need, and what fixes what it lacks.
# Changes nothing. Exit 1 when something is missing. With --no-port the port is not looked at.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

failures=0
good() { say "  ok    $*"; }
bad() {
    say "  FAIL  $*"
    failures=$((failures + 1))
}

# The operating system: packages come from apt.
# shellcheck source=/dev/null
os=$(. /etc/os-release 2>/dev/null && printf '%s' "${PRETTY_NAME:-unknown}" || printf unknown)
if command -v apt-get >/dev/null; then
    good "operating system: $os"
else
    bad "operating system: $os has no apt. Install the packages of scripts/packages.sh your own way, bring a built image" \
        "(bulkhead rootfs build --help), and use: swift build, bulkhead serve"
fi

machine=$(uname -m)
if [[ $machine == x86_64 ]]; then
    good "machine $machine"
else
    bad "machine $machine: system calls, filters and the launcher's stub are x86-64's; use an x86-64 host"
fi

kernel=$(uname -r)
if at_least "${kernel%%-*}" "$LEAST_KERNEL"; then
    good "kernel $kernel"
else
    bad "kernel $kernel is older than $LEAST_KERNEL: upgrade (Debian 12 has 6.1): apt-get install linux-image-amd64, reboot"
fi

# Either kind of control group carries the limits.
if awk '$3 == "cgroup2" {print $2}' /proc/mounts | while read -r mount; do
    controllers=" $(cat "$mount/cgroup.controllers" 2>/dev/null) "
    [[ $controllers == *' cpu '* && $controllers == *' memory '* && $controllers == *' pids '* ]] && echo v2
done | grep -q v2; then
    good "cgroup v2 with cpu, memory and pids"
else
    missing=
    for controller in cpu memory pids; do
        awk -v c="$controller" '$3 == "cgroup" && ("," $4 ",") ~ ("," c ",") {found = 1} END {exit !found}' /proc/mounts ||
            missing+=" $controller"
    done
    if [[ -z $missing ]]; then
        good "cgroup v1 (hybrid) with cpu, memory and pids"
    else
        bad "cgroups: no$missing controller. Boot with systemd.unified_cgroup_hierarchy=1 cgroup_enable=memory, or mount" \
            "them: mount -t cgroup -o CONTROLLER cgroup /sys/fs/cgroup/CONTROLLER"
    fi
fi

if ((EUID == 0)); then
    good "root"
elif command -v sudo >/dev/null; then
    good "sudo (the launcher has to start as root)"
else
    bad "neither root nor sudo: run as root, or apt-get install sudo and add yourself to the group sudo"
fi

if find_swift; then
    good "Swift $SWIFT_VERSION in $SWIFT_PATH (building as $(builder))"
else
    bad "Swift: no toolchain of at least $LEAST_SWIFT found"
    swift_help
fi

# The build takes about 4 GiB, each image half a gibibyte twice over while it is built.
kib_free() { df -Pk "$1" | awk 'NR == 2 {print $4}'; }
state=$STATE_DIR
while [[ ! -d $state ]]; do state=$(dirname -- "$state"); done
if (($(kib_free "$BULKHEAD_ROOT") >= 4 << 20)); then
    good "disk for the build: $(($(kib_free "$BULKHEAD_ROOT") >> 20)) GiB free"
else
    bad "disk: $BULKHEAD_ROOT has $(($(kib_free "$BULKHEAD_ROOT") >> 10)) MiB free, the build needs 4 GiB: make clean, or free some"
fi
if (($(kib_free "$state") >= 2 << 20)); then
    good "disk for images: $(($(kib_free "$state") >> 20)) GiB free"
else
    bad "disk: $state has $(($(kib_free "$state") >> 10)) MiB free, images need 2 GiB: free some"
fi

memory=$(awk '$1 == "MemTotal:" {print int($2 / 1024)}' /proc/meminfo)
if ((memory >= 3000)); then
    good "memory: $memory MiB"
else
    bad "memory: $memory MiB, compiling needs about 3 GiB: add memory or swap for the build"
fi

if [[ ${1:-} != --no-port ]]; then
    if ! port_taken; then
        good "port $PORT is free"
    elif command -v curl >/dev/null && own_service; then
        good "port $PORT: our own service answers there"
    else
        bad "port $PORT is held by $(port_holder): PORT=$((PORT == 65535 ? 3000 : PORT + 1)) make run"
    fi
fi

((failures == 0)) || fail "$failures of the lines above need fixing first"
