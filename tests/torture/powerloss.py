#!/usr/bin/env python3
"""Cuts the power at random moments of runs, and just after them, and looks what is on the disk.

    tests/torture/powerloss.py --bin target/debug/transmog [--cuts N] [--seed N]

The disk is an ext4 image on a loop device. The shutdown call of ext4 ends all writing at once, the
journal's too, as a power cut does; then the image is mounted again. Cases are those of I20 and I21 in
the torture list: after status 0 all new files are there, whole; before, all old ones or all new ones,
once the next run has settled what was under way. Needs root. Standard library only.
"""

import argparse
import fcntl
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

# EXT4_IOC_SHUTDOWN, and that even the journal is not written.
SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2

FORMATS = ["parquet", "csv", "jsonl", "json", "arrow"]


class Disk:
    """An ext4 image that can lose its power."""

    def __init__(self, folder):
        self.image, self.at = folder / "image", folder / "disk"
        self.at.mkdir()
        subprocess.run(["truncate", "-s", "64M", self.image], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True, capture_output=True)
        self.mount()

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.at], check=True)

    def cut(self):
        """Takes the power, and gives it back."""
        at = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(at, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(at)

    def restart(self):
        subprocess.run(["umount", self.at], check=True)
        self.mount()

    def unmount(self):
        subprocess.run(["umount", "-l", self.at], check=False, capture_output=True)


def records(seed, count=200):
    draw = random.Random(seed)
    lines = []
    for _ in range(count):
        arrays = ",".join(f'"a{n}":[{{"v":"{draw.getrandbits(64):x}"}}]' for n in range(8))
        lines.append("{" + arrays + "}\n")
    return "".join(lines)


def files(folder):
    """Returns the files that have names for users, with what is in them."""
    found = {}
    for path in sorted(folder.glob("*")):
        if path.is_file() and not path.name.startswith("."):
            found[path.name] = path.read_bytes()
    return found


class Trial:
    """Runs of one format into one place."""

    def __init__(self, binary, work, disk, format, place):
        self.binary, self.work, self.disk, self.format, self.place = binary, work, disk, format, place
        self.out = disk.at / "out"
        self.seen = Counter()
        self.problems = []
        self.old = self.made("old") if place != "new directory" else {}
        start = time.monotonic()
        self.new = self.made("new")
        self.seconds = time.monotonic() - start

    def flags(self, source, out):
        flags = ["convert", self.work / f"{source}.jsonl", "--force", "-q", "--rejects", "none"]
        if self.place == "one file":
            return [*flags, "--arrays", "inline", "-o", out / f"t.{self.format}"]
        return [*flags, "--to", self.format, "--name", "t", "-o", out]

    def made(self, source):
        out = self.work / f"{source}.out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        subprocess.run([self.binary, *self.flags(source, out)], check=True, capture_output=True)
        return files(out)

    def cut(self, part, what):
        """Cuts after a part of the usual time, or right behind the end where that is nothing."""
        shutil.rmtree(self.out, ignore_errors=True)
        if self.old:
            self.out.mkdir()
            for name, content in self.old.items():
                (self.out / name).write_bytes(content)
        elif self.place == "one file":
            self.out.mkdir()
        subprocess.run(["sync", "-f", self.disk.at], check=True)
        child = subprocess.Popen(
            [self.binary, *self.flags("new", self.out)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        if part is None:
            child.wait()
        else:
            time.sleep(part * self.seconds)
        status = child.poll()
        self.disk.cut()
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
        stderr = child.communicate()[1].decode()
        self.disk.restart()
        found = files(self.out) if self.out.is_dir() else {}
        if status == 0 and found != self.new:
            self.problems.append(f"{what}: status 0, and these are left: {sorted(found)}")
        if status not in (None, 0):
            self.problems.append(f"{what}: status {status} before the cut: {stderr}")
        # the next run finishes what was under way, or takes it back
        following = [self.binary, "convert", self.work / "next.jsonl", "-q", "--force", "--name", "next"]
        self.out.mkdir(exist_ok=True)
        ran = subprocess.run([*following, "--to", "csv", "-o", self.out], capture_output=True, text=True)
        if ran.returncode != 0:
            self.problems.append(f"{what}: the next run fails: {ran.stderr}")
        (self.out / "next.csv").unlink(missing_ok=True)
        settled = files(self.out)
        if settled not in (self.old, self.new):
            self.problems.append(f"{what}: a mixture is left: {sorted(settled)}")
        hidden = [path.name for path in self.out.iterdir() if path.name.startswith(".")]
        if hidden:
            self.problems.append(f"{what}: left behind the next run: {hidden}")
        kind = "new" if settled == self.new else "old"
        self.seen[kind if found == settled else f"{kind} by the next run"] += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default="target/debug/transmog", type=Path)
    parser.add_argument("--cuts", default=20, type=int, help="cuts for each format and place")
    parser.add_argument("--seed", default=1, type=int)
    asked = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        print("I20, I21 power loss: skipped, expected root and mkfs.ext4\n0 passed, 0 failed")
        return 0
    work = Path(tempfile.mkdtemp(prefix="transmog-powerloss-"))
    disk = None
    passed = failed = cuts = 0
    try:
        for name, text in (("old", records(1)), ("new", records(2)), ("next", '{"a":1}\n')):
            (work / f"{name}.jsonl").write_text(text)
        try:
            disk = Disk(work)
        except subprocess.CalledProcessError as cause:
            print(f"I20, I21 power loss: skipped, no loop device: {cause}\n0 passed, 0 failed")
            return 0
        draw = random.Random(asked.seed)
        for format in FORMATS:
            for place in ("over old files", "new directory", "one file"):
                trial = Trial(asked.bin.resolve(), work, disk, format, place)
                for number in range(asked.cuts):
                    part = None if number % 4 == 0 else draw.random() * 1.2
                    trial.cut(part, f"cut {number}")
                    cuts += 1
                seen = ", ".join(f"{count} {kind}" for kind, count in sorted(trial.seen.items()))
                verdict = "FAILED" if trial.problems else "ok"
                print(f"I20, I21 power loss, {format}, {place}: {seen}, {verdict}", flush=True)
                for problem in trial.problems[:5]:
                    print(f"    {problem}")
                passed, failed = passed + (not trial.problems), failed + bool(trial.problems)
    finally:
        if disk:
            disk.unmount()
        shutil.rmtree(work, ignore_errors=True)
    print(f"{cuts} cuts")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
