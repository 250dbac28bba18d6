#!/usr/bin/env bash
# Builds what is handed on: an archive, packages for Debian and Fedora, a wheel for pip.
#
#   packaging/release.sh [--target TRIPLE] [--out DIR] [archive] [deb] [rpm] [wheel]
#
# Without a name it builds the archive. All go into DIR (target/dist), with their SHA-256 beside
# them. Needs a Rust toolchain, a C compiler and python3; `deb` needs cargo-deb, `rpm`
# cargo-generate-rpm and `wheel` maturin, which are not fetched. The binary must run on this
# machine, as it prints its own manual pages; SOURCE_DATE_EPOCH sets the times in the archive, by
# default that of the last commit.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    printf 'error: %s\n' "$1" >&2
    [ -z "${2:-}" ] || printf 'hint: %s\n' "$2" >&2
    exit 2
}

host=$(rustc -vV | sed -n 's/^host: //p')
target=$host
out=target/dist
wanted=()
while [ $# -gt 0 ]; do
    case $1 in
    --target | --out)
        [ $# -gt 1 ] || fail "\`$1\`: expected a value, found nothing"
        if [ "$1" = --target ]; then target=$2; else out=$2; fi
        shift
        ;;
    archive | deb | rpm | wheel) wanted+=("$1") ;;
    *) fail "expected \`archive\`, \`deb\`, \`rpm\` or \`wheel\`, found \`$1\`" ;;
    esac
    shift
done
[ ${#wanted[@]} -gt 0 ] || wanted=(archive)

# The metadata in Cargo.toml names this folder.
unset CARGO_TARGET_DIR
stage=target/packaging
flags=()
[ "$target" = "$host" ] || flags=(--target "$target")
built=target/${flags[1]:+$target/}release/transmog
version=$(sed -n 's/^version = "\(.*\)"/\1/p;/^version/q' Cargo.toml)
# Only for what is packed: build scripts of C code compile anew where it changes.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}

for name in "${wanted[@]}"; do
    case $name in
    archive) continue ;;
    deb) tool=cargo-deb how='cargo install --locked cargo-deb' ;;
    rpm) tool=cargo-generate-rpm how='cargo install --locked cargo-generate-rpm' ;;
    wheel) tool=maturin how='pip install maturin' ;;
    esac
    command -v "$tool" >/dev/null || fail "\`$tool\` is missing" "\`$how\`"
done

cargo build --release --locked "${flags[@]}"
rm -rf "$stage"
mkdir -p "$stage" "$out"
out=$(cd "$out" && pwd)
# symbols are a fifth of the file, and only name the functions in the trace of a panic
strip -o "$stage/transmog" "$built"
"$stage/transmog" man --output "$stage/man"
python3 packaging/licenses.py --target "$target" >"$stage/THIRD-PARTY.txt"

archive() {
    local name=transmog-$version-$target
    local folder=$stage/$name
    mkdir -p "$folder/man/man1"
    cp "$stage/transmog" "$stage/THIRD-PARTY.txt" "$folder"
    cp -R README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT completions docs "$folder"
    cp "$stage"/man/*.1 "$folder/man/man1"
    tar --create --directory "$stage" --sort=name --owner=0 --group=0 --numeric-owner \
        --mode=u=rwX,go=rX --mtime="@$epoch" "$name" | gzip --no-name --best >"$out/$name.tar.gz"
    keep "$out/$name.tar.gz"
}

deb() {
    SOURCE_DATE_EPOCH=$epoch cargo deb --no-build --locked "${flags[@]}" --output "$stage/deb/"
    keep_all deb
}

rpm() {
    # a folder only if it is there
    mkdir -p "$stage/rpm"
    cargo generate-rpm "${flags[@]}" --output "$stage/rpm/"
    keep_all rpm
}

wheel() {
    maturin build --release --locked --strip "${flags[@]}" --out "$stage/wheel"
    keep_all wheel
}

# Moves what a tool made to where all of it goes.
keep_all() {
    local made
    for made in "$stage/$1"/*; do
        mv "$made" "$out/"
        keep "$out/${made##*/}"
    done
}

# Writes the sum of a file beside it, and says what is there.
keep() {
    (cd "${1%/*}" && sha256sum "${1##*/}" >"${1##*/}.sha256")
    printf '%s\n' "$1"
}

for name in "${wanted[@]}"; do
    "$name"
done
