#!/bin/sh
# Runs the binary against stores that are not ours: Azurite, moto and fake-gcs-server.
#
#   tests/stores/emulators.sh target/release/transmog [--only WORD] [--verbose]
#
# Needs python3 with venv, node with npm, and the network the first time: the emulators are installed
# once, into EMULATORS_DIR or the user's cache. They listen on 127.0.0.1, on ports that are free, and
# are stopped at the end, whatever that is.
set -eu
if [ $# -lt 1 ]; then
    echo "usage: $0 BINARY [--only WORD] [--verbose]" >&2
    exit 2
fi
binary=$1
shift
azurite=azurite@3.35.0
here=$(cd "$(dirname "$0")" && pwd)/emulators
sum=$({ cat "$here/requirements.txt"; echo "$azurite"; } | cksum | tr ' ' '-')
dir=${EMULATORS_DIR:-${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/transmog-emulators-$sum}
if [ ! -f "$dir/installed" ]; then
    mkdir -p "$dir"
    npm install --prefix "$dir" --silent --no-audit --no-fund --ignore-scripts --omit=optional "$azurite" &
    npm=$!
    trap 'kill "$npm" 2>/dev/null || true' EXIT
    trap 'exit 1' INT TERM HUP
    python3 -m venv "$dir/venv"
    "$dir/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: -r "$here/requirements.txt"
    wait "$npm"
    trap - EXIT INT TERM HUP
    touch "$dir/installed"
fi
PYTHONDONTWRITEBYTECODE=1 exec "$dir/venv/bin/python" "$here/check.py" --bin "$binary" --dir "$dir" "$@"
