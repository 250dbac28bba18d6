"""Runs that signals end: at a system call of every kind, and at random moments."""

import random
import shutil
import signal
import subprocess
import time
from collections import Counter

from .injected import baseline, traced
from .lab import (
    PUBLISHED,
    Scene,
    Skip,
    end,
    hidden_part,
    is_temporary,
    needs,
    needs_root,
    records,
)

# Calls that change what others see, or wait for the disk.
CHANGING = ["mkdir", "write", "fsync", "linkat", "rename", "renameat2", "unlink", "rmdir", "close"]

# What a terminal, a user and a service manager send, and the status of the run that it ends.
ORDERLY = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGQUIT: 131}


class Aim:
    """A scene whose runs are killed, and the next run to the same place."""

    def __init__(self, scene, replaces):
        self.scene, self.replaces = scene, replaces
        self.seen = Counter()

    def again(self):
        return Aim(self.scene, self.replaces)

    def look(self, case, folder, done, number, what):
        """Checks what a dead run has left, before and after the next run."""
        scene = self.scene
        is_forced = number == signal.SIGKILL
        if done.returncode == -number and number in ORDERLY and scene.files(folder) == scene.before:
            # the signal came before there was a handler, and anything to be put in order
            case.runs += 1
            self.seen["old"] += 1
            return True
        if done.returncode in PUBLISHED or not is_forced:
            statuses = (ORDERLY[number],) if number in ORDERLY else ()
            is_fine = scene.check(case, folder, done, what, statuses, cause="interrupted by signal")
            self.seen["new" if done.returncode in PUBLISHED else "old"] += 1
            return is_fine
        case.runs += 1
        case.expect(done.returncode in (-9, 137), f"{what}: status {done.returncode}, not killed")
        now = scene.files(folder)
        left = {hidden_part(path) for path in now if is_temporary(path)}
        finals = {path: kind for path, kind in now.items() if not is_temporary(path)}
        is_whole = finals in (scene.before, scene.good)
        # one where the tables lie, and one wherever else outputs do
        most = 1 + len({"m.json", "bad/r.jsonl"} & set(scene.good))
        case.expect(len(left) <= most, f"{what}: more than its hidden directories is left: {left}")
        # renames over old files follow one another, and the next run finishes them
        case.expect(is_whole or self.replaces, f"{what}: a part of the outputs: {sorted(finals)}")
        # a line at fault, as reject files are not opened for nothing
        (folder / "next.jsonl").write_text('{"a":1}\n{\n')
        flags = ["convert", "next.jsonl", "-q", *self.next_flags()]
        flags += [] if "-" in flags else ["--force"]
        env = scene.environment(folder)
        ran = subprocess.run(
            [case.lab.binary, *flags], cwd=folder, env=env, capture_output=True, text=True, timeout=60
        )
        case.runs += 1
        case.expect(ran.returncode in PUBLISHED, f"{what}: the next run fails: {ran.stderr}")
        (folder / "next.jsonl").unlink()
        for path in folder.rglob("next.*"):
            path.unlink()
        after = scene.files(folder)
        known = {**scene.before, **scene.good, **after}
        after = {path: kind for path, kind in after.items() if known[path] != "directory"}
        wholes = [
            {path: kind for path, kind in whole.items() if kind != "directory"}
            for whole in (scene.before, scene.good)
        ]
        case.expect(after in wholes, f"{what}: behind the next run: {sorted(after)}")
        self.seen[("new" if finals == scene.good else "old") if is_whole else "both"] += 1
        return True

    def next_flags(self):
        flags = self.scene.flags
        at = flags[flags.index("-o") + 1]
        if at == "-":
            return ["-o", "-", "--to", "csv", "--rejects", "none"]
        to = flags[flags.index("--to") + 1] if "--to" in flags else None
        if to:
            sides = ["--rejects", "bad/next.rejects", "--manifest", "next.json"]
            sides = sides if "--manifest" in flags else ["--rejects", "none"]
            return ["-o", at, "--to", to, "--name", "next", *sides]
        return ["-o", str(at).rsplit("/", 1)[0] + "/next.csv", "--rejects", "none"]

    def told(self):
        return ", ".join(f"{count} {what}" for what, count in sorted(self.seen.items()))


