"""Reads what `transmog convert` writes with readers that are not ours, and compares.

    python check.py --bin PATH [--race DIR] [--only WORD] [--golden DIR] [--verbose]

For every golden case: DuckDB, pyarrow and Polars agree on each Parquet file; its cells equal those of the slow flattener
in reference.py; joined by their link columns the tables give the records back; CSV and JSON say the same as Parquet.
Scripts of `--emit-sql duckdb` run, and their views agree. A manifest is a data package to frictionless, which reads CSV by it: types, row counts, primary and foreign keys.
Then schema drift and deep payloads, from small made-up files, also compressed and as UTF-16, and with `--race DIR` from drift.jsonl and
webhooks.jsonl as race/data.py makes them. Ends with `N passed, N failed`; non-zero if any failed.
"""
import argparse
import collections
import csv
import datetime
import decimal
import json
import lzma
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile
import traceback

import duckdb
import frictionless
import polars
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import reference
from reference import Num, Reference, leaves_in, same_json, same_leaf, steps_of

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "..", "fixtures", "golden")
WITHOUT_VALUE = {"--all-text", "--compat", "--wrap-values", "--bom", "--formula-guard", "--json-cells"}
ONLY_FOR = {  # options that mean nothing for the other formats
    "--row-group-rows": {"parquet"}, "--row-group-bytes": {"parquet"}, "--compression": {"parquet"},
    "--encoding": {"parquet"}, "--compat": {"parquet"},
    "--nulls": {"json", "jsonl"}, "--indent": {"json"},
    "--delimiter-out": {"csv"}, "--bom": {"csv", "tsv"}, "--formula-guard": {"csv", "tsv"},
}
REFERENCE_KNOWS = {
    "--arrays", "--arrays-at", "--map", "--separator", "--name", "--names", "--meta-prefix", "--dates", "--all-text",
    "--duplicate-keys", "--wrap-values", "--records", "--from", "--to", "--nulls", "--row-group-rows",
}
MAX_DEPTH = 32
csv.field_size_limit(2**31 - 1)


# ---- reporting


class Mismatch(Exception):
    """One difference: where, what was expected, what was found."""

    def __init__(self, expected, found, table=None, column=None):
        super().__init__(f"expected {expected}, found {found}")
        self.expected, self.found, self.table, self.column = expected, found, table, column


class Skipped(Exception):
    """The check does not apply to the case."""


class Report:
    def __init__(self, verbose):
        self.passed, self.failed, self.verbose = 0, 0, verbose

    def check(self, case, what, run, *args):
        """Runs one check by itself: whatever it raises is this check's failure and no other's."""
        try:
            result = run(*args)
        except Skipped as reason:
            if self.verbose:
                print(f"skip  {case}: {what}: {reason}")
            return None
        except Mismatch as m:
            self.fail(case, what, m)
            return None
        except Exception as error:  # a checker that trips over bad output must go on
            self.fail(case, what, Mismatch("no error", f"{type(error).__name__}: {error}"))
            if self.verbose:
                traceback.print_exc(file=sys.stdout)
            return None
        self.passed += 1
        if self.verbose:
            print(f"ok    {case}: {what}")
        return result if result is not None else True

    def fail(self, case, what, m):
        self.failed += 1
        place = [f"table {short(m.table)}" if m.table is not None else "", f"column {short(m.column)}" if m.column is not None else ""]
        print(f"FAIL  {case}: {what}: {', '.join(filter(None, place))}")
        print(f"        expected {short(m.expected)}\n        found    {short(m.found)}", flush=True)


def short(value, limit=600):
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def expect(expected, found, table=None, column=None):
    if expected != found:
        raise Mismatch(expected, found, table, column)


# ---- running the tool


class Case:
    """A golden case: its input and the options of its `args`."""

    def __init__(self, folder):
        self.name = os.path.basename(folder)
        (self.input,) = [os.path.join(folder, f) for f in os.listdir(folder) if f.startswith("in.")]
        with open(os.path.join(folder, "args")) as f:
            self.options = parse_options(shlex.split(f.read()))

    def all(self, flag):
        return [value for name, value in self.options if name == flag]

    def get(self, flag, default=None):
        return (self.all(flag) or [default])[-1]

    @property
    def prefix(self):
        return self.get("--meta-prefix", "_tm_")

    def records(self):
        with open(self.input, "rb") as f:
            data = f.read()
        return reference.records_in(data, self.get("--duplicate-keys", "last"), self.get("--records"), bool(self.all("--wrap-values")),
                                    lines=self.input.endswith(".jsonl"))


def parse_options(words):
    options, at = [], 0
    while at < len(words):
        name, equals, value = words[at].partition("=")
        at += 1
        if not equals:
            value = None
            if name not in WITHOUT_VALUE:
                value, at = words[at], at + 1
        options.append((name, value))
    return options


def convert(binary, source, options, form, sandbox):
    """Converts `source` into `sandbox/form/in/out`; nothing may appear outside of it."""
    inside = os.path.join(sandbox, form, "in")
    out = os.path.join(inside, "out")
    os.makedirs(out)
    words = [binary, "convert", source, "--to", form, "-o", out + os.sep]
    for name, value in options:
        if name not in ("--to", "-o") and form in ONLY_FOR.get(name, {form}):
            words += [name] if value is None else [f"{name}={value}"]
    run = subprocess.run(words, cwd=inside, capture_output=True, stdin=subprocess.DEVNULL, timeout=3600)
    if run.returncode != 0:
        raise Mismatch("exit 0", f"exit {run.returncode}: {run.stderr.decode(errors='replace').strip()[-400:]}")
    expect([["in"], ["out"]], [os.listdir(os.path.join(sandbox, form)), os.listdir(inside)], column="files outside of the output folder")
    if run.stdout:
        raise Mismatch("nothing on stdout", run.stdout[:200])
    return out


def files_in(folder, ending):
    found = []
    for path, folders, names in os.walk(folder):
        found += [os.path.join(path, n) for n in names]
    wrong = [f for f in found if not f.endswith("." + ending)]
    if wrong:
        raise Mismatch(f"only .{ending} files", [os.path.basename(f) for f in wrong])
    return sorted(found)


# ---- tables as three readers see them


class Column:
    def __init__(self, name, kind, path):
        self.name, self.kind, self.path = name, kind, path
        self.part = "json" if kind == "json" else "list" if kind.startswith("list<") else "scalar"
        self.link = False


