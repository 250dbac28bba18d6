"""A slow, obvious flattener: what the tables of `transmog convert` must hold, from the text of the contract.

It reads the whole input, keeps every number as its source text, and builds plain dictionaries. It knows the array
modes, `--arrays-at`, `--map`, sequence ids, duplicate keys and the widening rules; it does not know the caps
(`--max-*`), the other id modes, `--numbers` and `--type`. Where the contract leaves room, an expectation lists all
that is allowed.

    python reference.py         runs the hand-made expectations at the end of this file
"""
import datetime
import decimal
import json
import re

DECIMAL_LIMIT = 10**38
EXACT = decimal.Context(prec=2000, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN, traps=[])


class Num(str):
    """A JSON number as it stood in the input."""

    @property
    def is_int(self):
        return not any(c in self for c in ".eE")


def loads(text, duplicates="last"):
    """One JSON text with numbers as `Num` and the given rule for duplicate keys."""
    values = list(values_in(text, duplicates))
    if len(values) != 1:
        raise ValueError(f"expected one JSON value, found {len(values)}")
    return values[0]


def values_in(text, duplicates="last"):
    """JSON values one after the other, with any white space between them."""

    def members(pairs):
        found = {}
        for key, value in pairs:
            if duplicates == "last" or key not in found:
                found[key] = value
        return found

    def refuse(word):
        raise ValueError(f"`{word}` is not JSON")

    decoder = json.JSONDecoder(object_pairs_hook=members, parse_int=Num, parse_float=Num, parse_constant=refuse)
    at = 0
    while True:
        while at < len(text) and text[at] in " \t\r\n":
            at += 1
        if at == len(text):
            return
        value, at = decoder.raw_decode(text, at)
        yield value


def records_in(data, duplicates="last", pointer=None, wrap=False, lines=False):
    """The records of an input file: values back to back, an array of records, or what a pointer names."""
    text = data.decode("utf-8-sig")
    found = list(values_in(text, duplicates))
    if pointer is not None:
        (value,) = found
        for step in pointer.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            value = value[int(step)] if isinstance(value, list) else value[step]
        found = value if isinstance(value, list) else [value]
    elif not lines and len(found) == 1 and isinstance(found[0], list):
        found = found[0]
    if wrap:
        found = [r if isinstance(r, dict) else {"value": r} for r in found]
    for record in found:
        if not isinstance(record, dict):
            raise ValueError("a record that is not an object")
    return found


# ---- paths


def pointer_step(key):
    """A key as a step of a path: `*` alone stands for an index, so a key `*` is `~2`."""
    return key.replace("~", "~0").replace("/", "~1").replace("*", "~2") if key == "*" else key.replace("~", "~0").replace("/", "~1")


def steps_of(path):
    """`/items/*/sku` → [("key", "items"), ("any", "*"), ("key", "sku")]."""
    if path == "":
        return []
    if not path.startswith("/"):
        raise ValueError(f"path `{path}` does not start with `/`")
    steps = []
    for step in path.split("/")[1:]:
        if step == "*":
            steps.append(("any", "*"))
        else:
            steps.append(("key", step.replace("~1", "/").replace("~2", "*").replace("~0", "~")))
    return steps


def pattern_matches(pattern, keys):
    """Whether a dotted pattern, where `*` is any one step, names this place (keys, "*" for an index)."""
    steps = pattern.split(".")
    return len(steps) == len(keys) and all(p == "*" or p == k for p, k in zip(steps, keys))


# ---- types


def fits_double(text):
    return abs(float(text)) != float("inf")


def same_decimal(a, b):
    """Whether two number texts denote the same number (a huge exponent: the same text)."""
    try:
        x, y = decimal.Decimal(a), decimal.Decimal(b)
    except decimal.InvalidOperation:
        return a == b
    if not x.is_finite() or not y.is_finite():
        return a == b
    return x == y


DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)\Z", re.ASCII)
STAMP = re.compile(r"(\d{4}-\d\d-\d\d)([T ])(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?\Z", re.ASCII)


def parse_date(text):
    """Days since 1970 of a real calendar day, else None."""
    m = DATE.match(text)
    if not m:
        return None
    try:
        return datetime.date(*map(int, m.groups())).toordinal() - datetime.date(1970, 1, 1).toordinal()
    except ValueError:
        return None


def parse_stamp(text):
    """(microseconds since 1970, in UTC where the text has a zone; form) or None."""
    m = STAMP.match(text)
    if not m:
        return None
    day, separator, hour, minute, second, fraction, zone = m.groups()
    days = parse_date(day)
    if days is None or int(hour) > 23 or int(minute) > 59 or int(second or 0) > 59 or len(fraction or "") > 6:
        return None
    micros = ((days * 24 + int(hour)) * 60 + int(minute)) * 60 + int(second or 0)
    micros = micros * 10**6 + int((fraction or "").ljust(6, "0"))
    if zone and zone != "Z":
        if int(zone[1:3]) > 23 or int(zone[4:]) > 59:
            return None
        offset = int(zone[1:3]) * 60 + int(zone[4:])
        micros -= (offset if zone[0] == "+" else -offset) * 60 * 10**6
    return micros, (separator, second is not None, len(fraction or ""), zone)


def string_types(strings):
    """The types allowed for a column of nothing but strings."""
    days = [parse_date(s) for s in strings]
    if all(d is not None for d in days):
        return {"date"}
    stamps = [parse_stamp(s) for s in strings]
    if any(s is None for s in stamps) or len({form for _, form in stamps}) != 1:
        return {"text"}
    separator, seconds, fraction, zone = stamps[0][1]
    kind = "timestamp_utc" if zone else "timestamp"
    plain = separator == "T" and seconds and fraction in (0, 3, 6) and zone in (None, "Z")
    # the contract says one form which prints back, and UTC where there is an offset: both readings are allowed
    return {kind} if plain else {kind, "text"}


def column_types(leaves, dates=True, all_text=False):
    """The set of types a column of these leaves may have; nulls are left out of `leaves`."""
    if not leaves or all_text:
        return {"text"}
    if all(isinstance(v, bool) for v in leaves):
        return {"bool"}
    if all(isinstance(v, Num) for v in leaves):
        whole = [int(v) for v in leaves if v.is_int] if all(len(v) < 400 for v in leaves if v.is_int) else None
        if all(v.is_int for v in leaves):
            if whole is None or max(map(abs, whole)) >= DECIMAL_LIMIT:
                return {"text"}
            return {"int64"} if all(-(2**63) <= i < 2**63 for i in whole) else {"decimal(38,0)"}
        if whole is None or any(abs(i) > 2**53 for i in whole):
            return {"text"}
        return {"double"} if all(fits_double(v) for v in leaves if not v.is_int) else {"text"}
    if all(isinstance(v, str) and not isinstance(v, Num) for v in leaves):
        return string_types(leaves) if dates else {"text"}
    return {"text"}


# ---- flattening


class Table:
    """The rows of one table: links, and for each (path, kind) the values by row id."""

    def __init__(self, path, parent):
        self.path, self.parent = path, parent
        self.links = []  # one {"id", "parent_id", "root_id", "index", "key"} a row
        self.cells = {}  # (path, kind) → {row id: leaf, list of leaves, or JSON value}
        self.nulls = set()  # paths seen with null
        self.empties = {}  # path of an array seen empty → ids of the rows that held it


