#!/usr/bin/env python3
"""Writes the licences of all that is linked into the binary, one text once.

    packaging/licenses.py [--target TRIPLE] [-- FLAGS OF CARGO TREE] > THIRD-PARTY.txt

Needs cargo and nothing else. Texts come from the packages themselves, also those of C code that is
vendored in them. A package without a text is named with its licence, and the text is then that of
another package under the same one; where there is none the script fails.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

NAMES = re.compile(r"^((un)?licen[cs]es?|copying|notice|copyright)([-._].*)?$", re.I)
# sources and scripts whose names start so are no texts
CODE = {".rs", ".py", ".c", ".h", ".sh", ".toml", ".html", ".json", ".yml", ".spdx"}
# folders of tests, and of what is not compiled
ASIDE = {"tests", "test", "testdata", "benches", "examples", "fuzz", "doc", "docs"}
DEPTH = 5
# of scripts and commands that are not compiled (xz), or the second of two to choose from (zstd)
OTHERS = re.compile(r"GNU (LESSER )?GENERAL PUBLIC LICENSE")


def cargo(*args):
    return subprocess.run(["cargo", *args], check=True, stdout=subprocess.PIPE, text=True).stdout


def linked(target, flags):
    """Returns (name, version) of packages that code of the binary comes from."""
    args = ["tree", "--locked", "--edges", "normal,no-proc-macro"]
    args += ["--prefix", "none", "--format", "{p}"]
    args += ["--target", target] if target else []
    found = set()
    for line in cargo(*args, *flags).splitlines():
        match = re.match(r"^(\S+) v(\S+)", line)
        if match:
            found.add(match.groups())
    return found


def texts(folder):
    """Returns the texts of licences below a folder, by their path in it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if len(inside.parts) > DEPTH or ASIDE & {part.lower() for part in inside.parts[:-1]}:
            continue
        is_text = NAMES.match(path.name) and path.suffix.lower() not in CODE
        if is_text and path.is_file():
            text = path.read_text("utf-8", errors="replace").replace("\r\n", "\n").strip()
            if text and not OTHERS.match(text):
                found[inside.as_posix()] = text
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", help="the triple that the binary is built for")
    parser.add_argument("flags", nargs="*", help="such as --no-default-features --features cli")
    args = parser.parse_args()
    wanted = linked(args.target, args.flags)
    packages = json.loads(cargo("metadata", "--locked", "--format-version", "1"))["packages"]
    is_linked = lambda one: (one["name"], one["version"]) in wanted and one["source"]
    packages = list(filter(is_linked, packages))
    packages.sort(key=lambda one: (one["name"], one["version"]))
    users, bare = {}, []
    for package in packages:
        title = f"{package['name']} {package['version']}"
        folder = pathlib.Path(package["manifest_path"]).parent
        found = texts(folder)
        for path, text in found.items():
            where = title if "/" not in path else f"{title} ({path})"
            # line ends and indents differ where the words are the same
            users.setdefault(" ".join(text.split()), (text, []))[1].append(where)
        if not found:
            bare.append((title, package["license"], package["authors"], package["repository"]))
    print("transmog is made with the packages below. Each is named with its licence; texts follow.")
    print("The standard library of Rust is linked, too: MIT OR Apache-2.0, by The Rust Project.\n")
    for package in packages:
        print(f"{package['name']} {package['version']}: {package['license'] or 'see its text'}")
    without = {title for title, *_ in bare}
    known = {one["license"] for one in packages if f"{one['name']} {one['version']}" not in without}
    print("\nThese hold no text of their own; those of the same licences below are theirs:\n")
    for title, licence, authors, repository in bare:
        by = ", ".join(authors) or repository or "its authors"
        print(f"{title}: {licence}, by {by}")
        parts = set(re.split(r" OR | AND |/|[() ]+", licence or "")) - {""}
        others = [set(re.split(r" OR | AND |/|[() ]+", other or "")) for other in known]
        if not any(parts & other for other in others):
            sys.exit(f"{title}: no package with a text has the licence `{licence}`")
    for text, titles in sorted(users.values(), key=lambda one: one[1]):
        print("\n" + "=" * 100)
        print("\n".join(titles))
        print("-" * 100)
        print(text)


if __name__ == "__main__":
    main()
