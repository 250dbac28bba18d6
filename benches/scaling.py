#!/usr/bin/env python3
"""Says how much a second core gives a run, and how much it gives two runs that share nothing.

    benches/scaling.py BINARY [--rounds N] FILE...

In turn: a run on one core, a run on two, and two runs at once, each on a core of its own. The last
is what the machine has to give: cores share memory, caches and the kernel, and where they belong to
somebody else's machine, more than that. Ratios are medians of rounds. Linux, standard library only.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time


def run(binary, file, runs):
    """Runs one conversion for each set of cores, all at once; returns the seconds until the last ends."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        running = []
        for number, cores in enumerate(runs):
            out = f"{folder}/{number}"
            threads = str(len(cores))
            line = [binary, "convert", file, "--to", "parquet", "-o", out, "-q", "--threads", threads]
            keep_to = lambda cores=cores: os.sched_setaffinity(0, cores)
            running.append(subprocess.Popen(line, preexec_fn=keep_to))
        if any(process.wait() != 0 for process in running):
            raise SystemExit(f"{file}: a run failed")
        return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("files", nargs="+", metavar="FILE")
    args = parser.parse_args()
    binary = shutil.which(args.binary) or parser.error(f"{args.binary}: not found")
    first, second = sorted(os.sched_getaffinity(0))[:2]
    print("| | one core, s | two cores, s | a run on two cores | two runs |\n|---|---|---|---|---|")
    for file in args.files:
        rounds = []
        for _ in range(args.rounds):
            one = run(binary, file, [{first}])
            two = run(binary, file, [{first, second}])
            both = run(binary, file, [{first}, {second}])
            rounds.append((one, two, one / two, 2 * one / both))
        one, two, gain, limit = map(statistics.median, zip(*rounds))
        name = pathlib.Path(file).name
        print(f"| {name} | {one:.3f} | {two:.3f} | {gain:.2f} × | {limit:.2f} × |", flush=True)


if __name__ == "__main__":
    main()
