"""Places that are full, gone, forbidden or odd."""

import os
import shutil
import stat
import subprocess
import time
from contextlib import contextmanager

from .lab import PUBLISHED, Scene, Skip, end, is_temporary, needs, needs_root, records

FORMATS = ["parquet", "csv", "jsonl", "json", "arrow"]


@contextmanager
def mounted(at, *options, kind="tmpfs"):
    """A file system of its own, as root."""
    needs_root()
    needs("mount")
    done = subprocess.run(
        ["mount", "-t", kind, *options, kind, str(at)], capture_output=True, text=True
    )
    if done.returncode:
        raise Skip(f"mount fails: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(at)], check=False, capture_output=True)


def full_disk(format, single):
    """A disk that is full after a part of what the run needs."""

    def run(case):
        text = records(1500, seed=7)
        place = f"out/t.{format} --arrays inline" if single else f"out --to {format} --name t"
        scene = Scene(case.lab, format, f"convert in.jsonl -o {place} --force", text, made=["out"])
        needed = sum(map(os.path.getsize, outputs_of(scene)))
        for percent in (1, 10, 50, 90, 99) if case.lab.is_long else (50,):
            folder = scene.fresh()
            old = folder / "out" / ("t." + format)
            # what the run needs besides its outputs differs by format: the last may do
            size = max(4096, needed * percent // 100 // 4096 * 4096) + 8192
            with mounted(folder / "out", "-o", f"size={size}"):
                old.write_text("OLD\n")
                free = os.statvfs(folder / "out").f_bfree
                done = scene.run(folder)
                case.runs += 1
                what = f"{format}, {percent} % of the space"
                names = sorted(os.listdir(folder / "out"))
                if done.returncode in PUBLISHED:
                    case.expect(percent > 50 or format != "json", f"{what}: it did not matter")
                else:
                    case.expect(done.returncode == 1, f"{what}: status {done.returncode}")
                    said = "No space left on device" in done.stderr and "free some space" in done.stderr
                    case.expect(said and "out" in done.stderr, f"{what}: said {done.stderr}")
                    case.expect(names == ["t." + format], f"{what}: left {names}")
                    case.expect(old.read_text() == "OLD\n", f"{what}: the old file changed")
                    now = os.statvfs(folder / "out").f_bfree
                    case.expect(now == free, f"{what}: {free - now} blocks are not free again")
            shutil.rmtree(folder, ignore_errors=True)

    return run


def outputs_of(scene):
    folder = scene.fresh()
    scene.run(folder)
    scene.kept = folder
    return [path for path in (folder / "out").rglob("*") if path.is_file()]


def no_inodes(case):
    scene = Scene(case.lab, "inodes", "convert in.jsonl --to csv -o out --name t --force", records(20, tables=9), made=["out"])
    for count in (2, 3, 5, 8, 11):
        folder = scene.fresh()
        with mounted(folder / "out", "-o", f"size=4m,nr_inodes={count}"):
            done = scene.run(folder)
            case.runs += 1
            case.expect(done.returncode == 1, f"{count} inodes: status {done.returncode}")
            case.expect("No space left on device" in done.stderr, f"{count}: said {done.stderr}")
            case.expect(not os.listdir(folder / "out"), f"{count}: left {os.listdir(folder / 'out')}")
        shutil.rmtree(folder, ignore_errors=True)


def read_only(case):
    """Remounted read-only while it runs: nothing can be removed, and the message says what is left."""
    scene = Scene(case.lab, "ro", "convert in.jsonl --to csv -o out --name t", records(20), made=["out"])
    folder = scene.fresh()
    with mounted(folder / "out", "-o", "size=4m"):
        child = fed(case, folder, ["convert", "pipe", "--to", "csv", "-o", "out"])
        remount = subprocess.run(["mount", "-o", "remount,ro", str(folder / "out")], capture_output=True)
        if remount.returncode:
            end(child.process)
            child.finish("")
            raise Skip("remounting fails")
        status, stderr = child.finish('{"a":[{"b":2}]}\n' * 1000)
        case.runs += 1
        case.expect(status == 1, f"status {status}")
        case.expect("Read-only file system" in stderr and "out" in stderr, f"said {stderr}")
        left = [name for name in os.listdir(folder / "out")]
        case.expect(all(name in stderr for name in left), f"left {left}, and said {stderr}")
    shutil.rmtree(folder, ignore_errors=True)


class Fed:
    """A run that reads a named pipe, of which a part is there; it has made its temporary files."""

    def __init__(self, case, folder, flags, first='{"a":[{"b":1}]}\n'):
        self.folder = folder
        pipe = folder / "pipe"
        if not pipe.exists():
            os.mkfifo(pipe)
        env = {**os.environ, "TMPDIR": str(folder / "tmp")}
        self.process = subprocess.Popen(
            [case.lab.binary, *flags], cwd=folder, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.pipe = open(pipe, "w")
        self.pipe.write(first)
        self.pipe.flush()
        limit = time.monotonic() + 20
        while not any(".transmog-" in name for at in ("", "out", "tmp") for name in self.names(at)):
            if self.process.poll() is not None or time.monotonic() > limit:
                break
            time.sleep(0.005)

    def names(self, at):
        try:
            return os.listdir(self.folder / at)
        except OSError:
            return []

    def finish(self, text):
        try:
            self.pipe.write(text)
            self.pipe.close()
        except BrokenPipeError:
            pass
        try:
            _, stderr = self.process.communicate(timeout=180)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None, self.process.communicate()[1].decode()
        return self.process.returncode, stderr.decode()


fed = Fed


def removed(case):
    """The output directory, or the hidden one in it, goes while the run reads."""
    for what, flags in (
        ("out", ["-o", "out"]),
        ("hidden", ["-o", "out"]),
        ("replaced", ["-o", "out"]),
        ("file", ["-o", "out/t.parquet", "--arrays", "inline"]),
    ):
        folder = case.lab.folder()
        for name in ("out", "tmp"):
            (folder / name).mkdir()
        to = [] if what == "file" else ["--to", "parquet"]
        child = Fed(case, folder, ["convert", "pipe", *to, *flags])
        if what == "hidden":
            for path in (folder / "out").glob(".transmog-*"):
                shutil.rmtree(path)
        else:
            shutil.rmtree(folder / "out")
        if what == "replaced":
            (folder / "out").mkdir()
        status, stderr = child.finish('{"a":[{"b":2}]}\n' * 100)
        case.runs += 1
        left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
        wanted = ["out", "pipe", "tmp"] if what in ("hidden", "replaced") else ["pipe", "tmp"]
        case.expect(status == 1, f"{what}: status {status} {stderr}")
        case.expect("No such file or directory" in stderr and "out" in stderr, f"{what}: {stderr}")
        case.expect(left == wanted, f"{what}: left {left}")
        case.expect("panicked" not in stderr, f"{what}: {stderr}")
        shutil.rmtree(folder)


def unmounted(case):
    scene = Scene(case.lab, "umount", "convert in.jsonl --to csv -o out --name t", records(20), made=["out"])
    folder = scene.fresh()
    with mounted(folder / "out", "-o", "size=4m"):
        child = Fed(case, folder, ["convert", "pipe", "--to", "csv", "-o", "out"])
        subprocess.run(["umount", "-l", str(folder / "out")], check=True)
        status, stderr = child.finish('{"a":[{"b":2}]}\n' * 1000)
        case.runs += 1
        case.expect(status == 1 and "No such file or directory" in stderr, f"{status}: {stderr}")
        case.expect(not os.listdir(folder / "out"), f"left {os.listdir(folder / 'out')}")
    shutil.rmtree(folder, ignore_errors=True)


def few_descriptors(case):
    """300 tables with 20 descriptors."""
    text = records(3, tables=299)
    for format in FORMATS if case.lab.is_long else ["csv"]:
        scene = Scene(case.lab, format, f"convert in.jsonl --to {format} -o out --name t", text)
        for limit in (20, 12) if case.lab.is_long else (20,):
            folder = scene.fresh()
            done = scene.run(folder, ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh"])
            scene.check(case, folder, done, f"{format}, ulimit -n {limit}")
            if limit == 20:
                case.expect(done.returncode == 0, f"{format}: status {done.returncode} {done.stderr}")
            shutil.rmtree(folder, ignore_errors=True)


def forbidden(case):
    """A directory that takes no files, as a user who is not root."""
    needs_root()
    scene = Scene(case.lab, "nobody", "convert in.jsonl --to csv -o out", records(5))
    for mode, flags in ((0o555, "-o out"), (0o000, "-o out"), (0o555, "-o out/new"), (0o555, "-o out/t.csv")):
        folder = scene.fresh()
        (folder / "out").mkdir()
        (folder / "out").chmod(mode)
        folder.chmod(0o755)
        (folder / "in.jsonl").chmod(0o644)
        (folder / "tmp").chmod(0o777)
        binary = case.lab.root / "transmog"
        if not binary.exists():
            shutil.copy(case.lab.binary, binary)
        flags = ["convert", "in.jsonl", *flags.split(), "--arrays", "inline"]
        flags += [] if flags[3].endswith(".csv") else ["--to", "csv"]
        done = subprocess.run(
            [binary, *flags], cwd=folder, capture_output=True, text=True, user=65534, group=65534,
            extra_groups=[], env={"TMPDIR": str(folder / "tmp")},
        )  # fmt: skip
        case.runs += 1
        what = f"{mode:o} {flags}"
        case.expect(done.returncode == 1, f"{what}: status {done.returncode}")
        said = "Permission denied" in done.stderr and "out" in done.stderr
        case.expect(said, f"{what}: said {done.stderr}")
        (folder / "out").chmod(0o755)
        case.expect(not os.listdir(folder / "out"), f"{what}: {os.listdir(folder / 'out')}")
        shutil.rmtree(folder)


def devices(case):
    """Devices, pipes and sockets as outputs stay what they are."""
    folder = case.lab.folder()
    (folder / "in.jsonl").write_text('{"a":1}\n')
    os.mkfifo(folder / "pipe.csv")
    nodes = ["pipe.csv"]
    if os.geteuid() == 0:
        os.mknod(folder / "null.csv", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(folder / "full.csv", stat.S_IFCHR | 0o666, os.makedev(1, 7))
        nodes += ["null.csv", "full.csv"]
    (folder / "link.csv").symlink_to("/dev/null")
    for name in [*nodes, "link.csv", "/dev/null", "/dev/full"]:
        before = os.lstat(folder / name)
        for force in ([], ["--force"]):
            done = subprocess.run(
                [case.lab.binary, "convert", "in.jsonl", "--to", "csv", "-o", name, *force],
                cwd=folder, capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            case.runs += 1
            after = os.lstat(folder / name)
            same = (before.st_mode, before.st_rdev, before.st_ino) == (after.st_mode, after.st_rdev, after.st_ino)
            case.expect(same, f"{name}: is another now")
            case.expect(done.returncode == 2 and "error: " in done.stderr, f"{name}: {done.returncode} {done.stderr}")
    expected = sorted([*nodes, "in.jsonl", "link.csv"])
    case.expect(sorted(os.listdir(folder)) == expected, f"left {os.listdir(folder)}")
    shutil.rmtree(folder)


def same_file(case):
    """The input under another name, as the output."""
    content = '{"a":1}\n'
    for how in ("same", "link", "hard link", "descriptor", "bind mount"):
        folder = case.lab.folder()
        source = folder / "in.jsonl"
        source.write_text(content)
        other = folder / "other.jsonl"
        names = {"same": "in.jsonl", "descriptor": "/proc/self/fd/0"}
        if how == "link":
            other.symlink_to("in.jsonl")
        elif how == "hard link":
            os.link(source, other)
        elif how == "bind mount":
            if os.geteuid() != 0:
                continue
            other.write_text("")
            if subprocess.run(["mount", "--bind", source, other], capture_output=True).returncode:
                continue
        name = names.get(how, "other.jsonl")
        with open(source) as stdin:
            done = subprocess.run(
                [case.lab.binary, "convert", "in.jsonl", "--to", "jsonl", "-o", name, "--force"],
                cwd=folder, stdin=stdin, capture_output=True, text=True,
            )  # fmt: skip
        case.runs += 1
        case.expect(done.returncode in (1, 2), f"{how}: {done.returncode} {done.stderr}")
        case.expect(source.read_text() == content, f"{how}: the input changed")
        if how == "bind mount":
            subprocess.run(["umount", other], check=False)
        shutil.rmtree(folder)


def changing_input(case):
    """Files that are cut, grow, are replaced or go while they are read."""
    needs("strace")
    text = records(8000)
    every = ("cut", "cut to nothing", "grows", "replaced", "removed")
    for how in every if case.lab.is_long else ("cut", "grows", "replaced"):
        scene = Scene(case.lab, how, "convert in.jsonl --to csv -o out --name t", text)
        folder = scene.fresh()
        # each read waits a little, so that the change comes between two of them
        log = folder.parent / f"{folder.name}.log"
        delay = ["strace", "-f", "-qq", "-o", str(log), "-P", str(folder / "in.jsonl"),
                 "-e", "trace=read", "-e", "inject=read:delay_exit=150000"]  # fmt: skip
        child = scene.start(folder, delay)
        while child.poll() is None and not (log.exists() and "read(" in log.read_text()):
            time.sleep(0.005)
        path = folder / "in.jsonl"
        if how.startswith("cut"):
            os.truncate(path, 0 if how.endswith("nothing") else len(text) // 2 + 17)
        elif how == "grows":
            with open(path, "a") as file:
                file.write(records(100, seed=3))
        elif how == "replaced":
            path.with_name("new").write_text('{"other":1}\n')
            path.with_name("new").rename(path)
        else:
            path.unlink()
        try:
            _, stderr = child.communicate(timeout=180)
        except subprocess.TimeoutExpired:
            child.kill()
            _, stderr = child.communicate()
            case.problems.append(f"{how}: C: does not end")
        case.runs += 1
        stderr = stderr.decode()
        now = scene.files(folder)
        case.expect(not any(map(is_temporary, now)), f"{how}: left {sorted(now)}")
        case.expect("panicked" not in stderr and child.returncode >= 0, f"{how}: {child.returncode} {stderr}")
        if how in ("replaced", "removed"):
            # the file that was opened is read to its end
            case.expect(child.returncode == 0, f"{how}: {child.returncode} {stderr}")
        # what was there is whole rows or rejects: 0 or 3; or the run says that it changed
        case.expect(child.returncode in (0, 1, 3, 5), f"{how}: {child.returncode} {stderr}")
        tables = [name for name in now if name.startswith("out/")]
        case.expect(bool(tables) == (child.returncode in PUBLISHED), f"{how}: {child.returncode} with {tables}")
        shutil.rmtree(folder)


def real_read_error(case):
    """A loop device whose backing file is cut: the kernel itself says EIO in the middle of a file."""
    needs_root()
    needs("mkfs.ext4")
    folder = case.lab.folder()
    image, at = folder / "image", folder / "at"
    at.mkdir()
    subprocess.run(["truncate", "-s", "16M", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-O", "^has_journal", image], check=True, capture_output=True)
    if subprocess.run(["mount", "-o", "loop", image, at], capture_output=True).returncode:
        raise Skip("no loop device")
    try:
        (at / "in.jsonl").write_text(records(40000))
        subprocess.run(["umount", at], check=True)
        subprocess.run(["mount", "-o", "loop,ro", image, at], check=True)
        # the file lies behind the metadata, and its end is gone
        os.truncate(image, 5 << 20)
        done = subprocess.run(
            [case.lab.binary, "convert", "at/in.jsonl", "--to", "csv", "-o", "out", "--name", "t"],
            cwd=folder, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        case.runs += 1
        case.expect(done.returncode == 1, f"status {done.returncode}")
        said = "in.jsonl" in done.stderr and "Input/output error" in done.stderr
        case.expect(said, f"said {done.stderr}")
        left = sorted(os.listdir(folder))
        case.expect(left == ["at", "image"], f"left {left}")
    finally:
        subprocess.run(["umount", "-l", at], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def cases(lab):
    made = []
    for format in FORMATS:
        made.append(("I09", f"full disk, {format}, several tables", full_disk(format, False)))
        made.append(("I09", f"full disk, {format}, one file", full_disk(format, True)))
    made += [
        ("I10", "no inodes", no_inodes),
        ("I24", "output directory removed", removed),
        ("I24", "output unmounted", unmounted),
        ("I24", "output remounted read-only", read_only),
        ("I02", "ulimit -n 20 with 300 tables", few_descriptors),
        ("I23", "input changes while it is read", changing_input),
        ("I07", "EIO of a loop device in the middle of a file", real_read_error),
        ("J01", "input as output", same_file),
        ("J03", "directories that take no files", forbidden),
        ("J05", "devices and pipes as output", devices),
    ]
    return made
