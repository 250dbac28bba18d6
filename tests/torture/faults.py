#!/usr/bin/env python3
"""Makes system calls fail, kills runs, fills disks, and looks what is left.

    tests/torture/faults.py --bin target/debug/transmog [--short | --long] [--only ID] [--seed N]

Prints a line for each case, whose first word is its id in the torture list, and at the end
`N passed, N failed`, with what was skipped and why above it. The short form takes a sample of calls
and moments, the long one every call and hundreds of moments. Needs Linux, strace, a C compiler; some
cases need root. Standard library only.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True

from fault_cases import environment, injected, killed, places, streams  # noqa: E402
from fault_cases.lab import Case, Lab, Skip  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default="target/debug/transmog", type=Path)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--short", action="store_true", help="a sample of calls (default)")
    form.add_argument("--long", action="store_true", help="every call")
    parser.add_argument("--only", default="", help="cases whose id or name holds this")
    parser.add_argument("--seed", default=1, type=int, help="decides at which moments runs are killed")
    parser.add_argument("--jobs", default=os.cpu_count() or 1, type=int, help="cases at once")
    asked = parser.parse_args()
    if not sys.platform.startswith("linux"):
        sys.exit("faults.py: expected Linux")
    binary = asked.bin.resolve()
    if not os.access(binary, os.X_OK):
        sys.exit(f"{asked.bin}: expected the binary, found nothing that can be run\nhint: cargo build")
    # what is ignored stays so in children; those are to be as if started from a terminal
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    root = tempfile.mkdtemp(prefix="transmog-faults-")
    os.chmod(root, 0o755)
    try:
        return run_all(asked, Lab(binary, asked.long, asked.seed, root))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def run_all(asked, lab):
    cases = []
    for module in (injected, killed, places, streams, environment):
        for ident, name, function in module.cases(lab):
            if asked.only.lower() in f"{ident} {name}".lower():
                cases.append((ident, name, function))
    if not cases:
        sys.exit(f"--only {asked.only}: no case holds this")
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    runs = 0
    # where everything must be looked at, a skip is a failure, except for what this kernel lacks
    with ThreadPoolExecutor(max_workers=asked.jobs) as pool:
        futures = [pool.submit(run_one, lab, *case) for case in cases]
        for future in futures:
            outcome, line, count = future.result()
            counts[outcome] += 1
            runs += count
            print(line, flush=True)
    print(f"{runs} runs, {counts['skipped']} cases skipped")
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    return 1 if counts["failed"] else 0


def run_one(lab, ident, name, function):
    """Runs a case; returns how it ended, a line for people, and how often the binary was started."""
    case = Case(lab, ident, name)
    start = time.monotonic()
    try:
        case.told = function(case) or ""
    except Skip as reason:
        return "skipped", f"{ident} {name}: skipped, {reason}", case.runs
    except Exception:
        case.problems.append(traceback.format_exc())
    took = f"{time.monotonic() - start:.1f} s"
    told = case.told or f"{case.runs} runs"
    if not case.problems:
        return "passed", f"{ident} {name}: {told}, ok ({took})", case.runs
    shown = "".join(f"\n    {problem}" for problem in case.problems[:12])
    more = len(case.problems) - 12
    if more > 0:
        shown += f"\n    and {more} more"
    return "failed", f"{ident} {name}: {told}, FAILED ({took}){shown}", case.runs


if __name__ == "__main__":
    sys.exit(main())
