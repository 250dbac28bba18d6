#!/usr/bin/env python3
"""Measures every batch strategy and every preset on a file and on a pipe.

    benches/batching.py BINARY [--data DIR] [--quick] [--write docs/batching.md]

Makes 300 MB of orders from a fixed seed, or takes the file that is there. Each strategy (with the
defaults of its keys) and each preset converts

- the file to Parquet and to JSONL: megabytes of input a second, best of three, and peak memory;
- the first records of the file, which come through a pipe, 1,000 a second for four seconds, to JSONL
  on standard output: the time from the first record written to the first row read, the median time
  from a record to its row, both as medians of three, and peak memory. The program is started when
  the first record is written. "at the end" stands where no row came before the last record.

Rounds go in turn, so that a slow minute of the machine hits all alike. Prints tables of Markdown;
`--write` puts them between the marks of a page. `--quick` takes 20 MB, one second and one round, to
see that all of it works. Needs Python 3.9 and Linux.
"""

import argparse
import json
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time

STRATEGIES = [
    "fixed_size",
    "time_window",
    "memory_based",
    "adaptive_size",
    "low_latency",
    "mega_batch",
]
PRESETS = [
    "default",
    "low-latency",
    "high-throughput",
    "ultra-throughput",
    "memory-optimized",
    "sequential",
    "parallel",
    "large-data",
    "fail-fast",
    "partial-recovery",
]

FILE_MB, QUICK_MB = 300, 20
PIPE_S, QUICK_S = 4, 1
ROUNDS = 3
RECORDS_A_SECOND = 1000
TIME_MAX_S = 120

BEGIN, END = "<!-- measured -->", "<!-- end -->"
WORDS = "time data Straße value note 東京 return state price order line street a of the".split()
CITIES = ["Oslo", "Graz", "Turin", "Leeds", "Kyoto", "Lima"]


def orders():
    """Yields records of about 1 KB, each with its number as `n`."""
    rng = random.Random(7)
    for n in range(sys.maxsize):
        items = [
            {
                "sku": f"sku-{rng.randrange(5000):05}",
                "qty": rng.randrange(1, 9),
                "price": rng.randrange(100, 99999) / 100,
                "discounts": [{"code": rng.choice(WORDS), "percent": 5}] if rng.random() < 0.3 else [],
            }
            for _ in range(rng.randrange(4, 12))
        ]
        yield {
            "n": n,
            "order_id": f"{rng.getrandbits(64):016x}",
            "ordered_at": f"2026-03-{n % 28 + 1:02}T{n % 24:02}:{n % 60:02}:{n % 59:02}Z",
            "customer": {
                "id": rng.randrange(50000),
                "name": f"{rng.choice(WORDS)} {rng.choice(WORDS)}",
                "address": {"city": rng.choice(CITIES), "zip": f"{rng.randrange(100000):05}"},
            },
            "paid": n % 7 != 0,
            "tags": rng.sample(WORDS, rng.randrange(4)),
            "items": items,
            "note": " ".join(rng.choice(WORDS) for _ in range(60)) if n % 2 else None,
        }


def make_input(path, size):
    """Writes records up to `size` bytes, unless the file is there."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, written = path.with_suffix(".partial"), 0
    with open(partial, "wb") as out:
        for record in orders():
            line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            if written + len(line) > size:
                break
            written += out.write(line)
    partial.rename(path)


class Ended:
    """How a process ended: `status`, which is negative for a signal, and its peak memory."""

    def __init__(self, process):
        _, status, usage = os.wait4(process.pid, 0)
        self.status = process.returncode = os.waitstatus_to_exitcode(status)
        self.peak_mb = usage.ru_maxrss * 1024 / 1e6  # Linux counts KiB


def convert_file(binary, path, to, flags, folder):
    """Returns (megabytes a second, peak), a text for a run that took too long, or None."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [binary, "convert", path, "--to", to, "-o", f"{folder}/", "-q", *flags]
    start = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    timer = threading.Timer(TIME_MAX_S, process.kill)
    timer.start()
    said = process.stderr.read().decode()
    ended = Ended(process)
    took = time.perf_counter() - start
    timer.cancel()
    shutil.rmtree(folder, ignore_errors=True)
    if took >= TIME_MAX_S:
        return f">{TIME_MAX_S} s"
    if ended.status == 2:
        return None
    if ended.status != 0:
        sys.exit(f"{command}: status {ended.status}\n{said}")
    return os.path.getsize(path) / 1e6 / took, ended.peak_mb


