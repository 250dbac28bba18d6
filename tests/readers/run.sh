#!/bin/sh
# Checks what the binary writes with DuckDB, pyarrow, Polars and, as to manifests, frictionless.
#
#   tests/readers/run.sh target/release/transmog [--race DIR] [--only WORD] [--verbose]
#
# Needs python3 with venv. The readers are installed once, into READERS_VENV or the user's cache.
set -eu
if [ $# -lt 1 ]; then
    echo "usage: $0 BINARY [--race DIR] [--only WORD] [--verbose]" >&2
    exit 2
fi
binary=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
sum=$(cksum <"$here/requirements.txt" | tr ' ' '-')
venv=${READERS_VENV:-${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/transmog-readers-$sum}
if [ ! -f "$venv/installed" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: -r "$here/requirements.txt"
    touch "$venv/installed"
fi
PYTHONDONTWRITEBYTECODE=1 exec "$venv/bin/python" "$here/check.py" --bin "$binary" "$@"
