#!/usr/bin/env python3
"""Counts the instructions of fixed conversions and compares them with what was recorded.

    benches/instructions.py target/release/transmog            check: more than 10 % above fails
    benches/instructions.py target/release/transmog --record   write benches/instructions.txt anew
    benches/instructions.py PATH --tests [--record]            for what `.ci/run` builds

Needs valgrind. Counts do not depend on what else the machine does, so a slower program shows where a
timing would drown. They do depend on the compiler and on the C library: after a change of those, record
anew in a commit of its own.
"""

import argparse
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

RECORDED = pathlib.Path(__file__).with_name("instructions.txt")
# The same of the build with which `.ci/run` looks at most things: without optimization at link time.
RECORDED_TESTS = RECORDED.with_name("instructions-tests.txt")
TOLERANCE = 0.10

# What is run on which input.
CASES = [
    ("flat", "parquet"),
    ("nested", "parquet"),
    ("wide", "parquet"),
    ("nested", "csv"),
    ("nested", "jsonl"),
]

# Stages by the function that is their whole work; each counts what it calls.
STAGES = {
    "decode and flatten": r"transmog::decode::chunk",
    "encode Parquet": r"transmog::encode::parquet::shared::encode",
}


def flat(rng):
    """One level: a time, numbers, short strings."""
    for n in range(40_000):
        yield {
            "time": f"2026-01-{n // 2000 + 1:02}T{n % 24:02}:{n % 60:02}:00Z",
            "delay": rng.randrange(-20, 200),
            "distance": round(rng.random() * 3000, 1),
            "origin": rng.choice(["SAV", "ATL", "LAS", "PHL", "OSL"]),
            "note": None if n % 3 else "on time",
        }


def nested(rng):
    """Orders with items, and discounts of items: three tables."""
    for n in range(8_000):
        items = [
            {
                "sku": f"SKU-{rng.randrange(10**6):06}",
                "price": rng.randrange(50_000) / 100,
                "discounts": [{"code": f"D{k}", "pct": 5 * k} for k in range(rng.randrange(3))],
            }
            for _ in range(rng.randrange(1, 5))
        ]
        yield {
            "order_id": n + 1,
            "customer": {"id": rng.randrange(200_000), "name": "ann bob", "address": {"city": "Oslo"}},
            "tags": ["gift", "vip"][: rng.randrange(3)],
            "items": items,
            "paid": n % 2 == 0,
        }


def wide(rng):
    """Events of 40 types with 30 fields each: many columns, most of them empty in a row."""
    for n in range(4_000):
        kind = rng.randrange(40)
        fields = {f"field_{kind}_{k}": [n, f"value {n % 97}", n / 8, None][k % 4] for k in range(30)}
        yield {"id": n, "kind": f"kind {kind}", "payload": fields}


def make_inputs(folder):
    for make in (flat, nested, wide):
        with open(folder / f"{make.__name__}.jsonl", "w", encoding="utf-8") as out:
            for record in make(random.Random(11)):
                out.write(json.dumps(record, separators=(",", ":")) + "\n")


def count(binary, folder, name, to):
    """Returns instructions by stage, and `all`."""
    profile = folder / "callgrind.out"
    command = [
        *("valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", str(binary), "convert"),
        *(str(folder / f"{name}.jsonl"), "--to", to, "-o", str(folder / "out"), "--force"),
        *("--threads", "1"),
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    total = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not total:
        sys.exit(f"{' '.join(command)} failed:\n{run.stderr}")
    counts = {"all": int(total[1])}
    annotate = ["callgrind_annotate", "--inclusive=yes", "--threshold=100", str(profile)]
    listed = subprocess.run(annotate, capture_output=True, text=True, check=True).stdout
    for stage, function in STAGES.items():
        found = re.search(rf"^ *([\d,]+) .*?:{function}(?: \[|$)", listed, re.MULTILINE)
        if found:
            counts[stage] = int(found[1].replace(",", ""))
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--tests", action="store_true")
    args = parser.parse_args()
    file = RECORDED_TESTS if args.tests else RECORDED
    recorded = {}
    if not args.record:
        for line in file.read_text(encoding="utf-8").splitlines():
            case, figure = line.rsplit(" ", 1)
            recorded[case.rstrip()] = int(figure.replace(",", ""))
    lines, failed = [], 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "out").mkdir()
        make_inputs(folder)
        for name, to in CASES:
            for stage, figure in count(args.binary.resolve(), folder, name, to).items():
                case = f"{name} to {to}, {stage}"
                lines.append(f"{case:42} {figure:>15,}")
                if args.record:
                    continue
                known = recorded.pop(case, None)
                ratio = figure / known if known else float("inf")
                verdict = "ok" if ratio <= 1 + TOLERANCE else "MORE THAN RECORDED"
                failed += verdict != "ok"
                print(f"{lines[-1]}  {ratio:6.2f} of what was recorded  {verdict}")
    for case in recorded:
        print(f"{case}: recorded, but not counted")
        failed += 1
    if args.record:
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print("\n".join(lines))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
