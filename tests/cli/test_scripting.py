"""Every recipe of docs/scripting.md, one after the other in one shell's folder, prints what the page shows."""

import pathlib
import re
import subprocess

from support import console, program

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "scripting.md"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def recipes():
    """Each script with the text that it is to print; None where the page shows none."""
    found = []
    for kind, text in BLOCK.findall(PAGE.read_text()):
        if kind == "sh":
            found.append([text, None])
        else:
            found[-1][1] = text
    return found


def test_the_recipes_of_the_page(tmp_path):
    folder = pathlib.Path(program.binary()).parent
    setting_up, *others = recipes()
    assert len(others) >= 6
    exports = "\n".join(line for line in setting_up[0].splitlines() if line.startswith("export"))
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(tmp_path), "TZ": "UTC"}

    def run(script):
        return subprocess.run(["bash", "-u", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True,
                              timeout=90, check=False)

    assert run(setting_up[0]).returncode == 0
    for script, expected in others:
        result = run(f"{exports}\n{script}")
        assert console.is_as_expected(expected or "", result.stdout), \
            f"{script}\nshould print\n{expected}\nbut printed\n{result.stdout}\n{result.stderr}"