class Table:
    """One Parquet file: columns with paths, and their values once they are read."""

    def __init__(self, file, prefix, plain_name):
        self.file, self.prefix = file, prefix
        # read under a plain name: readers take some characters of a name for a pattern
        self.plain = plain_name
        os.symlink(file, plain_name)
        self.parquet = pq.ParquetFile(plain_name)
        meta = (self.parquet.metadata.metadata or {}).get(b"transmog.table")
        if meta is None:
            raise Mismatch("file metadata `transmog.table`", "none", os.path.basename(file))
        meta = json.loads(meta)
        self.name, self.path, self.parent = meta["name"], meta["path"], meta["parent"]
        self.rows = self.parquet.metadata.num_rows
        self.schema = self.parquet.schema_arrow
        leaves = [self.parquet.schema.column(i) for i in range(len(self.parquet.schema))]
        expect(len(self.schema), len(leaves), self.name, "one Parquet leaf a column")
        self.columns = []
        for field, leaf in zip(self.schema, leaves):
            kind = kind_of(field.type)
            if kind == "text" and leaf.logical_type.type == "JSON":
                kind = "json"
            path = (field.metadata or {}).get(b"transmog.path")
            self.columns.append(Column(field.name, kind, None if path is None else path.decode()))
        links = {prefix + n for n in ("id", "parent_id", "root_id", "index", "key")}
        for column in self.columns:
            column.link = column.name in links and not column.path
            column.rest = column.name.startswith(prefix + "rest") and column.kind == "json" and column.path in (None, "", self.path)
            if not column.link and not column.rest and column.path is None:
                raise Mismatch("field metadata `transmog.path`", "none", self.name, column.name)
        self.values = None

    def read(self):
        if self.values is None:
            table = self.parquet.read()
            self.values = [plain(table.column(i)).to_pylist() for i in range(table.num_columns)]
        return self

    def links(self):
        return {c.name[len(self.prefix):]: v for c, v in zip(self.columns, self.values) if c.link}

    def data(self):
        return [(c, v) for c, v in zip(self.columns, self.values) if not c.link]


def kind_of(t):
    """Our name for an Arrow type."""
    if isinstance(t, pa.BaseExtensionType):
        return "json" if t.extension_name == "arrow.json" else str(t)
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        return f"list<{kind_of(t.value_type)}>"
    if pa.types.is_string(t) or pa.types.is_large_string(t) or str(t) == "string_view":
        return "text"
    if pa.types.is_decimal(t):
        return f"decimal({t.precision},{t.scale})"
    if pa.types.is_timestamp(t):
        return ("timestamp_utc" if t.tz else "timestamp") if t.unit == "us" else str(t)
    return {"bool": "bool", "double": "double", "date32[day]": "date"}.get(str(t), str(t))


def duckdb_kind(name):
    if name.endswith("[]"):
        return f"list<{duckdb_kind(name[:-2])}>"
    known = {"BIGINT": "int64", "INTEGER": "int32", "DOUBLE": "double", "BOOLEAN": "bool", "VARCHAR": "text", "JSON": "json",
             "DATE": "date", "TIMESTAMP": "timestamp", "TIMESTAMP WITH TIME ZONE": "timestamp_utc", "TIMESTAMP_NS": "timestamp[ns]"}
    return known.get(name, name.lower())


