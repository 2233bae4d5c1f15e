"""Runs the ```console blocks of a page of documentation, and compares what they print.

A block has one command, `$ dsfailover ...`, `$ sqlite3 ...` or `$ export NAME=VALUE ...`, and below it the report as
it is expected on stdout. The exit status is 0, unless the text that follows the block begins with
"Exit status N". In the expected text

- `...` alone on a line stands for any lines, within a line for any text in it;
- times, epochs, durations and ages are compared by their kind, and spaces by there being some;
- a block without any output says nothing about it.
"""

import dataclasses
import re
import shlex
import subprocess

from . import program

# What differs from run to run, and what stands for it on both sides.
KINDS = [
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)? ?(Z|[+-]\d\d:\d\d)", "TIME"),
    (r"\b\d{13}\b", "EPOCH"),
    (r"\b\d+(\.\d+)? (ms|s)(?= |,|;|$)", "DURATION"),
    (r"\b\d+d \d+h\b|\b\d+h \d+m\b|\b\d+m( \d+s)?\b|\b\d+s\b", "AGE"),
]
EXIT_STATUS = re.compile(r"\s*\**Exit status (\d+)")


@dataclasses.dataclass
class Block:
    command: list
    expected: str
    code: int
    line: int


def sections(page):
    """The page's sections by heading (##), each a list of its blocks, in their order."""
    text = page.read_text()
    found, heading = {}, None
    for part in re.finditer(r"^## ([^\n]*)$|^```console\n(.*?)^```\n(?=\s*([^\n]*))", text, re.M | re.S):
        if part[1]:
            heading = part[1]
            found[heading] = []
        else:
            assert heading, f"a block before the first section of {page}"
            found[heading].append(_block(part, text.count("\n", 0, part.start()) + 2))
    assert text.count("```console") == sum(map(len, found.values())), f"{page}: a block was missed"
    return found


def _block(part, line):
    command, _, expected = part[2].partition("\n")
    assert command.startswith("$ "), f"line {line}: a block begins with its command"
    assert "\n$ " not in expected, f"line {line}: one command to a block"
    told = EXIT_STATUS.match(part[3])
    return Block(shlex.split(command[2:]), expected, int(told[1]) if told else 0, line)


def _plain(line):
    for pattern, kind in KINDS:
        line = re.sub(pattern, kind, line)
    return " ".join(line.split())


def _pattern(expected):
    lines = []
    for line in expected.splitlines():
        if line.strip() == "...":
            lines.append(r"(?:.*\n)*?")
        elif line.strip():
            pieces = _plain(line).split("...")
            lines.append(".*".join(re.escape(piece) for piece in pieces) + r"\n")
    return re.compile("".join(lines))


def is_as_expected(expected, printed):
    """Whether a report is the one a page shows."""
    if not expected.strip():
        return True
    lines = [_plain(line) for line in printed.splitlines()]
    return bool(_pattern(expected).fullmatch("".join(f"{line}\n" for line in lines if line)))


class Console:
    """One reader, typing the commands of a page in a folder of their own."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {}

    def type(self, blocks):
        for block in blocks:
            self._type(block)

    def _type(self, block):
        name, *arguments = block.command
        if name == "export":
            self.environment.update(each.split("=", 1) for each in arguments)
            return
        if name == "sqlite3":  # sets a rehearsal up
            subprocess.run(block.command, cwd=self.folder, check=True)
            return
        assert name == "dsfailover", f"line {block.line}: {name} is not for readers of this page"
        result = program.run(*arguments, environment=self.environment, cwd=self.folder)
        where = f"line {block.line}: $ {' '.join(block.command)}"
        assert result.code == block.code, f"{where}\nshould exit with {block.code}:{result!r}"
        assert is_as_expected(block.expected, result.stdout), (
            f"{where}\nshould print\n{block.expected}\nbut printed\n{result.stdout}")
