"""Two nodes of a Galera cluster: what is committed at one is there at the other."""

import contextlib
import time

import pytest

from support import registries
from support.cluster import DEAD, Cluster
from support.galera import GaleraCluster

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def galera():
    with GaleraCluster() as cluster:
        yield cluster


def test_two_nodes_are_one_cluster_and_find_conflicts(galera):
    first, second = galera.databases()
    assert galera.nodes[0].status("wsrep_cluster_size") == "2"
    first.execute("INSERT INTO t_ds_version (id, version) VALUES (7, 'a')")
    assert second.value("SELECT version FROM t_ds_version WHERE id = 7") == "a"
    for db in (first, second):
        db.execute("START TRANSACTION")
        db.execute("UPDATE t_ds_version SET version = ? WHERE id = 7", db.server.name)
    first.execute("COMMIT")
    with pytest.raises(Exception, match="1213|[Dd]eadlock"):
        second.execute("COMMIT")


def test_a_failover_sees_what_the_other_node_committed(galera, zookeeper):
    """The second node has not yet applied it; judged by that, there would be nothing to do."""
    first, second = galera.databases()
    cluster = Cluster(registries.ZooKeeper(zookeeper), first)
    try:
        assert second.value("SELECT count(*) FROM t_ds_workflow_instance") == 1
        with contextlib.closing(galera.nodes[1].admin()) as admin, admin.cursor() as cursor:
            cursor.execute("flush tables with read lock")
            workflows = cluster.workflows(3)
            run = cluster.start("failover-master", DEAD, options=["--registry", cluster.registry.url,
                                                                  "--database", second.url])
            time.sleep(2)
            assert run.running()
            cursor.execute("unlock tables")
            result = run.finish(0)
        assert result.workflows["failed_over"] == len(workflows)
        assert result["database"]["replica"] == "no"
        cluster.assert_failed_over_once(workflows)
    finally:
        second.close()
        cluster.close()
