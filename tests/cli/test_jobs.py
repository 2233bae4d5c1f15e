"""What runs dsfailover by the clock: systemd's units and the lines for cron, as they are installed."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from support import program

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = pathlib.Path(program.binary()).resolve()
SERVICES = ("dsfailover-status.service", "dsfailover-clean-marks.service")
TIMERS = ("dsfailover-status.timer", "dsfailover-clean-marks.timer")


@pytest.fixture
def prefix(tmp_path):
    """Where cmake would install, the manifest of the build folder left alone."""
    subprocess.run(["cmake", "-D", f"CMAKE_INSTALL_PREFIX={tmp_path}", "-D", "CMAKE_INSTALL_COMPONENT=program", "-P",
                    BUILT.parent / "cmake_install.cmake"], check=True, capture_output=True)
    return tmp_path


def lines_of(job):
    """Command lines of dsfailover in a unit or crontab."""
    return re.findall(r"(?:ExecStart=| )(/\S*/dsfailover .*?)(?: >.*)?$", job.read_text(), re.MULTILINE)


def analyze(*arguments, **environment):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run(["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, check=False,
                          timeout=60, env={**os.environ, **environment})


def test_units_are_in_order_and_name_pages_that_there_are(prefix):
    units = prefix / "lib/systemd/system"
    result = analyze("verify", *(units / unit for unit in SERVICES + TIMERS),
                     MANPATH=str(prefix / "share/man"))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("passwords", [False, True])
@pytest.mark.parametrize("service", SERVICES)
def test_services_are_shut_in(service, passwords, prefix):
    units = prefix / "lib/systemd/system"
    if passwords:
        added = units / "dsfailover-.service.d"
        added.mkdir()
        shutil.copy(prefix / "share/doc/dsfailover/examples/passwords.conf", added)
    # Exposure is in tenths here.
    result = analyze("security", "--offline=true", "--threshold=19", units / service)
    assert result.returncode == 0, result.stdout + result.stderr


def test_jobs_name_the_program_and_options_that_it_has(prefix):
    jobs = [prefix / "lib/systemd/system" / service for service in SERVICES]
    jobs.append(prefix / "share/doc/dsfailover/examples/dsfailover.cron")
    lines = [line.split() for job in jobs for line in lines_of(job)]
    assert len(lines) == 4
    for binary, command, *arguments in lines:
        assert binary == str(prefix / "bin/dsfailover")
        help_of = subprocess.run([binary, command, "--help"], check=True, capture_output=True, text=True).stdout
        for option in (argument for argument in arguments if argument.startswith("--")):
            assert f"  {option} " in help_of, f"{command} has no {option}"


def test_passwords_reach_the_services_by_options_that_there_are(prefix):
    text = (prefix / "share/doc/dsfailover/examples/passwords.conf").read_text()
    credentials = dict(re.findall(r"^LoadCredential=(\S+):(\S+)$", text, re.MULTILINE))
    variables = dict(re.findall(r"^Environment=(\S+)=%d/(\S+)$", text, re.MULTILINE))
    assert set(variables.values()) == set(credentials)
    options = (ROOT / "docs/options.md").read_text()
    for variable in variables:
        assert "`--" + variable.removeprefix("DSFAILOVER_").lower().replace("_", "-") + " FILE`" in options
