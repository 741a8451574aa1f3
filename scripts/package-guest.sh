#!/bin/bash
# The inside of scripts/test-package.sh, run by systemd in the guest of scripts/systemd-vm.sh: /mnt has the packages.
set -uo pipefail
export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin
length=$(</mnt/length)
failures=0
log=/root/log
took() { cut -d. -f1 /proc/uptime; }
ok() { echo "ok $1 ($(took) s)"; }
not_ok() {
    echo "not ok $1 ($(took) s)"
    failures=$((failures + 1))
    sed 's/^/  | /' "$log"
}
# check NAME COMMAND…: whether it succeeds; what it says is shown where it does not.
check() {
    local name=$1
    shift
    if "$@" >"$log" 2>&1; then ok "$name"; else not_ok "$name"; fi
}
property() { systemctl show -p "$2" --value "$1"; }
journal() { journalctl -q -b -u "$1" -o cat; }
execute() {
    curl -sS --max-time 120 "localhost:${2:-3000}/api/execute" -H 'content-type: application/json' -d "$1" | tee "$log.answer"
}
bash_job() { printf '{"language":"bash","code":"%s","timeout":60000,"limits":{"cpuTimeMs":60000}}' "$1"; }
answers() { execute "$(bash_job 'echo answer $((6*7))')" "${1:-3000}" | grep -q '"stdout":"answer 42\\n"' || { cat "$log.answer"; return 1; }; }
waits() { # waits SECONDS COMMAND…
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < until)) || return 1
        sleep 0.5
    done
}
# documented TEXT: runs the one command of docs/install.md that has the text, as it stands there. What is other here than on a host
# is this alone: packages and tarball lie in the folder with the document's names; nobody is asked (apt) and nobody needs sudo,
# which this Debian has not; and `bulkhead rootfs build` finds the image that was built before, for there is no network. That every
# command is run, here or elsewhere, DocumentedCommandTests holds. What it says is in /root/said.
documented() {
    local command
    command=$(awk '/^```/ {sh = $0 == "```sh"; fenced = !fenced; next}
        fenced {if (sh) print; next} {n = split($0, part, "`"); for (i = 2; i <= n; i += 2) print part[i]}' \
        /mnt/docs/install.md | grep -F -- "$1" | sort -u)
    echo "+ $command"
    [[ -n $command && $command != *$'\n'* ]] || { echo "that is not one command of docs/install.md with: $1"; return 1; }
    eval "$command" 2>&1 | tee /root/said
    return "${PIPESTATUS[0]}"
}
sudo() { "$@"; }
echo 'APT::Get::Assume-Yes "true"; Dpkg::Options {"--force-confdef"; "--force-confold";};' >/etc/apt/apt.conf.d/50guest
mkdir /root/here && cd /root/here && ln -s /mnt/bulkhead* . || exit 1
active() { [[ $(property "$1" ActiveState) == active ]]; }
# Processes, mounts, control groups and network namespaces of any instance.
traces() {
    awk '/^Uid:/ && $2 >= 1900000000 {print FILENAME, "of uid", $2}' /proc/[0-9]*/status 2>/dev/null
    find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' -lname '*/bulkhead*' 2>/dev/null
    grep bulkhead /proc/self/mountinfo
    find /sys/fs/cgroup -name '*bulkhead*'
}
clean() { [[ -z $(traces | tee /dev/stderr) ]]; }

find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/tmp -o -path /root -o -path /var/log \) -prune \
    -o -type f -print 2>/dev/null | sort >/root/files-before
cp /etc/passwd /etc/group /root/

# ---- installed without an image ----
mv /var/lib/bulkhead /root/images
check "the package installs" documented 'apt install ./bulkhead_0.1.0_amd64.deb'
check "and says the two commands to a first answer" grep -q 'bulkhead rootfs build default' /root/said
check "no service runs unasked" bash -c '! systemctl is-active bulkhead bulkhead-api bulkhead-worker | grep -qx active'
check "no unit has a problem" bash -c 'systemd-analyze verify /lib/systemd/system/bulkhead*.service 2>&1 | grep -v "Command .man " | tee /dev/stderr | (! grep -q bulkhead)'
check "started without an image it fails" bash -c '! systemctl start bulkhead'
check "once, and not again and again" test "$(property bulkhead NRestarts)/$(property bulkhead ActiveState)/$(property bulkhead ExecMainStatus)" = 0/failed/78
check "with the command that makes one" bash -c 'journalctl -q -b -u bulkhead -o cat | grep "no image is built; build one: bulkhead rootfs build default"'
rm -rf /var/lib/bulkhead
mv /root/images /var/lib/bulkhead

