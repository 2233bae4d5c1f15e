"""The Debian packages of this tree, and clean Debians to try them in."""

import os
import pathlib
import shutil
import subprocess

import pytest

from clean_root import CleanRoot

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE = ROOT / "build" / "package-tests" / "bookworm.tar"


@pytest.fixture(scope="session")
def packages():
    """The folder of the packages, as scripts/package makes them."""
    preset = os.environ.get("DSFAILOVER_PACKAGE_PRESET", "tests")
    subprocess.run([ROOT / "scripts" / "package", preset], check=True, stdout=subprocess.DEVNULL)
    return ROOT / "build" / "packages"


def mirror():
    """Where this machine has its Debian packages from."""
    targets = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
                              "Codename: bookworm", "Origin: Debian"], check=True, capture_output=True, text=True)
    return targets.stdout.split()[0] if targets.stdout else pytest.skip("this machine has no mirror of bookworm")


@pytest.fixture(scope="session")
def base():
    """A clean bookworm as a tar archive; made once for a build folder."""
    if os.geteuid() != 0:
        pytest.skip("debootstrap needs root")
    if shutil.which("debootstrap") is None:
        pytest.skip("debootstrap is not installed")
    if not BASE.exists():
        BASE.parent.mkdir(parents=True, exist_ok=True)
        made = BASE.with_suffix(".part")
        folder = BASE.with_suffix(".root")
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", folder, mirror()], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run(["tar", "-C", folder, "--one-file-system", "-cf", made, "."], check=True)
        shutil.rmtree(folder)
        made.rename(BASE)
    return BASE


@pytest.fixture
def root(base, tmp_path):
    with CleanRoot(base, tmp_path / "root") as clean:
        yield clean
