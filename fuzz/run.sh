#!/usr/bin/env bash
# Builds the fuzz targets and runs them, two at a time.
#
#   fuzz/run.sh all 60          each target for a minute; also `long`: an hour each
#   fuzz/run.sh json 600        one target; several are parted by commas
#   fuzz/run.sh json FILE...    a target over these files, once each
#   fuzz/run.sh build           builds
#
# Stops a target at the first input that does not pass, says which that is and shows its bytes.
# Needs a C++ compiler besides Rust. What is explored so far is kept in fuzz/corpus, findings in
# fuzz/artifacts; neither is checked in. TRANSMOG_FUZZ_JOBS is how many run at once, TRANSMOG_FUZZ_SEED what
# is drawn, where it is to be the same again.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

targets=(config csv json names parquet rejects sniff unpack values widen)
jobs=${TRANSMOG_FUZZ_JOBS:-2}
# checks make temporary files, which need not see a disk
[ -n "${TMPDIR:-}" ] || { [ -w /dev/shm ] && export TMPDIR=/dev/shm; }
# that of `cargo test`, which has built most of what is needed
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$(dirname "$PWD")/target}

build() {
    # one place for all flags, so that what is built once is built for every target
    env -u RUSTFLAGS -u CARGO_BUILD_TARGET RUSTC_WRAPPER="$PWD/instrument.sh" \
        cargo build --quiet --profile test --locked --bins
}

# Options of libFuzzer: memory in MiB and seconds for one input, which a bomb must not exceed.
options() {
    printf '%s\n' -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 "-seed=${TRANSMOG_FUZZ_SEED:-0}"
    case $1 in
    config) printf '%s\n' -dict=dictionaries/toml.dict -max_len=1024 ;;
    csv) printf '%s\n' -dict=dictionaries/csv.dict -max_len=1024 ;;
    sniff) printf '%s\n' -dict=dictionaries/csv.dict -max_len=2048 ;;
    names) printf '%s\n' -dict=dictionaries/names.dict -max_len=1024 ;;
    rejects) printf '%s\n' -dict=dictionaries/json.dict -max_len=1024 ;;
    unpack) printf '%s\n' -max_len=4096 ;;
    *) printf '%s\n' -dict=dictionaries/json.dict -max_len=2048 ;;
    esac
}

# Runs one target; says in a line how it went.
explore() {
    local name=$1 seconds=$2 log=artifacts/$1.log status found
    mkdir -p "corpus/$name" "artifacts/$name"
    mapfile -t flags < <(options "$name")
    "$CARGO_TARGET_DIR/debug/$name" "${flags[@]}" -max_total_time="$seconds" \
        -artifact_prefix="artifacts/$name/" "corpus/$name" "seeds/$name" >"$log" 2>&1
    status=$?
    number() { sed -n "s/^stat::$1: *//p" "$log" | tail -n 1; }
    cov=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    if [ "$status" -eq 0 ]; then
        printf '%-8s %10s executions, %6s edges, %4s MiB, nothing found\n' "$name" \
            "$(number number_of_executed_units)" "${cov:-0}" "$(number peak_rss_mb)"
        return 0
    fi
    printf '%-8s FAILED with status %d, from %s:\n' "$name" "$status" "fuzz/$log"
    grep -v -e '^#' -e '^stat::' "$log" | tail -n 40
    found=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    if [ -n "$found" ]; then
        printf '\nthe input is fuzz/%s:\n' "$found"
        od -A d -t x1z "$found" | head -n 64
        printf 'hint: `fuzz/run.sh %s %s` runs it again\n' "$name" "fuzz/$found"
    fi
    return 1
}

what=${1:?expected all, long, build or a target}
build || exit 1
[ "$what" = build ] && exit 0
chosen=("${targets[@]}")
seconds=${2:-60}
case $what in
all) ;;
long) seconds=${2:-3600} ;;
*) IFS=, read -r -a chosen <<<"$what" ;;
esac
case $seconds in
*[!0-9]*)
    shift
    cd .. || exit 1
    exec "$CARGO_TARGET_DIR/debug/$what" -rss_limit_mb=2048 -timeout=20 "$@"
    ;;
esac

mkdir -p artifacts
running=0
failed=0
for name in "${chosen[@]}"; do
    if [ "$running" -ge "$jobs" ]; then
        wait -n || failed=$((failed + 1))
        running=$((running - 1))
    fi
    explore "$name" "$seconds" &
    running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
    wait -n || failed=$((failed + 1))
    running=$((running - 1))
done
[ "$failed" -eq 0 ]
