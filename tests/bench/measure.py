"""Runs commands and what they are compared with, in turn, and says what came of it."""

import os
import pathlib
import statistics
import subprocess
import tempfile


class Failed(Exception):
    """A command that is measured did not do what it should."""


def build(name, *libraries):
    """Compiles NAME.c of this folder; returns the path of the program."""
    program = os.path.join(_built.name, name)
    subprocess.run(["cc", "-O2", "-DTHREADED", "-I/usr/include/postgresql", "-o", program,
                    HERE / f"{name}.c", *(f"-l{each}" for each in libraries)], check=True)
    return program


HERE = pathlib.Path(__file__).resolve().parent
_built = tempfile.TemporaryDirectory()
_launcher = build("launcher")


class Child:
    """A finished process: seconds, peak resident memory in MB, and what it printed."""

    def __init__(self, command, environment=None, expected=0):
        with (tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err,
              tempfile.NamedTemporaryFile() as result):
            subprocess.run([_launcher, result.name, *command], stdin=subprocess.DEVNULL, stdout=out,
                           stderr=err, env={**os.environ, "TZ": "UTC", **(environment or {})},
                           check=True)
            seconds, kilobytes, status = result.read().split()
            self.seconds, self.megabytes = float(seconds), int(kilobytes) / 1024
            out.seek(0)
            self.output = out.read().decode()
            if int(status) != expected:
                err.seek(0)
                raise Failed(f"{' '.join(command)}\nended with {int(status)}\n"
                             f"{self.output[-2000:]}\n{err.read().decode()[-2000:]}")


def in_turn(runs, reset, first, second):
    """Calls reset(), then `first` or `second`, `runs` times each, and the two in alternating order
    so that neither gains by it. Each returns a Child, or seconds. Returns two lists."""
    results = ([], [])
    for run in range(runs):
        for which in ((0, 1) if run % 2 == 0 else (1, 0)):
            reset()
            results[which].append((first, second)[which]())
    return results


def seconds_of(results):
    return [each.seconds if isinstance(each, Child) else each for each in results]


class Table:
    """What was measured, printed row by row and kept for --json."""

    def __init__(self):
        self.rows = []

    def add(self, what, size, ours, floor, floor_name, target=None):
        """`ours` and `floor`: results of in_turn(); `target`: the highest ratio promised."""
        our_seconds, floor_seconds = seconds_of(ours), seconds_of(floor)
        row = {
            "what": what, "size": size, "floor_is": floor_name,
            "ours_s": _spread(our_seconds), "floor_s": _spread(floor_seconds),
            "ratio": round(statistics.median(our_seconds) / statistics.median(floor_seconds), 3),
            "ratios": [round(a / b, 3) for a, b in zip(our_seconds, floor_seconds)],
            "target": target,
            "peak_mb": round(max((each.megabytes for each in ours if isinstance(each, Child)), default=0), 1) or None,
        }
        self._growth(row)
        self.rows.append(row)
        print(self.line(row), flush=True)

    def _growth(self, row):
        """How many times the time and the memory of the size before."""
        before = next((each for each in reversed(self.rows) if each["what"] == row["what"]), None)
        if before:
            row["growth"] = {
                "size": round(row["size"] / before["size"], 1),
                "time": round(row["ours_s"]["median"] / before["ours_s"]["median"], 2),
                "peak_mb": round(row["peak_mb"] / before["peak_mb"], 2) if row["peak_mb"] else None}

    @staticmethod
    def header():
        return ("| what | size | dsfailover s (min median max) | floor s (min median max) | ratio | "
                "promised | peak MB | growth of size, time, memory |\n|---|--:|--:|--:|--:|--:|--:|--:|")

    @staticmethod
    def line(row):
        growth = row.get("growth")
        return (f"| {row['what']} | {row['size']:,} | {_text(row['ours_s'])} | {_text(row['floor_s'])} | "
                f"{row['ratio']:.2f} | {row['target'] or ''} | {round(row['peak_mb']) if row['peak_mb'] else ''} | "
                + " ".join(f"{each:g}" for each in (growth or {}).values() if each) + " |")


def _spread(values):
    return {"min": round(min(values), 4), "median": round(statistics.median(values), 4),
            "max": round(max(values), 4)}


def _text(spread):
    return " ".join(f"{spread[each]:.3f}" for each in ("min", "median", "max"))
