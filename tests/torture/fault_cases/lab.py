"""What every case needs: runs of the binary in a folder of their own, and what must hold after.

After each run one of three things is true, or the case fails:

A  status 0 or 3: every output is there, byte for byte as without faults, and nothing else.
B  another status: no name is new, old files are as they were, nothing temporary is left, the status
   is one of those expected, and standard error says `error: `, the place and the cause.
C  never: a panic, a death by a signal that was not sent by force, a run that does not end.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

# Statuses of runs that published what they were asked for; 3 where records were rejected.
PUBLISHED = (0, 3)

# What takes longer hangs.
SECONDS_MAX = 180

HIDDEN = re.compile(r"\.transmog-.*\.(tmp|part)$")


class Skip(Exception):
    """A case that cannot run here, and why."""


class Lab:
    """What all cases share: the binary, how long to look, where to work."""

    def __init__(self, binary, is_long, seed, root):
        self.binary, self.is_long, self.seed, self.root = str(binary), is_long, seed, Path(root)
        self._inputs = {}
        self._shim = None

    def pick(self, numbers, count):
        """Returns all numbers in the long form, otherwise about `count` of them, evenly spread."""
        numbers = list(numbers)
        if self.is_long or len(numbers) <= count:
            return numbers
        step = (len(numbers) - 1) / (count - 1) if count > 1 else len(numbers)
        return sorted({numbers[round(index * step)] for index in range(count)})

    def folder(self):
        return Path(tempfile.mkdtemp(dir=self.root))

    def shim(self):
        """Returns the library that cuts reads and writes short and moves the clock."""
        if self._shim is None:
            compiler = shutil.which("cc")
            if not compiler:
                raise Skip("no C compiler")
            library = self.root / "shim.so"
            source = Path(__file__).with_name("shim.c")
            subprocess.run(
                [compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True
            )
            witness = self.root / "witness"
            env = {**os.environ, "LD_PRELOAD": str(library), "SHIM_WITNESS": str(witness)}
            subprocess.run([self.binary, "--version"], env=env, check=True, capture_output=True)
            self._shim = library if witness.exists() else ""
        if not self._shim:
            raise Skip("the binary is linked statically")
        return str(self._shim)


def needs(program):
    if not shutil.which(program):
        raise Skip(f"no {program}")


def needs_root():
    if os.geteuid() != 0:
        raise Skip("not root")


class Case:
    """One case while it runs: what it found wrong, how many runs it took."""

    def __init__(self, lab, ident, name):
        self.lab, self.ident, self.name = lab, ident, name
        self.problems, self.runs, self.told = [], 0, ""

    def expect(self, holds, what):
        if not holds:
            self.problems.append(what)
        return holds


def digest(path):
    if path.is_symlink():
        return "link"
    if not path.is_file():
        return "directory" if path.is_dir() else "special"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def listing(folder):
    """Returns every path below a folder with its digest; the folder may be gone."""
    found = {}
    for at, folders, files in os.walk(folder):
        for name in files + folders:
            path = Path(at, name)
            try:
                found[str(path.relative_to(folder))] = digest(path)
            except FileNotFoundError:
                pass
    return found


def hidden_part(path):
    """Returns the hidden directory, or file outside of one, that a path goes through."""
    return next((part for part in Path(path).parts if HIDDEN.search(part)), path)


def is_temporary(path):
    return path.startswith("tmp/") or any(HIDDEN.search(part) for part in Path(path).parts)


def records(count, tables=2, seed=0, faults=0, late=False):
    """Returns JSON lines with a row in each of some tables; a few lines are none."""
    lines = []
    for number in range(count):
        record = {"id": number, "name": f"n{(number * 7919 + seed) % 9973}", "tags": ["a", "b"]}
        for table in range(tables):
            rows = 1 if tables > 3 else (number + table) % 3
            record[f"t{table}"] = [{"sku": f"s{seed}-{number}-{row}", "q": row} for row in range(rows)]
        if late and number == count - 1:
            record.update({"late": 1.5, "id": "text"})
        lines.append(json.dumps(record))
        if faults and number % max(1, count // faults) == 5:
            lines.append('{"broken"')
    return "\n".join(lines) + "\n"


class Scene:
    """A run as it is without faults: its inputs, its flags, and what it makes of them.

    `old` are files that are there before; `flags` may name files below the folder of the run, which
    is its current directory. `volatile` differ from run to run, or are written by failed runs too.
    """

    def __init__(self, lab, name, flags, text, old=(), stdin=None, volatile=(), env=None, made=()):
        self.lab, self.name, self.flags = lab, name, flags.split()
        self.inputs = text if isinstance(text, dict) else {"in.jsonl": text}
        self.old, self.stdin, self.volatile = dict(old), stdin, set(volatile)
        self.env, self.made = env or {}, made
        self.folder = None
        folder = self.fresh()
        start = os.times().elapsed
        done = self.run(folder)
        self.seconds = os.times().elapsed - start
        if done.returncode not in PUBLISHED:
            raise AssertionError(f"{name}: fails without faults: {done.stderr}")
        self.status, self.stdout = done.returncode, done.stdout
        self.good = self.files(folder)
        self.before = self.files(self.fresh())
        shutil.rmtree(folder)

    def fresh(self):
        """Makes a folder as it is before a run."""
        folder = self.lab.folder()
        (folder / "tmp").mkdir()
        for name in self.made:
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name, content in {**self.inputs, **self.old}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    def environment(self, folder):
        env = {k: v for k, v in os.environ.items() if not k.startswith("TRANSMOG_")}
        # what runs in CI would take for its own
        env.pop("GITHUB_STEP_SUMMARY", None)
        return {**env, "TMPDIR": str(folder / "tmp"), **self.env}

    def command(self):
        return [self.lab.binary, *self.flags]

    def start(self, folder, before=(), **extra):
        stdin = open(folder / self.stdin, "rb") if self.stdin else subprocess.DEVNULL
        env = {**self.environment(folder), **extra.pop("env", {})}
        return subprocess.Popen(
            [*before, *self.command()],
            **{
                "cwd": folder,
                "env": env,
                "stdin": stdin,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **extra,
            },
        )

    def run(self, folder, before=(), **extra):
        """Runs to the end; a run that does not end has no status."""
        child = self.start(folder, before, **extra)
        try:
            out, err = child.communicate(timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            child.returncode = None
        return subprocess.CompletedProcess(
            child.args, child.returncode, out, (err or b"").decode(errors="replace")
        )

    def files(self, folder):
        kept = {}
        for path, what in listing(folder).items():
            if path not in self.volatile and path != "tmp":
                kept[path] = what
        return kept

    def check(self, case, folder, done, what, statuses=(1,), cause=None, place=None, lenient=()):
        """Checks what holds after every run; see the head of this module.

        `lenient` may hold "leftover": a temporary directory may be there if standard error names it;
        "old": what was published stands although the run failed later, and was said to have.
        """
        problems = []
        now = self.files(folder)
        status, stderr = done.returncode, done.stderr
        left = sorted(path for path in now if is_temporary(path))
        finals = {path: kind for path, kind in now.items() if path not in left}
        if status is None:
            problems.append(f"C: did not end within {SECONDS_MAX} s")
        elif status < 0 or status == 101 or status > 128 and status not in statuses:
            problems.append(f"C: ended with {status}")
        if "panicked at" in stderr:
            problems.append("C: a panic")
        if status in PUBLISHED:
            if status != self.status:
                problems.append(f"A: status {status}, expected {self.status}")
            if finals != self.good:
                problems.append(f"A: outputs differ: {difference(self.good, finals)}")
            if done.stdout is not None and done.stdout != self.stdout:
                problems.append("A: standard output differs")
        elif status is not None and status >= 0:
            if finals != self.before:
                problems.append(f"B: files differ: {difference(self.before, finals)}")
            if status not in statuses:
                problems.append(f"B: status {status}, expected {statuses}")
            if "error: " not in stderr:
                problems.append("B: no message")
            elif cause and cause not in stderr:
                problems.append(f"B: the message does not say `{cause}`")
            elif place and not any(part in stderr for part in place):
                problems.append(f"B: the message does not name one of {place}")
        unsaid = [path for path in left if hidden_part(path) not in stderr]
        if left and ("leftover" not in lenient or unsaid):
            problems.append(f"{'A' if status in PUBLISHED else 'B'}: left behind: {left}")
        case.runs += 1
        for problem in problems:
            case.problems.append(f"{what}: {problem} | {last_lines(stderr)}")
        return not problems


def difference(expected, found):
    """Says in a line how two listings differ."""
    gone = sorted(set(expected) - set(found))
    new = sorted(set(found) - set(expected))
    other = sorted(path for path in set(expected) & set(found) if expected[path] != found[path])
    return f"gone {gone}, new {new}, changed {other}"


def last_lines(text):
    lines = [line for line in text.strip().splitlines() if line]
    shown = [line for line in lines if line.startswith(("error", "hint", "warning", "thread"))]
    return " / ".join(shown or lines[-2:])[:600]


def end(child, number=signal.SIGKILL):
    """Ends a process that this module started."""
    if child.poll() is None:
        child.send_signal(number)