class Reference:
    """Flattens records under `options`: arrays, arrays_at, maps, dates, all_text."""

    def __init__(self, arrays="smart", arrays_at=(), maps=(), dates=True, all_text=False):
        self.arrays, self.arrays_at, self.maps = arrays, list(arrays_at), list(maps)
        self.dates, self.all_text = dates, all_text
        self.tables = {"": Table("", None)}

    def run(self, records):
        for number, record in enumerate(records, 1):
            main = self.tables[""]
            main.links.append({"id": number, "parent_id": None, "root_id": None, "index": None, "key": None})
            self.members(record, main, number, number, "", [])
        return self

    def members(self, value, table, row, root, path, keys):
        for key, member in value.items():
            self.value(member, table, row, root, f"{path}/{pointer_step(key)}", keys + [key])

    def value(self, value, table, row, root, path, keys):
        """Puts one value, found at `path`, into the row `row` of `table`."""
        if value is None:
            table.nulls.add(path)
        elif isinstance(value, dict):
            if any(pattern_matches(p, keys) for p in self.maps):
                for key, member in value.items():
                    self.child(member, table, row, root, path, keys, None, key)
            else:
                self.members(value, table, row, root, path, keys)
        elif isinstance(value, list):
            self.array(value, table, row, root, path, keys)
        else:
            table.cells.setdefault((path, "scalar"), {})[row] = value

    def array(self, value, table, row, root, path, keys):
        mode = self.arrays
        for pattern, asked in self.arrays_at:
            if pattern_matches(pattern, keys):
                mode = asked
        if mode == "skip":
            return
        if mode == "inline":
            table.cells.setdefault((path, "json"), {})[row] = value
        elif mode == "smart" and not any(isinstance(e, (dict, list)) for e in value):
            if value:
                table.cells.setdefault((path, "list"), {})[row] = value
            else:
                table.empties.setdefault(path, set()).add(row)
        else:
            for index, element in enumerate(value):
                self.child(element, table, row, root, path, keys, index, None)

    def child(self, value, parent, parent_row, root, path, keys, index, key):
        """One array element or map member: a row of the child table at `path/*`."""
        path, keys = f"{path}/*", keys + ["*"]
        table = self.tables.setdefault(path, Table(path, parent.path))
        row = len(table.links) + 1
        deep = parent.path != ""
        table.links.append({"id": row, "parent_id": parent_row, "root_id": root if deep else None, "index": index, "key": key})
        if isinstance(value, dict):
            self.members(value, table, row, root, path, keys)
        else:
            self.value(value, table, row, root, path, keys)

    # ---- what is expected of the tables

    def expected(self, path):
        """{(column path, kind): (allowed types, {row id: value})}, and the columns that may be there or not."""
        table, must, may = self.tables[path], {}, {}
        for (column, kind), cells in table.cells.items():
            if kind == "json":
                types = {"json"}
            elif kind == "list":
                leaves = [e for cell in cells.values() for e in cell if e is not None]
                types = {f"list<{t}>" for t in column_types(leaves, self.dates, self.all_text)}
                cells = {**cells, **{row: [] for row in table.empties.get(column, ())}}
            else:
                types = column_types(list(cells.values()), self.dates, self.all_text)
            must[column, kind] = (types, cells)
        for column, row_ids in table.empties.items():
            if (column, "list") not in must:  # `[]` and nothing else: an empty list or no trace
                may[column, "list"] = ({"list<text>"}, {row: [] for row in row_ids})
        for column in table.nulls:
            if (column, "scalar") in must:
                continue
            alone = not any(c == column or c.startswith(column + "/") for c, _ in [*must, *may])
            alone = alone and not any(t == f"{column}/*" or t.startswith(f"{column}/*/") for t in self.tables)
            alone = alone and column != path
            (must if alone else may)[column, "scalar"] = ({"text"}, {})
        return must, may


def natural_name(path, table_path, separator):
    """The column name before any clash: the steps below the table, joined; None where the contract names none."""
    steps = steps_of(path)[len(steps_of(table_path)):]
    if not steps:
        return "value"
    if any(kind == "any" for kind, _ in steps):
        return None
    return separator.join(step for _, step in steps)


# ---- comparing a leaf of the input with a cell


