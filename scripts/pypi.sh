#!/usr/bin/env bash
# pypi.sh NAME: prints the folder of the programs (python3 among them) of an environment that has a tool of the tests from PyPI.
# It is below .build, and made at first use.
set -euo pipefail
name=${1:-}
case $name in
    # BullMQ's own client.
    bullmq) packages=(bullmq==3.4.4 redis==8.1.0) ;;
    # The official SDK of the Model Context Protocol.
    mcp) packages=(mcp==2.3.0) ;;
    # Drives the system's own browser: its downloads are not needed.
    playwright) packages=(playwright==1.65.2) ;;
    schemathesis) packages=(schemathesis==4.32.5) ;;
    *)
        echo "usage: pypi.sh bullmq|mcp|playwright|schemathesis" >&2
        exit 64
        ;;
esac
# env(1) would take a path with "=" for a variable.
environment="$(cd -- "$(dirname -- "$0")/.." && pwd)/.build/pypi-${packages[0]/==/-}"
if [[ ! -e $environment/complete ]]; then
    /usr/bin/python3 -m venv --clear "$environment"
    "$environment/bin/python3" -m pip install --quiet --disable-pip-version-check "${packages[@]}" >&2
    touch "$environment/complete"
fi
printf '%s\n' "$environment/bin"
