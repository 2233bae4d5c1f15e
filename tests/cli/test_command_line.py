"""What the program does whatever the command: options from everywhere, reports that cannot be
printed, secrets."""

import json
import os
import subprocess

import pytest

from support import program
from support.cluster import DEAD

NOWHERE = ["--registry", "zookeeper://127.0.0.1:1/dolphinscheduler", "--database",
           "sqlite:/nonexistent/ds.db"]
SECRET = "n0t-to-be-seen"


@pytest.mark.parametrize("option", ["fence", "in-doubt", "no-lock"])
def test_options_for_one_run_are_refused_in_environment_and_file(option, tmp_path):
    variable = "DSFAILOVER_" + option.upper().replace("-", "_")
    result = program.run("global", *NOWHERE, environment={variable: "true"}, code=2)
    assert variable in result.said
    file = tmp_path / "dsfailover.yaml"
    file.write_text(f"grace: 1s\n{option}: true\n")
    result = program.run("global", *NOWHERE, "--config", file, code=2)
    assert f"{file}:2" in result.said and f"--{option}" in result.said


def test_a_command_without_dry_run_does_not_claim_one():
    result = program.run("config", environment={"DSFAILOVER_DRY_RUN": "true"}, code=0)
    assert result["dry_run"] is False
    result = program.run("global", *NOWHERE, environment={"DSFAILOVER_DRY_RUN": "true"}, code=6)
    assert result["dry_run"] is True


def test_clean_marks_without_a_database_keeps_seven_days():
    result = program.run("clean-marks", *NOWHERE[:2], "--older-than", "167h", code=2)
    assert "--older-than" in result.said
    assert program.run("clean-marks", *NOWHERE[:2], "--older-than", "7d", timeout=60).code == 6


def test_config_finds_mistakes_and_still_shows_what_there_is():
    result = program.run("config", "--registry", "etcd://h:2379", environment={
        "DSFAILOVER_GRACE": "soon"}, code=2)
    assert "DSFAILOVER_GRACE" in result.said
    assert {"name": "registry", "value": "etcd://h:2379/dolphinscheduler",
            "origin": "option --registry"} in result["settings"]
    assert "Mars" in program.run("config", "--time-zone", "Mars", code=2).said


@pytest.mark.parametrize("form", ["json", "table"])
def test_config_hides_every_secret(form, tmp_path):
    file = tmp_path / "password"
    file.write_text(SECRET)
    result = program.run(
        "config", "--format", form, "--log-level", "trace",
        "--database", f"postgresql://u:{SECRET}@h/d?password={SECRET}",
        "--registry", f"zookeeper://u:{SECRET}@h",
        environment={"DSFAILOVER_DATABASE_PASSWORD": SECRET, "SPRING_DATASOURCE_PASSWORD": SECRET,
                     "DSFAILOVER_REGISTRY_PASSWORD_FILE": str(file),
                     "REGISTRY_ZOOKEEPER_DIGEST": f"u:{SECRET}"}, code=0)
    assert "(hidden)" in result.stdout
    assert SECRET not in result.stdout + result.stderr


@pytest.mark.parametrize("arguments", [["config"], ["--help"], ["--version"], ["global", "--help"]])
def test_a_full_disk_under_stdout_is_a_failure(arguments):
    with open("/dev/full", "w") as full:
        run = subprocess.run([program.binary(), *arguments], stdout=full, stderr=subprocess.PIPE,
                             text=True, timeout=30, check=False)
    assert run.returncode == 1
    assert "stdout" in run.stderr


def test_a_reader_that_left_is_a_failure():
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run([program.binary(), "config"], stdout=writing, stderr=subprocess.PIPE,
                         text=True, timeout=30, check=False)
    os.close(writing)
    assert run.returncode == 1
    assert "stdout" in run.stderr


def test_with_stdout_closed_nothing_is_written_into_the_files_it_opens(tmp_path):
    sandbox = tmp_path / "sandbox.db"
    program.run("sandbox", "create", sandbox, code=0)
    before = sandbox.read_bytes()
    for _ in range(2):
        run = subprocess.run([program.binary(), "sandbox", "show", sandbox], stderr=subprocess.PIPE,
                             text=True, timeout=30, check=False, preexec_fn=lambda: os.close(1))
        assert run.returncode == 1
        assert "stdout" in run.stderr
    assert sandbox.read_bytes() == before


def test_quiet_leaves_errors_only():
    url = f"postgresql://u:{SECRET}@h/d"
    assert "warning" in program.run("config", "--database", url, code=0).stderr
    assert program.run("config", "--database", url, "--quiet", code=0).stderr == ""
    assert "error" in program.run("global", "--quiet", code=2).stderr


def test_a_report_is_one_object_on_stdout():
    result = program.run("global", *NOWHERE, code=6)
    assert json.loads(result.stdout)["registry"] == {
        "type": "zookeeper", "endpoint": "127.0.0.1:1", "namespace": "/dolphinscheduler"}


def test_an_unknown_variable_is_warned_about(cluster):
    result = cluster.run("list-marks", environment={"DSFAILOVER_DRYRUN": "true", "DSFAILOVER_DRY_RUN": "true",
                                                    "DSFAILOVER_DATABASE_PASSWORD": "x", "DSFAILOVER_ITEMZ": ""}, code=0)
    assert ["DSFAILOVER_DRYRUN" in each for each in result["warnings"]] == [True]


def test_a_value_from_the_environment_is_named_with_its_variable(cluster):
    result = cluster.run("list-marks", environment={"DSFAILOVER_ADDRESS": "foo"}, code=2)
    assert "DSFAILOVER_ADDRESS" in result["errors"][0] and "--address" in result["errors"][0]


def test_controls_of_the_database_do_not_reach_the_terminal(cluster):
    cluster.workflow()
    cluster.workflow(host="evil\x1b[2J:5678", command_type=3)
    result = cluster.run("status", code=0)
    again = cluster.failover_master("--dry-run")
    for each in (result, again):
        assert "\x1b" not in each.stderr and "\x1b" not in each.stdout
    assert "evil?[2J" in again.stderr


def test_what_is_said_on_stderr_can_be_chosen(cluster):
    cluster.workflow()
    lock = cluster.registry.lock(DEAD).wait()
    waits = ("--lock-timeout", "2s")
    chatty = cluster.failover_master(*waits, "--log-level", "debug", code=5)
    assert " info " in chatty.stderr and "warning:" in chatty.stderr
    assert " info " not in cluster.failover_master(*waits, "--log-level", "debug", "--no-progress", code=5).stderr
    short = cluster.failover_master(*waits, "--log-level", "error", code=5)
    assert "warning" not in short.stderr and "error:" in short.stderr and short["warnings"]
    lock.release()