def plain(column):
    """A column in types that compare: dates as days, timestamps as microseconds, text and lists in one layout."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    return column.cast(plain_type(column.type))


def plain_type(t):
    if isinstance(t, pa.BaseExtensionType):
        return plain_type(t.storage_type)
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        return pa.large_list(pa.field("item", plain_type(t.value_type)))
    if pa.types.is_date32(t):
        return pa.int32()
    if pa.types.is_timestamp(t):
        return pa.int64()
    return pa.large_string() if kind_of(t) == "text" else t


def by_duckdb(table, names=None):
    """(names, kinds, rows, arrow table of the asked columns) as DuckDB reads the file."""
    con = duckdb.connect()
    what = "*" if names is None else ", ".join('"' + n.replace('"', '""') + '"' for n in names)
    relation = con.sql(f"select {what} from read_parquet('{table.plain}', hive_partitioning=false)")
    kinds = [duckdb_kind(str(t)) for t in relation.types]
    return relation.columns, kinds, relation.to_arrow_table()


def by_polars(table, names=None):
    frame = polars.read_parquet(table.plain, glob=False, hive_partitioning=False, columns=names)
    arrow = frame.to_arrow()
    return frame.columns, [kind_of(f.type) for f in arrow.schema], arrow


def open_tables(out, prefix, sandbox):
    plain_folder = os.path.join(sandbox, "plain")
    os.makedirs(plain_folder, exist_ok=True)
    tables = [Table(f, prefix, os.path.join(plain_folder, f"t{n}.parquet")) for n, f in enumerate(files_in(out, "parquet"))]
    if not tables:
        raise Mismatch("at least one Parquet file", "none")
    tables.sort(key=lambda t: len(steps_of(t.path)))
    return tables


def readers_agree(table):
    """Every value, name and type of one file, by pyarrow, DuckDB and Polars."""
    table.read()
    for reader, read in (("DuckDB", by_duckdb), ("Polars", by_polars)):
        names, kinds, arrow = read(table)
        expect([c.name for c in table.columns], list(names), table.name, f"names by {reader}")
        expect(table.rows, arrow.num_rows, table.name, f"rows by {reader}")
        for position, column in enumerate(table.columns):
            allowed = {column.kind, "text"} if column.kind == "json" and reader == "Polars" else {column.kind}
            if kinds[position] not in allowed:
                raise Mismatch(column.kind, f"{kinds[position]} by {reader}", table.name, column.name)
            found = plain(arrow.column(position)).to_pylist()
            for row, (a, b) in enumerate(zip(table.values[position], found)):
                if repr(a) != repr(b):
                    raise Mismatch(f"{a!r} in row {row + 1} by pyarrow", f"{b!r} by {reader}", table.name, column.name)


def readers_agree_in_bulk(table, width=1024):
    """The same for large files: Arrow compares whole columns, some at a time."""
    expect(True, table.rows > 0, table.name, "any rows")
    for at in range(0, len(table.columns), width):
        columns = table.columns[at:at + width]
        names = [c.name for c in columns]
        ours = pq.read_table(table.plain, columns=names)
        for reader, read in (("DuckDB", by_duckdb), ("Polars", by_polars)):
            found_names, kinds, arrow = read(table, names)
            expect(names, list(found_names), table.name, f"names by {reader}")
            expect(table.rows, arrow.num_rows, table.name, f"rows by {reader}")
            for position, column in enumerate(columns):
                allowed = {column.kind, "text"} if column.kind == "json" and reader == "Polars" else {column.kind}
                if kinds[position] not in allowed:
                    raise Mismatch(column.kind, f"{kinds[position]} by {reader}", table.name, column.name)
                if not plain(ours.column(position)).equals(plain(arrow.column(position))):
                    raise Mismatch("the values pyarrow reads", f"others by {reader}", table.name, column.name)


def names_are_distinct(tables):
    def distinct(names, table, what):
        folded = collections.Counter(n.casefold() for n in names)
        twice = sorted(n for n, count in folded.items() if count > 1)
        expect([], twice, table, what)

    distinct([t.name for t in tables], None, "table names, ignoring case")
    distinct([os.path.relpath(t.file) for t in tables], None, "file names, ignoring case")
    for table in tables:
        distinct([c.name for c in table.columns], table.name, "column names, ignoring case")
        same = collections.Counter((c.path, c.part) for c in table.columns if not c.link)
        expect([], [p for p, count in same.items() if count > 1], table.name, "paths that two columns share")
        wrong = [t for t in (os.path.basename(table.file),) if len(t.encode()) > 255]
        expect([], wrong, table.name, "file names over 255 bytes")
    expect(1, sum(t.path == "" for t in tables), None, "main tables")


# ---- against the reference


def nesting(value):
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if below is None else 1 + max(map(nesting, below), default=0)


def reference_for(case, records):
    unknown = [name for name, value in case.options if name not in REFERENCE_KNOWS and (name, value) != ("--ids", "sequence")]
    if unknown:
        raise Skipped(f"the reference does not know {unknown[0]}")
    if max(map(nesting, records), default=0) >= MAX_DEPTH:
        raise Skipped("nested beyond the default depth")
    at = [tuple(value.rsplit("=", 1)) for value in case.all("--arrays-at")]
    return Reference(case.get("--arrays", "smart"), at, case.all("--map"), case.get("--dates") != "off", bool(case.all("--all-text"))).run(records)


def equals_reference(case, records, tables):
    """Tables, links, columns, types and every cell, as the reference has them."""
    wanted = reference_for(case, records)
    found = {t.path: t for t in tables}
    if records or found:
        expect(sorted(wanted.tables), sorted(found), None, "table paths")
    for path, table in found.items():
        ref = wanted.tables[path]
        check_links(ref, table, found)
        must, may = wanted.expected(path)
        ids = table.links()["id"]
        for column, values in table.data():
            key = (column.path, column.part)
            if key not in must and key not in may:
                raise Mismatch("no such column", f"{column.part} column with path {column.path!r}", table.name, column.name)
            types, cells = must.pop(key) if key in must else may.pop(key)
            if column.kind not in types:
                raise Mismatch(" or ".join(sorted(types)), column.kind, table.name, column.name)
            for row, value in zip(ids, values):
                if not same_cell(cells.get(row), column.kind, value):
                    raise Mismatch(f"{cells.get(row)!r} for id {row}", f"{value!r}", table.name, column.name)
        expect([], sorted(must), table.name, "columns missing (path, part)")
        check_names(case, ref, wanted.expected(path)[0], table)


def same_cell(leaf, kind, value):
    if kind == "json":
        return value is None if leaf is None else value is not None and same_json(leaf, reference.loads(value))
    if kind.startswith("list<"):
        if leaf is None or value is None:
            return leaf is None and value is None
        return len(leaf) == len(value) and all(same_leaf(a, kind[5:-1], b) for a, b in zip(leaf, value))
    return same_leaf(leaf, kind, value)


def check_links(ref, table, found):
    prefix, links = table.prefix, table.links()
    is_map = any(link["key"] is not None for link in ref.links)
    is_list = any(link["index"] is not None for link in ref.links)
    wanted = ["id"]
    if ref.parent is not None:
        wanted += ["parent_id"] + (["root_id"] if ref.parent else []) + (["index"] if is_list else []) + (["key"] if is_map else [])
        expect(found[ref.parent].name, table.parent, table.name, "parent in `transmog.table`")
    first = [c.name for c in table.columns if c.link]
    if is_map and not is_list and "index" in links:  # the contract does not say whether a map's rows have an index
        wanted.insert(-1, "index")
    expect([prefix + w for w in wanted], first, table.name, "link columns")
    expect(first, [c.name for c in table.columns[:len(first)]], table.name, "link columns come first")
    for name in wanted:
        if name == "index" and not is_list:
            continue
        expect([link[name] for link in ref.links], links[name], table.name, prefix + name)
    for column in table.columns:
        if column.link and column.name != prefix + "key":
            expect("int64", column.kind, table.name, column.name)


def check_names(case, ref, must, table):
    """Where one path has one kind, its column is named by its steps; a clash adds `_2`, `_3`, and the later path gets it."""
    if case.get("--names") == "snake":
        return
    kinds = collections.Counter(path for path, _ in must)
    groups = collections.defaultdict(list)
    for path, part in must:
        name = reference.natural_name(path, table.path, case.get("--separator", "_"))
        if name is None or name == "" or len(name) > 100 or kinds[path] > 1 or not name.isprintable():
            continue
        groups[name.casefold()].append((path, name))
    named = {c.path: c.name for c in table.columns if not c.link}
    taken = {c.name.casefold() for c in table.columns if c.link}
    for folded, members in groups.items():
        for place, (path, name) in enumerate(members):
            if path not in named:
                continue
            first = place == 0 and folded not in taken
            if first and len(members) == 1 and named[path] != name and not re.fullmatch(re.escape(name) + r"_\d+", named[path]):
                raise Mismatch(name, named[path], table.name, path)
            if len(members) > 1 and not re.fullmatch(re.escape(name) + r"(_\d+)?", named[path]):
                raise Mismatch(f"{name} or {name}_N", named[path], table.name, path)
            if not first and named[path] == name:
                raise Mismatch(f"{name}_N, as an earlier path or a link column has the name", name, table.name, path)


# ---- back to records


class Cell:
    """A value of one row, with the type its column has."""

    def __init__(self, kind, value):
        self.kind, self.value = kind, value


def put(node, steps, value):
    for step in steps[:-1]:
        node = node.setdefault(step, {})
        if not isinstance(node, dict):
            raise Mismatch("an object or nothing", f"a second value at {'/'.join(steps)}")
    if steps[-1] in node:
        merge(node, steps[-1], value)
    else:
        node[steps[-1]] = value


def merge(node, key, value):
    if not isinstance(node[key], dict) or not isinstance(value, dict):
        raise Mismatch("one value", f"two at key {key!r}")
    for name, member in value.items():
        if name in node[key]:
            merge(node[key], name, member)
        else:
            node[key][name] = member


def rebuild(tables, rest_is):
    """The records, joined from the tables by link columns and paths. `rest_is`: how `_tm_rest` is keyed."""
    nodes, has_links = {}, any(c.link for t in tables for c in t.columns)
    by_name = {t.name: t for t in tables}
    main = next(t for t in tables if t.path == "")
    for table in tables:
        depth = len(steps_of(table.path))
        links = table.links()
        ids = links["id"] if "id" in links else list(range(1, table.rows + 1))
        expect(len(ids), len(set(ids)), table.name, "distinct ids")
        expect(False, None in ids, table.name, "ids that are null")
        rows = [{} for _ in ids]  # {} an object (or nothing), otherwise replaced by the row's own value
        own = [None] * len(ids)
        for column, values in table.data():
            if column.rest:
                for row, text in enumerate(values):
                    if text is not None:
                        put_rest(rows[row], reference.loads(text), table.path, rest_is)
                continue
            steps = steps_of(column.path)
            expect(steps_of(table.path), steps[:depth], table.name, f"path of {column.name} begins with the table's")
            steps = [step for _, step in steps[depth:]]
            for row, value in enumerate(values):
                if value is None:
                    continue
                cell = [Cell(column.kind[5:-1], e) for e in value] if column.part == "list" else Cell(column.kind, value)
                if steps:
                    put(rows[row], steps, cell)
                elif own[row] is not None:
                    raise Mismatch("one value an element", "two kinds in one row", table.name, column.name)
                else:
                    own[row] = cell
        nodes[table.name] = {i: {"fields": f, "own": o} for i, f, o in zip(ids, rows, own)}
        if table is not main:
            expect(True, has_links and "parent_id" in links, table.name, "link columns")
    attach = collections.defaultdict(list)
    for table in sorted(tables, key=lambda t: -len(steps_of(t.path))):
        if table is main:
            continue
        parent = by_name.get(table.parent)
        if parent is None:
            raise Mismatch("a parent among the tables", table.parent, table.name, "parent in `transmog.table`")
        steps = steps_of(table.path)
        depth = len(steps_of(parent.path))
        expect(steps_of(parent.path), steps[:depth], table.name, "table path begins with its parent's")
        expect(("any", "*"), steps[-1], table.name, "table path ends with `*`")
        links = table.links()
        groups = collections.defaultdict(list)
        for at, (row, up) in enumerate(zip(nodes[table.name], links["parent_id"])):
            if up not in nodes[parent.name]:
                raise Mismatch("a row of the parent table", f"orphan {row!r} of {up!r}", table.name, table.prefix + "parent_id")
            index, key = (links[n][at] if n in links else None for n in ("index", "key"))
            groups[up].append((index, key, nodes[table.name][row]))
        for up, members in groups.items():
            if all(key is not None for _, key, _ in members) and "key" in links:
                value = {key: finish(node) for _, key, node in members}
                expect(len(members), len(value), table.name, "distinct map keys in one row")
            else:
                expect(list(range(len(members))), [index for index, _, _ in members], table.name, table.prefix + "index")
                value = [finish(node) for _, _, node in members]
            target, inner = nodes[parent.name][up], [step for _, step in steps[depth:-1]]
            if inner:
                put(target["fields"], inner, value)
            elif target["own"] is not None:
                raise Mismatch("one value an element", "two kinds in one row", table.name)
            else:
                target["own"] = value
    check_roots(tables, by_name, main)
    return [finish(node) for node in nodes[main.name].values()]


def check_roots(tables, by_name, main):
    """`_tm_root_id` is the id of the main table's row that a row hangs from."""
    root = {main.name: {i: i for i in main.links().get("id", [])}}
    for table in sorted(tables, key=lambda t: len(steps_of(t.path))):
        links = table.links()
        if table is main:
            continue
        root[table.name] = {i: root[table.parent][up] for i, up in zip(links["id"], links["parent_id"])}
        if "root_id" in links:
            expect(list(root[table.name].values()), links["root_id"], table.name, table.prefix + "root_id")


