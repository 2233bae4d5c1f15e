"""Two transactions at a time, where the server lets us: what one meets must not touch the other."""

import pytest

from support.cluster import DEAD, OTHER_DEAD, until
from support.proxy import Proxy

CHUNK = 1000  # that of the first transactions; later ones grow


@pytest.fixture(params=["postgresql", "mariadb"])
def cluster(request, make_cluster):
    return make_cluster("zookeeper", request.param)


def connections(cluster):
    """How many of our kind the server has now."""
    if cluster.db.server.type == "postgresql":
        return cluster.db.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                " AND pid <> pg_backend_pid()")
    return cluster.db.value("SELECT count(*) FROM information_schema.processlist WHERE db = ?"
                            " AND id <> connection_id()", cluster.db.database)


def hold(cluster, workflow):
    """A transaction of somebody else that keeps a run waiting at this row."""
    other = cluster.db.clone()
    other.execute("BEGIN")
    other.rows("SELECT id FROM t_ds_workflow_instance WHERE id = ? FOR UPDATE", workflow)
    return other


def test_two_chunks_are_under_way_at_once(cluster):
    workflows = cluster.workflows(2 * CHUNK)
    first, second = hold(cluster, workflows[0]), hold(cluster, workflows[CHUNK])
    before = connections(cluster)
    run = cluster.start("failover-master", DEAD)
    until(lambda: connections(cluster) == before + 2)
    second.execute("ROLLBACK")
    until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") == CHUNK)
    assert cluster.state(workflows[0]) == 1
    first.execute("ROLLBACK")
    result = run.finish(0)
    assert result.workflows["failed_over"] == len(workflows)
    cluster.assert_failed_over_once(workflows, result.master["stamp"])


def test_a_small_failover_opens_one_connection(cluster):
    workflows = cluster.workflows(10)
    other = hold(cluster, workflows[0])
    before = connections(cluster)
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.stamps(DEAD))
    assert connections(cluster) == before + 1
    other.execute("ROLLBACK")
    run.finish(0)


def test_a_user_who_may_connect_only_once(make_cluster):
    cluster = make_cluster("zookeeper", "mariadb")
    admin = cluster.db.server.admin()
    with admin.cursor() as cursor:
        cursor.execute("create or replace user once@'%' identified by 's3cret-of-ds' with max_user_connections 1")
        cursor.execute("grant all on *.* to once@'%'")
    admin.close()
    workflows = cluster.workflows(2 * CHUNK)
    url = f"mysql://once@{cluster.db.server.address}/{cluster.db.database}"
    result = cluster.run("failover-master", DEAD, code=0,
                         options=["--registry", cluster.registry.url, "--database", url])
    cluster.assert_failed_over_once(workflows, result.master["stamp"])


def test_a_lock_lost_by_one_master_leaves_the_other_alone(cluster):
    kept, lost = cluster.workflows(CHUNK), cluster.workflows(CHUNK, host=OTHER_DEAD)
    other = hold(cluster, lost[0])
    run = cluster.start("global")
    until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") == CHUNK)
    cluster.lose_lock(OTHER_DEAD)
    other.execute("ROLLBACK")
    result = run.finish(5)
    cluster.assert_failed_over_once(kept)
    assert set(cluster.states(lost).values()) == {1}
    assert list(cluster.registry.marks()) == [f"{DEAD}-unknown-unknown"]
    assert {m["address"]: m["outcome"] for m in result["masters"]} == {
        DEAD: "completed", OTHER_DEAD: "failed"}
    assert sum("was lost" in error for error in result["errors"]) == 1


def test_both_chunks_of_a_master_whose_lock_is_lost_are_rolled_back(cluster):
    workflows = cluster.workflows(2 * CHUNK)
    holders = [hold(cluster, workflows[0]), hold(cluster, workflows[CHUNK])]
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.stamps(DEAD))
    cluster.lose_lock(DEAD)
    for other in holders:
        other.execute("ROLLBACK")
    result = run.finish(5)
    assert not cluster.commands_per_workflow() and cluster.registry.marks() == {}
    assert set(cluster.states(workflows).values()) == {1}
    assert sum("was lost" in error for error in result["errors"]) == 1
    cluster.failover_master(code=0)
    cluster.assert_failed_over_once(workflows)


def test_a_commit_of_the_second_chunk_that_did_not_arrive_is_done_again(cluster):
    workflows = cluster.workflows(2 * CHUNK)
    second = set(workflows[CHUNK:])
    other = hold(cluster, workflows[0])
    with Proxy("127.0.0.1", cluster.db.server.port) as proxy:
        url = cluster.db.url.replace(cluster.db.server.address, proxy.address)
        # As the drivers send it, so that READ COMMITTED is not meant.
        proxy.cut_before(b"COMMIT\0" if cluster.db.server.type == "postgresql" else b"\x03COMMIT")
        run = cluster.start("failover-master", DEAD, "--items", "20000",
                            options=["--registry", cluster.registry.url, "--database", url])
        until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") == CHUNK)
        assert proxy.fired.is_set()
        other.execute("ROLLBACK")
        result = run.finish(0)
    items = result.workflows["items"]
    assert second == {item["id"] for item in items if item["outcome"] == "failed_over"} - set(workflows[:CHUNK])
    assert len(items) == len(workflows)
    cluster.assert_failed_over_once(workflows, result.master["stamp"])


@pytest.mark.parametrize("registry", ["jdbc", "etcd"])
def test_the_registry_is_asked_by_one_at_a_time(make_cluster, registry):
    """Both transactions confirm by the same connection. What goes wrong otherwise, the thread sanitizer tells."""
    cluster = make_cluster(registry, "postgresql")
    workflows = cluster.workflows(12 * CHUNK)
    result = cluster.failover_master(code=0)
    cluster.assert_failed_over_once(workflows, result.master["stamp"])
