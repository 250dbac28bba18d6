#!/usr/bin/env bash
# Runs everything that is to make the program fail.
#
#   tests/torture/run.sh short              what `.ci/run` has of it, in a quarter of an hour
#   tests/torture/run.sh long               the sizes that are promised; a night
#   tests/torture/run.sh long faults fuzz   some of its parts
#
# The parts:
#
#   corpora   what others collected: JSONTestSuite, floats, csv-spectrum, naughty strings, DuckDB's files
#   model     random records and options against a slow, obvious flattener; long: ten million
#   damage    inputs with flipped, cut and doubled bytes; long: 20,000 for each kind
#   faults    failing system calls, full disks, limits, signals; long: every call, 500 kills
#   power     the disk as it is after the power was cut at any write; long only, as it needs root
#   hostile   depth, width, bombs, endless lines; long: gigabytes
#   scale     gigabytes through a pipe; long: twenty of each kind
#   fuzz      ten targets; a minute each, long: an hour
#   memory    the library's tests under AddressSanitizer; long only, needs a nightly toolchain
#
# Needs what CONTRIBUTING.md says of each part. Every part runs, whatever became of the others. The last line is
# `N passed, N failed`.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

form=${1:-}
shift
case $form in
short) profile=debug build=(test) parts=(corpora model damage faults hostile scale fuzz) ;;
long) profile=release build=(test --release) parts=(corpora model damage faults power hostile scale fuzz memory) ;;
*)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
[ $# -eq 0 ] || parts=("$@")
target=${CARGO_TARGET_DIR:-target}
bin=$target/$profile/transmog

# Builds the program with the features that tests have, so that little is built twice.
built() {
    [ -n "${is_built:-}" ] || cargo "${build[@]}" --no-run --quiet --test golden || return
    is_built=1
}

# Fails where the collections are missing, which tests on their own pass over.
corpora() { CI=1 cargo "${build[@]}" --test corpora --test corpora_csv; }

model() {
    case $form in
    short) cargo test --test model ;;
    long)
        TRANSMOG_MODEL_SEED=${TRANSMOG_MODEL_SEED:-$((RANDOM * 1000000))} TRANSMOG_MODEL_RECORDS=10000000 \
            cargo test --release --test model
        ;;
    esac
}

damage() {
    case $form in
    short) cargo test --test corruption --test roundtrip && cargo test --test cli killed ;;
    long)
        PROPTEST_RNG_SEED=$RANDOM PROPTEST_CASES=20000 cargo test --release --test corruption &&
            PROPTEST_RNG_SEED=$RANDOM PROPTEST_CASES=2500 cargo test --release --test roundtrip &&
            TRANSMOG_SOAK=280 cargo test --release --test cli killed -- --nocapture
        ;;
    esac
}

faults() { built && tests/torture/faults.py --bin "$bin" "--$form"; }
power() { built && tests/torture/powerloss.py --bin "$bin"; }
hostile() { built && tests/torture/hostile.py --bin "$bin" "--$form"; }

scale() {
    local gigabytes=20
    [ "$form" = long ] || gigabytes=3
    built && tests/torture/scale.py --bin "$bin" --gigabytes "$gigabytes"
}

fuzz() {
    case $form in
    short) fuzz/run.sh all "${TRANSMOG_FUZZ_SECONDS:-60}" ;;
    long) fuzz/run.sh long ;;
    esac
}

# What is `unsafe` is in the program's allocator alone, which calls C: Miri cannot follow it there. Leaks are not
# looked for: what a library keeps to the end counts as one. The C of libraries is built without, as the compiler that
# builds it may have another AddressSanitizer than Rust.
memory() {
    local triple
    triple=$(rustc -vV | sed -n 's/^host: //p')
    CFLAGS=-fno-sanitize=address ASAN_OPTIONS=detect_leaks=0 RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=$target/sanitized \
        cargo +nightly test --target "$triple" --lib --test model --test roundtrip --test corruption
}

passed=0
failures=()
for part in "${parts[@]}"; do
    case " corpora model damage faults power hostile scale fuzz memory " in
    *" $part "*) ;;
    *)
        printf 'expected a part, found `%s`\n' "$part"
        exit 2
        ;;
    esac
    printf '\n==== %s, %s\n' "$part" "$form"
    start=$SECONDS
    if "$part"; then
        passed=$((passed + 1))
        printf '==== passed after %d s: %s\n' "$((SECONDS - start))" "$part"
    else
        failures+=("$part")
        printf '==== FAILED after %d s: %s\n' "$((SECONDS - start))" "$part"
    fi
done
printf '\n'
for part in "${failures[@]+"${failures[@]}"}"; do
    printf 'failed: %s\n' "$part"
done
printf '%d passed, %d failed\n' "$passed" "${#failures[@]}"
[ "${#failures[@]}" -eq 0 ]