# ---- used ----
check "an image that is there is not built again" documented 'bulkhead rootfs build default'
check "it starts, and systemd knows when it serves" documented 'systemctl enable --now bulkhead'
check "the document's first request" documented 'curl -s localhost:3000/api/execute'
check "is answered" grep -q '"status":"ok".*"stdout":"42\\n"' /root/said
check "enabled" systemctl is-enabled bulkhead
check "its status is told" bash -c '[[ $(systemctl show -p StatusText --value bulkhead) == "0 jobs run"* ]]'
check "a job is answered" answers
main=$(property bulkhead MainPID)
launcher=$(pgrep -P "$main" bulkhead-launch 2>/dev/null || ps -o pid= --ppid "$main" 2>/dev/null || cat "/proc/$main/task/$main/children")
launcher=$(echo $launcher | cut -d' ' -f1)
check "the service is not root" bash -c "awk '/^Uid:/ {exit \$2 < 1900000000}' /proc/$main/status"
check "and has no capability" grep -q 'CapEff:.0000000000000000' "/proc/$main/status"
# CHOWN DAC_OVERRIDE KILL SETGID SETUID SYS_PTRACE SYS_ADMIN MKNOD (capability.h).
check "the launcher has those that its unit names" grep -q 'CapEff:.00000000082800e3' "/proc/$launcher/status"
check "neither hears of systemd's socket" bash -c "! grep -qz NOTIFY_SOCKET /proc/$launcher/environ"
execute "$(bash_job 'grep Seccomp_filters /proc/self/status; touch /x; cat /proc/self/cgroup')" >"$log"
check "a job has its own filter and no other" grep -q 'Seccomp_filters:\\t1\\n' "$log.answer"
execute '{"language":"bash","code":"a=x; while :; do a=$a$a; done","timeout":60000,"limits":{"cpuTimeMs":60000,"memoryBytes":16777216}}' >"$log"
check "a job that needs too much memory ends" grep -q '"status":"memory_limit"' "$log.answer"
check "and the service does not" test "$(property bulkhead MainPID)" = "$main"
# This script's own unit delegates nothing, as a shell's on a stock host.
check "by hand, a command gets itself a delegated scope" bash -c \
    'bulkhead run --time 60s --image default -- /bin/sh -c "echo ran in \$(cat /proc/self/cgroup)" >/root/log.scope 2>&1; code=$?
     cat /root/log.scope; ((code == 0)) && grep -qx "ran in 0::/" /root/log.scope &&
     grep -qF "going on in a scope of its own (systemd-run --scope -p Delegate=yes)" /root/log.scope'
check "check says that a job can run" bash -c 'bulkhead check | tee /dev/stderr | grep -q "^A job can run here."'

if [[ $length == all ]]; then
    mkdir -p /run/systemd/system/bulkhead.service.d
    printf '[Service]\nWatchdogSec=6s\n' >/run/systemd/system/bulkhead.service.d/test.conf
    systemctl daemon-reload
    systemctl restart bulkhead
    main=$(property bulkhead MainPID)
    launcher=$(cut -d' ' -f1 "/proc/$main/task/$main/children")
    sleep 13
    check "while it is well the watchdog is content" test "$(property bulkhead MainPID)/$(property bulkhead NRestarts)" = "$main/0"
    kill -STOP "$launcher"
    check "a launcher that hangs is seen by the watchdog" waits 60 bash -c '(($(systemctl show -p NRestarts --value bulkhead) == 1))'
    check "and the service is started again" waits 60 active bulkhead
    check "and answers" answers
    kill -KILL "$(property bulkhead MainPID)"
    check "killed, it is started again" waits 60 bash -c '(($(systemctl show -p NRestarts --value bulkhead) == 2)) && systemctl is-active --quiet bulkhead'
    check "and answers again" answers
    rm -r /run/systemd/system/bulkhead.service.d
    systemctl daemon-reload
