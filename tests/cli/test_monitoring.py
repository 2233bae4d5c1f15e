"""deploy/monitoring and docs/monitoring.md: the rules, the plugin, and that all of them know the same checks and metrics."""

import pathlib
import re
import subprocess
import sys

import pytest

from support import program

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "monitoring"
RULES = (FOLDER / "dsfailover-rules.yaml").read_text()
PAGE = (ROOT / "docs" / "monitoring.md").read_text()
PLUGIN = FOLDER / "check_dsfailover"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    path = tmp_path_factory.mktemp("monitored") / "sandbox.db"
    program.run("sandbox", "create", path, code=0)
    return ("--registry", "jdbc", "--database", f"sqlite:{path}")


@pytest.fixture(scope="module")
def report(sandbox):
    return program.run("status", *sandbox, code=0).report


def checks():
    """Every check there is."""
    refusal = subprocess.run([program.binary(), "status", "--check", "nonsense"], capture_output=True, text=True,
                               check=False, timeout=30).stderr
    return re.search(r"the checks are ([\w, ]+)", refusal)[1].split(", ")


# -- the rules

def promtool(*arguments):
    checked = subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_rules_are_right_and_alert_when_they_should():
    promtool("check", "rules", "dsfailover-rules.yaml")
    promtool("test", "rules", "dsfailover-rules-test.yaml")


def test_there_is_a_rule_for_every_check_but_the_one_that_is_normal():
    assert set(re.findall(r'check="(\w+)"', RULES)) == set(checks()) - {"leaked_locks"}


def test_every_rule_names_a_page_that_is_there():
    def anchors(page):
        return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
                for heading in re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)}

    alerts = RULES.split("- alert: ")[1:]
    named = re.findall(r"(docs/\w+\.md)#([\w-]+)'\n", RULES)
    assert len(named) == len(alerts)
    for page, anchor in named:
        assert anchor in anchors(ROOT / page), (page, anchor)
    for alert in alerts:
        assert re.search(r"\n +for: \d+[mhd]\n.*severity: (critical|warning|info)\n.*summary: ", alert, re.DOTALL), alert


# -- the page

def names_in(text):
    return set(re.findall(r"\bdsfailover_[a-z_]+\b", text))


def test_the_page_has_every_metric_with_its_labels_and_no_other(sandbox):
    printed = program.run("status", *sandbox, "--ask", "--format", "prometheus", code=0,
                          environment={"DSFAILOVER_ASK_ONLY": "loopback"}).stdout
    labels = {}
    for name, pairs in re.findall(r"^(dsfailover_\w+)(?:\{(.*)\})? ", printed, re.MULTILINE):
        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', pairs))
    told = {}
    for cells in re.findall(r"^\| (`dsfailover_.*) \|$", PAGE, re.MULTILINE):
        metrics, its_labels, _ = cells.split(" | ")[:3] if " | | " not in cells else (cells.split(" | | ")[0], "", "")
        for name in names_in(metrics):
            told[name] = set(re.findall(r"`(\w+)`", its_labels))
    assert told == labels


def test_rules_and_page_use_metrics_that_are_printed(sandbox):
    printed = names_in(program.run("status", *sandbox, "--format", "prometheus", code=0).stdout)
    assert names_in(RULES) <= printed


def test_page_rules_and_plugin_agree_on_what_is_urgent():
    row = re.search(r"^\| wake.*\n.*\n\| (.*) \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)
    critical, warning, info = (set(re.findall(r"`(\w+)`", cell)) for cell in row.groups())
    assert critical | warning | info == set(checks())
    by_severity = dict(re.findall(r'check="(\w+)"\}.*?severity: (\w+)', RULES, re.DOTALL))
    assert {check for check, severity in by_severity.items() if severity == "critical"} == critical
    assert {check for check, severity in by_severity.items() if severity == "warning"} == warning
    lists = dict(re.findall(r'^    (CRITICAL|WARNING): "([\w,]+)"', PLUGIN.read_text(), re.MULTILINE))
    assert set(lists["CRITICAL"].split(",")) == critical
    assert set(lists["WARNING"].split(",")) == warning


# -- the plugin

def plugin(*arguments, code):
    run = subprocess.run([sys.executable, PLUGIN, "--program", program.binary(), *arguments], capture_output=True,
                         text=True, check=False, timeout=60)
    assert run.returncode == code, run
    assert run.stderr == "" and run.stdout.count("\n") == 1, run
    return run.stdout


def test_the_plugin_says_what_the_checks_say(sandbox, report):
    failed = {each["name"] for each in report["checks"] if not each["ok"]}
    assert {"needs_failover", "in_doubt"} <= failed and "clocks" not in failed, "the sandbox is as it was"
    line = plugin(*sandbox, code=2)
    assert line.startswith("DSFAILOVER CRITICAL - ") and "needs_failover: " in line
    assert all(name in line for name in failed - {"leaked_locks"})
    warned = plugin(*sandbox, "--critical", "clocks", "--warning", "in_doubt,clocks", code=1)
    assert warned.startswith("DSFAILOVER WARNING - in_doubt: ") and "(dsfailover explain " in warned
    well = plugin(*sandbox, "--critical", "clocks", "--warning", "", code=0)
    assert well.startswith("DSFAILOVER OK - 1 master and 1 worker live|")


def test_the_plugin_has_performance_data(sandbox, report):
    figures = dict(each.split("=") for each in plugin(*sandbox, code=2).rpartition("|")[2].split())
    assert figures["masters"] == f"{len(report['masters'])};;;0"
    assert figures["stuck"] == f"{len(report['stuck'])};;;0"
    assert re.fullmatch(r"[\d.]+s;;;0", figures["time"])


@pytest.mark.parametrize("arguments, why", [
    (("--registry", "jdbc", "--database", "sqlite:/nonexistent/ds.db"), "/nonexistent/ds.db"),
    (("--critical", "nonsense"), "there is no check"),
    (("--nonsense",), "--nonsense"),
    (("--timeout", "x"), "--timeout"),
    (("--program", "/nonexistent/dsfailover"), "/nonexistent/dsfailover"),
    (("--program", "/bin/true"), "exit status 0"),
])
def test_what_could_not_be_looked_at_is_unknown(sandbox, arguments, why):
    options = arguments if arguments[0] in ("--registry", "--program") else (*sandbox, *arguments)
    line = plugin(*options, code=3)
    assert line.startswith("DSFAILOVER UNKNOWN - ") and why in line


def test_a_program_that_hangs_is_unknown_after_the_time(tmp_path):
    hanging = tmp_path / "dsfailover"
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o755)
    assert "has not ended after 0.5 s" in plugin("--program", str(hanging), "--timeout", "0.5", code=3)
