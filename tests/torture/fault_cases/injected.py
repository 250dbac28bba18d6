"""System calls that fail: strace makes the n-th one fail, for one n after the other.

strace counts the calls of each thread, so that the n-th of all threads fail in one run. Calls before
`main` belong to the loader and are left out.
"""

import errno
import os
import re
import shutil
from collections import Counter

from .lab import Scene, needs, records

# The first call of the runtime, behind which the program is to blame for everything.
MARKER = "rt_sigaction(SIGPIPE"

# Which calls fail, with what; ids are those of the torture list.
FAULTS = [
    ("I01", "write", ["write", "pwrite64", "writev", "ftruncate"], ["ENOSPC", "EIO", "EDQUOT"]),
    ("I02", "open", ["openat", "mkdir"], ["EACCES", "EMFILE", "ENFILE", "ENOSPC", "EROFS"]),
    ("I03", "sync", ["fsync", "fdatasync"], ["EIO", "ENOSPC"]),
    ("I04", "close", ["close"], ["EIO", "ENOSPC", "EDQUOT"]),
    ("I05", "rename", ["rename", "renameat2", "linkat"], ["EXDEV", "EIO", "EACCES"]),
    ("I05", "remove", ["unlink", "rmdir"], ["EIO", "EROFS", "EBUSY"]),
    ("I07", "look", ["statx", "newfstatat", "getdents64", "lseek", "readlink"], ["EIO", "EACCES"]),
    ("I07", "read", ["read", "pread64"], ["EIO", "ESTALE"]),
    ("I02", "thread", ["clone3"], ["EAGAIN"]),
]

# Calls whose failure may keep a run from removing what it made.
OF_REMOVAL = {"unlink", "rmdir", "openat", "getdents64", "fsync", "close", "rename", "statx"}

# Calls that fail for good, as on old kernels and odd file systems, and must not matter.
MISSING = [
    ("I25", "renameat2", ["ENOSYS", "EINVAL", "EOPNOTSUPP"]),
    ("I25", "linkat", ["EPERM", "EOPNOTSUPP", "ENOSYS"]),
    ("I25", "flock", ["ENOLCK", "ENOSYS", "EOPNOTSUPP"]),
    ("I25", "fallocate", ["EOPNOTSUPP"]),
    ("J12", "statx", ["ENOSYS", "EPERM"]),
    ("J12", "getrandom", ["ENOSYS"]),
    ("J12", "sched_getaffinity", ["ENOSYS"]),
    ("J12", "prctl", ["EPERM"]),
    ("J12", "clone3", ["ENOSYS"]),
    ("J12", "openat2", ["ENOSYS"]),
    ("J12", "io_uring_setup", ["EPERM"]),
    ("J12", "madvise", ["EINVAL"]),
]


def scenes(lab):
    """Makes the runs in which calls fail, by name."""
    text = records(60, faults=3)
    old = {f"out/{name}": f"OLD {name}\n" for name in ("t.parquet", "t_t1.parquet", "x.txt")}
    sides = "--manifest out/m.json --summary json=summary.json --rejects bad/r.jsonl"
    made = {"out": ["out"], "bad": ["bad"]}
    yield Scene(
        lab,
        "parquet",
        f"convert in.jsonl --to parquet -o out --name t --force --emit-sql duckdb {sides}",
        text,
        old=old,
        volatile=["summary.json"],
        made=made["bad"],
    )
    yield Scene(lab, "csv", "convert in.jsonl --to csv -o new/out --name t", text)
    yield Scene(
        lab,
        "jsonl",
        "convert in.jsonl -o out/t.jsonl --force --arrays inline --rejects none",
        text,
        old={"out/t.jsonl": "OLD\n"},
    )
    late = records(40, late=True)
    yield Scene(lab, "json", "convert in.jsonl --to json -o out --name t", late, made=made["out"])
    yield Scene(lab, "arrow", "convert in.jsonl -o out/t.arrow", late, made=made["out"])
    yield Scene(lab, "stdout", "convert in.jsonl --to csv -o -", records(60))
    # enough for the system to move it into the pipe
    yield Scene(lab, "long stdout", "convert in.jsonl --to csv -o -", records(6000))
    columns = lab.folder()
    (columns / "in.jsonl").write_text(records(60))
    os.system(f"cd {columns} && {lab.binary} convert in.jsonl -o t.parquet --arrays inline -q")
    os.system(f"cd {columns} && {lab.binary} convert in.jsonl -o t.arrow --arrays inline -q")
    content = (columns / "t.parquet").read_bytes()
    yield Scene(lab, "from parquet", "convert in.parquet -o out.json", {"in.parquet": content})
    arrow = (columns / "t.arrow").read_bytes()
    yield Scene(lab, "from arrow", "convert in.arrow -o out.json", {"in.arrow": arrow})
    yield Scene(
        lab,
        "spooled",
        "convert - --to tsv -o out",
        {"in.parquet": content},
        stdin="in.parquet",
    )


