#!/usr/bin/env python3
"""Twenty gigabytes through a pipe: memory stays flat, speed stays flat, every record is counted.

    tests/torture/scale.py --bin target/release/transmog [--gigabytes 20] [--form jsonl|json|csv] [--to FORMAT]
        [--dir DIR]

Records are made as they are read: nothing lies on disk but the output. For each gigabyte the processor time of the
program is taken when its last byte has gone into the pipe; the last one may take a tenth more than the median of the
others, whatever else the machine does meanwhile. What the system takes for it is told apart: it grows as soon as the
output is more than a cache holds that a disk lags behind. Rows are counted by the summary and by reading the tables back.

Needs Linux and nothing but Python. Ends with `N passed, N failed`.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

GIGABYTE = 1_000_000_000
BLOCK_RECORDS = 40_000
MEMORY_MIB = 512
# What the last gigabyte may take more than the others.
DRIFT = 0.10


def orders(rng, number):
    """An order as text, with items and discounts of items: three tables."""
    items = [
        {
            "sku": f"SKU-{rng.randrange(10**6):06}",
            "qty": rng.randrange(1, 9),
            "price": rng.randrange(100_000) / 100,
            "discounts": [{"code": f"D{rng.randrange(99)}", "pct": 5 * k} for k in range(rng.randrange(3))],
        }
        for _ in range(rng.randrange(1, 5))
    ]
    return {
        "order_id": number,
        "placed_at": f"2026-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}T{rng.randrange(24):02}:{rng.randrange(60):02}:00Z",
        "customer": {"name": f"Customer {rng.randrange(10**5)}", "city": rng.choice(["Oslo", "Lima", "Pune", "Kyiv"])},
        "tags": rng.sample(["gift", "express", "return", "bulk"], rng.randrange(3)),
        "note": None if rng.random() < 0.7 else "left at the door",
        "items": items,
    }


def block_of(form, seed):
    """The bytes of a block of records, and how many rows each of its tables has."""
    rng = random.Random(seed)
    if form == "csv":
        lines = []
        for number in range(BLOCK_RECORDS):
            cells = [number, f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}", rng.randrange(-99, 999), rng.randrange(10**6) / 100, rng.choice(["SAV", "ATL", "LAS"]), '"a, b"']
            lines.append(",".join(map(str, cells)))
        return "\n".join(lines).encode() + b"\n", [BLOCK_RECORDS]
    records = [orders(rng, number) for number in range(BLOCK_RECORDS)]
    items = sum(len(record["items"]) for record in records)
    discounts = sum(len(item["discounts"]) for record in records for item in record["items"])
    separator = "\n" if form == "jsonl" else ",\n"
    text = separator.join(json.dumps(record, separators=(",", ":")) for record in records)
    return (text + separator).encode(), [BLOCK_RECORDS, items, discounts]


def cpu_seconds(pid):
    """The processor time of a process so far: its own, and the system's for it."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return [int(ticks) / os.sysconf("SC_CLK_TCK") for ticks in fields[11:13]]


def peak_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024


def feed(process, form, size):
    """Writes records until `size` bytes are there; returns blocks written, and time and memory at each gigabyte."""
    block, rows = block_of(form, 20_261_122)
    out, written, blocks = process.stdin, 0, 0
    marks = [(0.0, [0.0, 0.0], 0.0)]
    started = time.monotonic()
    if form == "csv":
        out.write(b"id,day,delay,price,origin,note\n")
    elif form == "json":
        out.write(b"[")
    while written < size:
        out.write(block)
        written += len(block)
        blocks += 1
        if written >= len(marks) * GIGABYTE:
            marks.append((time.monotonic() - started, cpu_seconds(process.pid), peak_mib(process.pid)))
    if form == "json":
        out.write(b'{"order_id":-1}]')
    out.close()
    return blocks, rows, marks


def scale(binary, form, to, size, folder):
    """Runs one form; returns what is wrong with it."""
    out = os.path.join(folder, form)
    summary = os.path.join(folder, form + ".json")
    words = [binary, "convert", "-", "--from", form, "--to", to, "-o", out + os.sep, "--name", "big", "-q", f"--summary=json={summary}"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, bufsize=0)
    blocks, rows, marks = feed(process, form, size)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wrong = []
    if process.returncode != 0:
        return [f"exit {process.returncode}"]
    with open(summary) as f:
        told = json.load(f)
    expected = [blocks * count for count in rows]
    expected[0] += form == "json"
    found = [table["rows"] for table in told["tables"]]
    if found != expected or told["total_processed"] != expected[0] or told["failed"]:
        wrong.append(f"expected rows {expected}, found {found} in the summary")
    for table, count in zip(told["tables"], expected):
        back = subprocess.run([binary, "check", table["path"], "--summary=json"], capture_output=True, text=True)
        read = json.loads(back.stdout or back.stderr)["total_processed"]
        if read != count:
            wrong.append(f"{table['name']}: expected {count} rows, read {read} back")
    cpu, system = ([b[1][who] - a[1][who] for a, b in zip(marks, marks[1:])] for who in (0, 1))
    typical = statistics.median(cpu[1:-1] or cpu)
    # What the program holds is grown by then.
    memory = [mib for _, _, mib in marks[1:]]
    peak = usage.ru_maxrss / 1024
    if cpu[-1] > typical * (1 + DRIFT):
        wrong.append(f"expected at most {typical * (1 + DRIFT):.2f} s for the last gigabyte, found {cpu[-1]:.2f} s of processor time")
    if peak > MEMORY_MIB:
        wrong.append(f"expected at most {MEMORY_MIB} MiB, found {peak:.0f} MiB")
    print(f"{form} to {to}: {marks[-1][0]:.0f} s for {size / GIGABYTE:.0f} GB, {size / marks[-1][0] / 1e6:.0f} MB/s; "
          f"processor time of a gigabyte: first {cpu[0]:.2f} s, median {typical:.2f} s, last {cpu[-1]:.2f} s, "
          f"of the system for it {system[0]:.2f}, {statistics.median(system):.2f}, {system[-1]:.2f} s; "
          f"peak {memory[0]:.0f} MiB after the first, {peak:.0f} MiB in all; rows {found}")
    shutil.rmtree(out)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--gigabytes", type=float, default=20)
    parser.add_argument("--form", choices=["jsonl", "json", "csv"], action="append")
    parser.add_argument("--to", choices=["parquet", "csv", "tsv", "jsonl", "json", "arrow"], default="parquet")
    parser.add_argument("--dir", help="where the output goes meanwhile")
    args = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="transmog-scale-", dir=args.dir) as folder:
        for form in args.form or ["jsonl", "json", "csv"]:
            wrong = scale(os.path.abspath(args.bin), form, args.to, args.gigabytes * GIGABYTE, folder)
            for text in wrong:
                print(f"{form}: {text}")
            passed, failed = passed + (not wrong), failed + bool(wrong)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