def put_rest(node, rest, table_path, rest_is):
    for key, value in rest.items():
        value = Cell("json", json_text(value)) if not isinstance(value, dict) or rest_is == "pointers" else value
        if rest_is == "pointers" and key.startswith("/"):
            inside = key[len(table_path):] if table_path and key.startswith(table_path + "/") else key
            put(node, [step for _, step in steps_of(inside)], value)
        elif isinstance(value, dict):
            for steps, leaf in leaves_of(value):
                put(node, [key, *steps], Cell("json", json_text(leaf)))
        else:
            put(node, [key], value)


def leaves_of(value, steps=()):
    if isinstance(value, dict):
        for key, member in value.items():
            yield from leaves_of(member, (*steps, key))
    else:
        yield list(steps), value


def json_text(value):
    """Text of a value whose numbers are `Num`."""
    if isinstance(value, Num):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(k) + ":" + json_text(v) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return json.dumps(value)


def finish(node):
    if node["own"] is not None:
        if node["fields"]:
            raise Mismatch("an object or a value", "both in one row")
        return node["own"]
    return node["fields"]


def bare(value):
    """A value without what leaves no trace: nulls and `{}` in objects, empty arrays; empty elements become null."""
    if isinstance(value, Cell) and value.kind == "json":
        return bare(reference.loads(value.value))
    if isinstance(value, dict):
        kept = {k: b for k, b in ((k, bare(v)) for k, v in value.items()) if b is not None}
        return kept or None
    if isinstance(value, list):
        return [bare(v) for v in value] or None
    if isinstance(value, Cell) and value.value is None:
        return None
    return value


def without_skipped(value, case, keys=()):
    """The input without the arrays that the case leaves out."""
    if isinstance(value, dict):
        members = ((k, without_skipped(v, case, (*keys, k))) for k, v in value.items())
        return {k: v for k, v in members if v is not Skipped}
    if isinstance(value, list):
        mode = case.get("--arrays", "smart")
        for asked in case.all("--arrays-at"):
            pattern, at = asked.rsplit("=", 1)
            mode = at if reference.pattern_matches(pattern, list(keys)) else mode
        if mode == "skip":
            return Skipped
        return value if mode == "inline" else [without_skipped(v, case, (*keys, "*")) for v in value]
    return value


def compare(wanted, found, place="", column=None):
    if isinstance(wanted, dict) and isinstance(found, dict):
        expect(sorted(wanted), sorted(found), None, f"keys at {place or 'the record'}")
        for key, value in wanted.items():
            compare(value, found[key], f"{place}/{key}")
    elif isinstance(wanted, list) and isinstance(found, list):
        expect(len(wanted), len(found), None, f"elements at {place}")
        for n, (a, b) in enumerate(zip(wanted, found)):
            compare(a, b, f"{place}/{n}")
    elif isinstance(found, Cell):
        if not same_leaf(wanted, found.kind, found.value):
            raise Mismatch(f"{wanted!r}", f"{found.value!r} as {found.kind}", None, place)
    elif isinstance(wanted, Num) and isinstance(found, Num):
        if not reference.same_decimal(wanted, found):
            raise Mismatch(wanted, found, None, place)
    elif type(wanted) is not type(found) or wanted != found:
        raise Mismatch(repr(wanted), repr(found), None, place)


