#!/usr/bin/env bash
# Prints the path of a Python that has playwright from PyPI, in an environment below .build; made at first use. The browser is
# the system's own: playwright's downloads are not needed.
set -euo pipefail
version=1.65.2
environment="$(cd -- "$(dirname -- "$0")/.." && pwd)/.build/playwright-$version"
python=$environment/bin/python3
if ! "$python" -c 'import playwright' 2>/dev/null; then
    /usr/bin/python3 -m venv --clear "$environment"
    "$python" -m pip install --quiet --disable-pip-version-check "playwright==$version" >&2
fi
printf '%s\n' "$python"