def convert_pipe(binary, path, seconds, flags, folder):
    """Returns (time to first row, median time to a row, peak); no times if rows come at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [binary, "convert", "-", "--to", "jsonl", "-q", *flags]
    with open(path, "rb") as file:
        records = [file.readline() for _ in range(seconds * RECORDS_A_SECOND)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=folder, bufsize=0)
    came = []

    def read():
        while True:
            piece = os.read(process.stdout.fileno(), 1 << 20)
            if not piece:
                return
            came.append((time.perf_counter(), piece))

    reader = threading.Thread(target=read)
    reader.start()
    sent, start = [], time.perf_counter()
    for n, record in enumerate(records):
        time.sleep(max(0.0, start + n / RECORDS_A_SECOND - time.perf_counter()))
        sent.append(time.perf_counter())
        process.stdin.write(record)
    over = time.perf_counter()
    process.stdin.close()
    reader.join()
    ended = Ended(process)
    if ended.status != 0:
        sys.exit(f"{command}: status {ended.status}")
    waits, rest = {}, b""
    for at, piece in came:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            n = int(re.search(rb'"n":(\d+)', line)[1])
            waits[n] = at - sent[n]
    if len(waits) != len(records):
        sys.exit(f"{command}: {len(records)} records, {len(waits)} rows")
    if came[0][0] >= over:
        return None, None, ended.peak_mb
    return waits[0], statistics.median(waits.values()), ended.peak_mb


def measure(binary, path, folder, seconds, rounds):
    """Returns what was measured by (kind, name): cells of a row."""
    runs = [("strategy", name, ["--batch-strategy", name]) for name in STRATEGIES]
    runs += [("preset", name, ["--preset", name]) for name in PRESETS]
    found = {(kind, name): {"parquet": [], "jsonl": [], "pipe": []} for kind, name, _ in runs}
    for number in range(rounds):
        for kind, name, flags in runs:
            print(f"round {number + 1} of {rounds}: {kind} {name}", file=sys.stderr)
            got = found[kind, name]
            for to in ["parquet", "jsonl"]:
                if got[to] and not isinstance(got[to][-1], tuple):
                    continue  # refused, or too slow
                # a strategy that writes no single file of Parquet is told how long its parts are
                parts = to == "parquet" and name == "low_latency"
                more = ["--max-file-rows", "100000"] if parts else []
                got[to].append(convert_file(binary, path, to, flags + more, folder))
            got["pipe"].append(convert_pipe(binary, path, seconds, flags, folder))
    return {key: file_cells(got) + pipe_cells(got["pipe"]) for key, got in found.items()}


def file_cells(got):
    cells = []
    for to in ["parquet", "jsonl"]:
        done = [one for one in got[to] if isinstance(one, tuple)]
        if done:
            cells += [f"{max(mb_s for mb_s, _ in done):.0f}", f"{max(peak for _, peak in done):.0f}"]
        else:
            cells += [got[to][-1] or "refused", ""]
    return cells


def pipe_cells(rounds):
    peak = f"{max(peak for _, _, peak in rounds):.0f}"
    live = [(first, middle) for first, middle, _ in rounds if first is not None]
    if not live:
        return ["at the end", "at the end", peak]
    return [milliseconds(statistics.median(times)) for times in zip(*live)] + [peak]


def milliseconds(seconds):
    ms = seconds * 1000
    return f"{ms:.1f} ms" if ms < 10 else f"{ms:.0f} ms"


def tables(rows, size_mb, seconds, is_quick):
    """Returns the text that stands between the marks of the page."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    cores, model = os.cpu_count(), model[1] if model else "unknown"
    flags = " --quick" if is_quick else ""
    rounds = "One round" if is_quick else "Three rounds"
    text = [
        f"{rounds}, {size_mb} MB of orders of about 1 KB; the pipe has {RECORDS_A_SECOND:,} of them a",
        f"second for {seconds} s. {cores} cores, {model}. By",
        f"`benches/batching.py target/release/transmog{flags} --write docs/batching.md`.",
    ]
    for kind in ["strategy", "preset"]:
        heads = ["Parquet MB/s", "peak MB", "JSONL MB/s", "peak MB", "pipe: first row", "median", "peak MB"]
        text += ["", f"| {kind} | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
        for (of, name), cells in rows.items():
            if of == kind:
                text.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(text) + "\n"


def put_into(page, text):
    """Replaces what stands between the marks of a page."""
    whole = page.read_text(encoding="utf-8")
    if whole.count(BEGIN) != 1 or whole.find(END) < whole.find(BEGIN):
        sys.exit(f"{page}: expected `{BEGIN}` and, behind it, `{END}`")
    before, rest = whole.split(BEGIN)
    _, after = rest.split(END, 1)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("target/batching"))
    parser.add_argument("--quick", action="store_true", help="one round of little, to try it")
    parser.add_argument("--write", type=pathlib.Path, metavar="PAGE", help="a page with marks")
    args = parser.parse_args()
    for name in list(os.environ):
        if name.startswith("TRANSMOG_"):
            del os.environ[name]
    binary = os.path.abspath(args.binary)
    size_mb, seconds, rounds = (QUICK_MB, QUICK_S, 1) if args.quick else (FILE_MB, PIPE_S, ROUNDS)
    path = args.data.absolute() / f"orders-{size_mb}.jsonl"
    make_input(path, size_mb * 1_000_000)
    rows = measure(binary, path, args.data.absolute() / "out", seconds, rounds)
    text = tables(rows, size_mb, seconds, args.quick)
    print(text, end="")
    if args.write:
        put_into(args.write, text)


if __name__ == "__main__":
    main()
