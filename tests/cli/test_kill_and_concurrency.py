"""Killed at any moment and run again, or run by several at once: one command per workflow, one mark."""

import collections
import random
import signal
import socket
import time

import pytest

from support import registries
from support.cluster import DEAD, Cluster, SimulatedMaster, until
from support.databases import Sqlite
from support.registries import LOCKS
from support.servers import ZooKeeper

MANY = 20_000


@pytest.fixture(scope="module")
def hasty_zookeeper():
    """Ends a dead client's session, and with it its lock, within two seconds."""
    with ZooKeeper(longest_session_ms=2000) as server:
        yield server


@pytest.fixture
def cluster(hasty_zookeeper, tmp_path):
    made = Cluster(registries.ZooKeeper(hasty_zookeeper), Sqlite(tmp_path / "ds.db"))
    yield made
    made.close()


def assert_each_exactly_once(cluster, workflows, consumed=()):
    """Commands that are there and commands that were consumed: together one per workflow."""
    counts = collections.Counter(cluster.commands_per_workflow()) + collections.Counter(consumed)
    wrong = {w: counts[w] for w in workflows if counts[w] != 1}
    assert not wrong, f"{len(wrong)} workflows without exactly one command: {dict(list(wrong.items())[:5])}"
    assert set(counts) <= set(workflows)
    states = cluster.states(workflows)
    taken = set(consumed)
    assert all(state == (1 if w in taken else 18) for w, state in states.items())


def kill_at_random_points(cluster, times, seed):
    """Starts runs and kills each: some before they write, most in the middle of their commits."""
    dice = random.Random(seed)
    killed = 0
    for number in range(times):
        target = cluster.db.value("SELECT count(*) FROM t_ds_command") + dice.randrange(1, MANY // times)
        run = cluster.start("failover-master", DEAD, "--lock-timeout", "60s")
        if number % 3 == 0:
            time.sleep(dice.random() * 0.3)  # anywhere: while it connects, reads, or queues
        else:
            until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") >= target
                  or not run.running(), 60)
        killed += run.running()
        run.kill()
        yield
    assert killed, "no run was killed"


def assert_mark_for_work(cluster, last):
    """Where the runs before had done everything, their stamps tell; a mark would be one for nothing."""
    assert last["outcome"] in ("completed", "already_failed_over", "partial")
    assert len(cluster.registry.marks()) == 1 or not last.workflows["failed_over"]


def test_killed_at_random_and_run_again(cluster):
    workflows = cluster.workflows(MANY)
    for _ in kill_at_random_points(cluster, 7, seed=3):
        pass
    last = cluster.failover_master("--lock-timeout", "60s", code=0)
    assert_each_exactly_once(cluster, workflows)
    assert_mark_for_work(cluster, last)


def test_killed_at_random_while_a_master_consumes_the_old_way(cluster):
    workflows = cluster.workflows(MANY)
    master = SimulatedMaster(cluster, release="3.3.0", takes=lambda command: command % 9 == 0)
    for _ in kill_at_random_points(cluster, 6, seed=5):
        master.consume_all()
    last = cluster.failover_master("--lock-timeout", "60s", code=(0, 3))
    assert master.consumed and not master.problems
    assert_each_exactly_once(cluster, workflows, master.consumed)
    assert_mark_for_work(cluster, last)
    master.db.close()


def test_a_master_consumes_while_we_fail_over(cluster):
    workflows = cluster.workflows(5000)
    with SimulatedMaster(cluster, release="3.3.0") as master:
        cluster.failover_master(code=(0, 3))
    assert not master.problems
    assert_each_exactly_once(cluster, workflows, master.consumed)


def test_killed_before_the_mark_the_next_run_needs_none_for_nothing(cluster):
    workflows = cluster.workflows(3000)
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") > 0)
    run.kill()
    until(lambda: not cluster.registry.folder(f"{LOCKS}/{DEAD}"))  # its session
    last = cluster.failover_master(code=0)
    assert_each_exactly_once(cluster, workflows)
    assert_mark_for_work(cluster, last)


