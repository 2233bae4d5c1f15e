"""ZooKeeper restarted, unreachable, its sessions ended: in the middle of a run."""

import struct
import time

import pytest

from support import databases, registries
from support.cluster import ALIVE, DAY, DEAD, Cluster, ago, until
from support.databases import Sqlite
from support.proxy import Proxy
from support.registries import MARKS, STAMPS
from support.servers import ZooKeeper

MANY = 20_000
# Of a request that writes the first stamp: the path, and how long the stamp is.
STAMP_WRITTEN = f"{STAMPS}/{DEAD}".encode() + struct.pack(">i", len(f"{ago(0)}|UTC|{ALIVE}@{ago(0)}"))


@pytest.fixture(scope="module")
def own_zookeeper():
    """One that may be restarted and paused: no other test's."""
    with ZooKeeper(longest_session_ms=4000) as server:
        yield server


@pytest.fixture
def cluster(own_zookeeper, tmp_path):
    made = Cluster(registries.ZooKeeper(own_zookeeper), Sqlite(tmp_path / "ds.db"))
    yield made
    made.close()


def assert_true_and_repeatable(cluster, workflows, result):
    """What was reported was committed, no mark without all of it, and the next run finishes."""
    commands = cluster.commands_per_workflow()
    assert set(commands.values()) <= {1}
    states = cluster.states(workflows)
    assert {w for w, state in states.items() if state == 18} == set(commands)
    if result.report["masters"]:
        assert result.workflows["failed_over"] == len(commands)
    if cluster.registry.marks():
        assert len(commands) == len(workflows)
    if result.code == 0:
        assert len(cluster.registry.marks()) == 1
    else:
        assert result["errors"]
        final = cluster.failover_master("--lock-timeout", "60s", code=0)
        assert final is not None
        cluster.assert_failed_over_once(workflows)
        assert len(cluster.registry.marks()) == 1


def begun(cluster, *options):
    run = cluster.start("failover-master", DEAD, **dict(options=[*cluster.options, *options]))
    until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") > 0)
    return run


def test_restarted_in_the_middle(cluster, own_zookeeper):
    workflows = cluster.workflows(MANY)
    run = begun(cluster)
    own_zookeeper.restart()
    assert_true_and_repeatable(cluster, workflows, run.finish((0, 1, 4, 5, 6)))


def test_killed_and_started_in_the_middle(cluster, own_zookeeper):
    workflows = cluster.workflows(MANY)
    run = begun(cluster)
    own_zookeeper.kill()
    time.sleep(1)
    own_zookeeper.start()
    assert_true_and_repeatable(cluster, workflows, run.finish((0, 1, 4, 5, 6)))


def test_gone_for_good_in_the_middle(cluster, own_zookeeper):
    workflows = cluster.workflows(MANY)
    run = begun(cluster)
    own_zookeeper.kill()
    try:
        result = run.finish((1, 5, 6), timeout=60)
        assert own_zookeeper.address in result.said
        done = cluster.db.value("SELECT count(*) FROM t_ds_command")
        assert result.workflows["failed_over"] == done < MANY
    finally:
        own_zookeeper.start()
    until(lambda: cluster.registry.client.connected)
    assert_true_and_repeatable(cluster, workflows, result)


def test_session_expired_in_the_middle(cluster, own_zookeeper):
    """The connection hangs for longer than the session lasts: the lock is gone when it thaws."""
    workflows = cluster.workflows(MANY)
    with Proxy("127.0.0.1", own_zookeeper.port) as proxy:
        url = f"zookeeper://{proxy.address}{cluster.registry.namespace}"
        run = cluster.start("failover-master", DEAD,
                            options=["--registry", url, "--database", cluster.db.url])
        until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") > 0)
        proxy.freeze()
        until(lambda: not cluster.registry.locked(DEAD), 30)
        at_expiry = cluster.db.value("SELECT count(*) FROM t_ds_command")
        time.sleep(0.5)
        proxy.thaw()
        result = run.finish((1, 5, 6))
    # Without the lock nothing more is committed.
    assert cluster.db.value("SELECT count(*) FROM t_ds_command") == at_expiry < MANY
    assert cluster.registry.marks() == {}
    assert_true_and_repeatable(cluster, workflows, result)


def test_connection_cut_in_the_middle(cluster, own_zookeeper):
    """The session lives on: a reconnect is enough."""
    workflows = cluster.workflows(MANY)
    with Proxy("127.0.0.1", own_zookeeper.port) as proxy:
        url = f"zookeeper://{proxy.address}{cluster.registry.namespace}"
        run = cluster.start("failover-master", DEAD,
                            options=["--registry", url, "--database", cluster.db.url])
        until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") > 0)
        for _ in range(3):
            proxy.cut()
            time.sleep(0.2)
        result = run.finish((0, 1, 5, 6))
    assert_true_and_repeatable(cluster, workflows, result)


