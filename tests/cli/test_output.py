"""--output, --watch and metrics: where reports go, and in which form."""

import json
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import time

import pytest

from support import program, servers

NOWHERE = ("--registry", "jdbc", "--database", "sqlite:/nonexistent/ds.db")


@pytest.fixture
def sandbox(tmp_path):
    path = tmp_path / "sandbox.db"
    program.run("sandbox", "create", path, code=0)
    return ("--registry", "jdbc", "--database", f"sqlite:{path}")


def wait_until(condition, seconds=20):
    for _ in range(seconds * 20):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


# -- --output

@pytest.mark.parametrize("arguments", [("status",), ("global", "--dry-run"), ("list-marks",), ("requeue", "--dry-run"),
                                       ("config",)])
def test_the_report_of_every_command_goes_to_the_file(sandbox, tmp_path, arguments):
    file = tmp_path / "report.json"
    result = program.run(*arguments, *sandbox, "--output", file)
    assert result.stdout == ""
    report = json.loads(file.read_text())
    assert (report["command"], report["exit_code"]) == (arguments[0], result.code)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_is_replaced_and_keeps_its_mode(sandbox, tmp_path):
    file = tmp_path / "report"
    file.write_text("x" * 100_000)
    file.chmod(0o644)
    result = program.run("status", *sandbox, "--format", "table", "--output", "report", cwd=tmp_path, code=0)
    assert result.stdout == "" and "masters" in file.read_text() and "xxx" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o644
    assert {each.name for each in tmp_path.iterdir()} == {"report", "sandbox.db"}


def test_a_run_that_fails_reports_to_the_file(tmp_path):
    file = tmp_path / "report"
    result = program.run("global", *NOWHERE, "--output", file, code=6)
    assert result.stdout == "" and json.loads(file.read_text())["errors"]
    program.run("global", "--grace", "x", "--output", file, code=2)
    assert json.loads(file.read_text())["exit_code"] == 2


@pytest.mark.parametrize("name, why", [("link", "symbolic link"), ("folder", "is a folder"), ("none/report", "none"),
                                       ("/dev/stdout", "symbolic link"), ("/dev/null", "ordinary file"), ("", "name")])
def test_what_cannot_be_replaced_is_refused_before_anything_begins(tmp_path, name, why):
    (tmp_path / "folder").mkdir()
    (tmp_path / "target").write_text("untouched")
    (tmp_path / "link").symlink_to("target")
    # Nothing answers there: a connection would be exit 6.
    result = program.run("global", *NOWHERE, "--output", name, cwd=tmp_path, code=2)
    assert "--output" in result["errors"][0] and why in result["errors"][0]
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_text() == "untouched"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to every folder")
def test_a_folder_that_is_not_ours_is_refused(tmp_path):
    tmp_path.chmod(0o555)
    assert "cannot be written to" in program.run("global", *NOWHERE, "--output", tmp_path / "x", code=2).said


def test_the_environment_names_no_file(sandbox, tmp_path):
    result = program.run("status", *sandbox, environment={"DSFAILOVER_OUTPUT": str(tmp_path / "x")}, code=2)
    assert "DSFAILOVER_OUTPUT" in result.said and not (tmp_path / "x").exists()


def test_a_full_disk_leaves_the_file_and_is_a_failure(tmp_path):
    file = tmp_path / "report"
    file.write_text("before")
    run = subprocess.run([program.binary(), "config", "--output", file], capture_output=True, text=True, timeout=30,
                         check=False, restore_signals=False,
                         preexec_fn=lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
                                             resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))))
    assert run.returncode == 1 and run.stdout == ""
    assert str(file) in run.stderr and "could not be written" in run.stderr
    assert file.read_text() == "before" and list(tmp_path.iterdir()) == [file]


# -- --watch

