"""Runs the scripts of `--emit-sql spark` and the statements of `schema --format sql --dialect spark` in Spark.

    python tests/readers/spark.py --bin PATH [--only WORD]

Needs a Java runtime, and `pip install pyspark pyarrow`. Not a part of CI, which would fetch 400 MB for it.

For every golden case: the script runs, each view has the rows and the columns of its file, and each joined view the rows
of its table; the tables that `schema` describes can be created. Ends with `N passed, N failed`.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

import pyarrow.parquet as pq
from pyspark.sql import SparkSession

import check


def statements(script):
    """The statements of a script, whose names and texts hold no semicolon at the end of a line."""
    lines = [line for line in script.splitlines() if not line.startswith("--")]
    return [text.strip() for text in re.split(r";\n", "\n".join(lines) + "\n") if text.strip()]


def quoted(name):
    return "`" + name.replace("`", "``") + "`"


def views_hold(spark, case, binary, sandbox):
    """The script of a case runs, and its views have the rows and the columns of the files."""
    out = check.convert(binary, case.input, case.options + [("--emit-sql", "spark")], "parquet", sandbox)
    os.chdir(out)
    (script,) = [name for name in os.listdir(out) if name.endswith(".spark.sql")]
    with open(script, encoding="utf-8") as f:
        text = f.read()
    files = {}
    for statement in statements(text):
        # Relative paths are those of where Spark was started.
        spark.sql(statement.replace("(path '", "(path '" + out + "/"))
        view = re.match(r"CREATE OR REPLACE TEMPORARY VIEW `((?:[^`]|``)*)`", statement)[1].replace("``", "`")
        path = re.search(r"\(path '(.*)'\);?$", statement)
        files[view] = re.sub(r"\\(.)", r"\1", re.sub(r"\\(.)", r"\1", path[1])) if path else None
    tables = {view: pq.read_table(file) for view, file in files.items() if file}
    check.expect(sorted(n for n in os.listdir(out) if n.endswith(".parquet")), sorted(f for f in files.values() if f), column="files")
    for view in files:
        table = tables.get(view)
        rows = spark.sql(f"select * from {quoted(view)}").collect()
        if table is not None:
            check.expect(table.num_rows, len(rows), view, "rows")
            check.expect(table.column_names, spark.table(quoted(view)).columns, view, "columns")
            for position, column in enumerate(table.column_names):
                nulls = sum(row[position] is None for row in rows)
                check.expect(table.column(position).null_count, nulls, view, f"nulls of {column}")
        else:
            check.expect(tables[view.removesuffix("_joined")].num_rows, len(rows), view, "rows beside those above them")
    for view in files:
        spark.catalog.dropTempView(view)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    binary = os.path.abspath(args.bin)
    golden = os.path.abspath(check.GOLDEN)
    sandbox = tempfile.mkdtemp(prefix="transmog-spark-")
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.driver.host", "localhost")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.warehouse.dir", os.path.join(sandbox, "warehouse"))
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("OFF")
    passed, failed = 0, 0
    for name in sorted(os.listdir(golden)):
        unread = ("error.txt", "rejects.jsonl")
        if args.only not in name or any(os.path.exists(os.path.join(golden, name, "out", n)) for n in unread):
            continue
        case = check.Case(os.path.join(golden, name))
        place = os.path.join(sandbox, name)
        os.makedirs(place)
        try:
            views_hold(spark, case, binary, place)
            passed += 1
        except Exception as error:  # whatever Spark or the check says is the finding
            failed += 1
            print(f"{name}: {str(error)[:600]}")
    spark.stop()
    os.chdir("/")
    shutil.rmtree(sandbox)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
