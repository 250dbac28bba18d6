#!/usr/bin/env python3
"""What transmog and its peers make of data that goes wrong, as a table.

    python3 -m venv peers && peers/bin/pip install -r tests/torture/peers.txt
    peers/bin/python tests/torture/peers.py --bin target/release/transmog [--only WORD] [--write docs/reliability.md]

Every tool turns the same file into Parquet, as its manual says and with its defaults, in a process of its own; pyarrow
reads back what is there. Each case says which values must be found, in the digits and letters of the input. A verdict:

    right      all values are there, or no file and nothing else was asked for
    reported   what is missing or changed is named or counted on standard error
    error      the tool says what is wrong and leaves no file
    error+file the tool fails, and a file stays under the final name
    LOST       exit status 0, no word, and values are missing or others
    none       the tool does not read this format
    CRASH      a signal, a panic, or no end within five minutes

The two cases of a full disk need root, for a small file system in memory. Where a tool takes hints that would help
(types by hand, other modes), this table does not try them: it shows what happens to people who do not know yet that
their data needs one.
"""

import argparse
import datetime
import decimal
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time

import polars
import polars.selectors
import pyarrow as pa
import pyarrow.parquet as pq

MANY = 30_000
SECONDS = 300

TOOLS = {
    "DuckDB": """
        import duckdb
        read = "read_csv" if "{src}".endswith("csv") else "read_json"
        duckdb.sql("copy (select * from " + read + "('{src}')) to '{out}/main.parquet' (format parquet)")
    """,
    "Polars": """
        import polars as pl
        frame = pl.read_csv("{src}") if "{src}".endswith("csv") else pl.read_ndjson("{src}")
        frame.write_parquet("{out}/main.parquet")
    """,
    "ClickHouse": """
        import chdb
        form = "CSVWithNames" if "{src}".endswith("csv") else "JSONEachRow"
        chdb.query("insert into function file('{out}/main.parquet', Parquet) select * from file('{src}', " + form + ")")
    """,
    "pyarrow": """
        import pyarrow.csv, pyarrow.json, pyarrow.parquet
        read = pyarrow.csv.read_csv if "{src}".endswith("csv") else pyarrow.json.read_json
        pyarrow.parquet.write_table(read("{src}"), "{out}/main.parquet")
    """,
    "transmog-py": """
        import transmog
        transmog.flatten_stream("{src}", output_path="{out}", output_format="parquet")
    """,
    "dlt": """
        import dlt, orjson
        def rows():
            for line in open("{src}", "rb"):
                yield orjson.loads(line)
        pipeline = dlt.pipeline("peers", destination=dlt.destinations.filesystem("file://{out}"), dataset_name="d", pipelines_dir="{out}/.p")
        pipeline.run(dlt.resource(rows, name="rec"), loader_file_format="parquet")
    """,
}


# These have no reader of CSV of their own.
NO_CSV = {"transmog-py", "dlt"}


