#!/usr/bin/env bash
# For the guest of test-vm.sh: starts a real systemd as PID 1 of a PID namespace and runs a command in a unit that has no
# Delegate=, as a stock host's shell or service would. Prints what the command printed and returns its exit code.
#   scripts/vm-systemd.sh COMMAND [ARGUMENT…]
set -euo pipefail
[ "${BULKHEAD_VM:-0}" = 1 ] || {
    echo "vm-systemd: only in the guest of scripts/test-vm.sh: it takes control groups for itself" >&2
    exit 2
}
work=$(mktemp -d /run/vm-systemd.XXXXXX)
group=/sys/fs/cgroup/vm-systemd
printf '%q ' "$@" >"$work/command"
cat >"$work/run" <<RUN
cd $(printf %q "$PWD")
. $work/command
RUN
mkdir -p /run/systemd/system
cat >/run/systemd/system/vm-systemd.service <<UNIT
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
Environment=PATH=/usr/sbin:/usr/bin:/sbin:/bin BULKHEAD_STATE_DIR=$BULKHEAD_STATE_DIR
ExecStart=/bin/bash -c '. $work/run; echo \$? >$work/status'
StandardOutput=file:$work/output
StandardError=file:$work/output
ExecStopPost=/bin/systemctl --force exit
UNIT
mkdir -p "$group"
# systemd must be alone in its group, and see it as the hierarchy's root, to hand controllers on.
timeout 120 unshare --pid --mount --fork --mount-proc bash -c "
    echo 0 >$group/cgroup.procs
    exec unshare --cgroup bash -c '
        umount -R /sys/fs/cgroup
        mount -t cgroup2 none /sys/fs/cgroup
        exec env container=other /lib/systemd/systemd --system --unit=vm-systemd.service --log-level=warning'
" </dev/null >&2 || echo "vm-systemd: systemd ended with $?" >&2
cat "$work/output"
[ -s "$work/status" ] || {
    echo "vm-systemd: the command did not run" >&2
    exit 125
}
exit "$(<"$work/status")"
