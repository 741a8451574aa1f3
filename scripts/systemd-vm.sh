#!/usr/bin/env bash
# Boots a Debian with systemd as its PID 1, from a disk of its own, in a virtual machine, and runs a script in it as root, in a
# unit as any service's. What the script writes is printed; the exit code is the script's. Changes to the disk are lost.
#   scripts/systemd-vm.sh FOLDER     a folder that the guest finds, read-only, as /mnt; it has the script, guest.sh
# The disk has the image default, built before, and is made once, in STATE_DIR/systemd-vm (/var/lib/bulkhead/systemd-vm); it is made
# again when its recipe or the image change. The CPU is emulated: about ten times slower, and at home everywhere.
#
# Exit codes of its own: 2 something is missing, 124 out of time, 125 the guest ended without an answer.
#   SYSTEMD_VM_TIMEOUT   seconds from start to end, 600
#   SYSTEMD_VM_KVM       1: use KVM instead of emulation
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
payload=${1:?usage: systemd-vm.sh FOLDER}
cache=$STATE_DIR/systemd-vm
missing() {
    say "systemd-vm: $1"
    exit 2
}
((EUID == 0)) || missing "needs root, for a disk with the files of a Debian"
kernel=$(find /boot -maxdepth 1 -name 'vmlinuz-*-amd64' ! -name '*cloud*' | sort -V | tail -n 1)
[[ -n $kernel ]] || missing "no Debian kernel in /boot: apt-get install linux-image-amd64"
release=${kernel#/boot/vmlinuz-}
image=$(readlink -f "$STATE_DIR/images/default/current")
[[ -d $image/rootfs ]] || missing "no image default in $STATE_DIR: bulkhead rootfs build default"
for program in qemu-system-x86_64 mmdebstrap mke2fs busybox cpio; do
    command -v "$program" >/dev/null || missing "no $program: scripts/packages.sh test"
done

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
mkdir -p "$cache"
# Two tests at once would make one disk.
exec 9>"$cache/lock"
flock 9

# ---- the disk ----
packages=systemd,systemd-sysv,dbus,crun,curl,libstdc++6,redis-server
key=$({
    echo "$packages $image"
    sed -n '/^# ---- the disk ----/,/^# ---- the start ----/p' "$0"
} | sha256sum | cut -c1-16)
disk=$cache/root-$key.ext4
if [[ ! -s $disk ]]; then
    say "systemd-vm: making the disk of a Debian with systemd, once"
    rm -f -- "$cache"/root-*
    mmdebstrap --quiet --variant=minbase --include="$packages" \
        --aptopt='Acquire::Languages "none"' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/man/*' bookworm "$work/root" >&2
    # Nothing of a stock host is left out but what waits for hardware or a network that the guest has not.
    for unit in getty@tty1.service serial-getty@ttyS0.service systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer \
        e2scrub_reap.service e2scrub_all.timer redis-server.service systemd-pstore.service dpkg-db-backup.timer; do
        ln -sfn /dev/null "$work/root/etc/systemd/system/$unit"
    done
    # Started by the test, by its path.
    rm "$work/root/etc/systemd/system/redis-server.service"
    rm -f "$work/root"/etc/systemd/system/multi-user.target.wants/redis-server.service
    echo guest >"$work/root/etc/hostname"
    # systemd must not ask for what a first boot asks for.
    echo 0123456789abcdef0123456789abcdef >"$work/root/etc/machine-id"
    cat >"$work/root/etc/systemd/system/guest.service" <<'UNIT'
[Unit]
Description=The test
After=multi-user.target
[Service]
Type=oneshot
TimeoutStartSec=infinity
StandardOutput=file:/dev/ttyS0
StandardError=file:/dev/ttyS0
ExecStart=/bin/bash /mnt/guest.sh
ExecStopPost=/bin/bash -c 'echo "guest ended: $EXIT_STATUS" >/dev/ttyS0; sync; /bin/systemctl --force --force poweroff'
UNIT
    ln -s ../guest.service "$work/root/etc/systemd/system/multi-user.target.wants/guest.service" 2>/dev/null ||
        { mkdir -p "$work/root/etc/systemd/system/multi-user.target.wants" &&
            ln -s ../guest.service "$work/root/etc/systemd/system/multi-user.target.wants/guest.service"; }
    sed -i /After=multi-user/d "$work/root/etc/systemd/system/guest.service"
    # The image is not copied to be put in: it is seen there while the disk is written.
    target=$work/root/var/lib/bulkhead/images/default/$(basename "$image")
    mkdir -p "$target"
    ln -s "$(basename "$image")" "${target%/*}/current"
    kilobytes=$(($(du -sk "$work/root" | cut -f1) + $(du -sk "$image" | cut -f1)))
    unshare --mount -- bash -euc 'mount --bind "$1" "$2"; mke2fs -qF -t ext4 -O ^has_journal -m 0 -d "$3" "$4" "$5"' - \
        "$image" "$target" "$work/root" "$disk.new" "$((kilobytes * 5 / 4 + 1048576))k"
    mv -- "$disk.new" "$disk"
    rm -rf -- "$work/root"
fi
# ---- the start ----
# What finds the disks and goes on with them; Debian's own initramfs would look for hardware for a minute.
mkdir -p "$work/init/bin" "$work/init/modules" "$work/init/root" "$work/init/proc" "$work/init/dev"
cp "$(command -v busybox)" "$work/init/bin/busybox"
{
    printf '#!/bin/busybox sh\n/bin/busybox mount -t devtmpfs none /dev\n'
    modprobe -S "$release" --show-depends -a virtio_pci virtio_blk ext4 overlay | awk '/^insmod/ && !seen[$2]++ {print $2}' |
        while read -r module; do
            cp "$module" "$work/init/modules/"
            echo "/bin/busybox insmod /modules/${module##*/}"
        done
    cat <<'INIT'
while [ ! -b /dev/vdb ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox mount -t ext4 -o ro /dev/vdb /root/mnt
exec /bin/busybox switch_root /root /lib/systemd/systemd
INIT
} >"$work/init/init"
chmod +x "$work/init/init"
(cd "$work/init" && find . | cpio --quiet -o -H newc) >"$work/initrd"
kilobytes=$(du -sk "$payload" | cut -f1)
mke2fs -qF -t ext4 -O ^has_journal -m 0 -d "$payload" "$work/payload" "$((kilobytes * 9 / 8 + 16384))k"

accel=tcg
[[ ${SYSTEMD_VM_KVM:-0} != 1 ]] || accel=kvm
started=$SECONDS
# What the guest writes is in a file without a name, below TMPDIR.
TMPDIR=$work timeout -k 5 "${SYSTEMD_VM_TIMEOUT:-600}" qemu-system-x86_64 -machine q35,accel=$accel -cpu max -smp 2 -m 3G \
    -nodefaults -display none -serial stdio -no-reboot -kernel "$kernel" -initrd "$work/initrd" \
    -append "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off systemd.show_status=0 systemd.log_target=null rw" \
    -drive "file=$disk,if=virtio,format=raw,snapshot=on" -drive "file=$work/payload,if=virtio,format=raw,readonly=on" \
    </dev/null 2>&1 9>&- | sed -u 's/\r//g' | tee "$work/output" | grep --line-buffered -v '^guest ended: ' || true
say "systemd-vm: $((SECONDS - started)) s"
status=$(sed -n 's/^guest ended: //p' "$work/output" | tail -n 1)
[[ $status =~ ^[0-9]+$ ]] || {
    ((SECONDS - started < ${SYSTEMD_VM_TIMEOUT:-600})) || exit 124
    exit 125
}
exit "$status"
