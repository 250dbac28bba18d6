"""What surrounds a run: other runs, the clock, locales, variables, a missing /proc."""

import os
import shutil
import subprocess

from .lab import Scene, Skip, needs, needs_root, records


def places(lab):
    """A scene that shows dates, decimals and names whose case matters."""
    text = "".join(
        f'{{"id":{n},"Item":{n}.5,"ITEM":"I{n}","when":"2024-03-31T02:30:00+01:00","l":[{{"i":{n}}}]}}\n'
        for n in range(50)
    )
    return Scene(lab, "plain", "convert in.jsonl --to csv -o out --name t --manifest m.json", text)


def locales(case):
    scene = places(case.lab)
    for env in (
        {"LANG": "C"}, {"LC_ALL": "tr_TR.UTF-8"}, {"LC_ALL": "de_DE.UTF-8"}, {"TZ": "Asia/Kolkata"},
        {"TZ": "Europe/Berlin", "LANG": "ar_EG.UTF-8"}, {"COLUMNS": "1"}, {"TERM": "dumb"},
    ):  # fmt: skip
        folder = scene.fresh()
        done = scene.run(folder, env=env)
        scene.check(case, folder, done, str(env))
        case.expect(done.returncode == 0, f"{env}: {done.returncode}")
        shutil.rmtree(folder)


def empty_environment(case):
    scene = places(case.lab)
    folder = scene.fresh()
    before = ["env", "-i"]
    done = scene.run(folder, before)
    scene.check(case, folder, done, "env -i")
    case.expect(done.returncode == 0, f"env -i: {done.returncode} {done.stderr}")
    shutil.rmtree(folder)


