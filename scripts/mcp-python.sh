#!/usr/bin/env bash
# Prints the path of a Python that has MCP's official SDK from PyPI, in an environment below .build; made at first use.
set -euo pipefail
version=2.3.0
environment="$(cd -- "$(dirname -- "$0")/.." && pwd)/.build/mcp-python-$version"
python=$environment/bin/python3
if ! "$python" -c 'import mcp' 2>/dev/null; then
    /usr/bin/python3 -m venv --clear "$environment"
    "$python" -m pip install --quiet --disable-pip-version-check "mcp==$version" >&2
fi
printf '%s\n' "$python"