def joins_back(case, records, tables):
    for table in tables:
        table.read()
    wanted = [bare(without_skipped(r, case)) for r in records]
    problem = None
    for rest_is in ("nested", "pointers"):
        try:
            found = [bare(r) for r in rebuild(tables, rest_is)]
            expect(len(wanted), len(found), None, "records")
            for n, (a, b) in enumerate(zip(wanted, found), 1):
                compare(a, b, f"record {n}")
            return
        except Mismatch as m:
            problem = problem or m
            if not any(c.rest for t in tables for c in t.columns):
                break
    raise problem


def count_leaves(tables, columns_at_once=1024):
    """Non-null data cells, plus list elements, plus leaves in JSON text."""
    count = 0
    for table in tables:
        data = [c for c in table.columns if not c.link]
        for at in range(0, len(data), columns_at_once):
            some = data[at:at + columns_at_once]
            arrow = pq.read_table(table.plain, columns=[c.name for c in some])
            for position, column in enumerate(some):
                values = plain(arrow.column(position))
                if column.part == "json":
                    for text in values.drop_null().to_pylist():
                        count += leaves_in(reference.loads(text))
                elif column.part == "list":
                    flat = pc.list_flatten(values)
                    count += len(flat) - flat.null_count
                else:
                    count += len(values) - values.null_count
    return count


def no_leaf_lost(case, records, tables):
    expect(sum(leaves_in(without_skipped(r, case)) for r in records), count_leaves(tables), None, "leaves that are not null")


# ---- text formats


def text_equals(form, out, tables):
    """Every table, in CSV, TSV, JSON lines or JSON, equals its Parquet file; by Python and by DuckDB."""
    files = {os.path.splitext(os.path.relpath(f, out))[0]: f for f in files_in(out, form)}
    base = os.path.dirname(tables[0].file)
    stems = {os.path.splitext(os.path.relpath(t.file, base))[0]: t for t in tables}
    expect(sorted(stems), sorted(files), None, f"{form} files")
    for stem, table in stems.items():
        table.read()
        names = [c.name for c in table.columns]
        if form in ("csv", "tsv"):
            delimiter = "," if form == "csv" else "\t"
            with open(files[stem], "rb") as f:
                raw = f.read()
            with open(files[stem], newline="", encoding="utf-8") as f:
                rows = list(csv.reader(f, delimiter=delimiter, strict=True))
            expect(names, rows[0] if rows else None, table.name, "header")
            if len(names) == 1:  # a lone null is an empty line to some readers: count what is there
                rows = rows[:1] + [r or [""] for r in rows[1:]]
            compare_rows(table, [[c or None for c in r] for r in rows[1:]], same_csv_cell, "Python", null_is_empty=True)
            if raw.count(b"\r\n") > 0 and not any("\r\n" in str(v) for column in [names, *table.values] for v in column):
                raise Mismatch("lines that end in LF", "CRLF", table.name)
            compare_rows(table, duckdb_csv(files[stem], delimiter, len(names)), same_csv_cell, "DuckDB")
        else:
            with open(files[stem], newline="", encoding="utf-8") as f:
                text = f.read()
            if form == "jsonl":
                lines = text.split("\n")
                expect("", lines.pop(), table.name, "newline at the end")
                found = [json_object(line) for line in lines]
            else:
                found = reference.loads(text)
            for row in found:
                extra = [k for k in row if k not in names]
                expect([], extra, table.name, "keys that are no column")
            compare_rows(table, [[row.get(n) for n in names] for row in found], same_json_cell, "Python")
            if "" not in names and found:
                # DuckDB reads every JSON number with a fraction as a double: only Python can compare decimals.
                exact = [c for c in table.columns if c.kind.startswith("decimal(") and not c.kind.endswith(",0)")]
                if not exact:
                    compare_rows(table, duckdb_json(files[stem], form, names), same_json_cell, "DuckDB")


def json_object(line):
    json.loads(line, object_pairs_hook=distinct_keys)
    return reference.loads(line)


def distinct_keys(pairs):
    expect(len(pairs), len({k for k, _ in pairs}), None, "keys of one object")
    return dict(pairs)


def compare_rows(table, rows, same, reader, null_is_empty=False):
    expect(table.rows, len(rows), table.name, f"rows by {reader}")
    for number, row in enumerate(rows):
        expect(len(table.columns), len(row), table.name, f"cells in row {number + 1} by {reader}")
        for column, values, cell in zip(table.columns, table.values, row):
            value = values[number]
            if null_is_empty and value == "" and cell is None:
                continue
            if not same(column.kind, value, cell):
                raise Mismatch(f"{value!r} ({column.kind}) in row {number + 1}", f"{cell!r} by {reader}", table.name, column.name)


def same_csv_cell(kind, value, cell):
    if value is None or cell is None:
        return value is None and cell is None
    if kind == "text":
        return cell == value
    if kind == "bool":
        return cell == ("true" if value else "false")
    if kind == "json" or kind.startswith("list<"):
        return same_json_cell(kind, value, reference.loads(cell))
    if kind == "date" or kind.startswith("timestamp"):
        return same_json_cell(kind, value, cell)
    return same_json_cell(kind, value, Num(cell)) if reference.NUMBER.match(cell) else False


def same_json_cell(kind, value, cell):
    if value is None or cell is None:
        return value is None and cell is None
    if kind.startswith("list<"):
        return isinstance(cell, list) and len(cell) == len(value) and all(same_json_cell(kind[5:-1], a, b) for a, b in zip(value, cell))
    if kind == "json":  # as JSON, or as a string that holds it
        wanted = reference.loads(value)
        return same_json(wanted, cell) or (type(cell) is str and same_json(wanted, reference.loads(cell)))
    if kind == "text":
        return type(cell) is str and cell == value
    return same_leaf(cell, kind, value)


def duckdb_text(text):
    return "'" + text.replace("'", "''") + "'"


def duckdb_csv(file, delimiter, width):
    columns = ", ".join(f"'c{n}': 'VARCHAR'" for n in range(width))
    con = duckdb.connect()
    return con.execute(
        f"select * from read_csv({duckdb_text(plain_copy(file))}, auto_detect=false, header=true, delim={duckdb_text(delimiter)}, quote='\"', escape='\"',"
        f" nullstr='', allow_quoted_nulls=false, max_line_size=100000000, columns={{{columns}}})").fetchall()


def duckdb_json(file, form, names):
    columns = ", ".join(f"{duckdb_text(n)}: 'JSON'" for n in names)
    layout = "newline_delimited" if form == "jsonl" else "array"
    con = duckdb.connect()
    rows = con.execute(f"select * from read_json({duckdb_text(plain_copy(file))}, format='{layout}', columns={{{columns}}}, maximum_object_size=100000000)").fetchall()
    return [[None if cell is None else reference.loads(cell) for cell in row] for row in rows]


def plain_copy(file):
    """The same file under a name that no reader takes for a pattern."""
    folder = tempfile.mkdtemp(prefix="plain-", dir=os.environ["READERS_TMP"])
    link = os.path.join(folder, "file" + os.path.splitext(file)[1])
    os.symlink(file, link)
    return link


