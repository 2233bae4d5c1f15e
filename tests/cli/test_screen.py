"""What a person sees at a terminal: tables that fit, colours, progress, a question."""

import json
import re

import pytest

from support import program, terminal

GONE = "127.0.1.1:5678"


@pytest.fixture
def sandbox(tmp_path):
    file = tmp_path / "sandbox.db"
    program.run("sandbox", "create", file, code=0)
    return ["--registry", "jdbc", "--database", f"sqlite:{file}"]


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory):
    """A sandbox that nobody changes."""
    file = tmp_path_factory.mktemp("looked_at") / "sandbox.db"
    program.run("sandbox", "create", file, code=0)
    return ["--registry", "jdbc", "--database", f"sqlite:{file}"]


def test_a_table_on_a_terminal_and_json_elsewhere(looked_at):
    assert terminal.run("status", *looked_at).plain.startswith("status: completed, exit status 0, ")
    assert json.loads(program.run("status", *looked_at, code=0).stdout)["command"] == "status"
    assert '"command": "status"' in terminal.run("status", *looked_at, "--format", "json").plain
    in_environment = terminal.run("status", *looked_at, environment={"DSFAILOVER_FORMAT": "json"})
    assert '"command": "status"' in in_environment.plain


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("command", [
    ["status"], ["explain", 7, 16], ["list-marks"], ["config"], ["global", "--dry-run"], ["requeue", "--dry-run"],
    ["failover-worker", "127.0.1.11:1234", "--dry-run"], ["finish", 7, "--as", "failure", "--dry-run"]])
def test_no_line_is_wider_than_the_terminal(looked_at, command, width):
    screen = terminal.run(*command, *looked_at, width=width)
    # A path is never broken.
    assert [line for line in screen.lines() if len(line) > width and not re.search(r"\S*/\S{30}", line)] == []
    assert screen.lines()[0].startswith(command[0])


def test_what_is_the_point_is_there_in_80_columns(looked_at):
    status = terminal.run("status", *looked_at, width=80).plain
    for point in ("127.0.1.1:5678", "needs_failover", "dsfailover requeue 16 17", "127.0.1.11:1234"):
        assert point in status
    assert status.splitlines()[1].startswith("8 checks fail: needs_failover") or "checks fail: " in status.splitlines()[1]
    assert status.splitlines()[-1].startswith("next: dsfailover ")


def test_a_screen_shows_the_checks_that_count(looked_at):
    every = terminal.run("status", *looked_at, width=120).plain
    assert "1 check fails" not in every and "checks that fail" in every
    one = terminal.run("status", "--check", "stuck", *looked_at, width=120)
    assert one.code == 7 and "1 check fails: stuck" in one.plain
    none = terminal.run("status", "--check", "alert_leader", *looked_at, width=120)
    assert none.code == 0 and "every check that counts passes" in none.plain and "next:" not in none.plain and "checks that fail" not in none.plain


def test_nothing_is_said_twice_on_one_terminal(looked_at):
    screen = terminal.run("failover-master", "127.0.9.9:5678", *looked_at)
    assert screen.code == 3
    assert " ".join(screen.plain.split()).count("nothing knows 127.0.9.9:5678") == 1


def test_colours_are_for_terminals(looked_at):
    assert "\x1b[31m" in terminal.run("status", *looked_at).text
    for off in ({"environment": {"NO_COLOR": "1"}}, {"environment": {"TERM": "dumb"}}):
        assert "\x1b[3" not in terminal.run("status", *looked_at, **off).text
    assert "\x1b[3" not in terminal.run("status", *looked_at, "--color", "never").text
    elsewhere = program.run("status", *looked_at, "--format", "table", code=0)
    assert "\x1b" not in elsewhere.stdout
    assert "\x1b[31m" in program.run("status", *looked_at, "--format", "table", "--color", "always", code=0).stdout


def test_times_are_local_unless_utc_is_wanted(looked_at):
    berlin = {"TZ": "Europe/Berlin"}
    assert "+01:00" in terminal.run("explain", 7, *looked_at, environment=berlin).plain \
        or "+02:00" in terminal.run("explain", 7, *looked_at, environment=berlin).plain
    assert " Z" in terminal.run("explain", 7, *looked_at, "--utc", environment=berlin).plain


def test_progress_is_one_line_and_leaves_nothing_behind(sandbox):
    screen = terminal.run("failover-master", GONE, *sandbox, "--grace", "3s", width=60)
    waiting = [line for line in screen.progress if "(--grace)" in line]
    assert len(waiting) >= 2 and all(len(line) < 60 for line in waiting)
    assert screen.lines()[0].startswith(f"failover-master {GONE}: ")


def test_a_plan_is_confirmed_before_it_is_done(sandbox):
    command = ["requeue", 16, *sandbox, "--confirm", "--unclaimed-after", "0s"]
    no = terminal.run(*command, answer="n")
    assert "requeue: planned (dry run" in no.plain and "nothing was done" in no.plain
    again = terminal.run(*command, answer="")
    assert "nothing was done" in again.plain
    yes = terminal.run(*command, answer="y")
    assert "requeue: planned (dry run" in yes.plain and "requeue: completed, exit status 0" in yes.plain


def test_confirm_needs_somebody_to_ask(sandbox):
    refused = program.run("requeue", 16, *sandbox, "--confirm", code=2)
    assert "no terminal" in refused.said
    # In a file or the environment it is meant for people.
    done = program.run("requeue", 16, *sandbox, environment={"DSFAILOVER_CONFIRM": "true"}, code=0)
    assert json.loads(done.stdout)["workflows"]["requeued"] == 1


def test_yes_answers_beforehand(sandbox):
    done = program.run("requeue", 16, *sandbox, "--confirm", "--yes", code=0)
    assert json.loads(done.stdout)["workflows"]["requeued"] == 1


def test_nothing_planned_is_not_asked_about(sandbox):
    screen = terminal.run("requeue", 1, *sandbox, "--confirm")
    assert "[y/N]" not in screen.plain and screen.code == 3
