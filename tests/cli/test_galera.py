"""Two nodes of a Galera cluster: what is committed at one is there at the other."""

import pytest

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
