"""Behind PgBouncer in transaction mode, where each transaction may meet another session."""

import contextlib
import threading

import pytest

from support import databases, registries
from support.cluster import DEAD, Cluster, DEAD_WORKER
from support.pooler import PgBouncer

SETTINGS = ("search_path", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout",
            "datestyle", "standard_conforming_strings", "synchronous_commit", "application_name", "client_encoding",
            "transaction_read_only", "cursor_tuple_fraction")
# Every transaction in the next session; and the defaults, where the last one used is the next.
POOLS = {"round robin": {"server_round_robin": 1, "default_pool_size": 3, "min_pool_size": 3}, "defaults": {}}


class TwoClusters:
    """One in the schema public of a database, ours in its schema ds2."""

    def __init__(self, zookeeper, postgresql, registry):
        self.foreign = Cluster(registries.ZooKeeper(zookeeper), databases.on(postgresql))
        self.database = self.foreign.db.database
        db = databases.Postgresql(postgresql, database=self.database)
        db.execute("CREATE SCHEMA ds2")
        db.execute("SET search_path = ds2")
        db.execute(databases.schema_sql("postgresql"))
        db.drop = db.close  # the database is the other's
        db.clone = lambda: None
        self.ours = Cluster(registries.Jdbc(db) if registry == "jdbc" else registries.ZooKeeper(zookeeper), db)

    def close(self):
        self.ours.close()
        self.foreign.close()


@pytest.fixture(params=["zookeeper", "jdbc"])
def two(request, zookeeper, postgresql):
    clusters = TwoClusters(zookeeper, postgresql, request.param)
    yield clusters
    clusters.close()


@pytest.fixture(params=POOLS)
def pooler(request, postgresql):
    with PgBouncer(postgresql, **POOLS[request.param]) as server:
        yield server


def options(cluster, pooler, database):
    url = pooler.url(database, "ds2")
    return ["--registry", "jdbc" if cluster.registry.url == "jdbc" else cluster.registry.url, "--database", url]


def settings_of(pooler, database):
    """Those of every session of the pool, as its other clients get them."""
    connections = [pooler.connect(database) for _ in range(3)]
    seen = []
    with contextlib.ExitStack() as stack:
        cursors = []
        for connection in connections:
            stack.callback(connection.close)
            cursors.append(connection.cursor())
        for cursor in cursors:  # each in another session, as long as its transaction lasts
            cursor.execute("BEGIN")
            cursor.execute("SELECT pg_backend_pid(), " + ", ".join(f"current_setting('{s}')" for s in SETTINGS))
            seen.append(cursor.fetchone()[1:])
        for cursor in cursors:
            cursor.execute("COMMIT")
    return set(seen)


@contextlib.contextmanager
def busy(pooler, database, count=2):
    """Other clients of the pool, whose transactions take sessions and give them back."""
    stop, problems = threading.Event(), []

    def work():
        connection = pooler.connect(database)
        try:
            with connection.cursor() as cursor:
                while not stop.is_set():
                    cursor.execute("BEGIN; SELECT pg_sleep(0.002), count(*) FROM public.t_ds_version; COMMIT")
        except Exception as error:  # pylint: disable=broad-except
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join(10)
    assert not problems


def test_only_the_cluster_of_the_schema_is_touched(two, pooler):
    ours, foreign = two.ours, two.foreign
    theirs = foreign.workflows(300)
    mine = ours.workflows(300)
    before = settings_of(pooler, two.database)
    assert len(before) == 1
    with foreign.nothing_changes(), busy(pooler, two.database):
        result = ours.run("failover-master", DEAD, options=options(ours, pooler, two.database), code=0)
    assert result.workflows["failed_over"] == len(mine)
    ours.assert_failed_over_once(mine)
    assert set(foreign.states(theirs).values()) == {1}
    assert settings_of(pooler, two.database) == before


def test_every_command_gives_the_same_with_and_without(two, postgresql):
    ours = two.ours
    with PgBouncer(postgresql, **POOLS["round robin"]) as pooler:
        through = options(ours, pooler, two.database)
        straight = [part.replace(pooler.address, postgresql.address) for part in through]
        ours.workflows(5)
        stuck = ours.workflow(state=18)
        ours.task(ours.workflow(host="127.0.1.2:5678"), host=DEAD_WORKER)
        before = settings_of(pooler, two.database)
        for command in (("status",), ("failover-master", DEAD, "--dry-run"), ("requeue", "--dry-run"),
                        ("failover-worker", DEAD_WORKER, "--dry-run"), ("global", "--dry-run")):
            one, other = (ours.run(*command, options=each) for each in (through, straight))
            assert one.code == other.code
            for section in ("masters", "workflows", "tasks", "requeue", "errors", "needs_failover"):
                assert counts(one.report.get(section)) == counts(other.report.get(section)), (command, section)
        ours.run("requeue", stuck, options=through, code=0)
        assert ours.commands_per_workflow() == {stuck: 1}
        ours.run("failover-worker", DEAD_WORKER, "--no-announce", options=through, code=(0, 3))
        ours.run("global", options=through, code=(0, 3))
        ours.run("clean-marks", options=through, code=0)
        assert settings_of(pooler, two.database) == before


def counts(section):
    """Without times and addresses, which differ between two runs."""
    if isinstance(section, dict):
        return {key: counts(value) for key, value in section.items()
                if key in ("outcome", "address", "workflows", "skipped") or isinstance(value, (int, dict, list))
                and not key.endswith(("_ms", "_at", "_time", "stamp", "deadline", "age", "value"))}
    if isinstance(section, list):
        return [counts(each) for each in section if isinstance(each, dict)]
    return section


def test_a_pool_by_statements_is_named(two, postgresql):
    with PgBouncer(postgresql, pool_mode="statement") as pooler:
        for command in (("failover-master", DEAD), ("status",)):
            refused = two.ours.run(*command, options=options(two.ours, pooler, two.database), code=6)
            assert "pool_mode transaction" in refused.said
    assert not two.ours.commands()
