#!/usr/bin/env bash
# Runs a command in a virtual machine, as root, against cgroup v2 with every controller.
#
#   scripts/test-vm.sh COMMAND [ARGUMENT…]   runs it in this repository's folder and returns its exit code
#   scripts/test-vm.sh                       runs the engine's tests, which must have been built: .build/debug/*.xctest
#   scripts/test-vm.sh --part NAME [COMMAND…] [--part NAME [COMMAND…]]…
#                                            runs several in one guest, one after another, each in a control group of its own and
#                                            whatever became of those before it; without a command: the engine's tests.
#                                            Of each .build/vm/out has NAME.log, NAME.seconds, and NAME.status, its exit code, where
#                                            it came to an end; returns the first that is not 0
#
# The guest is Debian's own kernel over this machine's file system, read-only, by virtme-ng and QEMU. The
# CPU is emulated, about ten times slower, so that it works wherever this repository is built. What the command finds:
#   BULKHEAD_VM=1            that it is in the guest
#   BULKHEAD_STATE_DIR       a state folder of the guest with images/default/current, an ext4 disk made of the host's image
#   BULKHEAD_TIME_SCALE      10 (1 with KVM) unless it is set: deadlines are to be stretched by it
#   BULKHEAD_VM_OUT          the one folder that the guest shares with the host for writing; .build/vm/out here
# /tmp, /run and /dev/shm are the guest's own; other writes stay in the guest.
#
# Exit codes of its own: 2 something is missing (said with the line that fixes it), 124 out of time, 125 the guest ended
# without an answer.
#
#   BULKHEAD_VM_TIMEOUT   seconds for each command, 1200; to boot it has 300
#   BULKHEAD_VM_MEMORY    memory of the guest, 4G
#   BULKHEAD_VM_CPUS      CPUs of the guest, 2
#   BULKHEAD_VM_KVM       1: use KVM instead of emulation
#   BULKHEAD_VM_IMAGE     the image folder, /var/lib/bulkhead/images/default/current
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(dirname "$here")
work=$repository/.build/vm
out=$work/out
timeout=${BULKHEAD_VM_TIMEOUT:-1200}
image=${BULKHEAD_VM_IMAGE:-/var/lib/bulkhead/images/default/current}

say() { echo "test-vm: $*" >&2; }
missing() {
    say "$1"
    say "fix: $2"
    exit 2
}

[ "$(id -u)" = 0 ] || missing "the guest's root folder is this machine's: root must be able to read it" "run as root"
command -v qemu-system-x86_64 >/dev/null || missing "no qemu-system-x86_64" "apt-get install qemu-system-x86"

