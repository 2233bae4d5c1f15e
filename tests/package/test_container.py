"""The image of deploy/container: made without anything that is not on this machine, and at work."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = re.search(r"project\(dsfailover VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
BASE = "localhost/bookworm:clean"


class Buildah:
    """buildah with a store of its own, without a daemon or namespaces of its own."""

    def __init__(self, folder):
        self.store = ["--storage-driver", "vfs", "--root", str(folder / "storage"), "--runroot", str(folder / "run")]

    def __call__(self, *arguments):
        ran = subprocess.run(["buildah", *self.store, *map(str, arguments)], capture_output=True, text=True,
                             timeout=900, check=False)
        assert ran.returncode == 0, f"buildah {arguments}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout.strip()


@pytest.fixture(scope="session")
def buildah(base, tmp_path_factory):
    """With a clean bookworm as an image: nothing is pulled."""
    if shutil.which("buildah") is None:
        pytest.skip("buildah is not installed")
    run = Buildah(tmp_path_factory.mktemp("buildah"))
    try:
        container = run("from", "scratch")
        run("add", container, base, "/")
    except AssertionError as error:
        pytest.skip(f"buildah does not run on this machine: {error}")
    run("commit", "--rm", container, BASE)
    return run


@pytest.fixture(scope="session")
def image(buildah, packages):
    buildah("build", "--isolation", "chroot", "--pull-never", "--build-arg", f"BASE={BASE}", "--build-arg",
            f"VERSION={VERSION}", "-f", ROOT / "deploy/container/Containerfile", "-t", "dsfailover", packages)
    return "localhost/dsfailover:latest"


@pytest.fixture
def container(buildah, image):
    name = buildah("from", "--pull-never", image)
    yield name
    buildah("rm", name)


@pytest.fixture
def folder(buildah, container):
    """The root of the container."""
    return pathlib.Path(buildah("mount", container))


@pytest.fixture
def run(folder, tmp_path):
    """Runs the program as a container with a read-only root does: by the image's user, who may write in /tmp alone."""
    tmp_path.chmod(0o777)
    script = ('set -e; mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"; mount --bind "$1" "$0/tmp";'
              ' mount -t proc proc "$0/proc"; exec chroot --userspec=10001:10001 "$0" /usr/bin/dsfailover "${@:2}"')

    def run(*arguments, code=0):
        ran = subprocess.run(["unshare", "--mount", "bash", "-c", script, folder, tmp_path, *arguments], check=False,
                             capture_output=True, text=True, timeout=120, env={"PATH": os.environ["PATH"]})
        assert ran.returncode == code, f"{arguments}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout
    return run


def test_the_image_says_what_it_is_and_runs_as_an_ordinary_user(buildah, image, container):
    config = json.loads(buildah("inspect", "--type", "image", image))["OCIv1"]["config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["/usr/bin/dsfailover"]
    assert buildah("run", "--isolation", "chroot", container, "--", "id", "-u") == "10001"
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == "dsfailover" and labels["version"] == VERSION
    assert labels["licenses"] == "Apache-2.0" and labels["base.name"] == BASE


def test_the_image_fails_over_with_a_root_that_cannot_be_written(run):
    assert run("--version").startswith(f"dsfailover {VERSION}\n")
    modules = json.loads(run("--version", "--format", "json"))["modules"]
    assert {name: list(module) for name, module in modules.items()} == dict.fromkeys(
        ("etcd", "mysql", "postgresql"), ["file", "library"])
    run("sandbox", "create", "/tmp/sandbox.db")
    report = json.loads(run("failover-master", "127.0.1.1:5678", "--grace", "0s", "--database",
                            "sqlite:/tmp/sandbox.db", "--registry", "jdbc", code=3))
    assert report["masters"][0]["workflows"]["failed_over"] == 5


def test_the_image_has_no_packages_in_it(folder):
    assert not (folder / "packages").exists() and list(folder.rglob("*.deb")) == []
    assert list((folder / "var/lib/apt/lists").iterdir()) == []