# ---- manifests


def package_holds(case, binary, plain_out, sandbox):
    """The manifest of CSV tables is a data package that frictionless agrees with, and changes no byte of them."""
    manifest = os.path.join(sandbox, "datapackage.json")
    out = convert(binary, case.input, case.options + [("--manifest", manifest)], "csv", sandbox)
    with open(manifest, encoding="utf-8") as f:
        described = json.load(f)["resources"]
    paths = [resource["path"] for resource in described]
    tables = [os.path.relpath(file, sandbox) for file in files_in(out, "csv")]
    expect(tables, sorted(paths), column="paths")
    for path in paths:
        name = os.path.basename(path)
        with open(os.path.join(sandbox, path), "rb") as one, open(os.path.join(plain_out, name), "rb") as other:
            if one.read() != other.read():
                raise Mismatch("the bytes that a run without a manifest gives", "other bytes", name)
    report = frictionless.validate(manifest)
    # what it says of white space in a header is about the data
    errors = [e.message for e in report.errors] + [e.message for t in report.tasks for e in t.errors if e.type != "blank-label"]
    expect([], errors, column="errors of frictionless")
    for resource, task in zip(described, report.tasks, strict=True):
        schema = resource["schema"]
        named = {resource["name"]: resource for resource in described}
        for key in schema.get("foreignKeys", ()):
            to = named[key["reference"]["resource"]]["schema"]
            expect(True, key["reference"]["fields"][0] in [f["name"] for f in to["fields"]], resource["name"], "foreign key")
        # it reports no count of an empty table, nor of one with errors
        if task.valid:
            expect(resource["transmog"]["rows"], task.stats.get("rows") or 0, resource["name"], "rows")


def package_is_checked(binary, sandbox):
    """frictionless does look: a manifest that lies about a type or a key is refused."""
    os.makedirs(sandbox)
    source, manifest = os.path.join(sandbox, "in.jsonl"), os.path.join(sandbox, "datapackage.json")
    with open(source, "w") as f:
        f.write('{"a": "x", "l": [{"v": 1}]}\n')
    convert(binary, source, [("--manifest", manifest)], "csv", os.path.join(sandbox, "run"))
    with open(manifest) as f:
        text = f.read()
    expect(True, frictionless.validate(manifest).valid, column="as written")
    for old, new in (('"string"', '"integer"'), ('"_tm_parent_id"\n', '"_tm_index"\n'), ('"bytes": ', '"bytes": 1')):
        expect(True, old in text, column=old)
        lie = os.path.join(sandbox, "lie.json")
        with open(lie, "w") as f:
            f.write(text.replace(old, new))
        expect(False, frictionless.validate(lie).valid, column=f"{old} as {new}")


# ---- scripts


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def script_runs(case, binary, tables, sandbox):
    """The DuckDB scripts of Parquet, CSV and JSON lines run; their views have the rows and cells of the tables, and join."""
    con = duckdb.connect()
    folders, script_of = [], {}
    for form in ("parquet", "csv", "jsonl"):
        out = convert(binary, case.input, case.options + [("--emit-sql", "duckdb")], form, sandbox)
        folders.append(out)
        # views look for their files when they are read
        con.execute("set file_search_path = '" + ",".join(folders).replace("'", "''") + "'")
        scripts = [name for name in os.listdir(out) if name.endswith(".duckdb.sql")]
        expect(1, len(scripts), column="scripts")
        with open(os.path.join(out, scripts[0]), encoding="utf-8") as f:
            script = f.read()
        script_of[form] = script
        con.execute(f"create schema {form}; use {form}")
        con.execute(script)
    for table in tables:
        name = quoted(table.name)
        if not table.columns:
            continue
        described = [(n, t) for n, t, *_ in con.execute(f"describe parquet.{name}").fetchall()]
        for form in ("parquet", "csv", "jsonl"):
            rows = con.execute(f"select count(*) from {form}.{name}").fetchone()[0]
            expect(table.rows, rows, table.name, f"rows of the {form} view")
            types = [(n, str(t)) for n, t, *_ in con.execute(f"describe {form}.{name}").fetchall()]
            wanted = [(n, str(t)) for n, t, *_ in con.execute(f"describe parquet.{name}").fetchall()]
            if form == "jsonl":  # DuckDB reads every JSON number as a double, and the script says so
                wanted = [(n, re.sub(r"DECIMAL\(\d+,\d+\)", "DOUBLE", t)) for n, t in wanted]
            expect(wanted, types, table.name, f"columns of the {form} view")
            cells = []
            for n, t in types:
                if form == "jsonl" and "DOUBLE" in t and ("DECIMAL" in str(dict(described)[n])):
                    expect(True, f"-- {n} is double here" in script_of[form], table.name, f"remark on {n}")
                elif t == "JSON":  # spelled as DuckDB spells it
                    cells.append(f"json({quoted(n)})")
                else:
                    cells.append(quoted(n))
            cells = ", ".join(cells) or "1"
            for one, other in ((form, "parquet"), ("parquet", form)):
                lost = con.execute(f"select {cells} from {one}.{name} except all select {cells} from {other}.{name}").fetchall()
                expect([], [short(repr(row)) for row in lost[:3]], table.name, f"rows of the {one} view that the {other} view has not")
        joined = quoted(table.name + "_joined")
        known = con.execute("select count(*) from duckdb_views() where schema_name = 'parquet' and view_name = ?", [table.name + "_joined"]).fetchone()[0]
        if known:
            rows = con.execute(f"select count(*) from parquet.{joined}").fetchone()[0]
            expect(table.rows, rows, table.name, "rows beside those above them")


# ---- schema drift and deep payloads


def made_drift(path, count):
    """A small drift.jsonl: every surprise in the last record."""
    rng = random.Random(13)
    with open(path, "w") as f:
        for i in range(count):
            last = i == count - 1
            record = {
                "id": i + 1, "turns_text": "n/a" if last else i, "turns_float": 0.5 if last else i,
                "turns_big": 12345678901234567890 if last else i, "leading_zero": "00123" if i % 7 else "7",
                "flag": "yes" if last else bool(i % 2), "sometimes_list": ["a", "b"] if i % 1000 == 999 else "a",
                "sometimes_object": {"x": i} if i % 1000 == 999 else i, "score": round(rng.random() * 100, 3),
            }
            if last:
                record |= {"late_column": "first seen in the last record", "late_rows": [{"sku": "late", "qty": 1}]}
            f.write(json.dumps(record) + "\n")


