"""Servers once per worker process, a cluster of its own per test."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from support import databases, program, registries, servers  # noqa: E402
from support.cluster import Cluster  # noqa: E402
from support.connection_watch import connections  # noqa: E402


def _server_fixture(kind):
    @pytest.fixture(scope="session", name=kind.name)
    def started():
        with kind() as server:
            yield server
    return started


zookeeper = _server_fixture(servers.ZooKeeper)
etcd = _server_fixture(servers.Etcd)
postgresql = _server_fixture(servers.PostgreSQL)
mariadb = _server_fixture(servers.MariaDB)


@pytest.fixture(autouse=True)
def _no_run_survives_its_test():
    yield
    for run in list(program.Run.under_way):
        run.kill()


@pytest.fixture(autouse=True)
def _no_run_connects_elsewhere(_no_run_survives_its_test):
    yield
    elsewhere = [line for line in connections.take() if line.startswith("refused")]
    assert elsewhere == [], "a run tried to connect to another machine"


@pytest.fixture
def normal_master(monkeypatch):
    """The living master of a cluster is NORMAL: commands are for it, and it becomes the host of what is failed over."""
    monkeypatch.setattr(Cluster, "alive_status", "NORMAL")


@pytest.fixture
def make_cluster(request, tmp_path):
    """Makes clusters: make_cluster(registry="zookeeper", database="sqlite", release="3.3.0")."""
    made = []

    def make(registry="zookeeper", database="sqlite", release="3.3.0", living=True):
        if database == "sqlite":
            db = databases.Sqlite(tmp_path / f"ds-{len(made)}.db", release)
        else:
            db = databases.on(request.getfixturevalue(database), release)
        if registry == "jdbc":
            reg = registries.Jdbc(db)
        elif registry == "etcd":
            reg = registries.Etcd(request.getfixturevalue("etcd"))
        else:
            reg = registries.ZooKeeper(request.getfixturevalue("zookeeper"))
        cluster = Cluster(reg, db, living)
        made.append(cluster)
        return cluster

    yield make
    for cluster in made:
        cluster.close()


@pytest.fixture
def cluster(make_cluster):
    """ZooKeeper and SQLite, tables of 3.3.0, one living master."""
    return make_cluster()


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true",
                     help="also run what takes long or needs a server of its own kind")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes long; only with --slow")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="slow: ./scripts/test --all runs it"))