def test_a_killed_run_bars_the_next_one_only_briefly(make_cluster):
    # On a server with usual session limits our own session lasts ten seconds.
    cluster = make_cluster()
    workflows = cluster.workflows(3)
    writer = cluster.db.clone()
    writer.execute("BEGIN IMMEDIATE")
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.stamps(DEAD))
    run.kill()
    writer.execute("ROLLBACK")
    assert cluster.registry.locked(DEAD)
    assert cluster.failover_master(code=0).seconds < 15
    cluster.assert_failed_over_once(workflows)


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("extra", [[], ["--no-lock"]], ids=["locks", "no-lock"])
def test_several_runs_at_once(cluster, count, extra):
    workflows = cluster.workflows(6000)
    runs = [cluster.start("failover-master", DEAD, "--lock-timeout", "60s", *extra)
            for _ in range(count)]
    results = [run.finish((0, 3, 5)) for run in runs]
    assert_each_exactly_once(cluster, workflows)
    assert list(cluster.registry.marks()) == [f"{DEAD}-unknown-unknown"]
    assert sum(r.workflows["failed_over"] for r in results if r["masters"]) == len(workflows)
    if not extra:
        assert sorted(r.code for r in results) == [0] * count
        assert [r["outcome"] for r in results].count("completed") == 1


@pytest.mark.parametrize("extra", [[], ["--no-lock"]], ids=["locks", "no-lock"])
def test_failover_master_and_global_at_once(cluster, extra):
    workflows = cluster.workflows(4000)
    runs = [cluster.start(*command, "--lock-timeout", "60s", *extra)
            for command in (["failover-master", DEAD], ["global"], ["global"])]
    for run in runs:
        run.finish((0, 3, 5))
    assert_each_exactly_once(cluster, workflows)


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_between_chunks(cluster, number, code):
    workflows = cluster.workflows(MANY)
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") > 0)
    run.interrupt(number)
    result = run.finish(code)
    done = cluster.db.value("SELECT count(*) FROM t_ds_command")
    assert result["outcome"] == "interrupted"
    assert result.workflows["failed_over"] == done < MANY
    assert all(item["name"] for item in result.workflows["items"])
    assert cluster.registry.marks() == {} and not cluster.registry.folder(f"{LOCKS}/{DEAD}")
    cluster.failover_master(code=0)
    assert_each_exactly_once(cluster, workflows)


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_while_it_waits(cluster, number, code):
    workflow = cluster.workflow()
    lock = cluster.registry.lock(DEAD).wait()
    waits_for_lock = cluster.start("failover-master", DEAD)
    until(lambda: len(cluster.registry.folder(f"{LOCKS}/{DEAD}")) == 2)
    waits_for_grace = cluster.start("failover-master", DEAD, "--grace", "60s")
    time.sleep(0.5)
    for run in (waits_for_lock, waits_for_grace):
        run.interrupt(number)
        begun = time.monotonic()
        result = run.finish(code)
        assert time.monotonic() - begun < 5 and result["outcome"] == "interrupted"
    assert len(cluster.registry.folder(f"{LOCKS}/{DEAD}")) == 1
    assert cluster.state(workflow) == 1 and cluster.registry.marks() == {}
    lock.release()


@pytest.mark.parametrize("kind", ["zookeeper", "etcd"])
@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_while_it_connects(cluster, kind, number, code):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{kind}://127.0.0.1:{silent.getsockname()[1]}/dolphinscheduler"
        run = cluster.start("failover-master", DEAD, "--registry", url, options=["--database", cluster.db.url])
        connection, _ = silent.accept()
        run.interrupt(number)
        begun = time.monotonic()
        result = run.finish(code)
        assert time.monotonic() - begun < 5 and result["outcome"] == "interrupted"
        connection.close()


def test_an_audit_log_that_fails_too_leaves_it_an_interruption(cluster):
    """Its failure is one more error, and no other outcome."""
    cluster.register(DEAD)
    run = cluster.start("failover-master", DEAD, "--audit-log", "/dev/full", "--fence", "--fence-timeout", "60s")
    until(lambda: cluster.registry.marks())
    run.interrupt()
    result = run.finish(130)
    assert result["outcome"] == "interrupted" and any("No space left" in each for each in result["errors"])
    assert cluster.registry.marks() == {}


def test_a_reader_that_goes_away_costs_no_workflow(cluster):
    """`dsfailover ... | head -1`: the report cannot be written, the work is done all the same."""
    import os
    import subprocess

    from support import program
    workflows = cluster.workflows(50)
    read, write = os.pipe()
    process = subprocess.Popen([program.binary(), "failover-master", DEAD, *cluster.options],
                               stdout=write, stderr=subprocess.DEVNULL,
                               env={**os.environ, **cluster.environment})
    os.close(write)
    os.close(read)
    process.wait(60)
    assert_each_exactly_once(cluster, workflows)
    assert len(cluster.registry.marks()) == 1