def drift_holds(tables, path):
    """What issue-level tests promise for drift.jsonl, by DuckDB, Polars and pyarrow."""
    count, total = 0, 0
    with open(path, "rb") as f:
        for line in f:
            count += 1
            total += json.loads(line)["turns_big"]
    by_path = {t.path: t for t in tables}
    expect(["", "/late_rows/*"], sorted(by_path), None, "table paths")
    main, late = by_path[""], by_path["/late_rows/*"]
    columns = {(c.path, c.part): c for c in main.columns if not c.link}
    name = {p: columns[p, "scalar"].name for p in ("/turns_text", "/turns_big", "/late_column", "/turns_float", "/leading_zero", "/flag")}
    for p, kind in {"/turns_text": "text", "/turns_big": "decimal(38,0)", "/late_column": "text", "/turns_float": "double",
                    "/leading_zero": "text", "/flag": "text"}.items():
        expect(kind, columns[p, "scalar"].kind, main.name, p)
    for reader, read in (("pyarrow", None), ("DuckDB", by_duckdb), ("Polars", by_polars)):
        arrow = pq.read_table(main.plain) if read is None else read(main)[2]
        expect(count, arrow.num_rows, main.name, f"rows by {reader}")
        late_column = arrow.column(name["/late_column"])
        expect(1, len(late_column) - late_column.null_count, main.name, f"late_column not null, by {reader}")
        expect("n/a", plain(arrow.column(name["/turns_text"]))[-1].as_py(), main.name, f"turns_text in the last row, by {reader}")
        expect("0", plain(arrow.column(name["/turns_text"]))[0].as_py(), main.name, f"turns_text in the first row, by {reader}")
        found = sum(int(v) for v in arrow.column(name["/turns_big"]).to_pylist())
        expect(total, found, main.name, f"sum of turns_big by {reader}")
        child = pq.read_table(late.plain) if read is None else read(late)[2]
        expect(1, child.num_rows, late.name, f"rows by {reader}")
    con = duckdb.connect()
    (summed,) = con.execute(f"select sum(\"{name['/turns_big']}\") from '{main.plain}'").fetchone()
    expect(decimal.Decimal(total), summed, main.name, "sum of turns_big computed by DuckDB")


def packed(path, folder):
    """The same records as others write them: compressed, and as UTF-16, as `drift.jsonl` and an ending."""
    with open(path, "rb") as f:
        data = f.read()
    wide = data.decode().encode("utf-16")  # with a byte order mark
    found = {}
    for ending, content in {"gz": data, "bz2": data, "zst": data, "lz4": data, "xz": data, "wide": wide, "wide.zst": wide}.items():
        at = os.path.join(folder, ending)
        os.makedirs(at)
        name = os.path.join(at, "drift.jsonl" if ending == "wide" else "drift.jsonl." + ending.removeprefix("wide."))
        kind = {"gz": "gzip", "bz2": "bz2", "zst": "zstd", "lz4": "lz4"}.get(ending.removeprefix("wide."))
        if ending == "xz":
            content = lzma.compress(content)
        with pa.output_stream(name, compression=kind) as f:
            f.write(content)
        found[ending] = name
    return found


NESTED = [  # what pyarrow writes of them must give the tables that JSON gives
    {"id": 1, "who": {"name": "Ann", "at": {"x": 1.5, "y": None}}, "tags": ["a", "2026-01-01"],
     "items": [{"sku": "x", "parts": [{"n": 5, "codes": [1, 2]}, {"n": None, "codes": []}]}, {"sku": None, "parts": []}]},
    {"id": 2, "who": {"name": "Bo", "at": None}, "tags": [], "items": []},
    {"id": 3, "who": None, "tags": None, "items": [{"sku": "z", "parts": None}]},
]


