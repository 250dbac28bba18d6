#!/usr/bin/env python3
"""Writes what DuckDB makes of its own CSV files into the table beside this file.

    duckdb_csv.py FOLDER     (the collection `duckdb-csv`; needs `pip install duckdb`)

Only the column `DuckDB` changes. Each file gets a process of its own: some were made to crash it.
"""
import multiprocessing
import os
import re
import sys

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "duckdb_csv.tsv")
SNIFF = "select Delimiter, Quote, Comment, SkipRows, HasHeader from sniff_csv(?)"
SECONDS = 20


def shown(character):
    return "" if character in ("(empty)", None) else character.replace("\t", "\\t")


def read(path):
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads=1")
    rows = connection.execute("select * from read_csv(?)", [path])
    columns, count = len(rows.description), 0
    while batch := rows.fetchmany(100_000):
        count += len(batch)
    delimiter, quote, comment, skipped, header = connection.execute(SNIFF, [path]).fetchone()
    text = f"{count} rows, {columns} columns; `{shown(delimiter)}`"
    if shown(quote) not in ("", '"'):
        text += f", quote `{quote}`"
    if shown(comment):
        text += f", comments `{comment}`"
    text += ", header" if header else ", no header"
    return text + (f", {skipped} skipped" if skipped else "")


def answer(path, queue):
    try:
        queue.put(read(path))
    except Exception as error:
        text = re.sub(r'"?/\S+"?', "the file", str(error).strip().splitlines()[0])
        text = re.sub(r"^(Invalid Input|IO|Invalid|Conversion|CSV) Error: ", "", text).rstrip(".")
        text = "no dialect found" if text.startswith("Error when sniffing") else text
        queue.put("error: " + " ".join(text.split())[:70])


def outcome(path):
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=answer, args=(path, queue))
    process.start()
    try:
        return queue.get(timeout=SECONDS)
    except Exception:
        process.kill()
        return "error: no answer"
    finally:
        process.join()


def main(folder):
    with open(TABLE) as file:
        lines = file.read().splitlines()
    for place, line in enumerate(lines):
        if not line.startswith("#"):
            cells = line.split("\t")
            cells[6] = outcome(os.path.join(folder, cells[0]))
            lines[place] = "\t".join(cells)
    with open(TABLE, "w") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
