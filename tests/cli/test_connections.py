"""Connections that rest are cut off, by servers and on the way; a run that stands still lets rows go."""

import contextlib
import signal
import time

import pytest

from support import databases, registries, servers
from support.cluster import DEAD, OTHER_DEAD, Cluster, until
from support.proxy import Proxy


@pytest.fixture(params=["postgresql", "mariadb"])
def kind(request):
    return request.param


def through(cluster, proxy):
    url = cluster.db.url.replace(cluster.db.server.address, proxy.address)
    return ["--registry", cluster.registry.url, "--database", url]


@pytest.mark.parametrize("registry", ["zookeeper", "jdbc"])
def test_cut_off_during_the_grace_time(make_cluster, registry, kind):
    cluster = make_cluster(registry, kind)
    workflows = cluster.workflows(10)
    with Proxy("127.0.0.1", cluster.db.server.port) as proxy:
        run = cluster.start("failover-master", DEAD, "--grace", "5s", options=through(cluster, proxy))
        until(lambda: proxy.connections >= (2 if registry == "jdbc" else 1))
        time.sleep(2.5)
        proxy.cut()
        result = run.finish(0)
    cluster.assert_failed_over_once(workflows, result.master["stamp"])


def test_cut_off_by_the_server(make_cluster, kind):
    cluster = make_cluster("zookeeper", kind)
    workflows = cluster.workflows(10)
    if kind == "postgresql":
        cluster.db.execute(f"ALTER DATABASE {cluster.db.database} SET idle_session_timeout = '1s'")
    admin = cluster.db.server.admin()
    with contextlib.closing(admin), admin.cursor() as cursor:
        if kind == "mariadb":
            cursor.execute("set global wait_timeout = 1")
        try:
            result = cluster.failover_master("--grace", "3s", code=0)
        finally:
            if kind == "mariadb":
                cursor.execute("set global wait_timeout = 28800")
    cluster.assert_failed_over_once(workflows, result.master["stamp"])


def test_the_server_is_restarted_during_the_grace_time(zookeeper, kind):
    """It comes back as a server that may only be read: nothing is decided by it."""
    with {"postgresql": servers.PostgreSQL, "mariadb": servers.MariaDB}[kind]() as server:
        cluster = Cluster(registries.ZooKeeper(zookeeper), databases.on(server))
        try:
            cluster.workflows(2)
            run = cluster.start("failover-master", DEAD, "--grace", "6s")
            time.sleep(2)
            if kind == "postgresql":
                cluster.db.execute(f"ALTER DATABASE {cluster.db.database} SET default_transaction_read_only = on")
            else:
                cluster.db.execute("SET GLOBAL read_only = 1")
            admin = server.admin()
            with contextlib.closing(admin), admin.cursor() as cursor:
                kill_others(kind, cursor)
            result = run.finish((1, 6))
            assert "may only be read" in result.said
            assert cluster.registry.marks() == {} and not databases_commands(server, cluster)
        finally:
            with contextlib.suppress(Exception):
                cluster.close()


def kill_others(kind, cursor):
    if kind == "postgresql":
        cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
                       " and backend_type = 'client backend'")
        return
    cursor.execute("select id from information_schema.processlist where user = 'ds'")
    for (connection,) in cursor.fetchall():
        cursor.execute(f"kill {connection}")


def databases_commands(server, cluster):
    with contextlib.closing(server.connect(cluster.db.database)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from t_ds_command")
        return cursor.fetchone()[0]


def stands_still_in_a_transaction(cluster, seconds):
    """A run is stopped with rows locked: within `seconds` others get them, and nothing is half done."""
    workflows = cluster.workflows(20)
    with Proxy("127.0.0.1", cluster.db.server.port) as proxy:
        run = cluster.start("failover-master", DEAD, options=through(cluster, proxy))
        proxy.do_before(b"INSERT INTO t_ds_command (command_type", lambda: run.process.send_signal(signal.SIGSTOP))
        assert proxy.fired.wait(30)
        begun = time.monotonic()
        other = cluster.db.clone()
        other.execute("SET lock_timeout = '30s'" if cluster.db.type == "postgresql"
                      else "SET SESSION innodb_lock_wait_timeout = 30")
        other.execute("UPDATE t_ds_workflow_instance SET var_pool = '[1]' WHERE id = ?", workflows[0])
        waited = time.monotonic() - begun
        other.close()
        assert seconds - 4 < waited < seconds + 4
        assert not cluster.commands() and set(cluster.states(workflows).values()) == {1}
        run.process.send_signal(signal.SIGCONT)
        run.finish((0, 1, 3, 5, 6))
    cluster.failover_master(code=(0, 3))
    assert set(cluster.commands_per_workflow().values()) == {1}


@pytest.mark.slow
def test_a_run_that_stands_still_gives_its_rows_back(make_cluster, kind):
    stands_still_in_a_transaction(make_cluster("zookeeper", kind), 10)


class AsMysql(servers.MariaDB):
    """MariaDB that says it is MySQL, which has no limit for a rest in a transaction alone."""

    def command(self):
        return [*super().command(), "--version=8.0.36-test"]


@pytest.mark.slow
def test_a_run_that_stands_still_on_mysql(zookeeper):
    with AsMysql() as server:
        cluster = Cluster(registries.ZooKeeper(zookeeper), databases.on(server))
        try:
            stands_still_in_a_transaction(cluster, 10)
            # Outside of a transaction it may rest for longer than that.
            workflows = cluster.workflows(5, host=OTHER_DEAD)
            result = cluster.failover_master("--grace", "13s", address=OTHER_DEAD, code=0)
            assert "while it rested" not in result.stderr
            cluster.assert_failed_over_once(workflows)
        finally:
            cluster.close()