def aims(lab):
    tables = 49 if lab.is_long else 14
    many = records(12, tables=tables)
    old = {f"out/t_t{number}.csv": f"OLD {number}\n" for number in range(tables)}
    old = {**old, "out/t.csv": "OLD\n", "out/x.txt": "of others\n"}
    sets = "convert in.jsonl --name t"
    yield Aim(Scene(lab, "many tables over old ones", f"{sets} --to csv -o out --force", many, old=old), True)
    yield Aim(Scene(lab, "many tables, new directory", f"{sets} --to parquet -o out", many), False)
    one = "--arrays inline -o out/t"
    yield Aim(
        Scene(lab, "one file over an old one", f"convert in.jsonl {one}.json --force", records(60),
              old={"out/t.json": "OLD\n"}),
        True,
    )  # fmt: skip
    yield Aim(
        Scene(lab, "one new file", f"convert in.jsonl {one}.arrow", records(60), made=["out"]), False
    )
    sides = "--manifest m.json --rejects bad/r.jsonl --force"
    old = {name: "OLD\n" for name in ("out/t.csv", "out/t_t0.csv", "m.json", "bad/r.jsonl")}
    yield Aim(
        Scene(lab, "tables, rejects and manifest apart", f"{sets} --to csv -o out {sides}",
              records(40, faults=3), old=old),
        True,
    )  # fmt: skip
    yield Aim(Scene(lab, "standard output", "convert in.jsonl --to csv -o -", records(60)), False)


def at_calls(template, number, ident_calls):
    """Sends a signal at the n-th call of each kind."""

    def run(case):
        needs("strace")
        aim = template.again()
        scene = aim.scene
        name = signal.Signals(number).name.removeprefix("SIG")
        for call in ident_calls:
            most, before = baseline(scene)
            if call not in most:
                continue
            for count in case.lab.pick(range(before[call] + 1, most[call] + 1), 2):
                folder = scene.fresh()
                inject = f"inject={call}:signal={name}:when={count}"
                done, log = traced(scene, folder, ["-e", f"trace={call}", "-e", inject])
                sent = number
                if log.count(f"--- SIG{name} ") > 1 and done.returncode == -number:
                    # calls are counted thread by thread, and files are synced by several: a second signal
                    # ends a run at once
                    done.returncode, sent = -9, signal.SIGKILL
                if f"SIG{name}" in log or "INJECTED" in log or "killed by" in log or done.returncode == -9:
                    aim.look(case, folder, done, sent, f"{scene.name}, {call} {count} {name}")
                shutil.rmtree(folder, ignore_errors=True)
        return f"{case.runs} runs ({aim.told()})"

    return run


def at_random(template, numbers, count):
    """Sends signals at random moments, some of them twice."""

    def run(case):
        aim = template.again()
        scene = aim.scene
        draw = random.Random(f"{case.lab.seed} {scene.name} {numbers}")
        for turn in range(count):
            number = numbers[turn % len(numbers)]
            folder = scene.fresh()
            child = scene.start(folder)
            time.sleep(draw.random() * scene.seconds * 1.3)
            end(child, number)
            is_twice = number != signal.SIGKILL and turn % 5 == 4
            if is_twice:
                time.sleep(draw.random() * 0.01)
                end(child, number)
            try:
                out, err = child.communicate(timeout=180)
            except subprocess.TimeoutExpired:
                child.kill()
                out, err = child.communicate()
                case.problems.append(f"{scene.name}: C: signal {number} does not end it")
            done = subprocess.CompletedProcess(child.args, child.returncode, out, err.decode())
            if number != signal.SIGKILL and done.returncode == -number:
                # before the handlers are there nothing was made; the second one ends at once
                done.returncode = -9
                is_early = not is_twice and any(map(is_temporary, scene.files(folder)))
                case.expect(not is_early, f"{scene.name}: signal {number} ended it at once")
                number = signal.SIGKILL
            aim.look(case, folder, done, number, f"{scene.name}, run {turn}, signal {number}")
            shutil.rmtree(folder, ignore_errors=True)
        return f"{count} runs at random moments ({aim.told()})"

    return run


def stop_and_go(scene):
    def run(case):
        draw = random.Random(f"{case.lab.seed} stop")
        for _ in range(20 if case.lab.is_long else 2):
            folder = scene.fresh()
            child = scene.start(folder)
            for _ in range(4):
                time.sleep(draw.random() * scene.seconds / 3)
                end(child, signal.SIGSTOP)
                time.sleep(0.02)
                end(child, signal.SIGCONT)
            out, err = child.communicate(timeout=180)
            done = subprocess.CompletedProcess(child.args, child.returncode, out, err.decode())
            scene.check(case, folder, done, scene.name)
            case.expect(done.returncode == scene.status, f"status {done.returncode}")
            shutil.rmtree(folder, ignore_errors=True)

    return run


def limited(scene, limit, statuses, text):
    """Runs with a limit of the shell."""

    def run(case):
        folder = scene.fresh()
        before = ["sh", "-c", f'ulimit {limit}; exec "$@"', "sh"]
        done = scene.run(folder, before)
        scene.check(case, folder, done, f"ulimit {limit}", statuses, cause=text)
        case.expect(done.returncode not in PUBLISHED, f"ulimit {limit}: it did not matter")
        shutil.rmtree(folder, ignore_errors=True)

    return run