def same_leaf(leaf, kind, cell):
    """Whether `cell`, of a column of type `kind`, stands for the input's `leaf`."""
    if leaf is None or cell is None:
        return leaf is None and cell is None
    if kind == "text":
        if isinstance(leaf, bool):
            return cell == ("true" if leaf else "false")
        if isinstance(leaf, Num):
            return same_number_text(leaf, cell)
        return leaf == cell
    if kind == "bool":
        return isinstance(leaf, bool) and leaf == cell
    if kind == "double":
        return isinstance(leaf, Num) and repr(float(leaf)) == repr(cell) or (
            isinstance(leaf, Num) and leaf.is_int and int(leaf) == cell)
    if kind.startswith("int"):
        return isinstance(leaf, Num) and leaf.is_int and int(leaf) == cell
    if kind.startswith("decimal"):
        return isinstance(leaf, Num) and same_decimal(leaf, str(cell))
    if isinstance(leaf, (bool, Num)) or not isinstance(leaf, str):
        return False
    if kind == "date":
        return parse_date(leaf) == cell
    if kind in ("timestamp", "timestamp_utc"):
        parsed = parse_stamp(leaf)
        return parsed is not None and parsed[0] == cell and (kind == "timestamp_utc") == bool(parsed[1][3])
    return False


NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?\Z", re.ASCII)


def same_number_text(leaf, cell):
    if not isinstance(cell, str) or not NUMBER.match(cell):
        return False
    if leaf.is_int:
        return cell == leaf or (leaf == "-0" and cell == "0")
    if leaf.startswith("-") != cell.startswith("-"):
        return False
    return same_decimal(leaf, cell)


def same_json(a, b):
    """Whether two parsed JSON values are the same, numbers by value."""
    if isinstance(a, Num) or isinstance(b, Num):
        return isinstance(a, Num) and isinstance(b, Num) and same_decimal(a, b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_json(v, b[k]) for k, v in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_json, a, b))
    return type(a) is type(b) and a == b


def leaves_in(value):
    """How many leaves of a value are not null."""
    if isinstance(value, dict):
        return sum(map(leaves_in, value.values()))
    if isinstance(value, list):
        return sum(map(leaves_in, value))
    return value is not None


# ---- hand-made expectations


