"""Types the console blocks of README and the runbook, and writes what they print now below them.

Which parts of a screen a page shows is not changed: a part (what stands between two empty lines) is exchanged for the
part of the new screen that has the same heading, and "..." stays where the page leaves others out. A part that is in no
screen any more is an error. Called by scripts/update-screens.
"""

import pathlib
import re
import sys
import tempfile

from . import console, program

ROOT = pathlib.Path(__file__).resolve().parents[2]


def parts(screen):
    """The parts of a screen, each a list of lines; "..." is one of its own."""
    found = [[]]
    for line in screen.splitlines():
        if line.strip() == "...":
            found += [["..."], []]
        elif line.strip():
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [part for part in found if part]


def heading(part):
    """What a part is recognized by: its first line without what differs from run to run."""
    return re.split(r"[:,(]", part[0].strip())[0]


def renewed(expected, printed):
    new = parts(printed)
    lines, last = [], -1
    for part in parts(expected):
        if part == ["..."]:
            continue
        found = next((index for index, each in enumerate(new) if index > last and heading(each) == heading(part)), None)
        if found is None and last == -1 and not expected.startswith("..."):
            found = 0
        if found is None:
            raise LookupError(f"no part of the screen begins with {part[0].strip()!r}")
        if found > last + 1:
            lines.append("...")
        elif lines:
            lines.append("")
        lines += new[found]
        last = found
    if last < len(new) - 1:
        lines.append("...")
    return "".join(f"{line}\n" for line in lines)


def update(page, groups):
    """`groups`: lists of blocks, each typed in a folder of its own."""
    text = page.read_text().splitlines(keepends=True)
    changes = []
    for blocks in groups:
        with tempfile.TemporaryDirectory() as folder:
            reader = console.Console(folder)
            for block in blocks:
                name, *arguments = block.command
                if name != "dsfailover" or not block.expected.strip():
                    reader.type([block])
                    continue
                result = program.run(*arguments, environment=reader.environment, cwd=folder)
                if result.code != block.code:
                    raise RuntimeError(f"line {block.line} should exit with {block.code}: {result!r}")
                if not console.is_as_expected(block.expected, result.stdout):
                    changes.append((block, renewed(block.expected, result.stdout)))
    for line, screen in sorted({(block.line, new) for block, new in changes}, reverse=True):
        begin = line  # lines count from 1: this is the one below the command
        end = next(index for index in range(begin, len(text)) if text[index].startswith("```"))
        text[begin:end] = screen.splitlines(keepends=True)
    page.write_text("".join(text))
    return len(changes)


def main():
    readme = ROOT / "README.md"
    every = [block for blocks in console.sections(readme).values() for block in blocks]
    print(f"README.md: {update(readme, [every])} screens renewed")
    runbook = ROOT / "docs" / "runbook.md"
    pages = console.sections(runbook)
    first = pages["Rehearsing"]
    count = update(runbook, [first] + [[*first, *blocks] for heading_, blocks in pages.items()
                                       if blocks and blocks is not first])
    print(f"docs/runbook.md: {count} screens renewed")


if __name__ == "__main__":
    sys.exit(main())
