"""PostgreSQL and MariaDB behind TLS."""

import pytest

from support import databases, registries, servers
from support.certificates import Certificates
from support.cluster import DEAD, Cluster
from support.proxy import Proxy

# The record of TLS 1.3 that a COMMIT is sent in, told by its length.
COMMIT = {"postgresql": b"\x17\x03\x03\x00\x1d", "mysql": b"\x17\x03\x03\x00\x1c"}


class TlsPostgreSQL(servers.PostgreSQL):
    def prepare(self):
        super().prepare()
        Certificates(self.folder, self.user)

    def command(self):
        return [*super().command(), "-c", "ssl=on", "-c", f"ssl_cert_file={self.folder}/server.pem",
                "-c", f"ssl_key_file={self.folder}/server.key"]


class TlsMariaDB(servers.MariaDB):
    def prepare(self):
        super().prepare()
        Certificates(self.folder, self.user)

    def command(self):
        return [*super().command(), f"--ssl-cert={self.folder}/server.pem", f"--ssl-key={self.folder}/server.key"]


@pytest.fixture(scope="module", params=[TlsPostgreSQL, TlsMariaDB], ids=["postgresql", "mariadb"])
def server(request):
    with request.param() as started:
        yield started


@pytest.fixture
def cluster(server, zookeeper):
    made = Cluster(registries.ZooKeeper(zookeeper), databases.on(server))
    yield made
    made.close()


def options(cluster, address=None, parameters="sslmode=require"):
    db = cluster.db
    return ["--registry", cluster.registry.url, "--database",
            f"{db.server.scheme}://ds@{address or db.server.address}/{db.database}?{parameters}"]


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_failover(cluster, server, mode):
    """The user may not come in without TLS."""
    workflows = cluster.workflows(20)
    if server.type == "mysql":
        cluster.db.execute("ALTER USER ds@'%' REQUIRE SSL")
    result = cluster.run("failover-master", DEAD, code=0,
                         options=options(cluster, parameters=f"sslmode={mode}&sslrootcert={server.folder}/ca.pem"))
    if server.type == "mysql":
        cluster.db.execute("ALTER USER ds@'%' REQUIRE NONE")
    cluster.assert_failed_over_once(workflows, result.master["stamp"])


def test_a_server_of_another_authority_is_refused(cluster, server, tmp_path):
    Certificates(tmp_path)
    result = cluster.run("failover-master", DEAD, code=6,
                         options=options(cluster, parameters=f"sslmode=verify-ca&sslrootcert={tmp_path}/ca.pem"))
    assert server.address in result.said and "certificate" in result.said


@pytest.mark.parametrize("reaches_server", [True, False], ids=["after", "before"])
def test_connection_cut_during_commit(cluster, server, reaches_server):
    """Under TLS the client library tells of a lost connection in other words."""
    workflows = cluster.workflows(20)
    with Proxy("127.0.0.1", server.port) as proxy:
        cut = proxy.cut_after if reaches_server else proxy.cut_before
        cut(COMMIT[server.type])
        result = cluster.run("failover-master", DEAD, code=0, options=options(cluster, proxy.address))
        assert proxy.fired.is_set()
    cluster.assert_failed_over_once(workflows, result.master["stamp"])
    assert result.workflows["failed_over"] == len(workflows)


def test_a_plain_connection_where_the_server_asks_for_tls(cluster, server):
    """jdbc:mysql: URLs try TLS, as their driver does."""
    if server.type != "mysql":
        pytest.skip("about MySQL's driver")
    workflows = cluster.workflows(2)
    cluster.db.execute("ALTER USER ds@'%' REQUIRE SSL")
    try:
        result = cluster.run("failover-master", DEAD, code=0,
                             options=["--registry", cluster.registry.url, "--database",
                                      f"jdbc:mysql://{server.address}/{cluster.db.database}?user=ds"])
    finally:
        cluster.db.execute("ALTER USER ds@'%' REQUIRE NONE")
    cluster.assert_failed_over_once(workflows, result.master["stamp"])
