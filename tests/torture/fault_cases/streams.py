"""Standard streams: full, closed, of a terminal; and producers that are slow or die."""

import os
import pty
import shutil
import subprocess

from .lab import records

FORMATS = ["parquet", "csv", "tsv", "jsonl", "json", "arrow"]


def shell(case, folder, script, **extra):
    """Runs a script in which `$T` is the binary; returns its status and standard error."""
    env = {**os.environ, "T": case.lab.binary, "TMPDIR": str(folder / "tmp")}
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=env, capture_output=True, timeout=60,
        **{"stdin": subprocess.DEVNULL, **extra},
    )  # fmt: skip
    case.runs += 1
    stderr = done.stderr.decode(errors="replace")
    case.expect("panicked" not in stderr, f"{script}: {stderr}")
    case.expect(not os.listdir(folder / "tmp"), f"{script}: left {os.listdir(folder / 'tmp')}")
    return done.returncode, done.stdout, stderr


def folder_of(case, count=40):
    folder = case.lab.folder()
    (folder / "tmp").mkdir()
    (folder / "in.jsonl").write_text(records(count))
    return folder


def full_stdout(case):
    folder = folder_of(case)
    for format in FORMATS:
        script = f"$T convert in.jsonl --to {format} -o - --arrays inline > /dev/full"
        status, _, stderr = shell(case, folder, script)
        said = "<stdout>" in stderr and "No space left on device" in stderr
        case.expect(status == 1 and said, f"{script}: {status} {stderr}")
    # what people read is not what the run is for
    status, _, _ = shell(case, folder, "$T convert in.jsonl --to csv -o out 2> /dev/full")
    case.expect(status == 0, f"2> /dev/full: {status}")
    shutil.rmtree(folder)


def full_help(case):
    folder = folder_of(case)
    for what in ("--help", "--version", "convert --help", "formats", "schema in.jsonl", "config", "man"):
        status, _, stderr = shell(case, folder, f"$T {what} > /dev/full")
        case.expect(status == 1 and "error: " in stderr, f"{what}: {status} {stderr}")
    shutil.rmtree(folder)


def closed(case):
    """A closed stream is opened on /dev/null by the runtime; no output may land in its place."""
    folder = folder_of(case)
    for script, expected in (
        ("$T convert in.jsonl --to csv -o out1 2>&-", 0),
        ("$T convert in.jsonl --to csv -o out2 <&-", 0),
        ("$T convert in.jsonl --to csv -o out3 >&-", 0),
        ("$T convert in.jsonl --to csv -o out4 <&- >&- 2>&-", 0),
        ("$T convert - --to csv -o out5 <&-", None),
        ("$T convert in.jsonl --to csv -o - --arrays inline >&-", None),
    ):
        status, _, stderr = shell(case, folder, script)
        if expected is not None:
            case.expect(status == expected, f"{script}: {status} {stderr}")
        case.expect(status in (0, 1, 5), f"{script}: {status} {stderr}")
    whole = {path.name: path.read_bytes() for path in (folder / "out2").iterdir()}
    for out in ("out1", "out3", "out4"):
        found = {path.name: path.read_bytes() for path in (folder / out).iterdir()}
        case.expect(found == whole, f"{out}: {sorted(found)}")
    shutil.rmtree(folder)


def reader_goes(case):
    folder = folder_of(case, 3000)
    for format in FORMATS:
        script = f"set -o pipefail; $T convert in.jsonl --to {format} -o - --arrays inline | head -c 10"
        status, _, stderr = shell(case, folder, script)
        case.expect(status == 0 and "error" not in stderr, f"{script}: {status} {stderr}")
    for what in ("--help", "formats", "man", "completions bash"):
        status, _, stderr = shell(case, folder, f"set -o pipefail; $T {what} | true")
        case.expect(status == 0 and not stderr, f"{what}: {status} {stderr}")
    shutil.rmtree(folder)


def terminal(case):
    """Without input, on a terminal: usage, not a wait for nobody."""
    folder = folder_of(case)
    for what in ("convert", "convert --to csv", "schema", ""):
        master, slave = pty.openpty()
        child = subprocess.Popen(
            [case.lab.binary, *what.split()], cwd=folder, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        os.close(slave)
        try:
            _, stderr = child.communicate(timeout=20)
            case.expect(child.returncode == 2, f"`{what}`: {child.returncode} {stderr.decode()}")
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            case.problems.append(f"`{what}`: waits for a terminal")
        os.close(master)
        case.runs += 1
    shutil.rmtree(folder)


def slow(case):
    """A producer that takes its time, one that dies: rows so far, as its status is not ours to see."""
    folder = folder_of(case, 3)
    script = "(while read -r line; do echo \"$line\"; sleep 0.1; done < in.jsonl) | $T convert --to csv -o slow -"
    status, _, stderr = shell(case, folder, script)
    case.expect(status == 0, f"slow: {status} {stderr}")
    status, _, stderr = shell(case, folder, "$T convert --to csv -o fast - < in.jsonl")
    slow_, fast = ({p.name: p.read_bytes() for p in (folder / n).iterdir()} for n in ("slow", "fast"))
    case.expect(slow_ == fast, "slow input gives other bytes")
    status, _, stderr = shell(case, folder, "(cat in.jsonl; exit 1) | $T convert --to csv -o dead -")
    case.expect(status == 0, f"dead producer: {status} {stderr}")
    status, _, stderr = shell(case, folder, "(head -c 100 in.jsonl; exit 1) | $T convert --to csv -o cut -")
    case.expect(status == 3, f"producer that dies inside a record: {status} {stderr}")
    shutil.rmtree(folder)


def odd_inputs(case):
    """Pipes, sockets, devices and /proc as inputs."""
    folder = folder_of(case)
    shell(case, folder, "$T convert in.jsonl --to csv -o plain --name t")
    whole = {path.name: path.read_bytes() for path in (folder / "plain").iterdir()}
    for number, script in enumerate((
        "mkfifo p; cat in.jsonl > p & $T convert p --to csv --name t -o",
        "$T convert <(cat in.jsonl) --to csv --name t -o",
        "cat in.jsonl | $T convert /dev/stdin --to csv --name t -o",
        "$T convert /proc/self/fd/0 --to csv --name t < in.jsonl -o",
        "$T convert - --to csv --name t < in.jsonl -o",
    )):  # fmt: skip
        status, _, stderr = shell(case, folder, f"{script} o{number}")
        found = {p.name: p.read_bytes() for p in (folder / f"o{number}").glob("*")}
        case.expect(status == 0 and found == whole, f"{script}: {status} {stderr}")
    import socket

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        status, _, stderr = shell(case, folder, "$T convert socket --to csv -o s")
        case.expect(status in (1, 2) and "socket" in stderr, f"socket: {status} {stderr}")
    status, _, stderr = shell(case, folder, "$T convert /dev/null --to csv -o n")
    case.expect(status in (0, 5), f"/dev/null: {status} {stderr}")
    status, _, stderr = shell(case, folder, "head -c 300000 /dev/zero | $T convert - --to csv -o z")
    case.expect(status in (3, 5), f"zeroes: {status} {stderr}")
    shutil.rmtree(folder)


def cases(lab):
    del lab
    return [
        ("I12", "full standard output", full_stdout),
        ("I13", "closed streams", closed),
        ("I14", "reader that goes away", reader_goes),
        ("J04", "pipes, sockets and devices as input", odd_inputs),
        ("J14", "terminal as input", terminal),
        ("J15", "help to a full device", full_help),
        ("J16", "slow and dying producers", slow),
    ]
