#!/usr/bin/env bash
# Makes a tarball for distributions without dpkg in .build/packages, from the built programs: the same files as the package, and
# install.sh. Says what it needs of a host's C library.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
version=$("$BULKHEAD_ROOT/.build/release/bulkhead" --version)
name=bulkhead-$version-x86_64
work=$BULKHEAD_ROOT/.build/tarball
packages=$BULKHEAD_ROOT/.build/packages
rm -rf -- "$work"
mkdir -p -- "$work" "$packages"
"$BULKHEAD_ROOT/scripts/stage.sh" "$work/$name"
install -m 755 "$BULKHEAD_ROOT/packaging/install.sh" "$work/$name/install.sh"
install -m 644 "$BULKHEAD_ROOT/LICENSE" "$work/$name/LICENSE"
# The newest symbols that are asked for are the oldest library that will do.
newest() { objdump -T "$work/$name/usr/bin/bulkhead" | grep -oE "$1_[0-9.]+" | sort -Vu | tail -n 1; }
printf '%s\n' "$(newest GLIBC)" "$(newest GLIBCXX)" >"$work/$name/needs"
tar --create --gzip --owner=0 --group=0 --numeric-owner --sort=name --directory "$work" \
    --file "$packages/$name.tar.gz" "$name"
say "needs $(paste -sd ' ' "$work/$name/needs"); $(objdump -p "$work/$name/usr/bin/bulkhead" | awk '/NEEDED/ {print $2}' | paste -sd ' ' -)"
printf '%s\n' "$packages/$name.tar.gz"
