#!/usr/bin/env bash
# The inside of scripts/test-vm.sh: prepares the guest as a systemd host would be, runs the commands, writes their status.
set -euo pipefail

out=$BULKHEAD_VM_OUT
date +%s >"$out/booted"
trap 'code=$?; [ -s "$out/status" ] || { echo "vm-guest: setting up failed" >&2; echo 125 >"$out/status"; }; exit $code' EXIT

for module in overlay ext4 virtio_blk; do modprobe "$module"; done

# virtme's /tmp is an overlay over 9p. A repository below /tmp would vanish under a tmpfs.
case $PWD/ in
/tmp/*) ;;
*) mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /tmp ;;
esac
mountpoint -q /dev/shm || { mkdir -p /dev/shm && mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /dev/shm; }
ip link set lo up

# Swap, so that a test can see that jobs get none of it.
modprobe brd rd_nr=1 rd_size=262144
mkswap /dev/ram0 >/dev/null
swapon /dev/ram0

mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup
for controller in cpuset cpu io memory pids; do
    echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
done

state=/run/bulkhead-state
mkdir -p "$state/images/default"
if [ -s "$out/image" ]; then
    version=$(<"$out/image")
    mkdir "$state/images/default/$version"
    mount -t ext4 -o ro,nosuid,nodev /dev/vda "$state/images/default/$version"
    [ "$version" = current ] || ln -s "$version" "$state/images/default/current"
fi

BULKHEAD_TIME_SCALE=$(<"$out/scale")
export BULKHEAD_VM=1 BULKHEAD_STATE_DIR=$state BULKHEAD_TIME_SCALE
status=0
while read -r name; do
    mapfile -d '' -t command <"$out/$name.command"
    # What `systemd-run --scope -p Delegate=yes` gives: a group of its own, controllers offered, none switched on below. The
    # command alone is in it: one with other processes could not have controllers below it.
    group=/sys/fs/cgroup/bulkhead-$name.scope
    mkdir "$group"
    echo "vm-guest: $name"
    started=$SECONDS
    code=0
    mkfifo "/run/$name.printed"
    tee "$out/$name.log" <"/run/$name.printed" &
    writer=$!
    timeout -k 10 "$(<"$out/limit")" bash -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group" "${command[@]}" \
        </dev/null >"/run/$name.printed" 2>&1 || code=$?
    echo $((SECONDS - started)) >"$out/$name.seconds"
    # All that was printed is written down; but who is left behind and holds the output keeps nobody waiting.
    for _ in {1..100}; do
        kill -0 "$writer" 2>/dev/null || break
        sleep 0.1
    done
    echo "$code" >"$out/$name.status"
    [ "$status" != 0 ] || status=$code
done <"$out/parts"
echo "$status" >"$out/status"
sync "$out/status"