def little_memory(scene):
    """Memory that is not given: a message and status 1; where it ran out on the way, as SIGKILL."""

    def run(case):
        aim = Aim(scene, False)
        ends = Counter()
        for megabytes in case.lab.pick(range(60, 1500, 20), 6):
            limit = ["sh", "-c", f'ulimit -v {megabytes << 10}; exec "$@"', "sh"]
            if subprocess.run([*limit, case.lab.binary, "--version"], capture_output=True).returncode:
                continue  # not even the loader gets through
            folder = scene.fresh()
            done = scene.run(folder, limit)
            what = f"{scene.name}, ulimit -v of {megabytes} MiB"
            ends[done.returncode] += 1
            is_refused = "error: the system refused memory\nhint: " in done.stderr
            if done.returncode in (-6, -11, 127) or is_refused:
                # memory ran out in a place that cannot fail, or before there is a program
                is_early = megabytes < 100 or "error while loading" in done.stderr
                is_told = done.returncode == 1 if is_refused else is_early
                case.expect(is_told, f"{what}: {done.returncode} | {done.stderr[-300:]}")
                done.returncode = -9
                aim.look(case, folder, done, signal.SIGKILL, what)
            else:
                scene.check(case, folder, done, what)
            shutil.rmtree(folder, ignore_errors=True)
        return ", ".join(f"{count} ended with {status}" for status, count in sorted(ends.items()))

    return run


def out_of_memory(scene):
    """The kernel kills what takes more than its group may."""

    def run(case):
        needs_root()
        from pathlib import Path

        for at in (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")):
            group = at / f"transmog-faults-{time.time_ns()}"
            limit = "memory.limit_in_bytes" if at.name == "memory" else "memory.max"
            try:
                group.mkdir()
            except OSError:
                continue
            if (group / limit).exists():
                break
            group.rmdir()
        else:
            raise Skip("no memory cgroup to write to")
        try:
            aim = Aim(scene, False)
            for megabytes in case.lab.pick((8, 12, 16, 24, 32, 48), 2):
                (group / limit).write_text(str(megabytes << 20))
                folder = scene.fresh()
                join = f'echo $$ > {group}/cgroup.procs; exec "$@"'
                done = scene.run(folder, ["sh", "-c", join, "sh"])
                number = signal.SIGKILL if done.returncode == -9 else 0
                aim.look(case, folder, done, number, f"{scene.name}, {megabytes} MiB")
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            group.rmdir()
        return aim.told()

    return run


def cases(lab):
    made = []
    random_count = 84 if lab.is_long else 4
    for aim in aims(lab):
        name = aim.scene.name
        made.append(("I18", f"KILL at random, {name}", at_random(aim, [signal.SIGKILL], random_count)))
        calls = CHANGING if lab.is_long else ["write", "fsync", "rename", "renameat2", "unlink"]
        made.append(("I19", f"KILL at calls, {name}", at_calls(aim, signal.SIGKILL, calls)))
        numbers = list(ORDERLY)
        made.append(("I15", f"INT, TERM, HUP, QUIT at random, {name}", at_random(aim, numbers, random_count)))
        for number in (signal.SIGTERM, signal.SIGINT) if lab.is_long else (signal.SIGTERM,):
            calls = CHANGING if lab.is_long else ["fsync", "rename", "renameat2"]
            word = signal.Signals(number).name.removeprefix("SIG")
            made.append(("I15", f"{word} at calls, {name}", at_calls(aim, number, calls)))
        if name.startswith("many"):
            made.append(("I16", f"STOP and CONT, {name}", stop_and_go(aim.scene)))
            made.append(("I22", f"memory that is not given, {name}", little_memory(aim.scene)))
            made.append(("I22", f"OOM killer, {name}", out_of_memory(aim.scene)))
    big = Scene(lab, "big", "convert in.jsonl --to csv -o out --name t", records(20000))
    made.append(("I17", "SIGXFSZ", limited(big, "-f 100", (1,), "File too large")))
    made.append(("I17", "SIGXCPU", over_time(lab)))
    return made


def over_time(lab):
    """A limit on processor time: the soft one ends a run as a signal does."""

    def run(case):
        endless = Scene(lab, "busy", "convert - --to csv -o out --name t", {"in.jsonl": '{"a":1}\n'}, stdin="in.jsonl")
        folder = endless.fresh()
        feed = subprocess.Popen(["yes", '{"a":[{"b":1}]}'], stdout=subprocess.PIPE)
        try:
            done = endless.run(folder, ["sh", "-c", 'ulimit -S -t 1; exec "$@"', "sh"], stdin=feed.stdout)
        finally:
            feed.kill()
            feed.stdout.close()
            feed.wait()
        # 128 + 24, as for other signals
        endless.check(case, folder, done, "ulimit -t 1", (152,), cause="interrupted by signal")
        shutil.rmtree(folder, ignore_errors=True)

    return run
