"""The backends that are modules of their own: loaded when a URL asks for them, found wherever the program was
put together with them, and missed with a clear word."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from support import program
from support.servers import HOST

NOBODY = f"{HOST}:1"  # no server listens there
# What asks for the module, what it is for, and the library it is apart for.
MODULES = {
    "dsfailover_etcd.so": (["--registry", f"etcd://{NOBODY}"], "etcd", "libcurl"),
    "dsfailover_mysql.so": (["--registry", f"mysql://ds@{NOBODY}/ds"], "MySQL and MariaDB", "libmariadb"),
    "dsfailover_postgresql.so": (["--registry", f"postgresql://ds@{NOBODY}/ds"], "PostgreSQL", "libpq"),
}
ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = pathlib.Path(program.binary()).resolve()


@pytest.fixture(params=MODULES)
def module(request):
    return request.param


@pytest.fixture
def run(monkeypatch):
    """Runs a copy of the program."""
    def run(binary, *arguments, **options):
        monkeypatch.setenv("DSFAILOVER_BINARY", str(binary))
        return program.run(*arguments, **options)
    return run


@pytest.fixture
def bare(tmp_path):
    """A copy of the program without its modules."""
    return shutil.copy2(BUILT, tmp_path / "bare")


def loaded(*arguments):
    """Names of all libraries that the loader loaded during a run, from the beginning to the end."""
    run = subprocess.run([BUILT, *arguments], env={**os.environ, "LD_DEBUG": "files"}, stdin=subprocess.DEVNULL,
                         capture_output=True, text=True, timeout=60, check=False)
    return set(re.findall(r"calling init: \S*/([^/\s]+)$", run.stderr, re.MULTILINE))


def of_modules(libraries):
    parts = [part for name, (_, _, library) in MODULES.items() for part in (name, library)]
    return {part for part in parts if any(each.startswith(part) for each in libraries)}


def files_below(folder):
    return {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()}


def assert_tries_to_connect(result):
    assert NOBODY in result.said and ".so" not in result.said, result
    assert re.search("refused|reached|connect", result.said), result


def test_nothing_of_a_module_is_loaded_before_it_is_asked_for():
    libraries = loaded("completion", "bash")
    assert any(each.startswith("libc.so") for each in libraries)
    assert of_modules(libraries) == set()


def test_a_url_loads_its_module_and_no_other(module):
    url, _, library = MODULES[module]
    assert of_modules(loaded("list-marks", *url)) == {module, library}


# One test: the build folder knows of one installation, the last.
def test_an_installed_tree_works_wherever_it_is_moved_and_is_uninstalled_whole(run, tmp_path):
    prefix = tmp_path / "prefix"
    subprocess.run(["cmake", "--install", BUILT.parent, "--prefix", prefix], check=True, capture_output=True)
    moved = shutil.copytree(prefix, tmp_path / "elsewhere")
    assert {each.name for each in moved.rglob("*.so")} == set(MODULES)
    for url, _, _ in MODULES.values():
        assert_tries_to_connect(run(moved / "bin" / "dsfailover", "list-marks", *url, code=6))
    share = prefix / "share"
    assert files_below(share) == {
        "bash-completion/completions/dsfailover", "zsh/site-functions/_dsfailover",
        "fish/vendor_completions.d/dsfailover.fish",
        *(f"man/man{page.suffix[1:]}/{page.name}" for page in (ROOT / "man").glob("*.[15]")),
        *(f"doc/dsfailover/{name}" for name in ("README.md", "CHANGELOG.md", "LICENSE")),
        *(f"doc/dsfailover/docs/{name}" for name in files_below(ROOT / "docs")),
        *(f"doc/dsfailover/examples/{name}" for name in ("config.yaml", "dsfailover.cron", "passwords.conf"))}
    systemd = ROOT / "packaging" / "systemd"
    assert files_below(prefix / "lib") == {
        *(f"dsfailover/{module}" for module in MODULES), "sysusers.d/dsfailover.conf",
        *(f"systemd/system/{unit.name}" for kind in ("service", "timer") for unit in systemd.glob(f"*.{kind}"))}
    foreign = share / "somebody-else's"
    foreign.touch()
    subprocess.run(["cmake", "--build", BUILT.parent, "--target", "uninstall"], check=True, capture_output=True)
    assert files_below(prefix) == {f"share/{foreign.name}"}
    assert {each.name for each in prefix.rglob("*") if each.is_dir()} == {"bin", "lib", "share"}


def test_modules_in_the_folder_of_the_program_are_found(module, run, bare):
    shutil.copy2(BUILT.with_name(module), bare.parent)
    assert_tries_to_connect(run(bare, "list-marks", *MODULES[module][0], code=6))


def test_a_missing_module_is_named_with_what_it_is_for_and_where_it_belongs(module, run, bare):
    url, purpose, _ = MODULES[module]
    result = run(bare, "list-marks", *url, code=6)
    assert f"{module}, which is needed for {purpose}, cannot be loaded" in result.said
    assert f"looked for in {bare.parent} and {bare.parent.parent}/" in result.said
    assert result["outcome"] == "failed"


def version_of(binary, *more):
    return subprocess.run([binary, "--version", *more], check=True, capture_output=True, text=True, timeout=60).stdout


def test_version_tells_what_the_program_is_made_of():
    lines = dict(line.split(maxsplit=1) for line in version_of(BUILT).splitlines())
    told = json.loads(version_of(BUILT, "--format", "json"))
    assert told["version"] == lines["dsfailover"] and told["commit"] == lines["commit"]
    assert re.fullmatch(r"[0-9a-f]{12}(\+changes)?|unknown", told["commit"])
    assert told["build_type"] == lines["build"]
    assert lines["libraries"] == ", ".join(f"{name} {version}" for name, version in told["libraries"].items())
    assert {"SQLite", "ZooKeeper"} <= set(told["libraries"])
    assert {f"dsfailover_{name}.so": module["file"] for name, module in told["modules"].items()} == {
        name: str(BUILT.with_name(name)) for name in MODULES}
    for name, module in told["modules"].items():
        assert re.search(r" \d+\.\d+", module["library"])
        assert lines[name] == f"{module['file']} ({module['library']})"


def test_version_tells_a_module_that_is_missing_from_one_that_cannot_be_used(bare):
    subprocess.run(["cc", "-shared", "-x", "c", "-o", bare.with_name("dsfailover_etcd.so"), "/dev/null"], check=True)
    modules = json.loads(version_of(bare, "--format=json"))["modules"]
    assert modules["mysql"] == modules["postgresql"] == {"problem": "not installed"}
    assert modules["etcd"]["problem"].startswith("not usable: ")


def test_version_takes_nothing_else(run):
    for more in (["status"], ["--format"], ["--format", "yaml"], ["--quiet"]):
        assert "--version takes nothing but" in run(BUILT, "--version", *more, code=2).stderr


def test_the_program_alone_does_for_the_sandbox(run, bare):
    sandbox = bare.with_name("sandbox.db")
    run(bare, "sandbox", "create", sandbox, code=0)
    run(bare, "list-marks", "--registry", f"sqlite:{sandbox}", code=0)


def test_a_module_of_another_version_is_not_used(module, run, bare):
    # Its function has the other version in its name.
    subprocess.run(["cc", "-shared", "-x", "c", "-o", bare.with_name(module), "/dev/null"], check=True)
    version = subprocess.check_output([BUILT, "--version"], text=True).split()[1]
    result = run(bare, "list-marks", *MODULES[module][0], code=6)
    assert f"dsfailover_open_{version.replace('.', '_')}" in result.said
    assert f"install the one of dsfailover {version}" in result.said