def test_connection_cut_while_the_mark_is_written(cluster, own_zookeeper):
    workflows = cluster.workflows(20)
    with Proxy("127.0.0.1", own_zookeeper.port) as proxy:
        url = f"zookeeper://{proxy.address}{cluster.registry.namespace}"
        # The mark's own path passes in its reading first; with its value it is the writing.
        proxy.cut_after(b"-unknown-unknown\x00\x00\x00\x0d")
        run = cluster.start("failover-master", DEAD,
                            options=["--registry", url, "--database", cluster.db.url])
        result = run.finish((0, 1, 5, 6))
        assert proxy.fired.is_set(), "no request looked like the writing of a mark"
    cluster.assert_failed_over_once(workflows)
    if result.code == 0:
        assert cluster.mark_value() == str(result.master["deadline"])
        assert result.master["mark"]["written"] is True
    assert_true_and_repeatable(cluster, workflows, result)


def test_connection_cut_while_the_stamp_is_written(cluster, own_zookeeper):
    workflows = cluster.workflows(20)
    with Proxy("127.0.0.1", own_zookeeper.port) as proxy:
        url = f"zookeeper://{proxy.address}{cluster.registry.namespace}"
        proxy.cut_after(STAMP_WRITTEN)
        result = cluster.start("failover-master", DEAD,
                               options=["--registry", url, "--database", cluster.db.url]).finish()
        assert proxy.fired.is_set(), "no request looked like the writing of a stamp"
    # Whether it went on or gave up, what it did carries a stamp that the registry knows.
    stamps = cluster.registry.stamps(DEAD)
    for workflow in workflows:
        if cluster.state(workflow) == 18:
            assert cluster.restart_ms(workflow) in stamps
    assert_true_and_repeatable(cluster, workflows, result)


def test_a_stamp_written_by_another_run_meanwhile_makes_us_read_everything_again(cluster, own_zookeeper):
    """That run may have failed over what we read: here it did with one of two, and a master took it."""
    taken, free = cluster.workflows(2)
    theirs = ago(0) + 60_000

    def another_run():
        cluster.registry.put(f"{STAMPS}/{DEAD}", str(theirs))
        other = cluster.db.clone()
        other.execute("UPDATE t_ds_workflow_instance SET restart_time = ? WHERE id = ?", databases.to_text(theirs), taken)

    with Proxy("127.0.0.1", own_zookeeper.port) as proxy:
        url = f"zookeeper://{proxy.address}{cluster.registry.namespace}"
        proxy.do_before(STAMP_WRITTEN, another_run)
        result = cluster.start("failover-master", DEAD,
                               options=["--registry", url, "--database", cluster.db.url]).finish(3)
        assert proxy.fired.is_set(), "no request looked like the writing of a stamp"
    cluster.assert_failed_over_once([free], result.master["stamp"])
    assert cluster.state(taken) == 1
    assert result.workflows["skipped"] == {"settling": 1} and result.workflows["selected"] == 1
    assert cluster.registry.stamps(DEAD) == [theirs, result.master["stamp"]]
    assert result.master["stamp"] > theirs


def test_paused_server_ends_in_a_clear_error(cluster, own_zookeeper):
    workflow = cluster.workflow()
    own_zookeeper.pause()
    try:
        result = cluster.failover_master(code=6, timeout=60)
        assert own_zookeeper.address in result.said
        assert result.seconds < 40
    finally:
        own_zookeeper.resume()
    assert cluster.state(workflow) == 1


def test_one_server_of_several_is_enough(cluster, own_zookeeper):
    from support.servers import free_port
    workflow = cluster.workflow()
    url = f"zookeeper://127.0.0.1:{free_port()},{own_zookeeper.address}{cluster.registry.namespace}"
    cluster.run("failover-master", DEAD, options=["--registry", url, "--database", cluster.db.url], code=0)
    cluster.assert_failed_over_once([workflow])


def test_gone_while_marks_are_removed(cluster, own_zookeeper):
    """One wait for it to come back, and every mark has its outcome in the report."""
    names = [f"127.9.{number // 250}.{number % 250}:5678-7-7" for number in range(5000)]
    cluster.registry.put_many(MARKS, {name: str(ago(9 * DAY)) for name in names})
    with Proxy("127.0.0.1", own_zookeeper.port) as proxy:
        last = names[-1].encode()
        # Read first, then removed.
        proxy.do_before(last, lambda: proxy.do_before(last, lambda: proxy.refuse(True)))
        url = f"zookeeper://{proxy.address}{cluster.registry.namespace}"
        result = cluster.run("clean-marks", "--items", 10_000, options=["--registry", url], code=1)
        marks = result["marks"]
        assert proxy.address in result["errors"][0]
        assert marks["examined"] == marks["removed"] + marks["failed"] == 5000
        assert marks["removed"] <= 5000 - len(cluster.registry.marks())
        assert all(item["reason"] for item in marks["items"] if item["outcome"] == "failed")
