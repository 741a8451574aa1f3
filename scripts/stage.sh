#!/usr/bin/env bash
# Lays the built programs and what belongs to them out as they are installed, below a folder that is made anew. What make deb and
# make tarball have in common; after scripts/build.sh.
#   scripts/stage.sh FOLDER
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
stage=${1:?usage: stage.sh FOLDER}
built=$BULKHEAD_ROOT/.build/release
packaging=$BULKHEAD_ROOT/packaging
for program in bulkhead bulkhead-launcher bulkhead-attacks; do
    [[ -x $built/$program ]] || fail "no $built/$program: scripts/build.sh makes it"
done

rm -rf -- "$stage"
umask 022
install -D -m 755 -t "$stage/usr/bin" "$built/bulkhead"
install -D -m 755 -t "$stage/usr/libexec/bulkhead" "$built/bulkhead-launcher" "$built/bulkhead-attacks"
install -D -m 644 -t "$stage/usr/share/bulkhead/policies" "$BULKHEAD_ROOT"/policies/*.json
install -D -m 644 -t "$stage/usr/share/bulkhead/rootfs" "$BULKHEAD_ROOT"/rootfs/*.yaml
install -D -m 644 -t "$stage/usr/share/bulkhead/monitoring" "$packaging"/prometheus/* "$packaging"/grafana/*
install -D -m 644 -t "$stage/lib/systemd/system" "$packaging"/systemd/*.service
install -D -m 644 -t "$stage/etc/bulkhead" "$packaging/bulkhead.yaml"
install -D -m 644 -t "$stage/usr/share/doc/bulkhead" "$BULKHEAD_ROOT"/docs/*.md "$BULKHEAD_ROOT/README.md" "$BULKHEAD_ROOT/SECURITY.md"
if command -v strip >/dev/null; then
    strip --strip-unneeded "$stage/usr/bin/bulkhead" "$stage"/usr/libexec/bulkhead/*
fi

# What the command says of itself.
version=$("$built/bulkhead" --version)
mkdir -p "$stage/usr/share/man/man1" "$stage/usr/share/bash-completion/completions" \
    "$stage/usr/share/zsh/vendor-completions" "$stage/usr/share/fish/vendor_completions.d"
"$built/bulkhead" --experimental-dump-help | python3 "$packaging/manual.py" "$version" >"$stage/usr/share/man/man1/bulkhead.1"
"$built/bulkhead" --generate-completion-script bash | sed 1d >"$stage/usr/share/bash-completion/completions/bulkhead"
"$built/bulkhead" --generate-completion-script zsh >"$stage/usr/share/zsh/vendor-completions/_bulkhead"
"$built/bulkhead" --generate-completion-script fish >"$stage/usr/share/fish/vendor_completions.d/bulkhead.fish"

# The notices of what is linked in.
notices=$stage/usr/share/doc/bulkhead/third-party.txt
for folder in "$BULKHEAD_ROOT"/.build/checkouts/*/; do
    for file in "$folder"LICENSE* "$folder"NOTICE*; do
        [[ ! -f $file ]] || printf '==== %s: %s ====\n\n%s\n\n' "$(basename "$folder")" "${file##*/}" "$(<"$file")"
    done
done >"$notices"
for package in libhiredis-dev libseccomp-dev libcap-dev libc6-dev; do
    file=/usr/share/doc/$package/copyright
    [[ ! -f $file ]] || printf '==== %s ====\n\n%s\n\n' "$package" "$(<"$file")"
done >>"$notices"
