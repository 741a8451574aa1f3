#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages of a group, only those that are missing; quick and silent when none is.
#   packages.sh build   what compiling needs
#   packages.sh run     that, and what images and the service need
#   packages.sh test    that, and what the tests need
#   packages.sh bench   what images, the service and `make bench` need: other sandboxes to compare with among them
# The test group also gets Docker's seccomp profile into .build/profiles, out of a package that would bring 250 others along;
# it is data for tests and is not kept in this repository. And promtool, out of Debian's package prometheus, which would start
# a server.
#   packages.sh package what `make deb` and `make tarball` need
# With --list before the group it only prints the names of what it installs.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

build=(binutils ca-certificates g++ git libc6-dev libcap-dev libhiredis-dev libseccomp-dev make pkg-config)
run=(curl debian-archive-keyring iproute2 mmdebstrap util-linux)
bench=(bubblewrap crun redis-server runc systemd-container)
package=(debhelper dpkg-dev lintian python3)
test=(busybox-static cpio jq libcap2-bin python3-pip python3-venv qemu-system-x86 redis-server xz-utils zstd)

# For the test of the page. Ubuntu has it as a snap alone: there that test says that it is skipped.
# shellcheck source=/dev/null
[[ $(. /etc/os-release && printf '%s' "$ID") == ubuntu ]] || test+=(chromium)

# The virtual machine boots a stock kernel. A host that has one keeps it: a second could become what it boots next.
# (Cloud kernels are not enough: they lack the 9p file system.)
if ! compgen -G '/boot/vmlinuz-*' | grep -qv cloud; then
    # shellcheck source=/dev/null
    if [[ $(. /etc/os-release && printf '%s' "$ID") == ubuntu ]]; then
        test+=(linux-image-generic)
    else
        test+=("linux-image-$(dpkg --print-architecture 2>/dev/null || echo amd64)")
    fi
fi

list=0
if [[ ${1:-} == --list ]]; then
    list=1
    shift
fi
case ${1:-} in
build) wanted=("${build[@]}") ;;
run) wanted=("${build[@]}" "${run[@]}") ;;
test) wanted=("${build[@]}" "${run[@]}" "${test[@]}") ;;
package) wanted=("${build[@]}" "${package[@]}") ;;
bench) wanted=("${build[@]}" "${run[@]}" "${bench[@]}") ;;
*) fail "usage: packages.sh [--list] build|run|test|package|bench" ;;
esac
if ((list)); then
    printf '%s\n' "${wanted[@]}"
    exit 0
fi

# Short deadlines: a network that is not there shows within seconds.
apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=1 -o Acquire::http::Timeout=8
    -o Acquire::https::Timeout=8 -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0)

# Downloads a package into the current folder; with fresh lists where apt's are too old or absent.
download() {
    # apt's own user may not write here.
    local command=("${apt[@]}" -o APT::Sandbox::User=root download "$1")
    "${command[@]}" </dev/null || { as_root "${apt[@]}" update </dev/null && "${command[@]}" </dev/null; }
}

# Docker's seccomp profile, without installing its package. Where it cannot be had, the tests that need it say so and are
# skipped, which CI does not accept.
profile() {
    local package=golang-github-docker-docker-dev target=$BULKHEAD_ROOT/.build/profiles/docker.json folder
    [[ ! -s $target ]] || return 0
    say "fetching Docker's seccomp profile from $package"
    folder=$(mktemp -d)
    if (cd -- "$folder" && download "$package") >"$folder/log" 2>&1; then
        mkdir -p -- "${target%/*}"
        dpkg-deb --fsys-tarfile "$folder"/*.deb |
            tar -xO ./usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json >"$folder/profile"
        mv -- "$folder/profile" "$target"
    else
        sed 's/^/  /' "$folder/log" >&2
        say "could not fetch $package"
    fi
    rm -rf -- "$folder"
}

# Prometheus' own check of metrics and rules, without installing its package, which starts a server on a port. Where it cannot
# be had, as above.
promtool() {
    local target=$BULKHEAD_ROOT/.build/tools/promtool folder
    [[ ! -x $target ]] || return 0
    say "fetching promtool from prometheus"
    folder=$(mktemp -d)
    if (cd -- "$folder" && download prometheus) >"$folder/log" 2>&1; then
        mkdir -p -- "${target%/*}"
        dpkg-deb --fsys-tarfile "$folder"/*.deb | tar -xO ./usr/bin/promtool >"$folder/promtool"
        chmod 755 "$folder/promtool"
        mv -- "$folder/promtool" "$target"
    else
        sed 's/^/  /' "$folder/log" >&2
        say "could not fetch prometheus"
    fi
    rm -rf -- "$folder"
}

# What the test group gets out of packages that are not installed.
extras() {
    profile
    promtool
}

command -v dpkg-query >/dev/null || fail "no dpkg here; install the equivalents of: ${wanted[*]}"
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/^installed //p' || true)
missing=()
for package in "${wanted[@]}"; do
    grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
    [[ $1 != test ]] || extras
    exit 0
fi

say "installing ${#missing[@]} packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f -- "$log"' EXIT

# Which hosts could not be reached, from what apt said.
unreached() {
    grep -E '^(Err|E|W):' "$log" | grep -oE 'https?://[^/ ]+' | sort -u | paste -sd ' ' -
}

# A repository of somebody else's may be broken without harm; what counts is whether the packages come.
if ! as_root "${apt[@]}" update </dev/null 2>&1 | tee "$log" | sed 's/^/  /' >&2; then
    say "apt-get update failed; trying with the lists there are"
fi
if ! as_root "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null 2>&1 | tee -a "$log" | sed 's/^/  /' >&2; then
    hosts=$(unreached || true)
    [[ -z $hosts ]] || fail "could not reach $hosts: check the network, a proxy in /etc/apt/apt.conf.d, the mirror in /etc/apt"
    fail "apt-get could not install: ${missing[*]} (its own words are above)"
fi
[[ $1 != test ]] || extras
