#!/usr/bin/env bash
# Shows that no protection is there for nothing: leaves each out in turn, in a launcher built for that alone or in a copy of
# the policy, and prints which attacks of `bulkhead selftest` then go red. Exit 1 when one can be left out unnoticed.
#
#   scripts/sabotage.sh [NAME…]     those protections only
#   scripts/sabotage.sh --list      their names
#
# Needs root, the debug build and the default image. Takes some minutes. The sabotaged launcher is built into
# .build-sabotage; it says on standard error what it leaves out, and no other build can be talked into that. With
# SABOTAGE_IS_BUILT=true it is there already: so for a virtual machine, `scripts/test-vm.sh scripts/sabotage.sh NAME…`.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
cd -- "$BULKHEAD_ROOT"

# NAME|the groups of attacks that should notice. A name is a set-up step in words or that of a protecting() in
# Sources/launcher; "policy: CALL" lets a system call through that policies/default.json refuses.
# Not here: "drop capabilities". A job that executes the stub with capabilities loses them by that, as a user who is not
# root and inherits none (capabilities(7)); the step holds from where it stands until then.
protections=(
    'cgroup namespace|files identity'
    'new session|identity syscalls'
    'drop groups|identity'
    'enter user namespace|identity'
    'job identity|identity'
    'bounding set|identity'
    'no new privileges|identity'
    'close descriptors|identity'
    'reset signals|identity'
    'job filter|syscalls'
    'limit namespaces|identity'
    'init groups|processes'
    'init identity|processes'
    'init capabilities|processes'
    'init not dumpable|processes'
    'init filter|processes'
    'mask proc|files'
    'hidepid|processes files'
    'seal dev|files'
    'detach host|files'
    'read-only image|files'
    'image nosuid nodev|files'
    'work nosuid nodev|files'
    'disk size|limits'
    'disk inodes|limits'
    'uts namespace|identity'
    'network namespace|network identity'
    'pid namespace|processes identity'
    'ipc namespace|neighbours identity'
    'memory.limit_in_bytes|limits'
    'memory.max|limits'
    'pids.max|limits'
    'cpu.cfs_quota_us|limits'
    'cpu.max|limits'
    'wall time|limits'
    'cpu time|limits'
    'denied call limit|limits'
    'watched call limit|limits'
    'rlimit 1|limits identity'
    'rlimit 4|limits identity'
    'rlimit 7|limits identity'
    'rlimit 8|identity'
    'rlimit 11|limits identity'
    'rlimit 12|identity'
    'rlimit 13|identity'
    'rlimit 14|identity'
    'collect beneath|collection'
    'collect regular files|collection'
    'collect one link|collection'
    'policy: io_uring_setup|syscalls'
    'policy: bpf|syscalls'
    'policy: userfaultfd|syscalls'
    'policy: perf_event_open|syscalls'
    'policy: keyctl|syscalls neighbours'
    'policy: add_key|syscalls neighbours'
    'policy: mount|syscalls files'
    'policy: fsopen|syscalls files'
    'policy: pivot_root|syscalls'
    'policy: chroot|syscalls'
    'policy: setns|syscalls identity'
    'policy: unshare|syscalls identity network'
    'policy: clone|syscalls identity'
    'policy: ptrace|syscalls processes'
    'policy: process_vm_readv|syscalls processes'
    'policy: pidfd_getfd|syscalls processes'
    'policy: kcmp|syscalls'
    'policy: open_by_handle_at|syscalls files'
    'policy: name_to_handle_at|syscalls files'
    'policy: fanotify_init|syscalls'
    'policy: quotactl|syscalls'
    'policy: kexec_load|syscalls'
    'policy: init_module|syscalls'
    'policy: syslog|syscalls'
    'policy: iopl|syscalls'
    'policy: modify_ldt|syscalls'
    'policy: personality|syscalls'
    'policy: move_pages|syscalls'
    'policy: memfd_secret|syscalls'
    'policy: seccomp|syscalls'
    'policy: socket|network syscalls'
    'policy: ioctl|syscalls'
    'policy: setsockopt|syscalls limits'
    'policy: fadvise64|syscalls files neighbours'
)
if [[ ${1:-} == --list ]]; then
    printf '%s\n' "${protections[@]%%|*}"
    exit 0
fi
((EUID == 0)) || fail "the attacks are run as root starts them: sudo $0"
[[ -x .build/debug/bulkhead && -x .build/debug/bulkhead-attacks ]] || fail "not built: swift build"

if [[ ${SABOTAGE_IS_BUILT:-} != true ]]; then
    say "building the launcher that leaves protections out"
    scripts/swift.sh build --scratch-path .build-sabotage -Xswiftc -DBULKHEAD_SABOTAGE --product bulkhead-launcher |
        tail -n 1 >&2
