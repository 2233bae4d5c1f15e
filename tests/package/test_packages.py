"""The Debian packages: in order, fit for each other, at work in a clean Debian, and gone when purged."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = ("etcd", "mysql", "postgresql")
NAMES = {"dsfailover", *(f"dsfailover-{module}" for module in MODULES)}


def field(package, name):
    return subprocess.run(["dpkg-deb", "--field", package, name], check=True, capture_output=True,
                          text=True).stdout.strip()


def test_a_module_is_a_package_that_fits_its_program_alone(packages):
    made = {field(package, "Package"): package for package in packages.glob("*.deb")}
    assert set(made) == NAMES
    version = field(made["dsfailover"], "Version")
    project = re.search(r"project\(dsfailover VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert version == f"{project}-1"
    for module in MODULES:
        assert f"dsfailover (= {version})" in field(made[f"dsfailover-{module}"], "Depends").split(", ")
        assert f"dsfailover-{module}" in field(made["dsfailover"], "Recommends")
    # The clients of databases and etcd come with the modules.
    assert not re.search("libpq|libmariadb|libcurl", field(made["dsfailover"], "Depends"))


def test_the_same_commit_makes_the_same_packages(packages):
    made = {package.name: package.read_bytes() for package in packages.glob("*.deb")}
    subprocess.run([ROOT / "scripts" / "package", "tests"], check=True, stdout=subprocess.DEVNULL)
    assert {package.name: package.read_bytes() for package in packages.glob("*.deb")} == made


def test_lintian_finds_no_error(packages):
    if shutil.which("lintian") is None:
        pytest.skip("lintian is not installed")
    # Not for Debian's archive. cpack calls ldconfig for any library below /usr/lib, and harms nothing.
    suppressed = "initial-upload-closes-no-bugs,maintscript-calls-ldconfig"
    found = subprocess.run(["lintian", "--allow-root", "--suppress-tags", suppressed, *packages.glob("*.deb")],
                           capture_output=True, text=True, check=False)
    errors = [line for line in found.stdout.splitlines() if line.startswith("E:")]
    assert errors == [] and found.returncode in (0, 1), found.stdout + found.stderr
    print(found.stdout)


def install(root, packages):
    """By apt, so that what they depend on comes along."""
    root.run("mkdir", "-p", "/tmp/packages")
    for package in packages.glob("*.deb"):
        shutil.copy(package, root.folder / "tmp" / "packages")
    root.apt("install", *(f"/tmp/packages/{package.name}" for package in packages.glob("*.deb")))


def test_installed_at_work_and_purged(root, packages):
    root.apt("update")
    root.apt("install", "systemd")
    before = root.files()
    install(root, packages)

    # An ordinary user fails over a master of a sandbox.
    def dsfailover(*arguments, code=0):
        return root.run("dsfailover", *arguments, user="nobody:nogroup", code=code)
    project = re.search(r"project\(dsfailover VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert dsfailover("--version").startswith(f"dsfailover {project}\n")
    dsfailover("sandbox", "create", "/tmp/sandbox.db")
    cluster = ("--database", "sqlite:/tmp/sandbox.db", "--registry", "jdbc")
    report = json.loads(dsfailover("failover-master", "127.0.1.1:5678", "--grace", "0s", *cluster, code=3))
    assert report["outcome"] == "partial"
    assert report["masters"][0]["workflows"]["failed_over"] == 5

    # The modules are found, and nobody answers there.
    for url in ("etcd://127.0.0.1:1", "mysql://ds@127.0.0.1:1/ds", "postgresql://ds@127.0.0.1:1/ds"):
        failed = dsfailover("list-marks", "--registry", url, code=6)
        assert ".so" not in failed

    pages = {page.name for page in (ROOT / "man").glob("*.[15]")}
    assert {page.stem for page in (root.folder / "usr/share/man").glob("man*/dsfailover*.gz")} == pages

    # What the services are for is there, and goes with the purge: but for their user.
    assert root.run("getent", "passwd", "dsfailover")
    root.run("systemctl", "enable", "dsfailover-status.timer")
    root.run("install", "-D", "/dev/null", "/var/lib/dsfailover/dsfailover.prom")
    root.run("install", "-D", "/dev/null", "/var/log/private/dsfailover/clean-marks.jsonl")

    # A configuration that was changed outlives the program, but not a purge.
    config = root.folder / "etc/dsfailover/config.yaml"
    assert json.loads(dsfailover("config", *cluster))["exit_code"] == 0
    config.write_text(config.read_text() + "grace: 47s\n")
    assert '"47s"' in dsfailover("config", *cluster)
    root.apt("remove", "dsfailover")
    assert "grace: 47s" in config.read_text() and not (root.folder / "usr/bin/dsfailover").exists()

    root.apt("purge", *NAMES)
    root.apt("autoremove", "--purge")
    left = root.files() - before
    assert not [name for name in left if "dsfailover" in name]
    assert left == set()
