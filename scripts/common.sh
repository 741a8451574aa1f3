# shellcheck shell=bash
# Shared by the scripts: messages, root, and the Swift toolchain. Source it; it starts nothing.

BULKHEAD_ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
export BULKHEAD_ROOT
PORT=${PORT:-3000}
STATE_DIR=${STATE_DIR:-/var/lib/bulkhead}
LEAST_SWIFT=6.2
export LEAST_KERNEL=5.19

say() { printf '%s\n' "$*" >&2; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

[[ $PORT =~ ^[0-9]{1,5}$ && $PORT -ge 1 && $PORT -le 65535 ]] || fail "PORT=$PORT is no port: PORT=3000 make run"

# Whether version $1 is at least version $2.
at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

# Runs a command as root; asks through sudo where this is not root.
as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        fail "root is needed for: $* (run as root, or install sudo)"
    fi
}

# The user who builds: under sudo the one who called it, so that no file of root's ends up in the checkout.
builder() {
    if ((EUID == 0)) && [[ -n ${SUDO_USER:-} && $SUDO_USER != root ]]; then
        printf '%s\n' "$SUDO_USER"
    else
        id -un
    fi
}

# Runs a command as the user who builds, with $SWIFT_PATH on its PATH.
as_builder() {
    local user
    user=$(builder)
    if [[ $user == "$(id -un)" ]]; then
        PATH="$SWIFT_PATH:$PATH" "$@"
    else
        sudo -u "$user" -H -- env PATH="$SWIFT_PATH:/usr/local/bin:/usr/bin:/bin" "$@"
    fi
}

# Sets SWIFT_PATH to the directory of a sufficient swift and SWIFT_VERSION to its version; fails where there is none.
find_swift() {
    local user home candidate version
    local -a candidates=()
    user=$(builder)
    home=$(getent passwd "$user" | cut -d: -f6)
    SWIFT_VERSION=
    candidates+=("$(command -v swift || true)")
    if [[ $user != "$(id -un)" ]]; then
        # A login shell reads the profile that swiftly adds itself to.
        candidates+=("$(sudo -u "$user" -H -- bash -lc 'command -v swift' 2>/dev/null </dev/null | tail -n 1 || true)")
    fi
    candidates+=("$home/.local/share/swiftly/bin/swift" "$home/.swiftly/bin/swift" /opt/swift/usr/bin/swift
        /usr/local/bin/swift /usr/bin/swift)
    for candidate in "${candidates[@]}"; do
        [[ -n $candidate && -x $candidate ]] || continue
        SWIFT_PATH=$(dirname -- "$candidate")
        version=$(as_builder "$candidate" --version 2>/dev/null </dev/null |
            sed -nE 's/.*Swift version ([0-9]+(\.[0-9]+)+).*/\1/p' | head -n 1) || version=
        [[ -n $version ]] || continue
        SWIFT_VERSION=$version
        if at_least "$version" "$LEAST_SWIFT"; then
            export SWIFT_PATH SWIFT_VERSION
            return 0
        fi
    done
    return 1
}

# How Swift comes onto this machine.
swift_help() {
    say "Swift $LEAST_SWIFT or newer is needed${SWIFT_VERSION:+ (found only $SWIFT_VERSION)}. As the user who builds, not as root:"
    # shellcheck disable=SC2016 # these lines are for the reader's own shell
    say '  curl -fLO "https://download.swift.org/swiftly/linux/swiftly-$(uname -m).tar.gz"' \
        $'\n''  tar zxf "swiftly-$(uname -m).tar.gz" && ./swiftly init --assume-yes' \
        $'\n''  . "${SWIFTLY_HOME_DIR:-$HOME/.local/share/swiftly}/env.sh" && hash -r'
    say "then again: make run    (other ways: https://www.swift.org/install/linux/)"
}

# Whether our own service answers on the port; a stranger who says nothing is not waited for.
own_service() { [[ $(http --max-time 3 "http://127.0.0.1:$PORT/health" 2>/dev/null) == *'"healthy"'* ]]; }

# curl to this machine: never through a proxy, never for ever.
http() { curl --noproxy '*' --silent --show-error --max-time 30 "$@"; }

# Whether anything listens on the port.
port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; }

# Who listens there, as far as this user may see it.
port_holder() {
    local holder
    holder=$(ss -ltnpH "sport = :$PORT" 2>/dev/null | grep -oE '"[^"]+",pid=[0-9]+' | head -n 1 || true)
    if [[ -z $holder ]] && command -v sudo >/dev/null; then
        holder=$(sudo -n ss -ltnpH "sport = :$PORT" 2>/dev/null | grep -oE '"[^"]+",pid=[0-9]+' | head -n 1 || true)
    fi
    [[ -n $holder ]] || holder='a process of another user'
    printf '%s\n' "$holder" | sed -E 's/"([^"]+)",pid=([0-9]+)/\1 (pid \2)/'
}

SAMPLE='{"language":"javascript","code":"console.log(\"Hello from sandbox\")","timeout":2000}'

# Sends the README's sample, shows the line that does it and the answer; fails unless the job ran.
send_sample() {
    local answer
    say ""
    say "curl -s localhost:$PORT/api/execute -H 'content-type: application/json' -d '$SAMPLE'"
    answer=$(http "http://127.0.0.1:$PORT/api/execute" -H 'content-type: application/json' -d "$SAMPLE") ||
        fail "the service did not answer the sample"
    printf '%s\n' "$answer"
    [[ $answer == *'Hello from sandbox'* ]] || fail "the sample did not run: see the answer above and 'bulkhead check'"
}