def rounds(run):
    return [json.loads(line) for line in run.stdout_so_far().splitlines()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_report_a_line_until_a_signal(sandbox, number):
    run = program.Run(["status", *sandbox, "--watch", "1s", "--check"])
    wait_until(lambda: run.stdout_so_far().count("\n") >= 2)
    reports = rounds(run)
    run.interrupt(number)
    run.process.wait(10)
    assert run.process.returncode == 0
    assert all(report["exit_code"] == 7 for report in reports)
    assert reports[0]["started_at"] < reports[1]["started_at"]
    assert run.stderr_so_far().count("warning: --check: ") == 1


def test_a_round_that_fails_is_followed_by_the_next(sandbox, tmp_path):
    database, away = tmp_path / "sandbox.db", tmp_path / "away.db"
    file = tmp_path / "metrics.prom"
    run = program.Run(["status", *sandbox, "--watch", "1s", "--format", "prometheus", "--output", file])

    def is_up(value):
        return file.exists() and f"\ndsfailover_up {value}\n" in file.read_text()

    wait_until(lambda: is_up(1))
    database.rename(away)
    wait_until(lambda: is_up(0))
    shutil.move(away, database)
    wait_until(lambda: is_up(1))
    run.interrupt()
    run.process.wait(10)
    assert run.process.returncode == 0 and run.stdout_so_far() == ""
    assert "error: " in run.stderr_so_far()


def test_a_watch_that_cannot_go_right_or_that_nobody_reads_ends(sandbox):
    assert "at least 1s" in program.run("status", *sandbox, "--watch", "0s", code=2).said
    program.run("status", "--watch", "--registry", "nonsense://", code=2)
    reading, writing = os.pipe()
    run = subprocess.Popen([program.binary(), "status", *sandbox, "--watch", "1s"], stdout=writing,
                           stderr=subprocess.DEVNULL)
    os.close(writing)
    os.close(reading)
    assert run.wait(20) == 1


def test_on_a_terminal_each_takes_the_place_of_the_one_before(sandbox):
    ours, its = pty.openpty()
    run = subprocess.Popen([program.binary(), "status", *sandbox, "--watch"], stdin=its, stdout=its, stderr=its)
    os.close(its)
    shown = b""
    while b"checks" not in shown.lower() and b"clock" not in shown:
        shown += os.read(ours, 4096)
    run.send_signal(signal.SIGINT)
    assert run.wait(10) == 0
    os.close(ours)
    assert shown.count(b"\x1b[H\x1b[2J") == 1 and b'"command"' not in shown


def test_a_sandbox_that_is_served_ends_well_by_both_signals(sandbox):
    for number in (signal.SIGINT, signal.SIGTERM):
        run = program.Run(["sandbox", "serve", sandbox[3].removeprefix("sqlite:")])
        wait_until(lambda: " is up" in run.stdout_so_far() or not run.running())
        run.interrupt(number)
        assert run.finish(timeout=10).code == 0


# -- metrics

def metrics(text):
    """Each value by its name and labels."""
    return dict(re.findall(r"^(dsfailover_\S+) (\S+)$", text, re.MULTILINE))


def well_formed(text):
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False,
                             timeout=30)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, ""), text
    return metrics(text)


def test_metrics_are_what_the_report_says(sandbox):
    report = program.run("status", *sandbox, code=0).report
    found = well_formed(program.run("status", *sandbox, "--format", "prometheus", "--items", "3", code=0).stdout)
    assert found["dsfailover_up"] == "1"
    assert {name: value for name, value in found.items() if "check_ok" in name} == {
        f'dsfailover_check_ok{{check="{check["name"]}"}}': str(int(check["ok"])) for check in report["checks"]}
    assert found["dsfailover_workflows_stuck"] == str(len(report["stuck"]))
    assert found["dsfailover_workflows_to_fail_over"] == str(sum(each["workflows"] for each in report["needs_failover"]))
    assert found["dsfailover_workflows_in_doubt"] == str(sum(each["in_doubt"] for each in report["needs_failover"]))
    assert found['dsfailover_commands{type="2"}'] == str(report["commands"]["pending"])
    assert found["dsfailover_workers_gone"] == str(len(report["workers_gone"]))
    tasks = sum(int(value) for name, value in found.items() if name.startswith("dsfailover_workers_gone_tasks"))
    assert tasks == sum(each["tasks"] for each in report["workers_gone"])


def test_a_failure_is_a_metric_and_an_exit_status():
    found = well_formed(program.run("status", *NOWHERE, "--format", "prometheus", code=6).stdout)
    assert found["dsfailover_up"] == "0"
    assert abs(float(found["dsfailover_last_run_timestamp_seconds"]) - time.time()) < 60
    assert not any("workflows" in name for name in found)
    unconfigured = program.run("status", "--format", "prometheus", code=2)
    assert metrics(unconfigured.stdout)["dsfailover_up"] == "0"


def test_only_status_has_metrics():
    for given in ({"arguments": ("--format", "prometheus")}, {"environment": {"DSFAILOVER_FORMAT": "prometheus"}}):
        result = program.run("global", *NOWHERE, *given.get("arguments", ()), environment=given.get("environment"),
                             code=2)
        assert "for status alone" in result.said


def test_metrics_hold_no_secret(sandbox):
    text = program.run("status", "--registry", f"zookeeper://u:{servers.PASSWORD}@127.0.0.1:1/?connect-timeout=1s", *sandbox[2:],
                       "--format", "prometheus", code=6).stdout
    assert servers.PASSWORD not in text
