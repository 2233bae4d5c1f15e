"""What is shipped: hardened, without secrets and traces of the machine that built it, and with every license named."""

import os
import pathlib
import platform
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def shipped(packages, tmp_path_factory):
    """The program and its modules, as they are in the packages."""
    folder = tmp_path_factory.mktemp("shipped")
    for package in packages.glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
    files = [folder / "usr/bin/dsfailover", *folder.rglob("dsfailover_*.so")]
    assert len(files) == 4
    return files


def test_all_is_hardened(shipped):
    if shutil.which("hardening-check") is None:
        pytest.skip("hardening-check is not installed (package devscripts)")
    # The start files of Debian 12's C library are not marked as protected against jumps elsewhere, so that nothing is that
    # is linked with them.
    checked = subprocess.run(["hardening-check", "--nocfprotection", *shipped], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    if platform.machine() == "x86_64":
        landings = [file.read_bytes().count(b"\xf3\x0f\x1e\xfa") for file in shipped]  # endbr64
        assert min(landings) > 100, landings


def secrets_of_the_tests():
    """Passwords and the like that tests, examples and stand-ins are given."""
    given = re.compile(r"(?i)(?:password|secret|token)\w*[\"']?\s*[:=]\s*[fb]?[\"']([^\"'{}\s]{6,})[\"']")
    return {secret for folder in ("tests", "tools", "scripts") for file in (ROOT / folder).rglob("*")
            if file.suffix in (".py", ".cc", ".h", "") and file.is_file()
            for secret in given.findall(file.read_text(errors="replace"))}


def test_no_string_is_a_secret_or_names_the_machine_that_built_it(shipped):
    strings = "\n".join(output("strings", "--bytes=4", file) for file in shipped)
    secrets = secrets_of_the_tests()
    assert "s3cret-of-ds" in secrets
    assert {secret for secret in secrets if secret in strings} == set()
    assert str(ROOT) not in strings and str(pathlib.Path.home()) + "/" not in strings
    assert re.findall(r"(?m)^.*/\S+\.(?:cc|h|hpp)\b.*$", strings) == [], "paths of sources"
    assert "END PRIVATE KEY" not in strings


def sources_of(files):
    """The Debian source packages that have these files."""
    packages = {line.split(": ")[0].split(",")[0] for line in output("dpkg", "--search", *files).splitlines()}
    return set(output("dpkg-query", "--show", "--showformat=${source:Package}\n", *packages).split())


def named_in_copyright():
    text = (ROOT / "packaging/debian/copyright").read_text()
    return set(re.findall(r"[a-z][a-z0-9.+-]+", text.partition("\nFiles:")[0]))


def test_copyright_names_every_library_that_is_linked(shipped):
    needed = set(re.findall(r"NEEDED.*\[(\S+)\]", output("readelf", "--dynamic", *shipped)))
    # Packages have it in /lib or in /usr/lib.
    linked = {"*/" + pathlib.Path(path).resolve().name for name, path in
              re.findall(r"(\S+) => (/\S+)", "".join(output("ldd", file) for file in shipped)) if name in needed}
    assert len(linked) >= 10
    assert sources_of(linked) - named_in_copyright() == set()


def test_copyright_names_every_library_that_is_compiled_in(packages):  # pylint: disable=unused-argument
    build = ROOT / "build" / os.environ.get("DSFAILOVER_PACKAGE_PRESET", "tests")
    dependencies = output("ninja", "-C", build, "-t", "deps")
    objects = re.findall(r"(?m)^CMakeFiles/dsfailover\S+: .*\n((?: .*\n)+)", dependencies)
    headers = {line.strip() for lines in objects for line in lines.splitlines() if line.startswith("    /usr/include/")}
    assert len(headers) > 500
    assert sources_of(headers) - {"linux"} - named_in_copyright() == set()
