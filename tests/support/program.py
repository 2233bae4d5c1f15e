"""Runs dsfailover and reads its report. Every report is validated against the project's schema."""

import functools
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import jsonschema

from . import servers
from .connection_watch import connections

ROOT = pathlib.Path(__file__).resolve().parents[2]
REPORT_SCHEMA = ROOT / "docs" / "report.schema.json"
# Under a sanitizer a run takes longer: what it may take in a test is a multiple of this.
SLOWNESS = int(os.environ.get("DSFAILOVER_TEST_SLOWNESS", "1"))
# What must not leak into a run from whoever runs the tests.
FOREIGN = ("DSFAILOVER_", "REGISTRY_", "SPRING_", "PG", "MYSQL_", "DATABASE")


def binary():
    return os.environ.get("DSFAILOVER_BINARY", str(ROOT / "build" / "tests" / "dsfailover"))


@functools.cache
def _validator():
    schema = json.loads(REPORT_SCHEMA.read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema, format_checker=jsonschema.FormatChecker())


class Result:
    """What a run left: its exit code, its report, and what it said."""

    def __init__(self, arguments, code, stdout, stderr, seconds):
        self.arguments, self.code, self.stdout, self.stderr = arguments, code, stdout, stderr
        self.seconds = seconds
        self.report = None
        assert servers.PASSWORD not in stdout + stderr, "a secret was printed"
        if stdout.startswith("{"):
            self.report = json.loads(stdout)
            # A listing of a hundred thousand marks is validated by its first and last items.
            _validator().validate(_thinned(self.report))
            assert self.report["exit_code"] == code, self
            for master in self.report.get("masters") or []:
                if "workflows" in master:  # status has other masters
                    ids = [item["id"] for item in master["workflows"]["items"]]
                    assert len(ids) == len(set(ids)), self
            if self.report["command"] in ("failover-master", "global"):
                assert self.report["errors"] or code == 0, self  # a person learns at what to look

    def __getitem__(self, key):
        return self.report[key]

    @property
    def master(self):
        """The only master of the report."""
        assert len(self.report["masters"]) == 1, self
        return self.report["masters"][0]

    def master_of(self, address):
        return next(each for each in self.report["masters"] if each["address"] == address)

    @property
    def workflows(self):
        return self.master["workflows"]

    @property
    def said(self):
        """Everything an operator reads: warnings, errors and stderr, in one text."""
        parts = [self.stderr]
        if self.report:
            parts += self.report["warnings"] + self.report["errors"]
        return "\n".join(parts)

    def items(self, *wanted, of=None):
        """The workflow items of the only master, as a set of the fields named."""
        source = of or self.workflows
        return {tuple(item[field] for field in wanted) if len(wanted) > 1 else item[wanted[0]]
                for item in source["items"]}

    def __repr__(self):
        return (f"\n$ dsfailover {' '.join(self.arguments)}\nexit {self.code} after "
                f"{self.seconds:.1f} s\n{self.stdout[:6000]}\n{self.stderr[-4000:]}")


def _thinned(report):
    items = (report.get("marks") or {}).get("items", [])  # a status has marks without items
    if len(items) < 2000:
        return report
    return {**report, "marks": {**report["marks"], "items": items[:500] + items[-500:]}}


class Run:
    """A run under way. Ends with the test: tests/conftest.py kills what is left."""

    under_way = set()

    def __init__(self, arguments, environment=None, cwd=None):
        self.arguments = [str(each) for each in arguments]
        own = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
        # Most tests have masters that are no more than their nodes; who asks servers has stand-ins of them.
        if not any(argument.startswith("--ask") for argument in self.arguments):
            own["DSFAILOVER_ASK"] = "none"
        # Files, so that a chatty run cannot block on a pipe nobody reads.
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self._listens = False
        self._begun = time.monotonic()
        self.process = subprocess.Popen([binary(), *self.arguments], stdin=subprocess.DEVNULL,
                                        stdout=self._out, stderr=self._err, cwd=cwd,
                                        env={**own, **connections.environment(), "TZ": "UTC", "XDG_CONFIG_HOME": "/nonexistent",
                                             **(environment or {})})
        Run.under_way.add(self)

    def running(self):
        return self.process.poll() is None

    def kill(self):
        """SIGKILL, and wait."""
        self.process.kill()
        self.process.wait()
        Run.under_way.discard(self)

    def interrupt(self, number=signal.SIGINT):
        """Sends the signal; the first one when the run handles it, which under a sanitizer may take a second."""
        end = time.monotonic() + 20
        while not self._listens and self.running() and time.monotonic() < end:
            self._listens = self._handles(number)
            time.sleep(0.01)
        self.process.send_signal(number)

    def _handles(self, number):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        handled = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(handled.split()[1], 16) >> (number - 1) & 1)

    def stdout_so_far(self):
        # pread: the child's writes share the file offset with this descriptor.
        return os.pread(self._out.fileno(), 1 << 20, 0).decode(errors="replace")

    def stderr_so_far(self):
        return os.pread(self._err.fileno(), 1 << 20, 0).decode(errors="replace")

    def finish(self, code=None, timeout=90):
        """Waits for the end; `code` is the exit status (or several) that the test expects."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running after {timeout} s: {' '.join(self.arguments)}\n"
                                 + self.stderr_so_far()[-4000:]) from None
        Run.under_way.discard(self)
        texts = []
        for file in (self._out, self._err):
            file.seek(0)
            texts.append(file.read().decode(errors="strict"))
            file.close()
        result = Result(self.arguments, self.process.returncode, *texts,
                        time.monotonic() - self._begun)
        if code is not None:
            expected = code if isinstance(code, (tuple, list, set)) else (code,)
            assert result.code in expected, f"expected exit {code}: {result!r}"
        return result


def run(*arguments, code=None, environment=None, timeout=90, cwd=None):
    """Runs dsfailover with nothing but `environment` and `arguments`."""
    return Run(arguments, environment, cwd).finish(code, timeout)
