"""The runbook: every command of every page, on a sandbox of its own, prints what the page shows."""

import pathlib

import pytest

from support import console

RUNBOOK = pathlib.Path(__file__).resolve().parents[2] / "docs" / "runbook.md"
SECTIONS = console.sections(RUNBOOK)
REHEARSING = "Rehearsing"

# Every incident that has to have a page.
INCIDENTS = [
    "A workflow hangs and nobody knows why",
    "A master died and nothing happens",
    "A master was restarted and old workflows hang",
    "A workflow that its master forgot", "Running without a host",
    "A workflow cannot be stopped",
    "The failover lock is held for ever",
    "Workflows are stuck in FAILOVER",
    "A worker died and its tasks hang",
    "A master hangs but stays registered",
    "Commands wait and nobody takes them",
    "Marks pile up",
]


def test_there_is_a_page_for_every_incident():
    assert [heading for heading in SECTIONS if heading in INCIDENTS] == INCIDENTS


@pytest.mark.parametrize("incident", INCIDENTS)
def test_a_page_is_true(incident, tmp_path):
    blocks = SECTIONS[incident]
    assert any(block.expected.strip() for block in blocks), "a page shows a report"
    reader = console.Console(tmp_path)
    reader.type(SECTIONS[REHEARSING])
    reader.type(blocks)


def test_all_blocks_belong_to_a_page():
    assert {heading for heading, blocks in SECTIONS.items() if blocks} <= {REHEARSING, *INCIDENTS}


PRINTED = "clean-marks: partial, exit status 3, 151 ms\n  one   two 2026-11-23T06:18:32.354Z\n\nlast line\n"


@pytest.mark.parametrize("expected", [
    "clean-marks: partial, exit status 3, 4 ms\n one two 2020-01-01T00:00:00Z\nlast line\n",
    "clean-marks: ...\n...\nlast line\n",
    "...\n  one ... 2020-01-01T00:00:00Z\n...\n",
    "",
])
def test_a_report_is_recognized(expected):
    assert console.is_as_expected(expected, PRINTED)


@pytest.mark.parametrize("expected", [
    "clean-marks: partial, exit status 3, 4 ms\nlast line\n",
    "clean-marks: partial, exit status 4, 4 ms\n...\n",
    "clean-marks: ...\n",
    "...\nlast\n",
    "...\none three 2020-01-01T00:00:00Z\n...\n",
])
def test_a_lie_is_recognized(expected):
    assert not console.is_as_expected(expected, PRINTED)
