#!/usr/bin/env bash
# Prints the path of schemathesis from PyPI, in an environment below .build; made at first use.
set -euo pipefail
version=4.32.5
environment="$(cd -- "$(dirname -- "$0")/.." && pwd)/.build/schemathesis-$version"
program=$environment/bin/schemathesis
if ! "$program" --version >/dev/null 2>&1; then
    /usr/bin/python3 -m venv --clear "$environment"
    "$environment/bin/python3" -m pip install --quiet --disable-pip-version-check "schemathesis==$version" >&2
fi
printf '%s\n' "$program"
