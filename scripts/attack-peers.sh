#!/usr/bin/env bash
# Runs the attacks of `bulkhead selftest` in other sandboxes, and bare, and prints a table: for each group how many of
# the attacks that a sandbox can be asked about were contained. Needs root, the built attack program and the default image.
#
#   scripts/attack-peers.sh [--lines] [PEER…]     bare bwrap crun nsjail isolate; all that are installed where none is named
#
# --lines prints a line for each attack instead. The peers come from Debian: apt-get install bubblewrap crun (nsjail
# and isolate are not in Debian 12; they are used where they are in PATH, isolate with its configuration).
#
# What is run is each attack that judges itself as one process (alone) or as two at once (pair). Verdicts about limits,
# the order of two jobs in one slot, compilers and collected files are the service's own and not asked of a peer.
# Attacks that are harmful without limits are left out for peers that set none here: bare and bwrap.
#
# The peers run as they are meant to be used for a program that is not trusted, with the same image:
#   bare    the user nobody, nothing else
#   bwrap   --unshare-all --die-with-parent --new-session --cap-drop ALL, the image read-only, /box and /tmp tmpfs
#   crun    the configuration that `crun spec` writes, with an unprivileged user, /box and /tmp tmpfs, memory, pids and CPU limits
#   nsjail  its defaults (every namespace), with an unprivileged user and limits
#   isolate its defaults with the image's folders in place of the host's, a box made anew for each; with control groups where
#           isolate-cg-keeper has named them, without which it runs single processes only
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

program=${BULKHEAD_ATTACKS:-$BULKHEAD_ROOT/.build/release/bulkhead-attacks}
[[ -x $program ]] || program=$BULKHEAD_ROOT/.build/debug/bulkhead-attacks
[[ -x $program ]] || fail "no bulkhead-attacks is built: scripts/build.sh"
image=$STATE_DIR/images/default/current/rootfs
[[ -d $image ]] || fail "no image in $image: bulkhead rootfs build default"
((EUID == 0)) || fail "must run as root: the peers are started as a service would start them"

lines=false
if [[ ${1:-} == --lines ]]; then
    lines=true
    shift