def by_pyarrow(folder):
    """Writes rows as JSON lines, and with pyarrow in every way it has; returns the files by what they are."""
    os.makedirs(folder)
    part = pa.struct([("n", pa.int64()), ("codes", pa.list_(pa.int32()))])
    schema = pa.schema([
        ("id", pa.int64()),
        ("who", pa.struct([("name", pa.string()), ("at", pa.struct([("x", pa.float64()), ("y", pa.float64())]))])),
        ("tags", pa.list_(pa.string())),
        ("items", pa.list_(pa.struct([("sku", pa.string()), ("parts", pa.list_(part))]))),
    ])
    rows = [dict(row, id=n) for n, row in enumerate(NESTED * 500)]
    table = pa.Table.from_pylist(rows, schema=schema)
    with open(os.path.join(folder, "in.jsonl"), "w") as f:
        f.writelines(json.dumps(row) + "\n" for row in rows)
    files = {"JSON": os.path.join(folder, "in.jsonl")}
    for codec in ("none", "snappy", "gzip", "brotli", "zstd", "lz4"):
        for version in ("1.0", "2.0"):
            name = f"Parquet, {codec}, pages {version}"
            files[name] = os.path.join(folder, f"{codec}-{version}", "in.parquet")
            os.makedirs(os.path.dirname(files[name]))
            pq.write_table(table, files[name], compression=codec, data_page_version=version, row_group_size=700,
                           write_page_index=True, write_page_checksum=True, use_dictionary=version == "1.0")
    for kind, opened in {"file": pa.ipc.new_file, "stream": pa.ipc.new_stream}.items():
        for codec in (None, "lz4", "zstd"):
            name = f"Arrow {kind}, {codec}"
            files[name] = os.path.join(folder, f"{kind}-{codec}", "in.arrow")
            os.makedirs(os.path.dirname(files[name]))
            with opened(files[name], schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
                writer.write_table(table, max_chunksize=300)
    return files


def types_survive(binary, folder):
    """A flat table of pyarrow's has the same columns, types and values when it is written again."""
    os.makedirs(folder)
    stamp = datetime.datetime(2026, 11, 21, 10, 20, 30, 123456)
    table = pa.table({
        "int": pa.array([1, None, 2**63 - 1]), "double": pa.array([0.1, None, -1e300]), "flag": pa.array([True, None, False]),
        "text": pa.array(["2026-01-01", None, ""]), "day": pa.array([stamp.date(), None, datetime.date(1, 1, 1)]),
        "local": pa.array([stamp, None, stamp], pa.timestamp("us")), "utc": pa.array([stamp, None, stamp], pa.timestamp("us", tz="UTC")),
        "big": pa.array([decimal.Decimal(10**37), None, decimal.Decimal(-1)], pa.decimal128(38, 0)),
        "ints": pa.array([[1, None], None, []], pa.list_(pa.int64())), "days": pa.array([[stamp.date()], None, []], pa.list_(pa.date32())),
        "no_int": pa.nulls(3, pa.int64()), "no_utc": pa.nulls(3, pa.timestamp("us", tz="UTC")), "no_text": pa.nulls(3, pa.string()),
    })
    source = os.path.join(folder, "in.parquet")
    pq.write_table(table, source)
    out = convert(binary, source, [], "parquet", os.path.join(folder, "out"))
    found = pq.read_table(os.path.join(out, "in.parquet"))
    expect(table.column_names, found.column_names, "in", "columns")
    for name in table.column_names:
        expect(str(table.schema.field(name).type).replace("item:", "element:"), str(found.schema.field(name).type), "in", name)
        expect(table.column(name).to_pylist(), found.column(name).to_pylist(), "in", name)


def same_files(wanted, found, ending="parquet"):
    """Both folders hold the same files, byte by byte."""
    names = [os.path.relpath(f, wanted) for f in files_in(wanted, ending)]
    expect(names, [os.path.relpath(f, found) for f in files_in(found, ending)], None, "files")
    for name in names:
        with open(os.path.join(wanted, name), "rb") as one, open(os.path.join(found, name), "rb") as other:
            if one.read() != other.read():
                raise Mismatch("the bytes that the plain input gives", "other bytes", name)


def leaves_of_file(path):
    with open(path, "rb") as f:
        return sum(leaves_in(json.loads(line)) for line in f)


def big_file(report, binary, name, source, options, sandbox, bulk):
    """Converts one file with default options, then every check that suits its size."""
    out = report.check(name, "converts", convert, binary, source, options, "parquet", sandbox)
    tables = out and report.check(name, "Parquet files open", open_tables, out, "_tm_", sandbox)
    if not tables:
        return None
    report.check(name, "names are distinct", names_are_distinct, tables)
    for table in tables:
        report.check(name, f"three readers agree on {table.name}", readers_agree_in_bulk if bulk else readers_agree, table)
    report.check(name, "no leaf is lost", lambda: expect(leaves_of_file(source), count_leaves(tables), None, "leaves that are not null"))
    return tables


# ---- all of it


def golden(report, binary, case, sandbox):
    # The reference reads JSON alone; for CSV the readers must agree, and text must equal Parquet.
    is_csv = case.input.endswith(".csv")
    records = is_csv or report.check(case.name, "input as the reference reads it", case.records)
    out = report.check(case.name, "converts to parquet", convert, binary, case.input, case.options, "parquet", sandbox)
    tables = out and report.check(case.name, "Parquet files open", open_tables, out, case.prefix, sandbox)
    if not tables or records is None:
        return
    records = [] if records is True else records
    report.check(case.name, "names are distinct", names_are_distinct, tables)
    for table in tables:
        report.check(case.name, f"three readers agree on {short(table.name, 80)}", readers_agree, table)
    if not is_csv:
        report.check(case.name, "equals the reference", equals_reference, case, records, tables)
        report.check(case.name, "joins back to the records", joins_back, case, records, tables)
        report.check(case.name, "no leaf is lost", no_leaf_lost, case, records, tables)
    for form in sorted({"csv", "jsonl", case.get("--to", "csv")} - {"parquet"}):
        out = report.check(case.name, f"converts to {form}", convert, binary, case.input, case.options, form, sandbox)
        if out:
            report.check(case.name, f"{form} equals parquet", text_equals, form, out, tables)
        if out and form == "csv":
            report.check(case.name, "manifest is a data package", package_holds, case, binary, out, os.path.join(sandbox, "package"))
    report.check(case.name, "the script for DuckDB reads the tables", script_runs, case, binary, tables, os.path.join(sandbox, "script"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="the transmog binary")
    parser.add_argument("--race", help="folder with drift.jsonl and webhooks.jsonl")
    parser.add_argument("--golden", default=GOLDEN, help="folder of golden cases")
    parser.add_argument("--only", default="", help="golden cases whose name holds this word")
    parser.add_argument("--verbose", action="store_true", help="name every check, show tracebacks")
    args = parser.parse_args()
    binary, report = os.path.abspath(args.bin), Report(args.verbose)
    sys.setrecursionlimit(100_000)
    report.check("reference.py", "hand-made expectations", reference.self_test)
    with tempfile.TemporaryDirectory(prefix="transmog-readers-") as temp:
        os.environ["READERS_TMP"] = temp
        folders = sorted(os.path.join(args.golden, n) for n in os.listdir(args.golden))
        # A case that is meant to fail writes nothing to read. What is rejected leaves the bytes of
        # the other records, which tests/corruption.rs compares.
        unread = ("error.txt", "rejects.jsonl")
        folders = [f for f in folders if not any(os.path.exists(os.path.join(f, "out", n)) for n in unread)]
        folders = [f for f in folders if os.path.isdir(f) and args.only in os.path.basename(f)]
        if not folders:
            report.fail("golden", "cases", Mismatch("at least one case", f"none in {args.golden} named {args.only!r}"))
        for folder in folders:
            case = report.check(os.path.basename(folder), "case is complete", Case, folder)
            if case:
                golden(report, binary, case, os.path.join(temp, "golden", case.name))
        if not args.only:
            small = os.path.join(temp, "drift.jsonl")
            made_drift(small, 3000)
            for name, options in {"small drift": [], "small drift, 256 rows a row group": [("--row-group-rows", "256")]}.items():
                tables = big_file(report, binary, name, small, options, os.path.join(temp, name.replace(" ", "-")), bulk=False)
                if tables:
                    report.check(name, "late columns, types and rows", drift_holds, tables, small)
            report.check("manifest", "frictionless sees what is wrong", package_is_checked, binary, os.path.join(temp, "manifest"))
            plain_out = os.path.join(temp, "small-drift", "parquet", "in", "out")
            for ending, source in packed(small, os.path.join(temp, "packed")).items():
                name = f"small drift as {ending}"
                out = report.check(name, "converts", convert, binary, source, [], "parquet", os.path.join(temp, "out", ending))
                if out:
                    report.check(name, "equals the plain input", same_files, plain_out, out)
        if not args.only:
            files = by_pyarrow(os.path.join(temp, "by-pyarrow"))
            outs = {
                name: report.check(name, "converts", convert, binary, source, [], "csv", os.path.join(temp, "columns", str(n)))
                for n, (name, source) in enumerate(files.items())
            }
            for name, out in outs.items():
                if out and outs["JSON"]:
                    report.check(name, "equals the tables of JSON", same_files, outs["JSON"], out, "csv")
            report.check("Parquet", "types survive", types_survive, binary, os.path.join(temp, "types"))
        for name in ("drift", "webhooks") if args.race else ():
            source = os.path.abspath(os.path.join(args.race, f"{name}.jsonl"))
            tables = big_file(report, binary, f"{name}.jsonl", source, [], os.path.join(temp, "race", name), bulk=True)
            if tables and name == "drift":
                report.check("drift.jsonl", "500,000 records", lambda: expect(500_000, tables[0].rows, tables[0].name, "rows"))
                report.check("drift.jsonl", "late columns, types and rows", drift_holds, tables, source)
    print(f"{report.passed} passed, {report.failed} failed")
    sys.exit(report.failed > 0)


if __name__ == "__main__":
    main()
