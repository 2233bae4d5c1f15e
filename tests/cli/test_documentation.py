"""What is made from the tables of commands and options is not stale, and completions in real shells offer what
--help has."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from support import program

ROOT = pathlib.Path(__file__).resolve().parents[2]
GENERATE = os.environ.get("DSFAILOVER_GENERATE_REFERENCE",
                          str(pathlib.Path(program.binary()).parent / "tests" / "generate_reference"))
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


def environment(**more):
    """With the program that is tested as dsfailover, and no cluster configured."""
    folder = pathlib.Path(program.binary()).parent
    plain = {name: value for name, value in os.environ.items() if not name.startswith("DSFAILOVER_")}
    return {**plain, "PATH": f"{folder}:{os.environ['PATH']}", **more}


def bash_completions(words):
    line = " ".join(words)
    script = f"""
        source {BASH}
        COMP_LINE='{line}' COMP_POINT={len(line)}
        COMP_WORDBREAKS=$' \\t\\n'
        _dsfailover
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return set(output(["bash", "--norc", "-c", script], env=environment()).split())


def fish_completions(words):
    line = " ".join(words)
    script = f"source {FISH}; complete -C '{line}'"
    listed = output(["fish", "--no-config", "-c", script], env=environment())
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
           env=environment(FOLDER=str(ZSH.parent), MATCHES=str(matches), LINE=" ".join(words), TERM="dumb"))
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
    assert offered == options_of(command)


@pytest.mark.parametrize("shell", SHELLS)
def test_completions_offer_values(shell, tmp_path):
    assert complete(shell, ["dsfailover", "global", "--format", ""], tmp_path) == {"auto", "json", "table"}
    assert "debug" in complete(shell, ["dsfailover", "global", "--log-level", "d"], tmp_path)


@pytest.mark.parametrize("word", ["", "a"])
@pytest.mark.parametrize("shell", SHELLS)
def test_nothing_is_completed_after_in_doubt(shell, word, tmp_path):
    """A key hit in the night must not fail over all that is in doubt."""
    for option in (["--in-doubt", word], [f"--in-doubt={word}"]):
        assert not complete(shell, ["dsfailover", "failover-master", "127.0.1.1:5678", *option], tmp_path)


