#!/usr/bin/env bash
# Makes the Debian package in .build/packages from the built programs, with debhelper; says what lintian says.
#   scripts/deb.sh [VERSION]     the version of packaging/debian/changelog unless another is given
#   DEB_LIGHT=1                  packed in a tenth of the time and half as large again, in .build/packages-light: for a test
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
version=${1:-$(dpkg-parsechangelog -l "$BULKHEAD_ROOT/packaging/debian/changelog" -S Version)}
said=$("$BULKHEAD_ROOT/.build/release/bulkhead" --version)
[[ $version == "$said"* ]] || fail "packaging/debian/changelog says $version, the program $said"
work=$BULKHEAD_ROOT/.build/deb
source=$work/bulkhead-$version
packages=$BULKHEAD_ROOT/.build/packages
if [[ ${DEB_LIGHT:-0} == 1 ]]; then
    packages=$BULKHEAD_ROOT/.build/packages-light
    export DPKG_DEB_COMPRESSOR_TYPE=gzip DPKG_DEB_COMPRESSOR_LEVEL=1
fi
rm -rf -- "$work"
mkdir -p -- "$source" "$packages"
cp -a "$BULKHEAD_ROOT/packaging/debian" "$source/debian"
"$BULKHEAD_ROOT/scripts/stage.sh" "$source/stage"
if [[ -n ${1:-} ]]; then
    { printf 'bulkhead (%s) unstable; urgency=medium\n\n  * Built by hand.\n\n -- %s  %s\n\n' "$version" \
        "The Bulkhead contributors <bulkhead@localhost>" "$(date -R)"; cat "$source/debian/changelog"; } >"$work/changelog"
    mv "$work/changelog" "$source/debian/changelog"
fi
(cd -- "$source" && dpkg-buildpackage --build=binary --no-sign) >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail "dpkg-buildpackage failed"
}
mv -- "$work"/*.deb "$packages/"
deb=$packages/bulkhead_${version}_amd64.deb
if command -v lintian >/dev/null; then
    lintian --allow-root --fail-on error,warning "$deb" >&2 || fail "lintian has found errors or warnings"
fi
printf '%s\n' "$deb"
