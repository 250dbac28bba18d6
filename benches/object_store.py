#!/usr/bin/env python3
"""Times a conversion of one large object against the same file on disk.

    benches/object_store.py target/release/transmog FILE.jsonl [--latency 50] [--rounds 5]

A server on loopback speaks as much of S3's protocol as reading takes, and waits before each answer.
It shares the processors with what it serves, so the figures are on the low side. Prints a line for
each round, and then the best of all.
"""

import argparse
import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers HEAD and GET, with ranges, for one file under every key."""

    protocol_version = "HTTP/1.1"
    path_served = ""
    latency = 0.0

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def answer(self, with_body):
        time.sleep(self.latency)
        with open(self.path_served, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            first, last = 0, size - 1
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if asked:
                first, last = int(asked[1]), min(int(asked[2]), size - 1)
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(last - first + 1))
            self.send_header("ETag", '"same"')
            self.send_header("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
            self.end_headers()
            while with_body and first <= last:
                first += os.sendfile(self.connection.fileno(), file.fileno(), first, last - first + 1)


def run(command, environment):
    """Returns seconds and peak memory in MiB."""
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(said.decode())
    return seconds, used.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("file")
    parser.add_argument("--latency", type=float, default=50, help="milliseconds before each answer")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    Handler.path_served = given.file
    Handler.latency = given.latency / 1000
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    name = os.path.basename(given.file)
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    environment = {"PATH": os.environ.get("PATH", ""), "NO_PROXY": "127.0.0.1"}
    to_store = ["--store-option", f"endpoint={endpoint}", "--store-option", "allow_http=true"]
    to_store += ["--store-option", "skip_signature=true", "--store-option", "region=us-east-1"]
    ways = {"disk": ([given.file], []), "store": ([f"s3://bucket/{name}"], to_store)}
    megabytes = os.path.getsize(given.file) / 1e6
    best = {}
    for _ in range(given.rounds):
        for way, (source, options) in ways.items():
            folder = tempfile.mkdtemp()
            command = [given.binary, "convert", *source, "--to", "parquet", "-o", folder]
            seconds, peak = run(command + ["--summary", "none", *options], environment)
            shutil.rmtree(folder)
            print(f"{way:6} {seconds:6.2f} s {megabytes / seconds:6.0f} MB/s {peak:5.0f} MiB", flush=True)
            best[way] = min(best.get(way, (1e9, 0)), (seconds, peak))
    ratio = best["disk"][0] / best["store"][0]
    print(f"{megabytes:.0f} MB, {given.latency:.0f} ms before each answer: {ratio:.2f} of the disk's speed")
    server.shutdown()


if __name__ == "__main__":
    main()
