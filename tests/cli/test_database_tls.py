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
        self.certificates = Certificates(self.folder, self.user)
        with open(f"{self.folder}/data/pg_hba.conf", encoding="ascii") as file:
            others = file.read()
        with open(f"{self.folder}/data/pg_hba.conf", "w", encoding="ascii") as file:
            file.write(f"hostssl all client 127.0.0.1/32 cert\nhostnossl all client 127.0.0.1/32 reject\n{others}")

    def reload(self):
        self.sql("SELECT pg_reload_conf()")

    def sql(self, statement):
        connection = self.admin()
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()

    def create_client(self):
        self.sql("CREATE ROLE client LOGIN SUPERUSER")

    def command(self):
        return [*super().command(), "-c", "ssl=on", "-c", f"ssl_ca_file={self.folder}/ca.pem", "-c", f"ssl_cert_file={self.folder}/server.pem",
                "-c", f"ssl_key_file={self.folder}/server.key"]


class TlsMariaDB(servers.MariaDB):
    def prepare(self):
        super().prepare()
        self.certificates = Certificates(self.folder, self.user)

    def reload(self):
        self.sql("FLUSH SSL")

    sql = TlsPostgreSQL.sql

    def create_client(self):
        self.sql("CREATE USER client@'%' REQUIRE X509")
        self.sql("GRANT ALL ON *.* TO client@'%'")

    def command(self):
        return [*super().command(), f"--ssl-ca={self.folder}/ca.pem", f"--ssl-cert={self.folder}/server.pem", f"--ssl-key={self.folder}/server.key"]


@pytest.fixture(scope="module", params=[TlsPostgreSQL, TlsMariaDB], ids=["postgresql", "mariadb"])
def server(request):
    with request.param() as started:
        yield started


@pytest.fixture
def cluster(server, zookeeper):
    made = Cluster(registries.ZooKeeper(zookeeper), databases.on(server))
    yield made
    made.close()


def options(cluster, address=None, parameters="sslmode=require", user="ds"):
    db = cluster.db
    return ["--registry", cluster.registry.url, "--database",
            f"{db.server.scheme}://{user}@{address or db.server.address}/{db.database}?{parameters}"]


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


@pytest.fixture
def presented(server):
    """A function that lets the server present another certificate, until the test ends."""
    server.certificates.issue("genuine")

    def present(name, **properties):
        server.certificates.issue(name, **properties)
        server.certificates.present(name)
        server.reload()
    yield present
    server.certificates.present("genuine")
    server.reload()


def test_a_certificate_that_expired_is_refused(cluster, server, presented):
    presented("expired", days=-1)
    for mode in ("verify-ca", "verify-full"):
        result = cluster.run("status", code=6, options=options(
            cluster, parameters=f"sslmode={mode}&sslrootcert={server.folder}/ca.pem"))
        assert server.address in result.said and ("expired" in result.said or "certificate verify failed" in result.said), result
    cluster.run("status", code=0, options=options(cluster))  # looks at none


def test_a_certificate_of_another_name_is_refused_where_the_name_counts(cluster, server, presented):
    presented("elsewhere", address="127.0.0.9")

    def run(mode, code):
        return cluster.run("status", code=code, options=options(
            cluster, parameters=f"sslmode={mode}&sslrootcert={server.folder}/ca.pem"))
    refused = run("verify-full", 6)
    assert server.address in refused.said and "certificate" in refused.said.lower(), refused
    run("verify-ca", 0)


def test_a_client_certificate(cluster, server):
    """The user has no password; the key is for its owner alone."""
    server.create_client()
    parameters = f"sslmode=verify-full&sslrootcert={server.folder}/ca.pem"
    own = f"&sslcert={server.folder}/client.pem&sslkey={server.folder}/client.key"

    def run(more, code):
        return cluster.run("status", code=code, options=options(cluster, parameters=parameters + more, user="client"),
                           environment={"DSFAILOVER_DATABASE_PASSWORD": ""} if server.type == "mysql" else None)
    run(own, 0)
    without = run("", 6)
    assert server.address in without.said and ("certificate" in without.said or "Access denied" in without.said), without


def test_a_server_without_tls_gets_no_login_where_tls_is_demanded(make_cluster, server):
    """What it would get of a password is enough to try others by."""
    plain = make_cluster("zookeeper", "postgresql" if server.type == "postgresql" else "mariadb")
    with Proxy("127.0.0.1", plain.db.server.port) as proxy:
        logged_in = []
        proxy.do_before_each(b"ds\0", lambda: logged_in.append(True))
        for mode in ("require", "verify-full"):
            parameters = f"sslmode={mode}&sslrootcert={server.folder}/ca.pem"
            result = plain.run("status", code=6, options=options(plain, proxy.address, parameters))
            assert proxy.address in result.said and any(word in result.said for word in ("TLS", "SSL")), result
        assert logged_in == []
        plain.run("status", code=0, options=options(plain, proxy.address, "sslmode=disable"))
        assert logged_in


def test_channel_binding(cluster, server):
    """Who is between cannot pass the login on."""
    if server.type != "postgresql":
        pytest.skip("PostgreSQL has it")
    cluster.run("status", code=0, options=options(cluster, parameters="sslmode=require&channel_binding=require"))
    refused = cluster.run("status", code=6, options=options(cluster, parameters="sslmode=disable&channel_binding=require"))
    assert server.address in refused.said and "channel binding" in refused.said