def test_bash_inserts_nothing_after_in_doubt(tmp_path):
    """At a terminal, where what is completed would stand in the line."""
    lines = (f"PS1=; PATH={pathlib.Path(program.binary()).parent}:$PATH; bind 'set enable-bracketed-paste off'; source {BASH}\n"
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


def made_from_the_tables():
    """The names of the files, from the root of the repository."""
    names = {str(file.relative_to(ROOT)) for folder, pattern in (("man", "*.[15]"), ("completions", "*"))
             for file in (ROOT / folder).glob(pattern)}
    return names | {"docs/options.md", "docs/report.md", "docs/report.schema.json", "packaging/config.yaml"}


def test_what_is_made_from_the_tables_is_not_stale(tmp_path):
    output([GENERATE, str(ROOT), str(tmp_path)])
    made = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert made == made_from_the_tables(), "run scripts/generate-reference"
    for name in made:
        assert (tmp_path / name).read_text() == (ROOT / name).read_text(), f"{name}: run scripts/generate-reference"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_manual_page_of_a_command_has_the_options_of_help(command):
    page = (ROOT / "man" / f"dsfailover-{command.replace(' ', '-')}.1").read_text()
    text = re.sub(r"\\f[BIR]", "", page).replace("\\-", "-")
    assert tags(text) == options_of(command) - {"--help"}


@pytest.mark.parametrize("page", sorted((ROOT / "man").glob("*.[15]")), ids=lambda page: page.name)
def test_manual_is_well_formed(page):
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    shown = subprocess.run(["man", "--warnings", "-l", str(page)], capture_output=True, text=True,
                           timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
    assert shown.returncode == 0
    assert shown.stderr == ""


def test_every_command_has_examples():
    for command in COMMANDS:
        assert "Examples:\n  dsfailover " + command in help_of(*command.split())


@pytest.mark.parametrize("typed", ["--audit-log my", "--audit-log=my", "--dry-run --audit-log my"])
def test_bash_completes_file_names_with_blanks(typed, tmp_path):
    (tmp_path / "my audit.jsonl").touch()
    line = f"dsfailover global {typed}"
    script = f"""
        source {BASH}
        COMP_LINE='{line}' COMP_POINT={len(line)}
        _dsfailover
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert output(["bash", "--norc", "-c", script], cwd=tmp_path, env=environment()) == "my audit.jsonl\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_completions_offer_what_the_cluster_has(shell, tmp_path):
    """From a sandbox: who needs failover, and which workflows are stuck."""
    sandbox = tmp_path / "sandbox.db"
    program.run("sandbox", "create", sandbox, code=0)
    cluster = ["--registry", "jdbc", "--database", f"sqlite:{sandbox}"]
    masters = complete(shell, ["dsfailover", "failover-master", *cluster, ""], tmp_path)
    assert masters == {"127.0.1.1:5678", "127.0.1.2:5678"}
    # Of the two workers that one which is gone.
    assert complete(shell, ["dsfailover", "failover-worker", *cluster, ""], tmp_path) == {"127.0.1.11:1234"}
    assert complete(shell, ["dsfailover", "requeue", *cluster, "1"], tmp_path) == {"16", "17"}
    assert complete(shell, ["dsfailover", "finish", "--as", ""], tmp_path) == {"failure", "stop"}
    assert complete(shell, ["dsfailover", "requeue", "--as", ""], tmp_path) == {"running", "pause", "stop"}


def test_bash_completes_an_address_at_a_terminal(tmp_path):
    """bash takes 127.0.1.1:5678 for two words."""
    sandbox = tmp_path / "sandbox.db"
    program.run("sandbox", "create", sandbox, code=0)
    folder = pathlib.Path(program.binary()).parent
    typed = (f"PS1=; PATH={folder}:$PATH; bind 'set enable-bracketed-paste off'; source {BASH}\n"
             f"dsfailover failover-master --registry jdbc --database=sqlite:{sandbox} 127.0.1.1:5\t --help | grep Usage\n"
             "history | tail -2\n")
    shown = subprocess.run(["script", "-qec", "bash --norc --noprofile -i", "/dev/null"], input=typed, text=True,
                           capture_output=True, timeout=60, env=environment(TERM="dumb")).stdout
    assert "127.0.1.1:5678  --help" in shown, shown


def test_a_cluster_that_does_not_answer_delays_completion_for_300_ms_at_most():
    import socket, time
    with socket.create_server(("127.0.0.1", 0)) as silent:
        nowhere = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d"
        begun = time.monotonic()
        shown = subprocess.run([program.binary(), "__complete", "failover-master", "--registry", "jdbc", "--database",
                                nowhere, ""], capture_output=True, text=True, timeout=30, check=False)
        assert time.monotonic() - begun < 5  # not the connection's time-out
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")


@pytest.mark.parametrize("typed, meant", [
    (["stauts"], "status"), (["stauts", "--help"], "status"), (["help", "stauts"], "status"), (["failover-mater", "127.0.1.1:5678"], "failover-master"),
    (["global", "--dryrun"], "--dry-run"), (["status", "--fromat", "table"], "--format"),
    (["config", "--format", "tabel"], "table"), (["finish", "17", "--as", "failur"], "failure")])
def test_a_mistyped_word_is_answered_by_the_one_that_was_meant(typed, meant):
    shown = subprocess.run([program.binary(), *typed], capture_output=True, text=True, timeout=30, check=False)
    assert shown.returncode == 2
    assert f"did you mean '{meant}'?" in shown.stderr


def test_help_of_a_command_is_the_same_by_both_names():
    for command in ([], ["failover-master"], ["sandbox"], ["sandbox", "create"]):
        assert output([program.binary(), "help", *command]) == help_of(*command)


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
