#!/usr/bin/env python3
"""Makes files of shapes that the race does not have, about 100 MB each, from a fixed seed.

    benches/shapes.py DIR

A program that is tuned to a few files is slow on these. `race.py` of any kind takes them by name:
posts.jsonl (long text), sensors.jsonl (lists of doubles), small.jsonl (three fields a record),
sparse.jsonl (300 keys, 20 of them in a record), pretty.json (an indented array), logs.jsonl (times
with fractions, UUIDs, URLs).
"""

import json
import pathlib
import random
import sys

WORDS = "time data Straße value note 東京 return état price order line street emoji 🎈 a of the".split()


def posts(rng):
    for n in range(130_000):
        text = " ".join(rng.choice(WORDS) for _ in range(rng.randrange(20, 180)))
        yield {
            "id": n,
            "author": {"name": rng.choice(WORDS), "verified": n % 9 == 0},
            "text": text + ("\n\"quoted\"\t\\" if n % 3 == 0 else ""),
            "likes": int(rng.paretovariate(1)),
            "lang": rng.choice(["en", "de", "ja", None]),
        }


def sensors(rng):
    for n in range(220_000):
        base = rng.uniform(-40, 60)
        yield {
            "sensor": f"s-{n % 512}",
            "at": 1_767_225_600_000 + n * 250,
            "values": [round(base + rng.gauss(0, 1), 6) for _ in range(40)],
            "ok": rng.random() > 0.01,
        }


def small(rng):
    for n in range(2_200_000):
        yield {"k": rng.randrange(10**9), "v": rng.random() * 100, "t": "abc"[n % 3]}


def sparse(rng):
    keys = [f"field_{n:03}" for n in range(300)]
    for n in range(180_000):
        record = {"id": n}
        for key in sorted(rng.sample(keys, 20)):
            record[key] = rng.randrange(1000) if int(key[-1]) % 2 else f"value {rng.randrange(50)}"
        yield record


def pretty(rng):
    for n in range(160_000):
        yield {
            "id": n,
            "shape": {"kind": rng.choice(["circle", "square"]), "size": {"w": n % 91, "h": n % 37}},
            "points": [{"x": rng.randrange(999), "y": rng.randrange(999)} for _ in range(4)],
        }


def logs(rng):
    for n in range(300_000):
        user = rng.randrange(5000)
        yield {
            "timestamp": f"2026-03-{n % 28 + 1:02}T{n % 24:02}:{n % 60:02}:{n % 59:02}.{rng.randrange(10**6):06}+00:00",
            "level": rng.choice(["INFO", "INFO", "INFO", "WARN", "ERROR"]),
            "request_id": f"{rng.getrandbits(128):032x}",
            "http": {
                "method": rng.choice(["GET", "POST"]),
                "url": f"https://example.org/api/v2/users/{user}/items?page={n % 40}",
                "status": rng.choice([200, 200, 200, 404, 500]),
                "ms": round(rng.expovariate(0.05), 3),
            },
            "ip": f"10.{user % 256}.{n % 256}.{rng.randrange(256)}",
        }


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for make in [posts, sensors, small, sparse, logs]:
        with open(folder / f"{make.__name__}.jsonl", "w", encoding="utf-8") as out:
            for record in make(random.Random(7)):
                out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
    with open(folder / "pretty.json", "w", encoding="utf-8") as out:
        json.dump(list(pretty(random.Random(7))), out, indent=2)


if __name__ == "__main__":
    main()