def self_test():
    def flat(text, **options):
        reference = Reference(**options).run(records_in(text.encode()))
        out = {}
        for path in reference.tables:
            for (column, kind), (types, cells) in reference.expected(path)[0].items():
                out[path, column, kind] = ("|".join(sorted(types)), cells)
        return out, {p: [tuple(l.values()) for l in t.links] for p, t in reference.tables.items()}

    def check(found, expected):
        assert found == expected, f"\nexpected {expected}\nfound    {found}"

    cells, links = flat('{"a":{"b":1},"t":["x",null]}{"a":null,"t":[]}')
    check(cells, {("", "/a/b", "scalar"): ("int64", {1: "1"}), ("", "/t", "list"): ("list<text>", {1: ["x", None], 2: []})})
    check(links, {"": [(1, None, None, None, None), (2, None, None, None, None)]})
    cells, links = flat('{"i":[{"d":[{"c":1}]},{"d":[]}]}{"i":[5,{"d":[{"c":0.5}]}]}')
    check(cells, {("/i/*", "/i/*", "scalar"): ("int64", {3: "5"}), ("/i/*/d/*", "/i/*/d/*/c", "scalar"): ("double", {1: "1", 2: "0.5"})})
    check(links["/i/*"], [(1, 1, None, 0, None), (2, 1, None, 1, None), (3, 2, None, 0, None), (4, 2, None, 1, None)])
    check(links["/i/*/d/*"], [(1, 1, 1, 0, None), (2, 4, 2, 0, None)])
    cells, links = flat('{"m":[[1,2],[{"x":3}]]}')
    check(cells, {("/m/*", "/m/*", "list"): ("list<int64>", {1: ["1", "2"]}), ("/m/*/*", "/m/*/*/x", "scalar"): ("int64", {1: "3"})})
    check(links["/m/*/*"], [(1, 2, 1, 0, None)])
    cells, _ = flat('{"v":1}{"v":[1]}{"v":{"x":1}}{"v":[{"y":1}]}{"v":null}')
    check(sorted(cells), [("", "/v", "list"), ("", "/v", "scalar"), ("", "/v/x", "scalar"), ("/v/*", "/v/*/y", "scalar")])
    cells, links = flat('{"v":[1,null],"e":[]}', arrays="separate")
    check((cells, links["/v/*"]), ({("/v/*", "/v/*", "scalar"): ("int64", {1: "1"})}, [(1, 1, None, 0, None), (2, 1, None, 1, None)]))
    cells, _ = flat('{"v":[1,{"a":[]}],"e":[]}', arrays="inline")
    check(cells, {("", "/v", "json"): ("json", {1: ["1", {"a": []}]}), ("", "/e", "json"): ("json", {1: []})})
    cells, links = flat('{"m":{"a":1,"*":{"x":2}}}', maps=["m"])
    check(links["/m/*"], [(1, 1, None, None, "a"), (2, 1, None, None, "*")])
    cells, _ = flat('{"*":{"~":{"/":{"":1}}},"n":null}')
    check(cells, {("", "/~2/~0/~1/", "scalar"): ("int64", {1: "1"}), ("", "/n", "scalar"): ("text", {})})
    check(steps_of("/~2/~02/*/a~1b/"), [("key", "*"), ("key", "~2"), ("any", "*"), ("key", "a/b"), ("key", "")])
    for leaves, types in [
        ("true 1", "text"), ("1 0.5", "double"), ("9007199254740992 0.5", "double"), ("9007199254740993 0.5", "text"),
        ("9223372036854775807", "int64"), ("9223372036854775808 1", "decimal(38,0)"), ("9" * 38, "decimal(38,0)"),
        ("1" + "0" * 38, "text"), ("12345678901234567890 0.5", "text"), ("1e400 1", "text"), ("-0", "int64"), ("-0.0", "double"),
        ("1e-400", "double"), ('1 "1"', "text"), ('"2024-02-29" "1969-12-31"', "date"), ('"2024-02-30"', "text"),
        ('"2024-02-29T01:02:03Z"', "timestamp_utc"), ('"2024-02-29T01:02:03"', "timestamp"),
        ('"2024-02-29T01:02:03.123Z" "2024-02-29T01:02:03.000Z"', "timestamp_utc"), ('"2024-02-29T01:02:03.123456789Z"', "text"),
        ('"2024-02-29T01:02:03Z" "2024-02-29T01:02:03.000Z"', "text"), ('"2024-02-29" "2024-02-29T01:02:03Z"', "text"),
        ('"2024-02-29T01:02:03+05:30"', "text|timestamp_utc"), ('"2024-02-29T01:02:03+05:30" "2024-02-29T01:02:03-04:00"', "text"),
    ]:
        check((leaves, "|".join(sorted(column_types(list(values_in(leaves)))))), (leaves, types))
    assert same_leaf(Num("-0.0"), "double", -0.0) and not same_leaf(Num("-0.0"), "double", 0.0)
    assert same_leaf(Num("1.50"), "text", "1.5") and not same_leaf(Num("0.1234567890123456789"), "text", "0.12345678901234568")
    assert same_leaf(Num("1e400"), "text", "1e400") and not same_leaf(Num("1e400"), "text", "inf")
    assert same_leaf("2024-02-29T00:00:00+05:30", "timestamp_utc", parse_stamp("2024-02-28T18:30:00Z")[0])
    assert not same_leaf("2024-02-29T00:00:00", "timestamp_utc", parse_stamp("2024-02-29T00:00:00Z")[0])
    assert not same_leaf(True, "text", "1") and not same_leaf("1", "int64", 1) and not same_leaf(Num("1"), "bool", True)
    print("reference.py: hand-made expectations hold")


if __name__ == "__main__":
    self_test()
