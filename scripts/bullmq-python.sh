#!/usr/bin/env bash
# Prints the path of a Python that has BullMQ's own client from PyPI, in an environment below .build; made at first use.
set -euo pipefail
environment="$(cd -- "$(dirname -- "$0")/.." && pwd)/.build/interop-python-3.4.4"
python=$environment/bin/python3
if ! "$python" -c 'import bullmq' 2>/dev/null; then
    /usr/bin/python3 -m venv --clear "$environment"
    "$python" -m pip install --quiet --disable-pip-version-check bullmq==3.4.4 redis==8.1.0 >&2
fi
printf '%s\n' "$python"