def lines(records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def many(last, each=lambda n: {"v": n}):
    """Thirty thousand records that agree, and one that does not."""
    return lines([{"id": f"id-{n:06}", **each(n)} for n in range(MANY)]) + last.encode() + b"\n"


def table(rows, header="id,v"):
    return "\n".join([header, *rows, ""]).encode()


# Name, ending, bytes, values that must be found (one of each tuple); where a record is bad, what must be found of it for
# a tool that does not report it, `None` for what is not to be had.
CASES = [
    ("a column that first comes in the last record", "jsonl", many('{"id":"last","v":1,"late":"hello-late"}'), ["id-000000", "last", "hello-late"]),
    ("a child table that first comes in the last record", "jsonl", many('{"id":"last","v":1,"rows":[{"sku":"late-sku"}]}'), ["id-000000", "late-sku"]),
    ("text in a column of integers, in the last record", "jsonl", many('{"id":"last","v":"n/a"}'), ["id-000000", "29999", "n/a"]),
    ("a fraction in a column of integers, in the last record", "jsonl", many('{"id":"last","v":1.5}'), ["id-000000", "29999", "1.5"]),
    ("a boolean in a column of integers, in the last record", "jsonl", many('{"id":"last","v":true}'), ["id-000000", "29999", ("true", "True")]),
    ("an object where numbers were, in the last record", "jsonl", many('{"id":"last","v":{"x":"deep-x"}}'), ["id-000000", "29999", "deep-x"]),
    ("a list where numbers were, in the last record", "jsonl", many('{"id":"last","v":["in-list"]}'), ["id-000000", "29999", "in-list"]),
    ("a column of nulls until the last record", "jsonl", many('{"id":"last","v":"at-last"}', lambda n: {"v": None}), ["id-000000", "at-last"]),
    ("a date that does not exist, in the last record", "jsonl", many('{"id":"last","v":"2024-02-30"}', lambda n: {"v": f"2024-01-{n % 28 + 1:02}"}), ["id-000000", "2024-01-28", "2024-02-30"]),
    ("2^63, one more than 64 bits hold", "jsonl", lines([{"id": "a", "v": 2**63}, {"id": "b", "v": 1}]), ["a", "b", str(2**63)]),
    ("an integer of 30 digits", "jsonl", b'{"id":"a","v":123456789012345678901234567890}\n{"id":"b","v":1}\n', ["a", "b", "123456789012345678901234567890"]),
    ("2^53 + 1 beside a fraction", "jsonl", b'{"id":"a","v":9007199254740993}\n{"id":"b","v":0.5}\n', ["a", "b", "9007199254740993", "0.5"]),
    ("1e400, beyond doubles", "jsonl", b'{"id":"a","v":1e400}\n{"id":"b","v":1.5}\n', ["a", "b", "1e400", "1.5"]),
    ("a key that stands twice", "jsonl", b'{"id":"a","v":"first","v":"second"}\n', ["a", "first", "second"]),
    ("keys that differ in case alone", "jsonl", b'{"id":"a","Name":"upper","name":"lower"}\n', ["a", "upper", "lower"]),
    ("`a_b` beside `b` in `a`", "jsonl", b'{"id":"x","a_b":"outer","a":{"b":"inner"}}\n', ["x", "outer", "inner"]),
    ("fields called `_id`, `_parent_id`, `_timestamp`", "jsonl", b'{"id":"x","_id":"mine","_parent_id":"my-parent","_timestamp":"my-time","rows":[{"_id":"row-id"}]}\n', ["x", "mine", "my-parent", "my-time", "row-id"]),
    ("an empty key", "jsonl", b'{"id":"x","":"nameless"}\n', ["x", "nameless"]),
    ("an empty object, and an empty list", "jsonl", b'{"id":"x","o":{},"l":[]}\n', ["x"]),
    ("a line that is no JSON, in the middle", "jsonl", b'{"id":"a"}\n{"id":oops}\n{"id":"c"}\n', ["a", "c"], [None]),
    ("a last line that is cut off", "jsonl", b'{"id":"a"}\n{"id":"b"}\n{"id":"c', ["a", "b"], [None]),
    ("a lone surrogate, `\\ud800`", "jsonl", b'{"id":"a","v":"x"}\n{"id":"b","v":"\\ud800"}\n{"id":"c","v":"y"}\n', ["a", "c"], [None]),
    ("bytes that are not UTF-8", "jsonl", b'{"id":"a","v":"x"}\n{"id":"b","v":"bad\xff\xfe"}\n{"id":"c","v":"y"}\n', ["a", "c"], [None]),
    ("a byte order mark", "jsonl", b'\xef\xbb\xbf{"id":"a","v":1}\n{"id":"b","v":2}\n', ["a", "b"]),
    ("CSV: a zip code `00501`, a phone `+15551234`", "csv", table(["a,00501,+15551234", "b,00502,+15551235"], "id,zip,phone"), ["a", "00501", "+15551234"]),
    ("CSV: `n/a` in a column of integers, in the last row", "csv", table([f"id-{n:06},{n}" for n in range(MANY)] + ["last,n/a"]), ["id-000000", "29999", "n/a"]),
    ("CSV: a row with a cell too few", "csv", table(["a,1,x", "b,2", "c,3,z"], "id,v,w"), ["a", "c"], ["b", "2"]),
    ("CSV: a quote that never closes", "csv", table(["a,1", 'b,"2', "c,3", "d,4"]), ["a", "1"], ["b", "c", "3", "d", "4"]),
]


def tokens(value, found):
    """Adds the scalars of a cell as text, numbers in exact digits."""
    if isinstance(value, dict):
        for inner in value.values():
            tokens(inner, found)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            tokens(inner, found)
    elif isinstance(value, bool):
        found.add("true" if value else "false")
    elif isinstance(value, float):
        found.add(str(int(value)) if value.is_integer() and abs(value) <= 2**53 else repr(value))
    elif isinstance(value, decimal.Decimal):
        found.add(format(value, "f"))
    elif isinstance(value, (datetime.date, datetime.datetime)):
        found.add(value.isoformat())
    elif isinstance(value, bytes):
        found.add(value.decode(errors="replace"))
    elif value is not None:
        found.add(str(value))
        if isinstance(value, str) and value[:1] in ("{", "["):
            try:
                tokens(json.loads(value, parse_int=str, parse_float=str), found)
            except ValueError:
                pass


def values_in(folder):
    """All scalars of all Parquet files below a folder."""
    found = set()
    for path in glob.glob(folder + "/**/*.parquet", recursive=True):
        if "/_dlt_" in path:
            continue
        try:
            table = pq.ParquetFile(path).read()
        except pa.ArrowException:  # what its writer alone can read
            table = polars.read_parquet(path).with_columns(polars.selectors.integer().cast(polars.String)).to_arrow()
        for column in table.columns:
            kind = column.type
            if pa.types.is_timestamp(kind):
                column = column.cast(pa.string())
            for value in column.to_pylist():
                tokens(value, found)
    return found


def command(tool, binary, src, out):
    if tool == "transmog":
        return [binary, "convert", src, "--to", "parquet", "-o", out + os.sep]
    return [sys.executable, "-c", textwrap.dedent(TOOLS[tool]).format(src=src, out=out)]


def final_files(out):
    found = [p for p in glob.glob(out + "/**/*.parquet", recursive=True) if "/." not in p[len(out):] and "/_dlt_" not in p]
    return [p for p in found if os.path.getsize(p)]


def run(words, out):
    """Exit status (None where it took too long), and what it said."""
    environment = {**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false", "DO_NOT_TRACK": "1"}
    try:
        done = subprocess.run(words, cwd=out, capture_output=True, timeout=SECONDS, env=environment)
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def verdict(tool, binary, case, folder):
    name, ending, data, wanted, *bad = case
    if ending == "csv" and tool in NO_CSV:
        return "none", ""
    src, out = os.path.join(folder, "in." + ending), os.path.join(folder, "out")
    with open(src, "wb") as f:
        f.write(data)
    os.makedirs(out)
    status, said = run(command(tool, binary, src, out), out)
    if status is None or status < 0 or "panicked at" in said:
        return "CRASH", said
    wrong = None
    found = set()
    try:
        found = values_in(out)
        missing = [w for w in wanted if not any(one in found for one in (w if isinstance(w, tuple) else (w,)))]
    except Exception as error:  # a file that cannot be read
        missing, wrong = ["everything"], str(error)
    if status not in (0, 3):
        return ("error+file" if final_files(out) else "error"), said
    # What was rejected counts as reported where the tool says so.
    tells = bool(re.search(r"reject|duplicate|twice|skipp|warning", said, re.I))
    if missing:
        return ("reported" if tells else "LOST"), f"missing {missing} {wrong or ''} {said}"
    if bad and (tells or any(value not in found for value in bad[0])):
        return ("reported" if tells else "LOST"), said
    return "right", said


def big_input(folder, megabytes):
    """Records that do not compress well, so that the output is large."""
    src = os.path.join(folder, "in.jsonl")
    with open(src, "w") as f:
        written = n = 0
        while written < megabytes * 1_000_000:
            written += f.write(json.dumps({"id": n, "v": os.urandom(60).hex()}) + "\n")
            n += 1
    return src, n


def disk_full(tool, binary, folder):
    """A file system of four megabytes takes the output of thirty."""
    src, _ = big_input(folder, 30)
    out = os.path.join(folder, "out")
    os.makedirs(out)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", out], check=True)
    try:
        status, said = run(command(tool, binary, src, out), folder)
        left = final_files(out)
        if status is None or status < 0 or "panicked at" in said:
            return "CRASH", said
        if status == 0:
            return "LOST", said
        return ("error+file" if left else "error"), said
    finally:
        subprocess.run(["umount", "-l", out], check=True)


def killed(tool, binary, folder):
    """Killed while it writes: what has the final name must be whole, or not be there."""
    src, count = big_input(folder, 120)
    halves = 0
    for at in (0.25, 0.5, 0.7, 0.85, 0.95):
        out = os.path.join(folder, f"out-{at}")
        os.makedirs(out)
        words = command(tool, binary, src, out)
        if at == 0.25:
            started = time.monotonic()
            run(words, out)
            whole = time.monotonic() - started
            shutil.rmtree(out)
            os.makedirs(out)
        process = subprocess.Popen(words, cwd=out, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * at)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for path in final_files(out):
            try:
                halves += pq.ParquetFile(path).metadata.num_rows not in (0, count)
            except Exception:  # no Parquet yet
                halves += 1
        shutil.rmtree(out)
    return ("file" if halves else "right"), f"{halves} of 5 left a file that is not whole"


FAULTS = [("the disk is full", disk_full), ("killed while it writes: no half file under the final name", killed)]


def versions(binary):
    import importlib.metadata

    ours = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.split("\n")[0].split()[1]
    packages = {"DuckDB": "duckdb", "Polars": "polars", "ClickHouse": "chdb", "pyarrow": "pyarrow", "transmog-py": "transmog", "dlt": "dlt"}
    known = {tool: importlib.metadata.version(name) for tool, name in packages.items()}
    known["ClickHouse"] = "(chdb " + known["ClickHouse"] + ")"
    return {"transmog": ours, **known}


SHOWN = {"right": "right", "reported": "reported", "error": "error", "error+file": "error, file left", "LOST": "**lost**", "CRASH": "**crash**", "file": "half file", "none": "–"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--tool", action="append")
    parser.add_argument("--write", help="a page whose table, between the lines `<!-- table -->` and `<!-- end -->`, is replaced")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    binary = os.path.abspath(args.bin)
    tools = args.tool or ["transmog", *TOOLS]
    rows = []
    for case in CASES + FAULTS:
        if args.only not in case[0]:
            continue
        row = []
        for tool in tools:
            with tempfile.TemporaryDirectory(prefix="peers-") as folder:
                judge = (lambda: case[1](tool, binary, folder)) if callable(case[1]) else (lambda: verdict(tool, binary, case, folder))
                found, said = judge()
                row.append(found)
                if args.verbose:
                    print(f"    {tool}: {found}: {' '.join(said.split())[-300:]}")
        rows.append((case[0], row))
        print(f"{case[0]}: " + ", ".join(f"{tool} {found}" for tool, found in zip(tools, row)), flush=True)
    known = versions(binary)
    text = ["| " + " | ".join(["", *(f"{tool} {known[tool]}" for tool in tools)]) + " |", "|---" * (len(tools) + 1) + "|"]
    text += ["| " + " | ".join([name, *(SHOWN[found] for found in row)]) + " |" for name, row in rows]
    if args.write:
        with open(args.write, encoding="utf-8") as f:
            page = f.read()
        page = re.sub(r"(<!-- table -->\n).*?(<!-- end -->)", lambda m: m[1] + "\n".join(text) + "\n" + m[2], page, flags=re.S)
        with open(args.write, "w", encoding="utf-8") as f:
            f.write(page)
    else:
        print("\n".join(text))


if __name__ == "__main__":
    main()
