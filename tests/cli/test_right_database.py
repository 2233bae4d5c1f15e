"""A command that may write first asks whether its database may be written to, also with nothing to do."""

import contextlib
import itertools

import pytest

from support import databases, registries, servers
from support.cluster import DEAD, DEAD_WORKER, MINUTE, Cluster, ago, until
from support.replicas import HotStandby, MariaDBReplica, ReplicatedMariaDB

WRITING = [("failover-master", DEAD), ("failover-worker", DEAD_WORKER), ("global",), ("requeue",),
           ("clean-marks",)]
_users = itertools.count(1)


def options(cluster, server):
    """The same database on another server."""
    return ["--registry", cluster.registry.url, "--database", server.url(cluster.db.database)]


def assert_refused(cluster, database, said, commands=WRITING):
    for command in commands:
        with cluster.nothing_changes():
            refused = cluster.run(*command, options=database, code=6)
        assert refused["outcome"] == "failed" and refused["database"]["replica"] is None
        error = "\n".join(refused["errors"])
        assert said in error and refused["database"]["endpoint"] in error, error


def assert_readable(cluster, database):
    cluster.run("failover-master", DEAD, "--dry-run", options=database, code=(0, 3))
    cluster.run("status", options=database, code=0)


# -- PostgreSQL


class TestPostgresql:
    @pytest.fixture
    def cluster(self, make_cluster):
        return make_cluster("zookeeper", "postgresql")

    def test_a_standby_that_lags(self, cluster, postgresql):
        """Judging by it once wrote a mark, by which the primary's workflows were in doubt for ever."""
        with HotStandby(postgresql) as standby:
            standby.lag()
            workflows = cluster.workflows(2)
            assert_refused(cluster, options(cluster, standby), "it is a standby")
            assert_readable(cluster, options(cluster, standby))
        result = cluster.failover_master(code=0)
        assert result["database"]["replica"] == "no"
        cluster.assert_failed_over_once(workflows)

    @pytest.mark.parametrize("of", ["DATABASE {database}", "ROLE {role}"])
    def test_whose_transactions_only_read_by_default(self, cluster, of):
        role = f"reader_{next(_users)}"
        cluster.db.execute(f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{servers.PASSWORD}'")
        where = of.format(database=cluster.db.database, role=role)
        cluster.db.execute(f"ALTER {where} SET default_transaction_read_only = on")
        url = cluster.db.url.replace("//ds@", f"//{role}@")
        try:
            assert_refused(cluster, ["--registry", cluster.registry.url, "--database", url],
                           "default_transaction_read_only is on")
            assert_readable(cluster, ["--registry", cluster.registry.url, "--database", url])
        finally:
            cluster.db.execute(f"ALTER {where} RESET default_transaction_read_only")
            cluster.db.execute(f"DROP ROLE {role}")

    def test_that_the_registry_is_in(self, cluster, make_cluster):
        """The JDBC registry's own connection is held to the same."""
        other = make_cluster("jdbc", "postgresql")
        other.db.execute(f"ALTER DATABASE {other.db.database} SET default_transaction_read_only = on")
        refused = cluster.run("clean-marks", options=["--registry", other.db.url], code=6, environment={
            "DSFAILOVER_REGISTRY_PASSWORD": servers.PASSWORD})
        assert "default_transaction_read_only is on" in refused.said and other.db.database in refused.said
        cluster.run("list-marks", options=["--registry", other.db.url], code=0, environment={
            "DSFAILOVER_REGISTRY_PASSWORD": servers.PASSWORD})

    def test_a_subscriber_is_no_replica(self, cluster):
        cluster.workflow(state=7)
        cluster.db.execute("CREATE SUBSCRIPTION test_subscription CONNECTION 'host=127.0.0.1 port=1'"
                           " PUBLICATION p WITH (connect = false)")
        try:
            assert cluster.failover_master(code=0)["database"]["replica"] == "no"
        finally:
            cluster.db.execute("ALTER SUBSCRIPTION test_subscription SET (slot_name = NONE)")
            cluster.db.execute("DROP SUBSCRIPTION test_subscription")

    @pytest.mark.parametrize("given, used", [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")])
    def test_a_commit_waits_for_the_disk(self, cluster, given, used):
        """Or it could be lost behind a mark; what waits for more is left alone."""
        cluster.db.execute(f"""
            CREATE TABLE seen (setting text);
            CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL;
            END $$;
            CREATE TRIGGER look AFTER INSERT ON t_ds_command EXECUTE FUNCTION look();
            ALTER DATABASE {cluster.db.database} SET synchronous_commit = {given}""")
        workflows = cluster.workflows(2)
        cluster.failover_master(code=0)
        cluster.assert_failed_over_once(workflows)
        assert cluster.db.value("SELECT min(setting) FROM seen") == used


# -- MariaDB


@contextlib.contextmanager
def executed(cluster, statement, undo):
    """`statement` and, whatever happens, `undo`, as the server's superuser."""
    admin = cluster.db.server.admin()
    with contextlib.closing(admin), admin.cursor() as cursor:
        cursor.execute(statement)
        try:
            yield
        finally:
            cursor.execute(undo)


class TestMariadb:
    @pytest.fixture
    def cluster(self, make_cluster):
        return make_cluster("zookeeper", "mariadb")

    def test_read_only_although_the_user_may_write(self, cluster):
        workflow = cluster.workflow()
        with executed(cluster, "set global read_only = 1", "set global read_only = 0"):
            assert_refused(cluster, cluster.options, "read_only is ON")
            assert_readable(cluster, cluster.options)
        cluster.failover_master(code=0)
        cluster.assert_failed_over_once([workflow])

    def test_read_only_with_nothing_to_do(self, cluster):
        with executed(cluster, "set global read_only = 1", "set global read_only = 0"):
            assert_refused(cluster, cluster.options, "read_only is ON", [("failover-master", DEAD)])

    def test_a_second_host(self, cluster):
        """Which the masters' driver takes for a replica; nothing is decided by it, either."""
        database = ["--registry", cluster.registry.url, "--database",
                    f"jdbc:mysql://127.0.0.1:{servers.free_port()},127.0.0.1:{cluster.db.server.port}/"
                    f"{cluster.db.database}?user=ds"]
        assert_refused(cluster, database, "is not the first host")
        assert_readable(cluster, database)

    # Not started: what is known of it is the same.
    REPLICA = ("change master to master_host = '127.0.0.1', master_port = 1, master_user = 'nobody'",
               "reset slave all")

    @pytest.mark.parametrize("said_by", ["option", "environment", "file"])
    def test_what_applies_from_another(self, cluster, said_by, tmp_path):
        workflow = cluster.workflow()
        file = tmp_path / "config.yaml"
        file.write_text("primary: true\n")
        more, environment = {"option": (["--primary"], {}), "environment": ([], {"DSFAILOVER_PRIMARY": "true"}),
                             "file": (["--config", file], {})}[said_by]
        with executed(cluster, *self.REPLICA):
            if said_by == "option":
                assert_refused(cluster, cluster.options, "--primary")
            assert_readable(cluster, cluster.options)
            result = cluster.failover_master(*more, environment=environment, code=0)
        assert result["database"]["replica"] == "yes"
        assert not any("replica" in warning for warning in result["warnings"])
        cluster.assert_failed_over_once([workflow])

    def test_one_that_says_nothing_of_it(self, cluster):
        """The user may not look: that is said, and --primary answers it."""
        cluster.workflow(state=7)
        user = f"modest_{next(_users)}"
        admin = cluster.db.server.admin()
        with contextlib.closing(admin), admin.cursor() as cursor:
            cursor.execute(f"create user {user}@'%' identified by '{servers.PASSWORD}'")
            cursor.execute(f"grant all on {cluster.db.database}.* to {user}@'%'")
        database = ["--registry", cluster.registry.url,
                    "--database", cluster.db.url.replace("//ds@", f"//{user}@")]
        result = cluster.run("failover-master", DEAD, options=database, code=0)
        assert result["database"]["replica"] == "unknown"
        assert any("--primary" in warning and "REPLICA MONITOR" in warning for warning in result["warnings"])
        sure = cluster.run("failover-master", DEAD, "--primary", options=database, code=0)
        assert sure["database"]["replica"] == "unknown" and not any("--primary" in w for w in sure["warnings"])

    def test_an_ordinary_server(self, cluster):
        cluster.workflow(state=7)
        assert cluster.failover_master(code=0)["database"]["replica"] == "no"
        assert cluster.failover_master("--dry-run", code=0)["database"]["replica"] is None


@pytest.mark.slow
def test_a_replica_of_mariadb_that_lags(zookeeper):
    with ReplicatedMariaDB() as primary, MariaDBReplica(primary) as replica:
        cluster = Cluster(registries.ZooKeeper(zookeeper), databases.on(primary))
        try:
            there = databases.Mysql(replica, database=until(
                lambda: cluster.db.database if has(replica, cluster.db.database) else None))
            until(lambda: there.value("SELECT count(*) FROM t_ds_workflow_instance") == 1)
            replica.lag()
            workflows = cluster.workflows(2, start=ago(5 * MINUTE))
            assert_refused(cluster, options(cluster, replica), "looks like a replica")
            assert there.value("SELECT count(*) FROM t_ds_workflow_instance") == 1
            there.close()
            cluster.failover_master(code=0)
            cluster.assert_failed_over_once(workflows)
        finally:
            cluster.close()


def has(server, database):
    with contextlib.closing(server.admin()) as admin, admin.cursor() as cursor:
        cursor.execute("select count(*) from information_schema.tables where table_schema = %s"
                       " and table_name = 't_ds_workflow_instance'", [database])
        return cursor.fetchone()[0] == 1
