#!/usr/bin/env bash
# Shows what each process of Bulkhead may do while a job sleeps, by ps, capsh and /proc: who it is, its capabilities, whether
# it can gain privileges, whether its system calls are filtered, which of its namespaces are not the caller's.
#
#   sudo scripts/show-privileges.sh [PID]    of the running `bulkhead serve` or `run` with that PID and a job; without one, of a
#                                            `bulkhead run` of its own (BULKHEAD=path, or the release or debug build)
set -euo pipefail
root=$(cd -- "$(dirname -- "$0")/.." && pwd)
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
((EUID == 0)) || fail "what others may do is for root to see: sudo $0"
command -v capsh >/dev/null || fail "capsh is missing: apt-get install libcap2-bin"

children() { ps -o pid= --ppid "$1" --sort start_time | tr -d ' '; }

# "role pid" of the service and of everything below it: the parent says what a process is.
tree() {
    local -A next=([driver]=launcher [launcher]=slot [slot]=init [init]=job [job]=job)
    local child
    printf '%s %s\n' "$1" "$2"
    for child in $(children "$2"); do tree "${next[$1]}" "$child"; done
}

own=
said=$(mktemp)
stop() {
    [[ -z $own ]] || { kill -TERM "$own" 2>/dev/null && wait "$own"; } || true
    rm -f -- "$said"
}
trap stop EXIT
if (($# > 0)); then
    service=$1
    [[ -e /proc/$service ]] || fail "no process $service"
else
    program=${BULKHEAD:-}
    for build in release debug; do
        [[ -n $program ]] || [[ ! -x $root/.build/$build/bulkhead ]] || program=$root/.build/$build/bulkhead
    done
    [[ -n $program ]] || fail "not built: make build"
    "$program" run --image default --time 60s -- /bin/sleep 50 >"$said" 2>&1 &
    own=$!
    service=$own
    for ((attempt = 0; attempt < 300; attempt++)); do
        kill -0 "$own" 2>/dev/null || fail "bulkhead run has ended: $(cat "$said")"
        while read -r role pid; do
            [[ $role != job || $(ps -o comm= -p "$pid") != sleep ]] || break 2
        done < <(tree driver "$service")
        sleep 0.1
    done
fi

namespaces() {
    local kind shown=
    for kind in user pid mnt net ipc uts cgroup; do
        [[ $(readlink "/proc/$1/ns/$kind") == "$(readlink "/proc/$$/ns/$kind")" ]] || shown+="${shown:+,}$kind"
    done
    printf '%s' "${shown:--}"
}

# A set of capabilities in words; a full one as capsh counts it.
capabilities() {
    local decoded
    case $1 in
        0000000000000000) printf 'none' ;;
        "$all") printf 'all' ;;
        *)
            decoded=$(capsh --decode="$1")
            printf '%s' "${decoded#*=}"
            ;;
    esac
}
all=$(awk '/^CapBnd/ { print $2 }' /proc/1/status)

show() {
    local role=$1 pid=$2 status
    status=$(cat "/proc/$pid/status") || return 0
    field() { awk -v name="$1:" '$1 == name { $1 = ""; print substr($0, 2) }' <<<"$status"; }
    local uid
    uid=$(field Uid)
    printf '%-9s %7s %-11s %-5s %-5s %-5s %-4s %-8s %s\n' "$role" "$pid" "${uid%% *}" \
        "$(capabilities "$(field CapEff)")" "$(capabilities "$(field CapPrm)")" "$(capabilities "$(field CapBnd)")" \
        "$(field NoNewPrivs)" "$(field Seccomp)" "$(namespaces "$pid")"
}

processes=$(tree driver "$service")
ps -o pid,ppid,uid,nlwp,args --forest -p "$(awk '{ print $2 }' <<<"$processes" | paste -sd ,)" | cut -c 1-110
printf '\n%-9s %7s %-11s %-5s %-5s %-5s %-4s %-8s %s\n' process pid uid eff prm bnd nnp seccomp 'namespaces of its own'
while read -r role pid; do
    # Until it is executed it is the launcher's stub, with everything given up.
    [[ $role != job || $(ps -o comm= -p "$pid") != bulkhead-parked ]] || role=parked
    show "$role" "$pid"
done <<<"$processes"
cat <<'TEXT'

eff, prm, bnd: effective, permitted and bounding capabilities (capabilities(7)). nnp 1: no program gives any back, so a
bounding set that is full bounds nothing that could be had.
seccomp 2: a filter is in force. A job's uid here is the host's; inside it is 1000, the only one that its namespace maps.
TEXT
