#!/usr/bin/env bash
# Tests the Debian package where it is to work: installs it on a Debian under systemd in a virtual machine, uses it, upgrades,
# removes and purges it, and looks for what is left. Prints "ok …" or "not ok …" for each thing; exit 1 when one is not.
#   scripts/test-package.sh           all of it
#   scripts/test-package.sh --short   without the watchdog, the crash, containers, API and worker apart, and the tarball
# As root, after scripts/build.sh and `bulkhead rootfs build default`.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
((EUID == 0)) || {
    say "privileged suite skipped: needs root"
    exit 0
}
length=all
[[ ${1:-} != --short ]] || length=short
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
mkdir "$work/payload"
# As who builds: nothing of root's stays in the checkout. What unpacks quickly here takes a minute there.
deb=$(SWIFT_PATH=/usr/bin as_builder env DEB_LIGHT=1 "$BULKHEAD_ROOT/scripts/deb.sh")
cp "$deb" "$work/payload/"
# A newer one, which differs in its version alone.
dpkg-deb -R "$deb" "$work/tree"
sed -i -E 's/^(Version: .*)$/\1+newer/' "$work/tree/DEBIAN/control"
dpkg-deb --root-owner-group -Zzstd -z3 -b "$work/tree" "$work/payload/bulkhead_NEWER_amd64.deb" >/dev/null
rm -rf -- "$work/tree"
cp "$BULKHEAD_ROOT/scripts/package-guest.sh" "$work/payload/guest.sh"
mkdir "$work/payload/docs"
cp "$BULKHEAD_ROOT"/docs/*.md "$work/payload/docs/"
echo "$length" >"$work/payload/length"
if [[ $length == all ]]; then
    tarball=$(SWIFT_PATH=/usr/bin as_builder "$BULKHEAD_ROOT/scripts/tarball.sh")
    cp "$tarball" "$work/payload/"
fi
"$BULKHEAD_ROOT/scripts/systemd-vm.sh" "$work/payload"
