"""Completions and manual page offer exactly the options that --help has."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from support import program

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASH = ROOT / "completions" / "dsfailover.bash"
ZSH = ROOT / "completions" / "_dsfailover"
FISH = ROOT / "completions" / "dsfailover.fish"
MAN = ROOT / "man" / "dsfailover.1"

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def output(arguments, **more):
    return subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=60,
                          **more).stdout


def help_of(*command):
    return output([program.binary(), *command, "--help"])


def commands_in(text):
    listed = text.split("Commands:")[1].split("\n\n")[0]
    return {line.split()[0] for line in listed.splitlines() if line.strip()}


def commands():
    """Every command, "sandbox create" included."""
    names = set()
    for name in commands_in(help_of()):
        if name == "sandbox":
            names |= {f"sandbox {inner}" for inner in commands_in(help_of("sandbox"))}
        else:
            names.add(name)
    return sorted(names)


def options_of(command):
    """The options a command's --help lists, at the beginning of a line."""
    lines = help_of(*command.split()).splitlines()
    return {option for line in lines for option in OPTION.findall(line.split("   ")[0])
            if re.match(r"  -", line)}


COMMANDS = commands()


def bash_completions(words):
    script = f"""
        source {BASH}
        COMP_WORDS=({' '.join(f"'{word}'" for word in words)})
        COMP_CWORD={len(words) - 1}
        _dsfailover
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return set(output(["bash", "--norc", "-c", script]).split())


def fish_completions(words):
    line = " ".join(words)
    script = f"source {FISH}; complete -C '{line}'"
    listed = output(["fish", "--no-config", "-c", script])
    return {entry.split("\t")[0] for entry in listed.splitlines()}


# Runs an interactive zsh with the real completion system, types the line and a tab, and lets every
# match the completion adds be written down.
ZSH_CAPTURE = r"""
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1=; unsetopt zle_bracketed_paste; fpath=($FOLDER $fpath)'
zpty -w z 'autoload -Uz compinit; compinit -u -D; zstyle ":completion:*" verbose no'
zpty -w z 'compadd() {
    if [[ " ${argv[1,(i)(-|--)]} " == *" -"(O|A|D)" "* ]]; then builtin compadd "$@"; return; fi
    local -a hits; builtin compadd -A hits "$@"; print -rl -- $hits >> $MATCHES; builtin compadd "$@"
}'
zpty -w z 'print -r ready >> $MATCHES'
repeat 200; do [[ -s $MATCHES ]] && break; sleep 0.05; done
zpty -n -w z "$LINE"$'\t'
sleep 0.7
zpty -d z
"""


def zsh_completions(words, folder):
    matches = folder / "matches"
    matches.unlink(missing_ok=True)
    output(["zsh", "-f", "-c", ZSH_CAPTURE],
           env={**os.environ, "FOLDER": str(ZSH.parent), "MATCHES": str(matches),
                "LINE": " ".join(words), "TERM": "dumb"})
    return set(matches.read_text().split()) - {"ready"}


def complete(shell, words, folder):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    if shell == "zsh":
        return zsh_completions(words, folder)
    return (bash_completions if shell == "bash" else fish_completions)(words)


SHELLS = ["bash", "zsh", "fish"]


@pytest.mark.parametrize("shell", SHELLS)
def test_completions_offer_every_command(shell, tmp_path):
    offered = complete(shell, ["dsfailover", ""], tmp_path)
    top_level = {command.split()[0] for command in COMMANDS}
    assert {word for word in offered if not word.startswith("-")} == top_level
    inner = complete(shell, ["dsfailover", "sandbox", ""], tmp_path)
    assert {word for word in inner if not word.startswith("-")} == \
        {command.split()[1] for command in COMMANDS if command.startswith("sandbox ")}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("shell", SHELLS)
def test_completions_offer_the_options_of_help(shell, command, tmp_path):
    offered = complete(shell, ["dsfailover", *command.split(), "--"], tmp_path)
    # zsh writes an option that takes a value as --name=.
    assert {word.rstrip("=") for word in offered} == options_of(command)


@pytest.mark.parametrize("shell", SHELLS)
def test_completions_offer_values(shell, tmp_path):
    assert complete(shell, ["dsfailover", "global", "--format", ""], tmp_path) == {"json", "table"}
    assert "debug" in complete(shell, ["dsfailover", "global", "--log-level", "d"], tmp_path)


@pytest.mark.parametrize("word", ["", "a"])
@pytest.mark.parametrize("shell", SHELLS)
def test_nothing_is_completed_after_in_doubt(shell, word, tmp_path):
    """A key hit in the night must not fail over all that is in doubt."""
    for option in (["--in-doubt", word], [f"--in-doubt={word}"]):
        assert not complete(shell, ["dsfailover", "failover-master", "127.0.1.1:5678", *option], tmp_path)


def test_bash_inserts_nothing_after_in_doubt(tmp_path):
    """At a terminal, where what is completed would stand in the line."""
    lines = (f"PS1=; bind 'set enable-bracketed-paste off'; source {BASH}\n"
             "dsfailover() { printf '<%s>\\n' \"$@\"; }\n"
             "dsfailover global --in-doubt \tx\n")
    shown = subprocess.run(["script", "-qec", "bash --norc --noprofile -i", "/dev/null"], input=lines, text=True,
                           capture_output=True, timeout=60, env={**os.environ, "TERM": "dumb"}).stdout
    assert "<--in-doubt>\n<x>\n" in shown, shown


def sections():
    """The manual's text by its .SS and .SH headings."""
    found = {}
    heading = None
    text = re.sub(r"\\f[BIR]", "", MAN.read_text()).replace("\\-", "-")
    for line in text.splitlines():
        if line.startswith((".SS ", ".SH ")):
            heading = line[4:]
        found[heading] = found.get(heading, "") + line + "\n"
    return found


