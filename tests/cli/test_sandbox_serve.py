"""A sandbox whose living servers are served: they take commands, obey marks and answer questions."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess

import pytest

from support import program
from support.cluster import until
from support.stand_ins import frame

NO_WAIT = {"DSFAILOVER_GRACE": "0s", "DSFAILOVER_LOCK_TIMEOUT": "2s"}


class Served:
    """A sandbox on addresses of its own, so that tests may run side by side."""

    count = 0

    def __init__(self, folder):
        Served.count += 1
        number = os.getpid() * 7 + Served.count
        self.network = f"127.{1 + number // 250 % 250}.{1 + number % 250}."
        self.path, original = folder / "served.db", folder / "original.db"
        program.run("sandbox", "create", original, code=0)
        with sqlite3.connect(original) as source, sqlite3.connect(self.path) as moved:
            moved.executescript("\n".join(source.iterdump()).replace("127.0.1.", self.network))
            moved.execute("PRAGMA journal_mode = WAL")
        self.dead, self.master, self.worker = (self.network + each for each in ("1:5678", "2:5678", "12:1234"))

    def serve(self, *options):
        serving = program.Run(["sandbox", "serve", self.path, *options])
        until(lambda: f"{self.master} is up: a master, holds workflow 1, 13, 14\n" in serving.stdout_so_far())
        return serving

    def run(self, *arguments, **options):
        return program.run(*arguments, "--database", f"sqlite:{self.path}", "--registry", "jdbc",
                           environment=NO_WAIT, **options)

    def rows(self, sql):
        with sqlite3.connect(self.path) as connection:
            return connection.execute(sql).fetchall()

    def listens(self, address):
        host, _, port = address.rpartition(":")
        with socket.socket() as client:
            return client.connect_ex((host, int(port))) == 0


@pytest.fixture
def sandbox(tmp_path):
    return Served(tmp_path)


def end(serving, number=signal.SIGINT):
    serving.interrupt(number)
    result = serving.finish(code=0, timeout=10)
    assert result.stderr == ""
    return result.stdout


def test_a_failover_is_recovered_to_the_end(sandbox):
    serving = sandbox.serve("--hear-departures")  # else the commands with odd ids would wait for requeue
    result = sandbox.run("failover-master", sandbox.dead, "--ask", "--wait", "20s", code=(0, 3))
    assert result.master["recovery"]["pending"] == result.master["recovery"]["errored"] == 0
    assert result.items("id", "outcome") >= {(each, "failed_over") for each in (8, 9, 10, 11, 12)}
    until(lambda: sandbox.rows("SELECT id, state FROM t_ds_workflow_instance WHERE id IN (8, 10, 11, 12) ORDER BY id")
          == [(8, 7), (10, 7), (11, 3), (12, 5)], 60)
    assert sandbox.rows("SELECT COUNT(*) FROM t_ds_command") == [(0,)]
    assert sandbox.rows("SELECT DISTINCT host FROM t_ds_workflow_instance WHERE id BETWEEN 8 AND 12") == [
        (sandbox.master,)]  # the one that lives
    printed = end(serving)
    assert re.search(rf"^{sandbox.master} took command \d+: workflow 8 runs again$", printed, re.M)
    assert all(line.startswith(sandbox.network) for line in printed.splitlines())


def test_status_is_told_what_is_held_and_a_fence_is_obeyed(sandbox):
    serving = sandbox.serve()
    asked = sandbox.run("status", "--ask", code=0)
    assert {each["id"] for each in asked["misplaced"]} >= {1}
    assert {each["id"] for each in asked["abandoned"]} >= {7, 8, 20}
    assert not {each["id"] for each in asked["abandoned"]} & {1, 13, 14}
    [answered] = asked["masters_asked"]
    assert (answered["address"], answered["unanswered"], answered["problem"]) == (sandbox.master, 0, None)

    fenced = sandbox.run("failover-master", sandbox.master, "--fence", "--fence-timeout", "10s", code=(0, 3))
    assert fenced.master["fence"]["stopped"] and fenced.items("id", "outcome") >= {(13, "failed_over")}
    assert not sandbox.listens(sandbox.master) and sandbox.listens(sandbox.worker)
    assert "found its mark and stopped; it held workflow 1, 13, 14" in end(serving, signal.SIGTERM)


def test_it_is_not_put_off_by_what_is_no_question(sandbox):
    serving = sandbox.serve()
    method = "public abstract void no.such.Method.of()"
    header = json.dumps({"methodIdentifier": method, "opaque": 9}).encode()
    host, _, port = sandbox.master.rpartition(":")
    with socket.create_connection((host, int(port)), 10) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert stranger.recv(100) == b""
    with socket.create_connection((host, int(port)), 10) as caller:
        caller.settimeout(10)
        for piece in (bytes([byte]) for byte in frame(header, b"{}")):
            caller.sendall(piece)
        answer = caller.recv(1000)
    assert answer.startswith(b"\xbe\x00") and f"Cannot find the ServerMethodInvoker of {method}".encode() in answer
    end(serving)


def test_an_address_that_is_in_use_is_named(sandbox):
    host, _, port = sandbox.worker.rpartition(":")
    with socket.create_server((host, int(port))):
        result = program.run("sandbox", "serve", sandbox.path, code=1)
    assert sandbox.worker in result.said and "in use" in result.said and not result.stdout


def test_what_is_no_sandbox_is_refused(sandbox, tmp_path):
    result = program.run("sandbox", "serve", tmp_path / "none.db", code=6)
    assert "none.db" in result.said and not result.stdout
    (tmp_path / "text").write_text("no database " * 100)
    assert str(tmp_path / "text") in program.run("sandbox", "serve", tmp_path / "text", code=6).said


def test_only_loopback_addresses_are_served(sandbox):
    """A copy of a real cluster must not be stood in for. No address but loopback ones is written here: a name
    is none either."""
    with sqlite3.connect(sandbox.path) as connection:
        connection.execute("UPDATE t_ds_jdbc_registry_data SET data_key = '/nodes/worker/worker-1:1234'"
                           " WHERE data_key LIKE '/nodes/worker/127%'")
    before = sandbox.rows("SELECT * FROM t_ds_jdbc_registry_data ORDER BY id")
    result = program.run("sandbox", "serve", sandbox.path, code=4)
    assert "worker-1:1234, which is not a loopback address" in result.said
    assert sandbox.rows("SELECT * FROM t_ds_jdbc_registry_data ORDER BY id") == before


def test_a_sandbox_without_a_living_server_has_nothing_to_serve(sandbox):
    with sqlite3.connect(sandbox.path) as connection:
        connection.execute("DELETE FROM t_ds_jdbc_registry_data WHERE client_id > 0 AND data_type = 'EPHEMERAL'")
    assert "no server lives" in program.run("sandbox", "serve", sandbox.path, code=1).said


def test_lines_that_cannot_be_written_end_it(sandbox):
    with open("/dev/full", "w") as full:
        ended = subprocess.run([program.binary(), "sandbox", "serve", sandbox.path], stdout=full,
                               stderr=subprocess.PIPE, text=True, timeout=20)
    assert ended.returncode == 1 and "stdout cannot be written" in ended.stderr