def calls_of(log):
    """Returns how often the program makes each call, as the busiest thread does, and the loader did."""
    before, counts, first = Counter(), {}, None
    is_started = False
    for line in log.splitlines():
        if (found := re.match(r"(\d+)\s+(\w+)\(", line)) is None:
            continue
        thread, call = found.groups()
        first = first or thread
        is_started = is_started or MARKER in line
        if not is_started:
            before[call] += 1
        counts.setdefault(thread, Counter())[call] += 1
    most = Counter()
    for counter in counts.values():
        most |= counter
    return most, before


def traced(scene, folder, options):
    """Runs below strace; returns what the run did, and the calls."""
    log = folder.parent / f"{folder.name}.log"
    before = ["strace", "-f", "-qq", "-y", "-s", "16", "-o", str(log), *options]
    done = scene.run(folder, before)
    try:
        return done, log.read_text(errors="replace")
    finally:
        log.unlink(missing_ok=True)


def baseline(scene):
    if not hasattr(scene, "calls"):
        folder = scene.fresh()
        calls = sorted({call for _, _, calls, _ in FAULTS for call in calls} | {"rt_sigaction"})
        _, log = traced(scene, folder, ["-e", "trace=" + ",".join(calls)])
        shutil.rmtree(folder, ignore_errors=True)
        scene.calls = calls_of(log)
    return scene.calls


def fail_in_turn(scene, calls, error):
    def run(case):
        needs("strace")
        failed = 0
        for call in calls:
            most, before = baseline(scene)
            numbers = range(before[call] + 1, most[call] + 1)
            for number in case.lab.pick(numbers, 3 if len(calls) < 4 else 2):
                failed += fail(case, scene, call, error, number)
        return f"{failed} calls failed in turn"

    return run


def fail(case, scene, call, error, number, extra=()):
    """Runs a scene whose n-th call fails; returns how many calls did."""
    folder = scene.fresh()
    inject = f"inject={call}:error={error}:when={number}"
    done, log = traced(scene, folder, [*extra, "-e", f"trace={call},openat,rename,renameat2", "-e", inject])
    hits = [line for line in log.splitlines() if "(INJECTED)" in line]
    # what cannot be said is not said
    is_mute = any("write(2<" in line for line in hits)
    if hits and not is_mute:
        cause = os.strerror(getattr(errno, error))
        what = f"{scene.name}, {call} {number} {error}"
        place = places_of(hits, folder)
        lenient = ["leftover"] if call in OF_REMOVAL else []
        is_fine = scene.check(
            case, folder, done, what, statuses=(1,), cause=cause, place=place, lenient=lenient
        )
        if is_fine and call == "close" and done.returncode in (0, 3) and is_output(log):
            case.problems.append(f"{what}: A: closing an output failed, and nobody knew: {hits[0]}")
        if not is_fine:
            case.problems.append("  " + " ".join(hits)[:300])
    shutil.rmtree(folder, ignore_errors=True)
    return 0 if is_mute else len(hits)


def is_output(log):
    """Tells whether the file whose close fails was open to be written to, and is used again."""
    written, path = {}, None
    for line in log.splitlines():
        if path and path in line:
            return True
        if found := re.search(r"openat\(.*, (O_\w+).*\) += (\d+)<", line):
            written[found[2]] = found[1] != "O_RDONLY"
        elif found := re.search(r"close\((\d+)<([^>]*/\.transmog-\d+\.tmp)>.*INJECTED", line):
            if not written.get(found[1]):
                return False
            path = found[2]
    return False


def places_of(hits, folder):
    """Returns words of which a message about failed calls has one."""
    words = set()
    for line in hits:
        for path in re.findall(r'[<"](/[^>"]*|[\w./-]+)[>"]', line):
            if str(folder) in path or not path.startswith("/"):
                words.update(part for part in path.removeprefix(str(folder)).split("/") if part)
    # temporary files have names that say nothing, their places do
    everywhere = {"out", "<stdout>", "<stdin>", "in.jsonl", "error: .: ", folder.name}
    return sorted(words | everywhere) if words else None


def miss(scene, call, errors):
    def run(case):
        needs("strace")
        for error in errors:
            folder = scene.fresh()
            done, _ = traced(
                scene, folder, ["-e", f"trace={call}", "-e", f"inject={call}:error={error}"]
            )
            what = f"{scene.name}, every {call} {error}"
            if scene.check(case, folder, done, what):
                case.expect(done.returncode == scene.status, f"{what}: status {done.returncode}")
            shutil.rmtree(folder, ignore_errors=True)
        return f"{len(errors)} ways"

    return run


