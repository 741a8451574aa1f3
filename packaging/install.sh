#!/bin/sh
# Installs Bulkhead from its tarball, for distributions without dpkg, or takes it away again.
#   ./install.sh                          into /usr/local, units into /etc/systemd/system
#   ./install.sh --uninstall              what it installed; images in /var/lib/bulkhead and settings stay
# PREFIX=/opt/bulkhead puts it elsewhere, DESTDIR=… below another root.
set -eu
# Folders that are new are for everybody to look into, whoever's shell this is.
umask 022
cd -- "$(dirname -- "$0")"
prefix=${PREFIX:-/usr/local}
root=${DESTDIR:-}
units=$root/etc/systemd/system
fail() {
    echo "error: $*" >&2
    exit 1
}
[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "must be root"
files() {
    (cd usr && find bin libexec share -type f)
}
reload() {
    if [ -z "$root" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
}

if [ "${1:-}" = --uninstall ]; then
    for unit in bulkhead bulkhead-api bulkhead-worker; do
        if [ -z "$root" ] && [ -d /run/systemd/system ]; then systemctl disable --now "$unit.service" 2>/dev/null || true; fi
        rm -f "$units/$unit.service"
    done
    files | while read -r file; do rm -f "$root$prefix/$file"; done
    rm -rf "$root$prefix/share/bulkhead" "$root$prefix/share/doc/bulkhead" "$root$prefix/libexec/bulkhead"
    [ -n "$root" ] || rm -rf /run/bulkhead
    reload
    echo "removed; left: $root/etc/bulkhead and $root/var/lib/bulkhead"
    exit 0
fi
[ $# -eq 0 ] || fail "usage: install.sh [--uninstall]"
[ "$(uname -m)" = x86_64 ] || fail "these programs are for x86_64, and this is $(uname -m)"
./usr/bin/bulkhead --version >/dev/null 2>&1 || {
    ./usr/bin/bulkhead --version || true
    fail "the program does not start here; it needs a C and a C++ library with $(paste -sd ' ' needs) (glibc, not musl)"
}

files | while read -r file; do
    mode=644
    case $file in bin/* | libexec/*) mode=755 ;; esac
    # Written beside and renamed: one that runs goes on with the old file.
    mkdir -p "$root$prefix/${file%/*}"
    cp "usr/$file" "$root$prefix/$file.new"
    chmod "$mode" "$root$prefix/$file.new"
    mv "$root$prefix/$file.new" "$root$prefix/$file"
done
mkdir -p "$units" "$root/etc/bulkhead"
for unit in lib/systemd/system/*.service; do
    sed "s|/usr/bin/bulkhead|$prefix/bin/bulkhead|" "$unit" >"$units/${unit##*/}"
done
if [ -e "$root/etc/bulkhead/bulkhead.yaml" ]; then
    cp etc/bulkhead/bulkhead.yaml "$root/etc/bulkhead/bulkhead.yaml.new"
    echo "kept: /etc/bulkhead/bulkhead.yaml (this version's is beside it: bulkhead.yaml.new)"
else
    cp etc/bulkhead/bulkhead.yaml "$root/etc/bulkhead/bulkhead.yaml"
fi
reload
cat <<END
installed below $prefix. An image is built with mmdebstrap and apt (Debian, Ubuntu), or brought from a host that has them: copy its
/var/lib/bulkhead. Then: bulkhead check; systemctl enable --now bulkhead (what runs already: systemctl restart bulkhead)
END