def tags(section):
    """The options a list of the manual describes: those in the line after .TP."""
    lines = section.splitlines()
    return {option for before, line in zip(lines, lines[1:]) if before == ".TP"
            for option in OPTION.findall(line)}


@pytest.mark.parametrize("command", COMMANDS)
def test_manual_has_the_options_of_help(command):
    manual = sections()
    synopsis = manual[command].split(".RE")[0] if ".RE" in manual[command] else ""
    expected = set(OPTION.findall(synopsis))
    expected |= tags(manual["Options of every command"]) - {"--version"}
    if command == "sandbox serve":
        expected -= {"--format"}  # as its text says
    if not command.startswith("sandbox "):
        expected |= tags(manual["Where the cluster is"])
    assert expected == options_of(command)


def test_manual_describes_each_option_of_a_synopsis():
    manual = sections()
    used = {option for heading in COMMANDS
            for option in OPTION.findall(manual[heading].split(".RE")[0])
            if ".RE" in manual[heading]}
    assert used == tags(manual["Of the commands"])


def test_manual_is_well_formed():
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    shown = subprocess.run(["man", "--warnings", "-l", str(MAN)], capture_output=True, text=True,
                           timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
    assert shown.returncode == 0
    assert shown.stderr == ""


def test_every_command_has_examples():
    for command in COMMANDS:
        assert "Examples:\n  dsfailover " + command in help_of(*command.split())


def test_bash_completes_file_names_with_blanks(tmp_path):
    (tmp_path / "my audit.jsonl").touch()
    script = f"""
        source {BASH}
        COMP_WORDS=(dsfailover global --audit-log my)
        COMP_CWORD=3
        _dsfailover
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert output(["bash", "--norc", "-c", script], cwd=tmp_path) == "my audit.jsonl\n"


def part_of(file, heading):
    return (ROOT / file).read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_every_table_of_exit_statuses_has_the_same():
    def in_table(text):
        cells = re.findall(r"^\| ([\d, ]+?) \|", text, re.MULTILINE)
        return [int(code) for cell in cells for code in cell.split(",")]
    codes = [0, 1, 2, 3, 4, 5, 6, 7, 130, 143]
    assert in_table(part_of("docs/behaviour.md", "Exit status")) == codes
    assert in_table((ROOT / "README.md").read_text()) == codes
    manual = re.findall(r"^\.B ([\d, ]+)$", sections()["EXIT STATUS"], re.MULTILINE)
    assert [int(code) for line in manual for code in line.split(",")] == codes
    told = help_of("global").split("Exit status:")[1]
    assert [int(code) for code in re.findall(r"\b\d+\b", told)] == codes


def test_the_options_in_the_documentation_are_those_of_help():
    known = {option for command in COMMANDS for option in options_of(command)} - {"--help"}
    text = part_of("docs/behaviour.md", "Commands") + part_of("docs/behaviour.md", "Options")
    named = {option for line in text.splitlines() if line.startswith("|")
             for option in OPTION.findall(line.split(" | ")[0])}
    assert named - known <= {"--help", "--version"}
    assert known - named <= {"--dry-run"}  # told in the text


def test_the_defaults_in_the_documentation_are_those_of_help():
    shown = [" ".join(entry.split()) for command in COMMANDS
             for entry in re.split(r"\n  (?=-)|\n\n", help_of(*command.split()))]
    told = re.findall(r"^\| `(--[a-z-]+) [^`]+` \| `([^`]+)` \|", part_of("docs/behaviour.md", "Options"), re.MULTILINE)
    assert {"--grace", "--lock-timeout", "--fence-timeout"} <= {option for option, _ in told}
    for option, value in told:
        if option == "--older-than":  # of one of the two commands that take it
            continue
        assert any(entry.startswith(f"{option} ") and f"({value})" in entry for entry in shown), (option, value)
