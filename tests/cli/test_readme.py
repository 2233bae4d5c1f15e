"""The README: its commands, typed one after the other, print what it shows; its links lead somewhere."""

import pathlib
import re

from support import console, program

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def blocks():
    return [block for section in console.sections(README).values() for block in section]


def test_the_readme_is_true(tmp_path):
    console.Console(tmp_path).type(blocks())


def test_every_command_has_an_example():
    shown = {block.command[1] for block in blocks() if block.command[0] == "dsfailover"}
    listed = program.run("--help", code=0).stdout.split("Commands:")[1].split("\n\n")[0]
    commands = {line.split()[0] for line in listed.splitlines() if line.strip()}
    assert commands - shown <= {"list-marks",  # shown with clean-marks
                                "rehost",      # needs masters that answer
                                "completion", "help"}


def test_links_lead_to_files():
    # Measurements are written down apart.
    targets = set(re.findall(r"\]\((?!https?:|#)([^)#]+)", README.read_text()))
    assert {"docs/runbook.md", "docs/behaviour.md"} <= targets
    assert [target for target in targets if not (README.parent / target).exists()] == []