# The cloud kernel has no 9p, with which the guest sees this machine's files.
kernel=$(find /boot -maxdepth 1 -name 'vmlinuz-*-amd64' ! -name '*cloud*' | sort -V | tail -n 1)
[ -n "$kernel" ] || missing "no Debian kernel in /boot" "apt-get install linux-image-amd64"
release=${kernel#/boot/vmlinuz-}
[ -d "/lib/modules/$release" ] || missing "no modules of $kernel" "apt-get install --reinstall linux-image-$release"

mkdir -p "$work"
# One guest at a time: they would share the out folder, and two emulated CPUs each.
exec 9>"$work/lock"
flock -w "$timeout" 9 || { say "another guest has been running for $timeout s"; exit 124; }

vng=$(command -v vng || true)
if [ -z "$vng" ]; then
    vng=$work/venv/bin/vng
    if [ ! -x "$vng" ]; then
        say "installing virtme-ng into $work/venv"
        python3 -m venv "$work/venv" >&2 || missing "no python3 venv" "apt-get install python3-venv"
        "$work/venv/bin/pip" install --quiet 'virtme-ng==1.42' >&2 || missing "pip could not install virtme-ng" \
            "pip install virtme-ng, and have vng in PATH"
    fi
    # vng looks for virtme-run in PATH.
    PATH=$work/venv/bin:$PATH
fi

rm -rf "$out"
mkdir -p "$out"
[ "${1:-}" = --part ] || set -- --part command "$@"
parts=0
while [ $# -gt 0 ]; do
    [ "$1" = --part ] && [ $# -ge 2 ] || { say "a part has a name: --part NAME COMMAND…"; exit 2; }
    name=$2
    shift 2
    command=()
    while [ $# -gt 0 ] && [ "$1" != --part ]; do
        command+=("$1")
        shift
    done
    if [ ${#command[@]} -eq 0 ]; then
        tests=$(find "$repository/.build/debug/" -maxdepth 1 -name '*PackageTests.xctest' -print -quit 2>/dev/null || true)
        [ -n "$tests" ] || missing "no built tests in .build/debug" "swift build --build-tests"
        [ -d "$image/rootfs" ] || missing "no image in $image" "bulkhead rootfs build default"
        command=("$tests" --testing-library swift-testing --filter IsolationTests --no-parallel)
    fi
    echo "$name" >>"$out/parts"
    printf '%s\0' "${command[@]}" >"$out/$name.command"
    parts=$((parts + 1))
done
limit=$timeout
timeout=$((timeout * parts + 300))
echo "$limit" >"$out/limit"

# 9p is slow; the image goes in as a disk, made again only when the image is another.
disk=()
if [ -d "$image/rootfs" ]; then
    command -v mke2fs >/dev/null || missing "no mke2fs" "apt-get install e2fsprogs"
    folder=$(readlink -f "$image")
    version=$(basename "$folder")
    key=$({ echo "$folder"; stat -c '%i %y' "$folder" "$folder"/*; } | sha256sum | cut -c1-16)
    file=$work/image-$key.ext4
    if [ ! -f "$file" ]; then
        say "making a disk of $folder"
        rm -f "$work"/image-*.ext4
        kilobytes=$(du -sk "$folder" | cut -f1)
        inodes=$(find "$folder" | wc -l)
        # Room for the file system's own tables; the default number of inodes can be too small for many small files.
        mke2fs -qF -t ext4 -b 4096 -O ^has_journal -m 0 -N "$((inodes + 1024))" -d "$folder" \
            "$file.new" "$((kilobytes * 9 / 8 + 65536))k" >&2
        mv "$file.new" "$file"
    fi
    echo "$version" >"$out/image"
    disk=("--qemu-opts=-drive file=$file,if=virtio,format=raw,readonly=on")
else
    say "no image in $image: the guest has none"
fi

# KVM only when asked for: /dev/kvm can be there and not work, as inside a guest whose own host hides registers.
acceleration=(--disable-kvm)
scale=10
if [ "${BULKHEAD_VM_KVM:-0}" = 1 ]; then
    acceleration=()
    scale=1
fi
echo "${BULKHEAD_TIME_SCALE:-$scale}" >"$out/scale"

running=
finish() {
    local pid
    if [ -z "$running" ]; then return; fi
    # QEMU first, by the pid that it wrote itself: virtme then ends on its own and reaps it.
    if [ -s "$out/qemu.pid" ]; then
        pid=$(<"$out/qemu.pid")
        if [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == *qemu* ]]; then kill -KILL "$pid" || true; fi
    fi
    for _ in {1..50}; do
        kill -0 "$running" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL -- "-$running" 2>/dev/null || true
    wait "$running" 2>/dev/null || true
}
trap finish EXIT
trap 'exit 130' INT TERM

started=$SECONDS
# QEMU opens its output anew by /proc/self/fd/1: a file would be cut to nothing, a socket could not be opened. Hence the
# pipe to cat. setsid makes a process group that can be ended as one.
setsid bash -c '"$@" </dev/null 2>&1 9>&- | cat 9>&-' bash "$vng" --run "$kernel" "${acceleration[@]}" --force-9p \
    --cpus "${BULKHEAD_VM_CPUS:-2}" --memory "${BULKHEAD_VM_MEMORY:-4G}" --user root --cwd "$repository" \
    --rwdir "$out" "${disk[@]}" --qemu-opts="-pidfile $out/qemu.pid" \
    --exec "BULKHEAD_VM_OUT='$out' '$here/vm-guest.sh'" &
running=$!

while kill -0 "$running" 2>/dev/null; do
    if ((SECONDS - started >= 300)) && [ ! -s "$out/booted" ]; then
        say "not booted after 300 s"
        exit 124
    fi
    if ((SECONDS - started >= timeout)); then
        say "no end after $timeout s"
        exit 124
    fi
    sleep 0.2
done

if [ ! -s "$out/status" ]; then
    say "the guest ended without an answer after $((SECONDS - started)) s"
    exit 125
fi
boot=unknown
if [ -s "$out/booted" ]; then boot=$(($(<"$out/booted") - $(stat -c %Y "$out/limit"))); fi
say "guest $release, boot $boot s, all $((SECONDS - started)) s, exit $(<"$out/status")"
exit "$(<"$out/status")"