def interrupt(scene):
    """EINTR and EAGAIN: the first is no failure, the second one with its cause at worst."""

    def run(case):
        needs("strace")
        for call, error in (("read", "EINTR"), ("write", "EINTR"), ("openat", "EINTR"),
                            ("read", "EAGAIN"), ("write", "EAGAIN"),
                            ("sendfile", "EINTR"), ("sendfile", "EAGAIN")):  # fmt: skip
            _, before = baseline(scene)
            for step in (2, 3):
                    folder = scene.fresh()
                    start = before[call] + 1
                    inject = f"inject={call}:error={error}:when={start}+{step}"
                    done, log = traced(scene, folder, ["-e", f"trace={call}", "-e", inject])
                    what = f"{scene.name}, {call} {error} each {step}"
                    if not (error == "EAGAIN" and re.search(r"write\(2<.*INJECTED", log)):
                        scene.check(case, folder, done, what)
                    if error == "EINTR":
                        is_done = done.returncode == scene.status
                        case.expect(is_done, f"{what}: status {done.returncode} {done.stderr}")
                    shutil.rmtree(folder, ignore_errors=True)

    return run


def cut_short(scene):
    """Reads and writes that do less than they are asked for."""

    def run(case):
        preload = {"LD_PRELOAD": case.lab.shim()}
        for limits in (
            {"SHIM_READ_MAX": "1"},
            {"SHIM_WRITE_MAX": "1"},
            {"SHIM_READ_MAX": "7", "SHIM_WRITE_MAX": "13", "SHIM_INTERRUPTS": "3"},
            {"SHIM_READ_MAX": "1000", "SHIM_WRITE_MAX": "100", "SHIM_INTERRUPTS": "2"},
        ):
            folder = scene.fresh()
            done = scene.run(folder, env={**preload, **limits})
            if scene.check(case, folder, done, f"{scene.name}, {limits}"):
                is_done = done.returncode == scene.status
                case.expect(is_done, f"{scene.name}, {limits}: status {done.returncode}")
            shutil.rmtree(folder, ignore_errors=True)

    return run


def unreadable(scene, source):
    """The input alone cannot be read: never the end of it."""

    def run(case):
        needs("strace")
        failed = 0
        for call, error in (("read", "EIO"), ("statx", "EIO"), ("openat", "EACCES"), ("read", "EISDIR")):
            for number in case.lab.pick(range(1, 5), 3):
                folder = scene.fresh()
                path = str(folder / source)
                options = ["-P", path, "-e", f"trace={call}"]
                options += ["-e", f"inject={call}:error={error}:when={number}"]
                done, log = traced(scene, folder, options)
                if "(INJECTED)" in log:
                    failed += 1
                    what = f"{scene.name}, {call} {number} of the input {error}"
                    cause = os.strerror(getattr(errno, error))
                    scene.check(case, folder, done, what, (1,), cause, [source, "<stdin>"])
                    if call == "read":
                        case.expect(done.returncode not in (0, 3), f"{what}: taken for the end")
                shutil.rmtree(folder, ignore_errors=True)
        return f"{failed} calls failed in turn"

    return run


def cases(lab):
    made = []
    if not shutil.which("strace"):
        raise SystemExit("faults.py: expected strace, found nothing\nhint: apt-get install strace")
    for turn, scene in enumerate(scenes(lab)):
        for ident, name, calls, errors in FAULTS:
            # what becomes of a failure does not depend on its cause: one for each scene will do
            if not lab.is_long:
                errors = [errors[turn % len(errors)]]
            for error in errors:
                made.append((ident, f"{name} {error}, {scene.name}", fail_in_turn(scene, calls, error)))
        if lab.is_long or turn % 3 == 0:
            made.append(("I06", f"EINTR and EAGAIN, {scene.name}", interrupt(scene)))
        if lab.is_long or turn % 3 == 1:
            made.append(("I06", f"short reads and writes, {scene.name}", cut_short(scene)))
        source = next(name for name in scene.inputs if name.startswith("in."))
        if lab.is_long or scene.name in ("csv", "from parquet", "from arrow", "spooled"):
            unread = unreadable(scene, source)
            made.append(("I07", f"input that cannot be read, {scene.name}", unread))
        if scene.name in (("parquet", "csv", "arrow") if lab.is_long else ("parquet",)):
            for ident, call, errors in MISSING:
                made.append((ident, f"no {call}, {scene.name}", miss(scene, call, errors)))
        if scene.name == "long stdout":
            errors = ["ENOSYS", "EINVAL", "EIO", "ENOSPC"]
            made.append(("I25", f"no sendfile, {scene.name}", miss(scene, "sendfile", errors)))
    return made
