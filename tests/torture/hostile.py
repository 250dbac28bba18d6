#!/usr/bin/env python3
"""Converts hostile input and checks the verdict, the most memory held, and the time taken.

    tests/torture/hostile.py --bin target/debug/transmog            short: under 90 s on two busy cores
    tests/torture/hostile.py --bin target/release/transmog --long   the sizes that are promised
    tests/torture/hostile.py --bin PATH --only G01,E03              some cases alone

Needs Python 3 and Linux, nothing else. Inputs are made while they are read and go through a pipe, so
nothing large lies on a disk but rejected records, which are cut at 64 MiB. A line for each case gives
the most memory held (as the system counted it) and the seconds of the run; the last one is
`N passed, N failed`. The ids are those of tests/torture/cases.tsv.
"""

import argparse
import bz2
import contextlib
import gzip
import json
import lzma
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time

MIB = 1 << 20
PIECE = 1 << 18
# What a run may hold where its case says nothing else: the default of `--memory-limit`.
MEMORY_MIB = 512
# What the short form takes away, so that smaller input reaches the limit.
SHORT_FLAGS = ["--max-record-bytes", "8MiB"]
# What start and end of a process may add to a time that is compared with another.
SLACK_SECONDS = 0.15

CASES = []


class Done:
    """What a run left: status, words, files, memory and times."""

    def __init__(self, status, stderr, folder, peak_mib, user_seconds, seconds):
        self.status = status
        self.stderr = stderr
        self.folder = folder
        self.peak_mib = peak_mib
        self.user_seconds = user_seconds
        self.seconds = seconds

    def files(self):
        out = self.folder / "out"
        return sorted(path.name for path in out.iterdir()) if out.exists() else []

    def text(self, name):
        return (self.folder / "out" / name).read_text()

    def summary(self):
        return json.loads((self.folder / "summary.json").read_text())

    def rejects(self):
        """Yields the codes of the reject file; its lines may be long."""
        with open(self.folder / "out" / "t.rejects.jsonl", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def case(ids, name, short, long, memory_mib=MEMORY_MIB, seconds=(60, 1800)):
    """Registers a case: `short` and `long` are its sizes, the function makes the runs."""

    def register(function):
        CASES.append((ids, name, short, long, memory_mib, seconds, function))
        return function

    return register


class Failed(Exception):
    """A verdict that is not the expected one."""


def expect(is_so, what):
    if not is_so:
        raise Failed(what)


def repeat(piece, size):
    """Yields `piece` again and again, `size` bytes of it as far as it is not cut."""
    whole = piece * (PIECE // len(piece))
    for _ in range(size // len(whole)):
        yield whole
    yield piece * (size % len(whole) // len(piece))


def chain(*parts):
    for part in parts:
        yield from [part] if isinstance(part, bytes) else part


def lines(make, count):
    """Yields `make(number)` for each number, many at once."""
    for start in range(0, count, 1000):
        yield "".join(make(number) for number in range(start, min(start + 1000, count))).encode()


class Starter:
    """A process that starts the others, forked while it is small.

    The system counts what a process held before it became the program as the program's, so one
    that has read large reject files must not start it.
    """

    def __init__(self):
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            self.ours.close()
            self.serve(theirs)
            os._exit(0)
        theirs.close()

    def start(self, command, folder, limit_seconds, stdin):
        request = json.dumps([command, folder, limit_seconds]).encode()
        socket.send_fds(self.ours, [request], [stdin])

    def wait(self):
        return json.loads(self.ours.recv(4096))

    @staticmethod
    def serve(requests):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TRANSMOG_")}
        while True:
            request, descriptors, _, _ = socket.recv_fds(requests, 1 << 16, 1)
            if not request:
                return
            command, folder, limit_seconds = json.loads(request)
            with open(os.path.join(folder, "stderr"), "wb") as stderr:
                child = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=environment,
                    stdin=descriptors[0],
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                )
            os.close(descriptors[0])
            watch = threading.Timer(limit_seconds, child.kill)
            watch.start()
            _, status, usage = os.wait4(child.pid, 0)
            watch.cancel()
            child.returncode = os.waitstatus_to_exitcode(status)
            answer = [child.returncode, usage.ru_maxrss, usage.ru_utime]
            requests.send(json.dumps(answer).encode())


class Runner:
    """Starts the program with what a case gives it, and remembers the worst that was seen."""

    def __init__(self, starter, binary, flags, memory_mib, seconds):
        self.starter = starter
        self.binary = binary
        # what every run gets besides
        self.flags = flags
        self.memory_mib = memory_mib
        self.limit_seconds = seconds
        self.peak_mib = 0
        self.seconds = 0

    @contextlib.contextmanager
    def run(self, pieces, flags, status):
        """Runs once; fails where status, memory or time are not as they should be."""
        with tempfile.TemporaryDirectory() as folder:
            done = self.start(pathlib.Path(folder), pieces, flags)
            self.peak_mib = max(self.peak_mib, done.peak_mib)
            self.seconds += done.seconds
            last = done.stderr.strip().splitlines()[-3:]
            expect(done.status == status, f"status {done.status}, expected {status}: {last}")
            expect(done.peak_mib <= self.memory_mib, f"{done.peak_mib} MiB held")
            expect(done.seconds <= self.limit_seconds, f"{done.seconds:.0f} s")
            hidden = [name for name in os.listdir(folder) if name.startswith(".transmog")]
            expect(not hidden, f"left behind: {hidden}")
            if status not in (0, 3):
                expect(not done.files(), f"published after a failure: {done.files()[:3]}")
            yield done

    def start(self, folder, pieces, flags):
        command = [self.binary, "convert", "--name", "t", "--progress", "never"]
        command += ["--summary", "json=summary.json", *flags, *self.flags, "-o", "out"]
        reader, writer = os.pipe()
        begin = time.monotonic()
        self.starter.start(command, str(folder), self.limit_seconds, reader)
        os.close(reader)
        with contextlib.suppress(BrokenPipeError), os.fdopen(writer, "wb", 0) as stdin:
            # a run that has seen enough does not read on
            for piece in pieces:
                stdin.write(piece)
        status, peak_kib, user_seconds = self.starter.wait()
        seconds = time.monotonic() - begin
        words = (folder / "stderr").read_text(errors="replace")
        return Done(status, words, folder, peak_kib // 1024, user_seconds, seconds)

    def linear(self, what, make, size, flags, status):
        """Fails where twice the input takes more than two and a half times the processor time."""
        times = []
        for bytes_ in (size, 2 * size):
            # the least of several: what else the machine does only adds
            least = []
            for _ in range(2):
                with self.run(make(bytes_), flags, status) as done:
                    least.append(done.user_seconds)
            times.append(min(least))
        one, two = times
        expect(two <= 2.5 * one + SLACK_SECONDS, f"{what}: {one:.2f} s, twice as long {two:.2f} s")


JSONL = ["--from", "jsonl", "--to", "csv"]
JSON = ["--from", "json", "--to", "csv"]
CSV = ["--from", "csv", "--to", "csv"]
NEIGHBOURS = "_tm_id,a\n1,1\n3,3\n"


def one_reject(done, code, rows=NEIGHBOURS):
    """Fails unless the second of three records was rejected with `code` and the others kept."""
    expect(done.text("t.csv") == rows, f"rows: {done.text('t.csv')[:80]!r}")
    found = [reject["code"] for reject in done.rejects()]
    expect(found == [code], f"rejects: {found[:3]}")


# --- depth ---------------------------------------------------------------------------------------


@case("B05", "arrays nested to 100,000 levels", 100_000, 100_000)
def deep_arrays(run, levels):
    deep = b'{"a":' + b"[" * levels + b"]" * levels + b"}\n"
    with run.run([b'{"a":1}\n', deep, b'{"a":3}\n'], JSONL, 3) as done:
        one_reject(done, "depth.exceeded")
    with run.run([b'[{"a":1},', deep, b',{"a":3}]'], JSON, 3) as done:
        one_reject(done, "depth.exceeded")


@case("B06", "objects nested to 100,000 levels", 100_000, 100_000)
def deep_objects(run, levels):
    deep = b'{"a":' * levels + b"1" + b"}" * levels + b"\n"
    with run.run([b'{"a":1}\n', deep, b'{"a":3}\n'], JSONL, 3) as done:
        one_reject(done, "depth.exceeded")


@case("B07", "levels of a table each, as deep as flags allow", 800, 1020)
def deep_tables(run, levels):
    flags = ["--max-depth", "1024", "--max-tables", "4096", "--arrays", "separate"]
    for start, end, count in ((b'{"x":', b"}", levels), (b"[", b"]", levels), (b'{"x":[', b"]}", levels // 2)):
        record = b'{"a":' + start * count + b"1" + end * count + b"}\n"
        with run.run([record], ["--from", "jsonl", "--to", "jsonl", *flags], 0) as done:
            expect("t.jsonl" in done.files(), "no main table")


@case("B08", "rejected records of 100,000 levels", 10, 200)
def deep_rejects(run, count):
    record = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    with run.run([record] * count, JSONL, 3) as done:
        raws = [reject["raw"] for reject in done.rejects()]
        expect(len(raws) == count and raws[0].encode() + b"\n" == record, "raw bytes are not kept")


# --- length --------------------------------------------------------------------------------------


@case("G01", "a line of 4 GB", 32 * MIB, 4 << 30)
def long_line(run, size):
    line = chain(b'{"a":"', repeat(b"x", size), b'"}\n')
    with run.run(chain(b'{"a":1}\n', line, b'{"a":3}\n'), JSONL, 3) as done:
        one_reject(done, "record.too_large")


@case("G01", "a string of 2 GB in an array of records", 16 * MIB, 2 << 30)
def long_string(run, size):
    record = chain(b'{"a":"', repeat(b"x\\u0041", size), b'"}')
    with run.run(chain(b'[{"a":1},', record, b',{"a":3}]'), JSON, 3) as done:
        one_reject(done, "record.too_large")


@case("G02", "10 GB without a line end", 32 * MIB, 10 << 30)
def no_line_end(run, size):
    with run.run(repeat(b"y", size), JSONL, 3) as done:
        expect([reject["code"] for reject in done.rejects()] == ["record.too_large"], "rejects")


@case("B14", "an array of 1 GB", 8 * MIB, 1 << 30)
def long_array(run, size):
    count = size // 64
    record = '{{"n":{:012d},"s":"{:x}","t":[1,2,3],"u":true,"v":null}},'.format
    pieces = lines(lambda number: record(10**11 + number, number * 7919), count)
    with run.run(chain(b"[", pieces, b"{}]"), ["--from", "json", "--to", "parquet"], 0) as done:
        expect(done.summary()["successful"] == count + 1, "records are lost")


@case("E03", "a quote that never closes in 4 GB", 32 * MIB, 4 << 30)
def open_quote(run, size):
    with run.run(chain(b'a,b\n1,2\n3,"4\n', repeat(b"5,6\n", size)), CSV, 3) as done:
        reject = next(done.rejects())
        expect(reject["code"] == "csv.quote" and reject["line"] == 3, f"{reject['code']}")
        expect(done.text("t.csv") == "a,b\n1,2\n", "rows")


@case("E16", "cells of 3 MB and 100 MB", 16 * MIB, 100 * MIB)
def long_cells(run, size):
    for cell, status in ((3 * MIB, 0), (size, 3)):
        pieces = chain(b"a,b\n1,", repeat(b"x", cell), b"\n3,4\n")
        with run.run(pieces, CSV, status) as done:
            expect(done.text("t.csv").endswith("\n3,4\n"), "the next row is lost")


@case("A12", "a tail of NUL bytes, as a crash leaves it", 2 * MIB, 1 << 30)
def nul_tail(run, size):
    with run.run(chain(b'{"a":1}\n', repeat(b"\0", size)), JSONL, 3) as done:
        expect(done.text("t.csv") == "_tm_id,a\n1,1\n", "rows")
        expect(sum(1 for _ in done.rejects()) == 1, "not one reject")


@case("G17", "more than 2 GiB of text in a column", 48, 2200)
def much_text(run, count):
    def record(number):
        return chain(b'{"a":"%d' % number, repeat(b"x", MIB), b'"}\n')

    records = chain(*(record(number) for number in range(count)))
    with run.run(records, ["--from", "jsonl", "--to", "parquet"], 0) as done:
        expect(done.summary()["successful"] == count, "records are lost")


@case("G17", "records near the longest that are taken", 3, 24)
def long_records(run, count):
    size = 7 * MIB if run.flags else 50 * MIB
    records = chain(*(chain(b'{"a":"', repeat(b"x", size), b'"}\n') for _ in range(count)))
    with run.run(records, ["--from", "jsonl", "--to", "parquet"], 0) as done:
        expect(done.summary()["successful"] == count, "records are lost")


# --- numbers -------------------------------------------------------------------------------------


@case("C09", "numbers of 10,000 and 1,000,000 digits", 1_000_000, 1_000_000)
def long_numbers(run, digits):
    for count in (10_000, digits):
        whole, fraction = "7" * count, "0." + "3" * count + "e5"
        record = '{"a":%s}\n{"a":%s}\n' % (whole, fraction)
        with run.run([record.encode()], [*JSONL, "--numbers", "text"], 0) as done:
            expect(done.text("t.csv") == f"_tm_id,a\n1,{whole}\n2,{fraction}\n", "digits are lost")
        with run.run([record.encode()], JSONL, 0) as done:
            expect(done.text("t.csv").startswith(f"_tm_id,a\n1,{whole}\n2,"), "digits are lost")


@case("C05", "1e999, -1e999 and -0", 1, 1)
def far_numbers(run, _):
    record = b'{"a":1e999,"b":-1e999,"c":-0,"d":1e99999999999999999999}\n'
    with run.run([record], JSONL, 0) as done:
        rows = "_tm_id,a,b,c,d\n1,1e999,-1e999,0,1e99999999999999999999\n"
        expect(done.text("t.csv") == rows, f"{done.text('t.csv')!r}")


# --- keys and tables -----------------------------------------------------------------------------


def check_width(done, tables_max=512, columns_max=4096):
    tables = done.summary()["tables"]
    expect(len(tables) <= tables_max, f"{len(tables)} tables")
    widest = max(table["columns"] for table in tables)
    # link columns and the rest column besides
    expect(widest <= columns_max + 5, f"{widest} columns")


@case("G03", "1,000,000 distinct keys, ten in a record", 40_000, 1_000_000)
def many_keys(run, count):
    def record(number):
        keys = range(10 * number, 10 * number + 10)
        return "{" + ",".join(f'"k{key}":{key}' for key in keys) + "}\n"

    pieces = lines(record, count // 10)
    with run.run(pieces, ["--from", "jsonl", "--to", "parquet"], 0) as done:
        check_width(done)
        expect("--max-columns" in done.stderr, "no warning")
        expect(done.summary()["successful"] == count // 10, "records are lost")


@case("G03", "2,000,000 columns in 500 tables", 200_000, 2_000_000)
def many_columns(run, count):
    """Each record has a hundred members that no other has, in one of the tables."""

    def record(number):
        first = number // 500 * 100
        members = ",".join(f'"k{key}":{key}' for key in range(first, first + 100))
        return f'{{"t{number % 500}":[{{{members}}}]}}\n'

    with run.run(lines(record, count // 100), ["--from", "jsonl", "--to", "jsonl"], 0) as done:
        check_width(done)
        columns = sum(table["columns"] for table in done.summary()["tables"])
        expect(columns <= 131_072 + 501 * 5, f"{columns} columns")
        expect("--max-columns" in done.stderr, "no warning")
        found = 0
        for name in done.files():
            for line in done.text(name).splitlines():
                row = json.loads(line)
                found += sum(key.startswith(("k", "/k")) for key in [*row, *row.get("_tm_rest", ())])
        expect(found == count, f"{found} values of {count}")


@case("G03", "1.1 GB of nulls, as few of 4,000 columns are in a row", 2_000, 20_000, 320)
def sparse_text(run, count):
    def record(number):
        return f'{{"k{number % 4_000}":{number},"k{number * 7 % 4_000}":{number}}}\n'

    flags = ["--from", "jsonl", "--to", "jsonl", "--nulls", "keep"]
    with run.run(lines(record, count), flags, 0) as done:
        width = len({number * factor % 4_000 for number in range(count) for factor in (1, 7)})
        rows = 0
        with open(done.folder / "out" / "t.jsonl", "rb") as text:
            for line in text:
                rows += 1
                expect(line.count(b":") == width + 1, f"row {rows}")
        expect(rows == count, f"{rows} rows of {count}")


@case("G01", "2,000 values below a key of 400 KB", 100_000, 400_000, 256)
def long_keys(run, count):
    """Each value would say the whole key."""

    members = ",".join(f'"k{key}":{key}' for key in range(2_000))
    record = f'{{"{"p" * count}":{{{members}}}}}\n'.encode()
    pieces = [record, b'{"a":1}\n', record]
    for to in ("parquet", "jsonl"):
        with run.run(pieces, ["--from", "jsonl", "--to", to], 3) as done:
            codes = [line["code"] for line in done.rejects()]
            expect(codes == ["record.too_large"] * 2, f"{codes}")
            expect(done.summary()["successful"] == 1, "the record between them is lost")


@case("G04", "a record of 1,000,000 keys", 100_000, 1_000_000)
def wide_record(run, count):
    keys = lines(lambda number: f'"k{number}":{number},', count)
    with run.run(chain(b"{", keys, b'"z":1}\n'), ["--from", "jsonl", "--to", "jsonl"], 0) as done:
        check_width(done)
        row = json.loads(done.text("t.jsonl"))
        found = len(row) - 2 + len(row["_tm_rest"])
        expect(found == count + 1, f"{found} values of {count + 1}")


@case("F23", "100,000 child tables", 4_000, 100_000)
def many_tables(run, count):
    record = '{{"t{}":[{{"a":1}}]}}\n'.format
    with run.run(lines(record, count), ["--from", "jsonl", "--to", "parquet"], 0) as done:
        check_width(done)
        expect("--max-tables" in done.stderr, "no warning")
        expect(len(done.files()) <= 512, f"{len(done.files())} files")


@case("G05", "keys that collide under common hashes", 12, 16)
def hash_flood(run, bits):
    """Compares keys that fixed hashes take for one with keys at random, in processor time."""
    rng = random.Random(7)

    def spelled(pair):
        def key(number):
            return "".join(pair[number >> bit & 1] for bit in range(bits))

        return key

    kinds = {
        # equal under DJB's hash (33), under Java's (31); one low word for FxHash
        "DJB": spelled(("Ez", "FY")),
        "Java": spelled(("Aa", "BB")),
        "Fx": lambda number: "a" * (2 * bits - 8) + f"{number:08x}",
    }

    def seconds(key):
        keys = [key(number) for number in range(1 << bits)]
        record = "{" + ",".join(f'"{key}":1' for key in keys) + "}\n"
        least = []
        for _ in range(2):
            with run.run([record.encode()] * 4, JSONL, 0) as done:
                check_width(done)
                least.append(done.user_seconds)
        return min(least)

    plain = seconds(lambda number: f"{rng.getrandbits(8 * bits):0{2 * bits}x}")
    for name, key in kinds.items():
        took = seconds(key)
        expect(took <= 2.5 * plain + SLACK_SECONDS, f"{name}: {took:.2f} s, random {plain:.2f} s")


ODD_KEYS = [
    "", " ", ".", "..", "...", "/", "\\", "../../../evil", "/abs/evil", "C:\\x", "\\\\host\\share",
    "file:///etc/passwd", "a/b", "a_b", "a%2Fb", "nul\0byte", "line\nend", "esc\x1b[31m", "del\x7f",
    "*?\"<>|", "CON", "nul.csv", "COM1", "aux", "-rf", "'; rm -rf ~", "`id`", "$(id)", "%s%n",
    "\u202eevil", "\u05d0\u05d1", "e\u0301", "\u00e9", "Stra\u00dfe", "STRASSE", "Stra\u1e9ee", "\u017f",
    "s", "\u212a", "k", "K", "\U0001f600", "__proto__", "_tm_id", "_tm_parent_id", "_tm_rest", "value",
    "rejects", "manifest", "x" * 10_000, "\u00e9" * 5_000, "end.", "end ", "~", "~1", "*",
]  # fmt: skip


@case("F01 F02 F03 F04 F05 F06 F07 F08 F10 F11 F14 F24", "keys of every odd kind", 1, 1)
def odd_keys(run, _):
    columns = json.dumps({key: number for number, key in enumerate(ODD_KEYS)})
    tables = json.dumps({key: [{"n": number}] for number, key in enumerate(ODD_KEYS)})
    for to in ("parquet", "csv", "jsonl"):
        flags = ["--from", "jsonl", "--to", to, "--manifest", "out/manifest.json"]
        with run.run([columns.encode(), b"\n", tables.encode(), b"\n"], flags, 0) as done:
            files = done.files()
            # each key is a table, besides the main one and the manifest
            expect(len(files) == len(ODD_KEYS) + 2, f"{len(files)} files for {len(ODD_KEYS)} keys")
            for name in files:
                is_safe = len(name.encode()) <= 200 and not name.startswith((".", "-", " "))
                expect(is_safe and not set(name) & set('/\\:*?"<>|'), f"{name!r}")
                expect(all(c >= " " and c != "\x7f" for c in name), f"{name!r}")
            expect(sorted(os.listdir(done.folder)) == ["out", "stderr", "summary.json"], "outside")
            expect("\x1b" not in done.stderr and "\u202e" not in done.stderr, "stderr is not clean")
            package = json.loads(done.text("manifest.json"))
            names = [field["name"].lower() for field in package["resources"][0]["schema"]["fields"]]
            expect(len(set(names)) == len(names) >= len(ODD_KEYS), "columns are not distinct")


@case("A10", "keys and values of invalid surrogates", 1, 1)
def surrogates(run, _):
    bad = [rb'{"\ud800":1}', rb'{"a":"\udc00"}', rb'{"a":"\udc00\ud800"}', b'{"\xed\xa0\x80":1}']
    for record in bad:
        pieces = [b'{"a":1}\n', record, b'\n{"a":3}\n']
        with run.run(pieces, JSONL, 3) as done:
            expect(done.text("t.csv") == NEIGHBOURS, "rows")
            code = next(done.rejects())["code"]
            expect(code in ("encoding.invalid", "json.syntax"), code)


@case("E17", "CSV of 10,000 and 100,000 columns", 20_000, 100_000)
def wide_csv(run, count):
    for width in (10_000, count):
        header = ",".join(f"c{number}" for number in range(width))
        row = ",".join(str(number) for number in range(width))
        text = f"{header}\n{row}\n{row}\n".encode()
        with run.run([text], ["--from", "csv", "--to", "jsonl"], 0) as done:
            check_width(done)
            rows = [json.loads(line) for line in done.text("t.jsonl").splitlines()]
            kept = len(rows[1]) - 1 + len(rows[1]["_tm_rest"])
            expect(len(rows) == 2 and kept == width, f"{kept} cells of {width}")


@case("E17", "a row and a header of nothing but delimiters", 7 * MIB, 60 * MIB)
def delimiters(run, size):
    with run.run([b"a,b\n1,2\n" + b"," * size + b"\n3,4\n"], CSV, 3) as done:
        expect(f"expected 2 cells, found {size + 1}" in done.stderr, "another fault")
    for header in ["--header", "--no-header"]:
        with run.run([b"a," * (size // 2) + b"a\n1,2\n"], [*CSV, header], 5) as done:
            expect("expected at most 1048576 columns" in done.stderr, "another fault")


@case("G06", "an array of a million objects, and a thousand times a thousand", 150_000, 1_000_000)
def many_rows(run, count):
    rows = lines(lambda number: f'{{"b":{number}}},', count)
    flags = ["--from", "jsonl", "--to", "parquet"]
    with run.run(chain(b'{"a":[', rows, b'{"b":0}]}\n'), flags, 0) as done:
        expect(done.summary()["tables"][1]["rows"] == count + 1, "rows are lost")
    side = int(count**0.5)
    inner = '{"b":[' + ",".join(['{"c":1}'] * side) + "]}"
    record = '{"a":[' + ",".join([inner] * side) + "]}\n"
    with run.run([record.encode()], flags, 0) as done:
        expect(done.summary()["tables"][2]["rows"] == side * side, "rows are lost")


# --- records at fault ----------------------------------------------------------------------------


@case("G08", "nothing but bad records", MIB // 4, 1 << 30)
def all_bad(run, size):
    with run.run(repeat(b"x\n", size), [*JSONL, "--max-errors", "1000"], 4) as done:
        expect(len(done.stderr) < 4096, f"{len(done.stderr)} bytes on stderr")
    with run.run(repeat(b"x\n", size), [*JSONL, "--rejects", "none"], 3) as done:
        expect(len(done.stderr) < 4096, f"{len(done.stderr)} bytes on stderr")
        expect(done.summary()["failed"] == size // 2, "rejects are not all counted")


@case("D01", "text at the end of a column of integers", 200_000, 10_000_000)
def late_text(run, count):
    pieces = chain(lines('{{"a":{}}}\n'.format, count), b'{"a":"x"}\n')
    with run.run(pieces, ["--from", "jsonl", "--to", "parquet"], 0) as done:
        expect(done.summary()["successful"] == count + 1, "records are lost")


@case("G10", "columns of distinct strings", 60_000, 10_000_000)
def distinct_strings(run, count):
    rng = random.Random(11)
    pieces = lines(lambda _: f'{{"a":"{rng.getrandbits(96):024x}"}}\n', count)
    with run.run(pieces, ["--from", "jsonl", "--to", "parquet"], 0) as done:
        expect(done.summary()["successful"] == count, "records are lost")


@case("G18", "more row groups than 32,767", 20_000, 33_000, memory_mib=256)
def many_groups(run, count):
    flags = ["--from", "jsonl", "--to", "parquet", "--row-group-rows", "1"]
    with run.run(lines('{{"a":{}}}\n'.format, count), flags, 0) as done:
        expect(done.summary()["tables"][0]["rows"] == count, "rows are lost")


# --- time ----------------------------------------------------------------------------------------

SHAPES = {
    "backslashes": (lambda n: [b'{"a":"' + b"\\\\" * (n // 2) + b'"}\n'], JSONL, 0),
    "open backslashes": (lambda n: [b'{"a":"' + b"\\" * n + b"\n"], JSONL, 3),
    "quotes": (lambda n: [b'{"a":' + b'"' * n + b"}\n"], JSONL, 3),
    "brackets": (lambda n: [b'{"a":' + b"[" * n + b"\n"], JSONL, 3),
    "braces": (lambda n: [b"{" * n], JSON, 3),
    "brackets of a stream": (lambda n: [b'{"a":1}' + b"[" * n], JSON, 3),
    "spaces": (lambda n: [b'{"a":1}', b" " * n, b'{"a":2}'], JSON, 0),
    "blank lines": (lambda n: [b'{"a":1}\n', b"\n" * n, b'{"a":2}\n'], JSONL, 0),
    "digits": (lambda n: [b'{"a":' + b"9" * n + b"}\n"], JSONL, 0),
    "digits of a fraction": (lambda n: [b'{"a":0.' + b"3" * n + b"}\n"], JSONL, 0),
    "keys that stand twice": (lambda n: [b"{" + b'"a":1,' * (n // 6) + b'"a":2}\n'], JSONL, 0),
    "keys of one object": (
        lambda n: [("{" + ",".join(f'"{k}":1' for k in range(n // 10)) + "}\n").encode()],
        JSONL,
        0,
    ),
    "one key a record": (lambda n: lines('{{"k{}":1}}\n'.format, n // 13), ["--from", "jsonl", "--to", "parquet"], 0),
    "empty objects": (lambda n: [b'{"a":[' + b"{}," * (n // 3) + b"{}]}\n"], JSONL, 0),
    "open records": (lambda n: [b'{"a":[\n' * (n // 7)], JSONL, 3),
    "open quotes of cells": (lambda n: [b'a,b\n1,2\n', b'"x,\n' * (n // 4)], CSV, 3),
    "doubled quotes": (lambda n: [b'a,b\n"' + b'""' * (n // 2) + b'",1\n'], CSV, 0),
    "delimiters": (lambda n: [b"a,b\n1,2\n" + b"," * n + b"\n"], CSV, 3),
    "columns": (
        lambda n: [(",".join(f"c{k}" for k in range(n // 17)) + "\n").encode() * 2],
        ["--from", "csv", "--header", "--to", "parquet"],
        0,
    ),
    "headers that stand twice": (lambda n: [(b"a," * (n // 17) + b"a\n") * 2], [*CSV, "--header"], 0),
}  # fmt: skip


@case("G09", "twice the input takes at most 2.5 times the time", MIB // 16, 8 * MIB)
def linear_time(run, size):
    for what, (make, flags, status) in SHAPES.items():
        run.linear(what, make, size, flags, status)


# --- compression ---------------------------------------------------------------------------------


def zstd_frame(byte, size):
    """A frame of blocks that repeat one byte: 128 KiB in 4 bytes, 32,768:1."""
    block = 128 << 10
    window = bytes([(17 - 10) << 3])
    yield b"\x28\xb5\x2f\xfd\x00" + window
    count = size // block
    for number in range(count):
        is_last = number + 1 == count
        yield (block << 3 | 1 << 1 | is_last).to_bytes(3, "little") + byte


def zstd_raw(data):
    header = (len(data) << 3 | 1).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd\x00\x38" + header + data


def packed(kind, byte, size, head, tail):
    """Yields a bomb: `head`, then `size` times `byte`, then `tail`, in as few bytes as can be."""
    if kind == "zstd":
        yield zstd_raw(head)
        yield from zstd_frame(byte, size)
        yield zstd_raw(tail)
        return
    pack = {"gzip": lambda data: gzip.compress(data, 9), "bzip2": bz2.compress, "xz": lzma.compress}[kind]
    piece = pack(byte * (16 * MIB))
    yield pack(head)
    for _ in range(size // (16 * MIB)):
        yield piece
    yield pack(tail)


@case("H05", "bombs of gzip, zstd, xz and bzip2", 16 * MIB, 10 << 30)
def bombs(run, size):
    # gzip reaches 1,032:1 and no more, xz about 6,900:1, zstd 32,768:1, bzip2 more than that
    for kind in ("gzip", "zstd", "xz", "bzip2"):
        # what xz unpacks in a second is a tenth of what others do
        size_of = max(16 * MIB, size // 4) if kind in ("xz", "bzip2") else size
        string = chain(packed(kind, b"x", size_of, b'{"a":1}\n{"a":"', b'"}\n{"a":3}\n'))
        with run.run(string, JSONL, 3) as done:
            one_reject(done, "record.too_large")
        blank = packed(kind, b"\n", size_of, b'{"a":1}\n', b'{"a":3}\n')
        with run.run(blank, JSONL, 0) as done:
            expect(done.text("t.csv") == "_tm_id,a\n1,1\n2,3\n", "rows")


@case("H06", "a zstd window of 2 GiB", 1, 1)
def zstd_window(run, _):
    # window descriptor: exponent 21 is 2 GiB
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([21 << 3]) + (8 << 3 | 1).to_bytes(3, "little") + b'{"a":1}\n'
    with run.run([frame], JSONL, 5) as done:
        expect(done.peak_mib < 128 and "--long=31" in done.stderr, "no hint")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", required=True, help="the program")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--short", action="store_true", help="small sizes (default)")
    form.add_argument("--long", action="store_true", help="the sizes that are promised")
    parser.add_argument("--only", default="", help="ids of cases, with commas between them")
    options = parser.parse_args()
    binary = os.path.abspath(options.bin)
    wanted = set(filter(None, options.only.split(",")))
    known = {one for ids, *_ in CASES for one in ids.split()}
    if wanted - known:
        parser.error(f"no such case: {', '.join(sorted(wanted - known))}")
    starter = Starter()
    passed = failed = 0
    for ids, name, short, long, memory_mib, seconds, function in CASES:
        if wanted and not wanted & set(ids.split()):
            continue
        flags = [] if options.long else SHORT_FLAGS
        run = Runner(starter, binary, flags, memory_mib, seconds[options.long])
        begin = time.monotonic()
        try:
            function(run, long if options.long else short)
            verdict = "ok"
            passed += 1
        except Failed as fault:
            verdict = f"FAILED: {fault}"
            failed += 1
        except Exception as fault:  # a case that cannot be judged has failed
            verdict = f"FAILED: {type(fault).__name__}: {fault}"
            failed += 1
        shown = ids if len(ids) < 12 else ids.split()[0] + "…"
        took = time.monotonic() - begin
        print(f"{shown:5} {run.peak_mib:5} MiB {took:7.1f} s  {name}: {verdict}", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