fi
peers=("$@")
if ((${#peers[@]} == 0)); then
    peers=(bare)
    for peer in bwrap crun nsjail isolate; do
        if command -v "$peer" >/dev/null; then peers+=("$peer"); else say "$peer is not installed: left out"; fi
    done
fi

work=$(mktemp -d /tmp/bulkhead-peers-XXXXXX)
chmod 755 "$work"
install -m 755 "$program" "$work/attack"
witness=
finish() {
    # The end of its standard input ends it, and it cleans up by itself.
    exec 7>&- 2>/dev/null || true
    [[ -z $witness ]] || wait "$witness" 2>/dev/null || true
    rm -rf -- "$work"
    rmdir /sys/fs/cgroup/pids/NSJAIL 2>/dev/null || true
}
trap finish EXIT

# The witness, as the selftest has it.
canary=canary-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
mkfifo "$work/questions"
ATTACK_CANARY=$canary "$work/attack" --witness <"$work/questions" >"$work/answers" &
witness=$!
exec 7>"$work/questions"
for _ in {1..100}; do
    grep -q '^ready$' "$work/answers" 2>/dev/null && break
    sleep 0.1
done
mapfile -t given < <(grep '^ATTACK_' "$work/answers")
((${#given[@]} > 5)) || fail "the witness did not start"
given+=("ATTACK_LAUNCHER=$BULKHEAD_ROOT/.build/release/bulkhead-launcher")
environment=("PATH=/usr/bin:/bin" "HOME=/box" "LANG=C.UTF-8" "TZ=UTC" "TMPDIR=/tmp" "${given[@]}")

# What the witness saw since it was asked last: nothing, or a line.
seen() {
    local before
    before=$(wc -l <"$work/answers")
    echo check >&7
    for _ in {1..100}; do
        if (($(wc -l <"$work/answers") > before)); then break; fi
        sleep 0.02
    done
    tail -n 1 "$work/answers" | sed -n 's/^touched\t//p'
}

# Each starts the attack program with the arguments $2… in the peer's sandbox; $1 is a name of its own. A sandbox that an
# attack brings to a stop is killed after a minute: bwrap's PID 1 can be traced, and so stopped for good.
limit=(timeout --signal KILL 60)
run_bare() {
    shift
    (cd "$work" && exec "${limit[@]}" setpriv --reuid 65534 --regid 65534 --clear-groups env -i "${environment[@]}" "$work/attack" "$@")
}
run_bwrap() {
    shift
    env -i "${limit[@]}" bwrap --unshare-all --die-with-parent --new-session --cap-drop ALL --uid 1000 --gid 1000 --clearenv \
        --ro-bind "$image" / --proc /proc --dev /dev --tmpfs /tmp --tmpfs /box --ro-bind "$work/attack" /box/attack --chdir /box \
        "${set_variables[@]}" /box/attack "$@"
}
run_nsjail() {
    shift
    env -i "${limit[@]}" "$(command -v nsjail)" -q -Mo --chroot "$image" --user 65534 --group 65534 --rlimit_as 512 --time_limit 30 --cgroup_pids_max 64 \
        --tmpfsmount /tmp --tmpfsmount /box --bindmount_ro "$work/attack:/box/attack" --cwd /box \
        "${nsjail_variables[@]}" -- /box/attack "$@"
}
run_crun() {
    local bundle=$work/bundle-$1
    mkdir -p "$bundle"
    python3 - "$bundle" "$image" "$work/attack" "${environment[@]}" -- "${@:2}" <<'PYTHON'
import json, os, subprocess, sys
bundle, image, attack = sys.argv[1:4]
split = sys.argv.index("--")
subprocess.run(["crun", "spec"], cwd=bundle, check=True)
path = f"{bundle}/config.json"
config = json.load(open(path))
config["root"] = {"path": image, "readonly": True}
process = config["process"]
process.update(terminal=False, args=["/box/attack"] + sys.argv[split + 1:], env=sys.argv[4:split], cwd="/box",
               user={"uid": 65534, "gid": 65534})
for name in list(process.get("capabilities", {})):
    process["capabilities"][name] = []
for point in ("/tmp", "/box"):
    config["mounts"].append({"destination": point, "type": "tmpfs", "source": "tmpfs",
                             "options": ["nosuid", "nodev", "mode=1777", "size=64m"]})
config["mounts"].append({"destination": "/box/attack", "type": "bind", "source": attack, "options": ["bind", "ro"]})
# A group of its own at the root of each hierarchy, whatever group this shell is in.
config["linux"]["cgroupsPath"] = f"/bulkhead-peer-{os.path.basename(bundle)}-{os.getppid()}"
config["linux"]["resources"] = {"memory": {"limit": 128 << 20}, "pids": {"limit": 64},
                                "cpu": {"quota": 100000, "period": 100000}}
json.dump(config, open(path, "w"))
PYTHON
    # crun refuses a host whose cgroup v2 mount has a controller beside v1's, so it does not get to see that one.
    local name=bulkhead-peer-$$-$1 code=0
    (cd "$bundle" && env -i PATH="$PATH" "${limit[@]}" unshare --mount sh -c '
        ! [ -d /sys/fs/cgroup/memory ] || umount /sys/fs/cgroup/unified 2>/dev/null || true
        exec crun run "$1"' sh "$name") || code=$?
    # Where crun was killed its container lives on.
    crun delete --force "$name" >/dev/null 2>&1 || true
    return "$code"
}

run_isolate() {
    local id=0 box code=0
    [[ $1 != *-second ]] || id=1
    shift
    box=$(isolate "${isolate_groups[@]}" --box-id="$id" --init) || return
    install -m 755 "$work/attack" "$box/box/attack"
    env -i "${limit[@]}" "$(command -v isolate)" "${isolate_groups[@]}" --box-id="$id" --silent "${isolate_limits[@]}" --wall-time=30 \
        --no-default-dirs --dir=box=./box:rw --dir=tmp:tmp --dir=proc=proc:fs --dir=dev:dev "${isolate_folders[@]}" \
        "${isolate_variables[@]}" --run -- attack "$@" || code=$?
    isolate "${isolate_groups[@]}" --box-id="$id" --cleanup >/dev/null
    return "$code"
}

# nsjail makes its groups below this one, and does not make it.
[[ ! -d /sys/fs/cgroup/pids ]] || mkdir -p /sys/fs/cgroup/pids/NSJAIL

set_variables=()
nsjail_variables=()
isolate_variables=()
for variable in "${environment[@]}"; do
    set_variables+=(--setenv "${variable%%=*}" "${variable#*=}")
    nsjail_variables+=(--env "$variable")
    isolate_variables+=("--env=$variable")
done
# Several processes are what isolate gives only with control groups, which only cgroup v2 has for it.
isolate_groups=()
isolate_limits=(--mem=524288)
if [[ -s /run/isolate/cgroup ]]; then
    isolate_groups=(--cg)
    isolate_limits=(--cg-mem=131072 --processes=64)
fi
isolate_folders=()
for folder in bin lib lib64 sbin; do
    # Links of the image are the host's to isolate.
    [[ ! -d $image/usr/$folder ]] || isolate_folders+=("--dir=$folder=$image/usr/$folder:maybe")
done
isolate_folders+=("--dir=usr=$image/usr" "--dir=etc=$image/etc:noexec")

# group, name, mode, harmful
"$work/attack" --list | python3 -c '
import json, sys
for attack in json.load(sys.stdin):
    if attack["mode"] in ("alone", "pair"):
        print(attack["group"], attack["name"], attack["mode"], attack["harmful"], sep="\t")' >"$work/table"

# CONTAINED, ESCAPED or UNJUDGED with the reason, from what an attack printed and its exit code.
finding() {
    local output=$1 code=$2 line
    line=$(grep -a $'^finding\t' "$output" | head -n 1 || true)
    if grep -qaF "$canary" "$output"; then
        printf "ESCAPED\tthe witness's secret is in its output"
    elif [[ -z $line ]]; then
        printf 'UNJUDGED\tit said nothing and ended with %s: %s' "$code" "$(tail -n 1 "$output" | tr -cd '[:print:]' | cut -c1-100)"
    else
        printf '%s' "${line#*$'\t'}"
    fi
}

# The worse of two findings.
worse() {
    local first=$1 second=$2
    for kind in ESCAPED UNJUDGED; do
        if [[ $first == "$kind"* ]]; then printf '%s' "$first" && return; fi
        if [[ $second == "$kind"* ]]; then printf '%s' "$second" && return; fi
    done
    printf '%s' "$first"
}

# Starts a peer with pipes for its output, as a service would, and with no descriptor of this script's.
launch() {
    local output=$1
    shift
    (
        for descriptor in "/proc/$BASHPID/fd/"*; do
            descriptor=${descriptor##*/}
            ((descriptor <= 2)) || eval "exec $descriptor>&-"
        done
        "$@" 2>&1 | cat >"$output"
    )
}

attack_alone() {
    local code=0
    launch "$work/output" "run_$1" "$2" "$2" </dev/null || code=$?
    finding "$work/output" "$code"
}

# The first role waits at a FIFO until the second has ended.
attack_pair() {
    local first second code=0 pid
    rm -f "$work/hold"
    mkfifo "$work/hold"
    : >"$work/output-first"
    launch "$work/output-first" "run_$1" "$2-first" "$2" <"$work/hold" &
    pid=$!
    exec 8>"$work/hold"
    for _ in {1..200}; do
        grep -qa '^ready$\|^finding' "$work/output-first" && break
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    launch "$work/output" "run_$1" "$2-second" "$2" second </dev/null || code=$?
    second=$(finding "$work/output" "$code")
    exec 8>&-
    code=0
    wait "$pid" || code=$?
    first=$(finding "$work/output-first" "$code")
    worse "$second" "$first"
}

declare -A contained asked
for peer in "${peers[@]}"; do
    while IFS=$'\t' read -r group name mode harmful; do
        if [[ $harmful == True && ($peer == bare || $peer == bwrap) ]]; then continue; fi
        result=$("attack_$mode" "$peer" "$name" </dev/null 7>&-)
        saw=$(seen)
        if [[ -n $saw ]]; then result=$'ESCAPED\tthe witness outside saw it: '$saw; fi
        asked[$peer,$group]=$((${asked[$peer,$group]:-0} + 1))
        if [[ $result == CONTAINED* ]]; then contained[$peer,$group]=$((${contained[$peer,$group]:-0} + 1)); fi
        if $lines; then printf '%s\t%s\t%s\t%s\n' "$peer" "$group" "$name" "$result"; fi
    done <"$work/table"
done
$lines && exit 0

printf '| group |'
printf ' %s |' "${peers[@]}"
printf '\n|---|'
printf '%.0s---|' "${peers[@]}"
printf '\n'
cut -f1 "$work/table" | uniq | while read -r group; do
    printf '| %s |' "$group"
    for peer in "${peers[@]}"; do
        printf ' %d of %d |' "${contained[$peer,$group]:-0}" "${asked[$peer,$group]:-0}"
    done
    printf '\n'
done
