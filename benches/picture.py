#!/usr/bin/env python3
"""Draws what a race printed: one bar for each contestant and file.

    benches/picture.py race.txt > benches/race.svg

The input is a table for each file: a line with its name and size, a line of headings, and a line for
each contestant: name, seconds, and more. A contestant that failed has a line that says so.
"""

import html
import re
import sys

WIDTH, LABEL, BAR, ROW, GAP = 860, 130, 560, 18, 22
OURS, THEIRS, NONE = "#1f6f8b", "#c9ced6", "#b3443b"


def read(lines):
    """Returns [(file, [(contestant, seconds or None)])]."""
    files = []
    for line in lines:
        head = re.match(r"(\S+\.\w+)\s+(\d+ MB)", line)
        row = re.match(r"\s+([\w-]+)\s+(failed|\d+\.\d+)", line)
        if head:
            files.append((f"{head[1]}, {head[2]}", []))
        elif row and files:
            files[-1][1].append((row[1], None if row[2] == "failed" else float(row[2])))
    return files


def draw(files):
    parts, y = [], 34
    for name, rows in files:
        longest = max((seconds for _, seconds in rows if seconds), default=1)
        parts.append(f'<text x="8" y="{y}" font-weight="bold">{html.escape(name)}</text>')
        y += 8
        for contestant, seconds in rows:
            y += ROW
            ours = contestant == "transmog"
            parts.append(f'<text x="{LABEL}" y="{y - 4}" text-anchor="end">{contestant}</text>')
            if seconds is None:
                parts.append(f'<text x="{LABEL + 8}" y="{y - 4}" fill="{NONE}">failed</text>')
                continue
            width = max(2, BAR * seconds / longest)
            parts.append(
                f'<rect x="{LABEL + 8}" y="{y - ROW + 4}" width="{width:.0f}" height="{ROW - 4}" '
                f'fill="{OURS if ours else THEIRS}"/>'
            )
            parts.append(f'<text x="{LABEL + 14 + width:.0f}" y="{y - 4}">{seconds:.2f} s</text>')
        y += GAP + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
        f'viewBox="0 0 {WIDTH} {y}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{y}" fill="white"/>\n'
        f'<text x="8" y="16" fill="#555">seconds, less is better; each file on its own scale</text>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as race:
        sys.stdout.write(draw(read(race)))
