"""Types the console blocks of README and the runbook, and writes what they print now below them.

What of a screen a page shows is not changed: a line of the new screen is there if the page had one of the same name or id,
and "..." stands for the others. What is in no screen any more is said. Called by scripts/update-screens.
"""

import pathlib
import re
import sys
import tempfile

from . import console, program

DEEPEST_INDENT = 12  # of a line that does not continue another

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


def key(line):
    """What a line is recognized by: its name or id, without what differs from run to run."""
    return re.split(r"\s{2,}|[:,(]|(?<=[a-z]) \d", line.strip())[0]


def entries(part):
    """Its lines, each with those that continue it."""
    found = []
    for line in part:
        indent = len(line) - len(line.lstrip())
        message = found and found[-1][0].startswith(("ERROR:", "WARNING:", "next:"))
        if found and indent > (4 if message else DEEPEST_INDENT):
            found[-1].append(line)
        else:
            found.append([line])
    return found


def renewed(expected, printed):
    """The screen as printed, of which those entries are left out that the expected one leaves out."""
    shown = {key(entry[0]) for part in parts(expected) for entry in entries(part)}
    first = parts(expected)[0]
    lines, cut = [], False
    for index, part in enumerate(parts(printed)):
        kept = [entry for entry in entries(part) if key(entry[0]) in shown or (index == 0 and first != ["..."]
                                                                               and entry is entries(part)[0])]
        if all(key(entry[0]).isupper() for entry in kept):  # a head of columns without a row
            kept = []
        if lines and kept and not cut and kept[0] == entries(part)[0]:
            lines.append("")
        for entry in entries(part):
            if entry not in kept:
                cut = True
                continue
            if cut:
                lines.append("...")
                cut = False
            lines += entry
    missing = shown - {key(line) for line in lines} - {"..."}
    if missing:
        print(f"  not shown any more: {sorted(missing)}")
    return "".join(f"{line}\n" for line in lines + ["..."] * cut)


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
