"""Reports of every command, printed by the program's own code, against docs/report.schema.json."""

import copy
import functools
import json
import os
import pathlib
import subprocess

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())
COMMANDS = SCHEMA["properties"]["command"]["enum"]


@functools.cache
def validator():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    binary = os.environ.get("DSFAILOVER_BINARY", str(ROOT / "build" / "tests" / "dsfailover"))
    writer = pathlib.Path(binary).parent / "tests" / "write_sample_reports"
    subprocess.run([writer, folder], check=True, timeout=30)
    return {file.stem: json.loads(file.read_text()) for file in folder.glob("*.json")}


@pytest.mark.parametrize("ending", ["", "-ended-early"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_prints_what_the_schema_says(samples, command, ending):
    report = samples[command.replace(" ", "-") + ending]
    assert report["command"] == command
    validator().validate(report)


def objects(value, path=()):
    """Every object of a report with the path to it, but for those whose keys are data."""
    if isinstance(value, dict):
        if path[-1:] not in (("skipped",), ("refused",), ("routes",), ("by_type",)):
            yield path
        for key, each in value.items():
            yield from objects(each, path + (key,))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from objects(each, path + (index,))


def at(report, path):
    for key in path:
        report = report[key]
    return report


@pytest.mark.parametrize("command", COMMANDS)
def test_a_field_too_many_or_too_few_is_noticed_at_every_depth(samples, command):
    report = samples[command.replace(" ", "-")]
    for path in objects(report):
        drifted = copy.deepcopy(report)
        at(drifted, path)["drifted"] = 1
        assert not validator().is_valid(drifted), f"a field too many in {path}"
        for key in at(report, path):
            drifted = copy.deepcopy(report)
            del at(drifted, path)[key]
            assert not validator().is_valid(drifted), f"without {key} in {path}"


@pytest.mark.parametrize("field, value", [
    ("schema_version", 2), ("command", "failover"), ("outcome", "done"), ("exit_code", 8),
    ("started_at", "2026-11-22 07:27:59"), ("started_at", 1795331890740), ("duration_ms", -1),
    ("warnings", None), ("registry", {}), ("errors", [""])])
def test_a_wrong_value_is_noticed(samples, field, value):
    report = {**samples["failover-master"], field: value}
    assert not validator().is_valid(report)


def test_an_error_status_comes_with_an_error(samples):
    report = samples["global-ended-early"]
    assert validator().is_valid(report)
    assert not validator().is_valid({**report, "errors": []})


def test_an_interruption_is_called_one(samples):
    report = samples["failover-worker"]
    assert report["exit_code"] == 143
    assert not validator().is_valid({**report, "outcome": "completed"})