fi

# A container, as docs/hosts.md has it: those capabilities and no other, its cgroup writable, no filter of the runtime's.
container() { # container CAPABILITIES COMMAND…
    local capabilities words folder=/run/container
    capabilities=$(printf ',"CAP_%s"' $1)
    shift
    words=$(printf ',"%s"' "$@")
    mkdir -p "$folder/rootfs"
    mountpoint -q "$folder/rootfs" || mount --bind / "$folder/rootfs"
    cat >"$folder/config.json" <<JSON
{"ociVersion": "1.0.2",
 "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "args": [${words#,}],
  "noNewPrivileges": true,
  "capabilities": {"bounding": [${capabilities#,}], "effective": [${capabilities#,}], "permitted": [${capabilities#,}]}},
 "root": {"path": "rootfs", "readonly": true},
 "mounts": [
  {"destination": "/proc", "type": "proc", "source": "proc"},
  {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
  {"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=755"]},
  {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]},
  {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
  {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "${cgroup:-rw}"]}],
 "linux": {"cgroupsPath": "/container",
  "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "network"}, {"type": "cgroup"}],
  "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware"],
  "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]}}
JSON
    crun --cgroup-manager=cgroupfs run --bundle "$folder" container
}
if [[ $length == all ]]; then
    needed="SYS_ADMIN SETUID SETGID CHOWN DAC_OVERRIDE MKNOD SYS_PTRACE KILL"
    job=(/usr/bin/bulkhead run --time 60s --image default -- /bin/sh -c "echo from within; cat /proc/self/cgroup")
    check "in a container of crun's with the capabilities named in docs/hosts.md a job runs" bash -c \
        'tee /dev/stderr | grep -qx "from within"' < <(container "$needed" "${job[@]}" 2>&1)
    # The other two are for what this job does not do or is only seen after it.
    for left in SYS_ADMIN SETUID SETGID CHOWN MKNOD SYS_PTRACE; do
        check "without $left none runs" bash -c 'tee /dev/stderr | (! grep -qx "from within")' \
            < <(container "$(printf '%s\n' $needed | grep -vx "$left" | xargs)" "${job[@]}" 2>&1)
    done
    check "with a cgroup that is read-only none runs, and the error says so" bash -c \
        'tee /dev/stderr | grep -q "cgroup.*Read-only file system"' < <(cgroup=ro container "$needed" "${job[@]}" 2>&1)
    check "attacks on users, files and neighbours are contained there" bash -c \
        'tee /dev/stderr | grep -q " 0 escaped, 0 could not be judged"' < <(container "$needed" \
            /usr/bin/env BULKHEAD_TIME_SCALE=10 /usr/bin/bulkhead selftest --group identity --group files 2>&1)
    umount /run/container/rootfs
fi

# ---- upgraded ----
echo 'port: 3100' >>/etc/bulkhead/bulkhead.yaml
check "each setting is shown, and who set it" documented '# each setting, and who set it'
check "the file's among them" grep -q '^port: 3100 *# .*bulkhead.yaml' /root/said
bulkhead config example >new.yaml
check "a new file can be used" documented 'bulkhead config show --config new.yaml'
check "it is restarted" documented 'systemctl restart bulkhead'
check "the file's port is served" answers 3100
main=$(property bulkhead MainPID)
check "a newer package installs" documented 'apt install ./bulkhead_NEWER_amd64.deb'
check "what ran runs again" waits 60 active bulkhead
check "anew" bash -c '[[ $1 != 0 && $1 != "$2" ]]' - "$(property bulkhead MainPID)" "$main"
check "under the settings that were made" answers 3100
check "api and worker, which did not run, do not" bash -c '! systemctl is-active bulkhead-api bulkhead-worker | grep -qx active'
echo 'slot: 3' >>/etc/bulkhead/bulkhead.yaml
line=$(wc -l </etc/bulkhead/bulkhead.yaml)
check "a misspelt setting ends a restart" bash -c '! systemctl restart bulkhead'
check "and is told with its line" bash -c "journalctl -q -b -u bulkhead -o cat | grep 'bulkhead.yaml:$line: no setting is named .slot.; the nearest is slots'"
sed -i '$d' /etc/bulkhead/bulkhead.yaml
systemctl reset-failed bulkhead
systemctl start bulkhead

if [[ $length == all ]]; then
    systemctl disable --now bulkhead
    check "stopped, it leaves no process, mount or control group" clean
    redis-server --port 6390 --save '' --daemonize yes >/dev/null
    sed -i '/^port:/d' /etc/bulkhead/bulkhead.yaml
    echo 'redis-url: redis://127.0.0.1:6390' >>/etc/bulkhead/bulkhead.yaml
    chmod 600 /etc/bulkhead/bulkhead.yaml
    check "api and worker start" systemctl start bulkhead-api bulkhead-worker
    check "a job is answered through Redis" answers
    api=$(property bulkhead-api MainPID)
    check "the api is a user that does not exist otherwise" bash -c "awk '/^Uid:/ {exit \$2 < 61184 || \$2 > 65519}' /proc/$api/status"
    check "with a filter of its unit's" bash -c "awk '/^Seccomp:/ {exit \$2 != 2}' /proc/$api/status"
    check "the worker is stopped" systemctl stop bulkhead-worker
    check "and the api" systemctl stop bulkhead-api
    redis-cli -p 6390 shutdown nosave
    systemctl start bulkhead-worker 2>/dev/null &
    check "a worker without its Redis does not claim to work" waits 60 bash -c \
        '[[ $(systemctl show -p StatusText,ActiveState --value bulkhead-worker | sort | xargs) == "activating waiting for Redis at 127.0.0.1:6390" ]]'
    systemctl stop bulkhead-worker
    wait
    sed -i '/^redis-url:/d' /etc/bulkhead/bulkhead.yaml
    systemctl start bulkhead
fi

# ---- removed and purged ----
[[ $length != all ]] || cp -a /var/lib/bulkhead/images /root/images
check "images are listed" documented 'bulkhead rootfs list'
check "it is removed while it serves" documented 'apt remove bulkhead'
check "and nothing of it runs" clean
check "images and settings stay" test -e /var/lib/bulkhead/images/default/current -a -e /etc/bulkhead/bulkhead.yaml
check "it is purged" documented 'apt purge bulkhead'
check "images and settings are gone" test ! -e /var/lib/bulkhead -a ! -e /etc/bulkhead -a ! -e /run/bulkhead
check "no user or group was added" bash -c 'cmp /etc/passwd /root/passwd && cmp /etc/group /root/group'
check "no process, mount or control group is left" clean
find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/tmp -o -path /root -o -path /var/log \) -prune \
    -o -type f -print 2>/dev/null | sort >/root/files-after
# What dpkg and systemd keep for themselves of whatever was installed.
check "no file is left" bash -c \
    'comm -13 /root/files-before /root/files-after | grep -vE "^/var/(lib|backups)/(dpkg|systemd|apt|logrotate)|^/var/cache|^/var/lib/redis" | tee /dev/stderr | (! grep -q .)'
check "no unit is left" bash -c '[[ -z $(systemctl list-unit-files --no-legend "bulkhead*") ]]'

# ---- the tarball ----
if [[ $length == all ]]; then
    mkdir -p /var/lib/bulkhead
    mv /root/images /var/lib/bulkhead/images
    check "the tarball installs" documented 'tar xzf bulkhead-0.1.0-x86_64.tar.gz'
    check "and its service starts" systemctl start bulkhead
    check "from where it is installed" grep -q '^/usr/local/bin/bulkhead' "/proc/$(property bulkhead MainPID)/cmdline"
    check "and answers" answers
    check "it is taken away while it serves" documented 'install.sh --uninstall'
    check "and nothing of it runs" clean
    check "nor is left but images and settings" bash -c \
        '[[ -z $(find /usr/local /etc/systemd /run -name "*bulkhead*" ! -path "/run/systemd/*" | tee /dev/stderr) && -e /etc/bulkhead/bulkhead.yaml ]]'
fi
((failures == 0))