def hostile(case):
    """Variables and flags with absurd values: no panic, no hang."""
    scene = places(case.lab)
    for env in (
        {"RUST_BACKTRACE": "full"}, {"RAYON_NUM_THREADS": "-1"}, {"RAYON_NUM_THREADS": "1000000000"},
        {"RUST_LOG": "trace"}, {"TMPDIR": "/does/not/exist"}, {"HOME": "/does/not/exist"},
        {"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, {"MIMALLOC_VERBOSE": "0"}, {"RUST_MIN_STACK": "1"},
    ):  # fmt: skip
        folder = scene.fresh()
        done = scene.run(folder, env=env)
        scene.check(case, folder, done, str(env))
        case.expect(done.returncode == 0, f"{env}: {done.returncode} {done.stderr}")
        shutil.rmtree(folder)
    folder = scene.fresh()
    for variable in ("TRANSMOG_BATCH_SIZE", "TRANSMOG_MEMORY_LIMIT", "TRANSMOG_TO", "TRANSMOG_THREADS"):
        values = ("-1", "0", "1e9", "", "99999999999999999999", "\x1b[31m")
        for value in values if case.lab.is_long else values[-2:]:
            done = scene.run(folder, env={variable: value})
            case.runs += 1
            shutil.rmtree(folder / "out", ignore_errors=True)
            (folder / "m.json").unlink(missing_ok=True)
            case.expect(done.returncode in (0, 2), f"{variable}={value!r}: {done.returncode} {done.stderr}")
            case.expect("\x1b[31m" not in done.stderr, f"{variable}: control characters come through")
    shutil.rmtree(folder)


def twice(case):
    """The same run again, with other threads: the same bytes."""
    text = records(1500, tables=4)
    scene = Scene(case.lab, "threads", "convert in.jsonl --to parquet -o out --name t", text)
    for threads in ("1", "2", "8"):
        folder = scene.fresh()
        scene.flags = [*scene.flags[:8], "--threads", threads]
        done = scene.run(folder)
        scene.check(case, folder, done, f"{threads} threads")
        case.expect(done.returncode == 0, f"{threads} threads: {done.stderr}")
        shutil.rmtree(folder)


def at_once(case):
    """Runs to one place at once: without --force one wins, with it whole sets follow each other."""
    text = {f"{n}.jsonl": records(60, tables=8, seed=n) for n in range(3)}
    for force in ([], ["--force"]):
        for _ in range(10 if case.lab.is_long else 1):
            folder = case.lab.folder()
            sets = []
            for n in range(3):
                (folder / f"{n}.jsonl").write_text(text[f"{n}.jsonl"])
                command = [case.lab.binary, "convert", f"{n}.jsonl", "--to", "csv", "--name", "t", "-o"]
                subprocess.run([*command, f"set{n}"], cwd=folder, check=True, capture_output=True)
                sets.append({p.name: p.read_bytes() for p in (folder / f"set{n}").iterdir()})
            runs = []
            for n in range(3):
                command = [case.lab.binary, "convert", f"{n}.jsonl", "--to", "csv", "--name", "t", "-o", "out", *force]
                runs.append(
                    subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                )
            ends = []
            for child in runs:
                _, stderr = child.communicate(timeout=180)
                ends.append((child.returncode, stderr))
            case.runs += 3
            found = {p.name: p.read_bytes() for p in (folder / "out").iterdir()}
            statuses = sorted(status for status, _ in ends)
            case.expect(found in sets, f"{force}: a mixture, {sorted(found)} {statuses}")
            case.expect(statuses == ([0, 0, 0] if force else [0, 2, 2]), f"{force}: {ends}")
            hidden = [p for p in os.listdir(folder) if p.startswith(".")]
            case.expect(not hidden, f"{force}: left {hidden}")
            shutil.rmtree(folder)


def clocks(case):
    """The wall clock elsewhere, or going back with every look at it."""
    scene = places(case.lab)
    preload = {"LD_PRELOAD": case.lab.shim()}
    for shift in (
        {"SHIM_CLOCK_OFFSET": "-1700000000"},
        {"SHIM_CLOCK_OFFSET": "-4000000000"},
        {"SHIM_CLOCK_OFFSET": "600000000"},
        {"SHIM_CLOCK_OFFSET": "90000000000"},
        {"SHIM_CLOCK_STEP": "-3600"},
    ):
        folder = scene.fresh()
        done = scene.run(folder, env={**preload, **shift})
        scene.check(case, folder, done, str(shift))
        case.expect(done.returncode == 0, f"{shift}: {done.returncode} {done.stderr}")
        shutil.rmtree(folder)


def no_proc(case):
    """Without /proc and with a /tmp that cannot be written."""
    needs_root()
    needs("unshare")
    scene = places(case.lab)
    for hide in ("mount -t tmpfs none /proc", "mount -t tmpfs none /sys", "mount -t tmpfs -o ro none /dev/shm"):
        folder = scene.fresh()
        script = f'{hide} || exit 99; exec "$@"'
        done = scene.run(folder, ["unshare", "-m", "sh", "-c", script, "sh"])
        if done.returncode in (1, 99) and "mount" in done.stderr:
            raise Skip("no mounts here")
        scene.check(case, folder, done, hide)
        case.expect(done.returncode == 0, f"{hide}: {done.returncode} {done.stderr}")
        shutil.rmtree(folder)


def many_inputs(case):
    count = 10000 if case.lab.is_long else 300
    folder = case.lab.folder()
    (folder / "in").mkdir()
    for number in range(count):
        (folder / "in" / f"{number:05}.jsonl").write_text(f'{{"n":{number}}}\n')
    done = subprocess.run(
        ["sh", "-c", f'ulimit -n 30; exec "{case.lab.binary}" convert -r in --to csv -o out --name t'],
        cwd=folder, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    case.runs += 1
    case.expect(done.returncode == 0, f"{done.returncode} {done.stderr}")
    if done.returncode == 0:
        rows = (folder / "out" / "t.csv").read_text().splitlines()[1:]
        expected = [f"{number + 1},{number}" for number in range(count)]
        case.expect(rows == expected, f"{len(rows)} rows, or in another order")
    shutil.rmtree(folder)
    return f"{count} inputs"


def cases(lab):
    del lab
    return [
        ("I26", "clock elsewhere and going back", clocks),
        ("J06", "many inputs", many_inputs),
        ("J08", "runs at once", at_once),
        ("J09", "threads", twice),
        ("J10", "locales", locales),
        ("J11", "empty environment", empty_environment),
        ("J11", "no /proc, no /sys", no_proc),
        ("J13", "hostile variables", hostile),
    ]
