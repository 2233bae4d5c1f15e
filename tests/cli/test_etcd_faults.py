"""etcd restarted, gone, or our lease lost in the middle of a run; and its keys as etcdctl sees them."""

import time

import pytest

from support import registries
from support.cluster import DEAD, HOUR, Cluster, ago, until
from support.databases import Sqlite
from support.proxy import Proxy
from support.registries import LOCKS, MARKS
from support.servers import Etcd, free_port

MANY = 20_000


@pytest.fixture(scope="module")
def own_etcd():
    """One that may be restarted: no other test's."""
    with Etcd() as server:
        yield server


@pytest.fixture
def cluster(own_etcd, tmp_path):
    made = Cluster(registries.Etcd(own_etcd), Sqlite(tmp_path / "ds.db"))
    yield made
    made.close()


def test_no_lock_respects_a_lease_that_may_be_a_masters(cluster):
    """A master's lock has a lease of its own there, not that of the master's node."""
    lock = cluster.registry.lock(DEAD).wait()
    workflow = cluster.workflow(start=ago(HOUR))
    result = cluster.failover_master("--no-lock", "--lock-timeout", "1s", code=5)
    assert "may be failing the address over" in result.said and cluster.state(workflow) == 1
    waited = cluster.failover_master("--lock-timeout", "1s", code=5)
    assert "may be failing the address over" in waited.said
    cluster.registry.mark(f"{DEAD}-{ago(9 * HOUR)}-1", ago(6 * HOUR))
    assert cluster.run("status", code=0)["locks"][0]["leaked"] is True
    result = cluster.failover_master("--no-lock", "--lock-timeout", "2s", code=0)
    assert result.seconds >= 2
    cluster.assert_failed_over_once([workflow])
    lock.release()


def test_no_lock_passes_a_lease_at_once_where_no_master_lives(cluster):
    lock = cluster.registry.lock(DEAD).wait()
    cluster.alive.leave()
    workflow = cluster.workflow(start=ago(HOUR))
    cluster.failover_master("--no-lock", "--lock-timeout", "60s", code=0)
    cluster.assert_failed_over_once([workflow])
    lock.release()


def test_keys_as_the_masters_write_them(cluster, own_etcd):
    cluster.workflow()
    result = cluster.failover_master(code=0)
    key = f"{cluster.registry.namespace}{MARKS}/{DEAD}-unknown-unknown"
    assert own_etcd.etcdctl("get", key).split() == [key, str(result.master["deadline"])]
    keys = own_etcd.etcdctl("get", "--prefix", "--keys-only", cluster.registry.namespace).split()
    assert not [each for each in keys if LOCKS in each]
    # A persistent key has no lease.
    assert '"lease"' not in own_etcd.etcdctl("get", key, "-w", "json")


def test_deleting_a_mark_leaves_the_one_whose_name_goes_on(cluster):
    for name in ("127.9.0.1:1-1-123", "127.9.0.1:1-1-1234", "127.9.0.1:1-1-12"):
        cluster.registry.mark(name, ago(9 * 86_400_000) if name.endswith("-123") else ago(1000))
    cluster.run("clean-marks", code=0)
    assert set(cluster.registry.marks()) == {"127.9.0.1:1-1-1234", "127.9.0.1:1-1-12"}


@pytest.mark.parametrize("cut", [Proxy.cut_after, Proxy.cut_before])
def test_marks_whose_removal_has_no_answer(cluster, own_etcd, cut):
    """Removed by this run they are in any case, whether before the connection broke or afterwards."""
    for number in range(5):
        cluster.registry.mark(f"127.9.0.{number}:1-1-1", ago(9 * 86_400_000))
    with Proxy("127.0.0.1", own_etcd.port) as proxy:
        cut(proxy, b"request_delete_range")
        url = cluster.registry.url.replace(own_etcd.address, proxy.address)
        result = cluster.run("clean-marks", options=["--registry", url, "--database", cluster.db.url], code=0)
        assert proxy.fired.is_set()
    assert (result["marks"]["removed"], result["marks"]["failed"]) == (5, 0) and cluster.registry.marks() == {}


def test_our_lock_is_the_lock_service_s(cluster):
    cluster.workflow()
    writer = cluster.db.clone()
    writer.execute("BEGIN IMMEDIATE")
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.stamps(DEAD))
    [name] = cluster.registry.folder(f"{LOCKS}/{DEAD}")
    assert int(name, 16) > 0  # the lease
    waiter = cluster.registry.lock(DEAD)
    time.sleep(0.5)
    assert not waiter.holds()
    writer.execute("ROLLBACK")
    run.finish(0)
    waiter.wait().release()


def test_lease_lost_means_no_commit(cluster, own_etcd):
    workflows = cluster.workflows(10)
    writer = cluster.db.clone()
    writer.execute("BEGIN IMMEDIATE")
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.stamps(DEAD))
    [name] = cluster.registry.folder(f"{LOCKS}/{DEAD}")
    own_etcd.etcdctl("lease", "revoke", name)
    writer.execute("ROLLBACK")
    result = run.finish((1, 5))
    assert set(cluster.states(workflows).values()) == {1} and not cluster.commands()
    assert cluster.registry.marks() == {} and result["errors"]


def finishes_afterwards(cluster, workflows, result):
    commands = cluster.commands_per_workflow()
    assert set(commands.values()) <= {1}
    if cluster.registry.marks():
        assert len(commands) == len(workflows)
    if result.code != 0:
        assert cluster.registry.server.address in result.said
        cluster.failover_master("--lock-timeout", "90s", code=0, timeout=150)
    cluster.assert_failed_over_once(workflows)
    assert len(cluster.registry.marks()) == 1


def test_killed_and_started_in_the_middle(cluster, own_etcd):
    workflows = cluster.workflows(MANY)
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") > 0)
    own_etcd.kill()
    time.sleep(1)
    own_etcd.start()
    finishes_afterwards(cluster, workflows, run.finish((0, 1, 4, 5, 6)))


def test_gone_in_the_middle(cluster, own_etcd):
    workflows = cluster.workflows(MANY)
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") > 0)
    own_etcd.kill()
    try:
        result = run.finish((1, 5, 6), timeout=60)
        assert result.workflows["failed_over"] == cluster.db.value("SELECT count(*) FROM t_ds_command")
    finally:
        own_etcd.start()
    finishes_afterwards(cluster, workflows, result)


def test_one_endpoint_of_several_is_enough(cluster, own_etcd):
    workflow = cluster.workflow()
    url = f"etcd://127.0.0.1:{free_port()},{own_etcd.address}/{cluster.registry.namespace}"
    cluster.run("failover-master", DEAD, options=["--registry", url, "--database", cluster.db.url], code=0)
    cluster.assert_failed_over_once([workflow])


def test_a_wrong_namespace(cluster, own_etcd):
    result = cluster.run("failover-master", DEAD, code=6,
                         options=["--registry", own_etcd.url("elsewhere"), "--database", cluster.db.url])
    assert "elsewhere" in result.said
    assert own_etcd.etcdctl("get", "--prefix", "elsewhere") == ""


def test_unreachable(cluster):
    port = free_port()
    result = cluster.run("failover-master", DEAD, code=6, timeout=60,
                         options=["--registry", f"etcd://127.0.0.1:{port}/ds", "--database", cluster.db.url])
    assert f"127.0.0.1:{port}" in result.said