fi
# What the service must lower is raised first, where this root may.
is_raised=true
prlimit --pid $$ --memlock=unlimited --msgqueue=unlimited --nice=40 --rtprio=99 2>/dev/null || is_raised=false
work=$(mktemp -d)
# It looks for the name of what it leaves out beside itself, where the repository may be read-only.
launcher=$work/bulkhead-launcher
leave_out=$work/leave-out
cp .build-sabotage/debug/bulkhead-launcher "$launcher"
dumpable=$(</proc/sys/fs/suid_dumpable)
own_group=/sys/fs/cgroup/bulkhead-sabotage
finish() {
    rm -rf -- "$work"
    echo "$dumpable" >/proc/sys/fs/suid_dumpable
    [[ ! -d $own_group ]] || find "$own_group" -depth -type d -exec rmdir {} +
}
trap finish EXIT

# Runs the attacks of some groups, or all where none is named; prints those that were not contained.
red() {
    local policies=$1 group options=()
    shift
    for group in "$@"; do options+=(--group "$group"); done
    (
        # On cgroup v2 the service wants a group that it shares with nobody, this script included.
        if [[ ! -d /sys/fs/cgroup/memory ]]; then
            group=$own_group/$BASHPID
            mkdir -p "$group"
            echo "+cpu +memory +pids" >/sys/fs/cgroup/cgroup.subtree_control
            echo "+cpu +memory +pids" >"$own_group/cgroup.subtree_control"
            echo "$BASHPID" >"$group/cgroup.procs"
        fi
        # With groups and a capability to lose, as root may have them.
        exec setpriv --groups 4,6,42 --inh-caps +chown \
            .build/debug/bulkhead selftest --json --launcher "$launcher" --policies "$policies" "${options[@]}" \
            2>"$work/said" >"$work/report" </dev/null
    ) || true
    if [[ -s $work/report ]]; then
        jq -r '.attacks[] | select(.verdict != "contained") | .name' "$work/report"
    else
        echo "nothing runs: $(grep -v SABOTAGED "$work/said" | tail -n 1 | cut -c1-100)"
    fi
}

# A copy of the policies in which a call is let through whatever its arguments.
policy_with() {
    rm -rf "$work/policies"
    cp -r policies "$work/policies"
    jq --arg call "$1" '.syscalls |= map(.names -= [$call] | select(.names != []))
        + [{names: [$call], action: "SCMP_ACT_ALLOW"}]' policies/default.json >"$work/policies/default.json"
}

# Whether the kernel was built without a call: it answers ENOSYS where the policy would have said EPERM.
kernel_lacks() {
    local number
    number=$(printf '#include <sys/syscall.h>\nSYS_%s\n' "$1" | gcc -E -P - | tail -n 1)
    setpriv --reuid 65534 --regid 65534 --clear-groups \
        /usr/bin/perl -MErrno -e 'syscall($ARGV[0], (-1) x 6); exit($! != Errno::ENOSYS)' -- "$number"
}

wanted=("$@")
unnoticed=0
: >"$leave_out"
# Before anything is left out: the groups that are to be judged by, or everything.
groups=()
for entry in "${protections[@]}"; do
    if [[ " ${wanted[*]/#/=} " == *"=${entry%%|*} "* ]]; then read -ra groups <<<"${groups[*]} ${entry#*|}"; fi
done
mapfile -t groups < <(printf '%s\n' "${groups[@]}" | sort -u | sed '/^$/d')
left=$(red policies "${groups[@]}")
[[ -z $left ]] || fail "with every protection in force these are not contained: $left"
printf '| left out | attacks that went red |\n|---|---|\n'
for entry in "${protections[@]}"; do
    name=${entry%%|*}
    if ((${#wanted[@]})) && [[ ! " ${wanted[*]/#/=} " == *"=$name "* ]]; then continue; fi
    # A host has one of the two kinds of control groups.
    if [[ $name == memory.max || $name == cpu.max ]] && [[ -d /sys/fs/cgroup/memory ]]; then continue; fi
    if [[ $name == memory.limit_in_bytes || $name == cpu.cfs_* ]] && [[ ! -d /sys/fs/cgroup/memory ]]; then continue; fi
    if ! $is_raised && [[ $name =~ ^'rlimit '(8|12|13|14)$ ]]; then
        printf '| %s | not tried: this root may not raise its own limit, and has no more than a job |\n' "$name"
        continue
    fi
    if [[ $name == policy:* ]] && kernel_lacks "${name#policy: }"; then
        printf '| %s | not tried: this kernel was built without that call |\n' "$name"
        continue
    fi
    policies=policies
    if [[ $name == policy:* ]]; then
        : >"$leave_out"
        policy_with "${name#policy: }"
        policies=$work/policies
    else
        printf '%s\n' "$name" >"$leave_out"
    fi
    # With 0, the usual value, the kernel itself makes a process that gives up root undumpable (proc(5)).
    if [[ $name == 'init not dumpable' ]]; then echo 1 >/proc/sys/fs/suid_dumpable; fi
    read -ra groups <<<"${entry#*|}"
    attacks=$(red "$policies" "${groups[@]}")
    [[ -n $attacks ]] || attacks=$(red "$policies")
    echo "$dumpable" >/proc/sys/fs/suid_dumpable
    if [[ -z $attacks ]]; then
        unnoticed=$((unnoticed + 1))
        attacks="**none**"
    fi
    printf '| %s | %s |\n' "$name" "$(paste -sd ' ' <<<"$attacks")"
done
((unnoticed == 0)) || fail "$unnoticed protections can be left out unnoticed"
