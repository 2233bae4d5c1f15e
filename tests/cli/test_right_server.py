"""A slip of the address: the other kind of server is refused, and one that nothing knows is not acted upon."""

import pytest

from support.cluster import ALIVE, DEAD, DEAD_WORKER, HOUR, OTHER_DEAD, ago

SURVIVOR = "127.0.1.5:5678"
PAIRS = [("zookeeper", "postgresql"), ("jdbc", "sqlite"), ("etcd", "sqlite")]
KINDS = {"failover-master": "failover-worker", "failover-worker": "failover-master"}


@pytest.mark.parametrize("registry, database", PAIRS)
def test_a_living_master_s_address_given_to_failover_worker(make_cluster, registry, database):
    """Nothing is announced, no mark is left; when that master really dies, all of it is failed over."""
    cluster = make_cluster(registry, database)
    cluster.register(SURVIVOR)
    cluster.task(cluster.quiet, host=DEAD_WORKER, name="running")
    workflows = [cluster.quiet, *cluster.workflows(2, host=ALIVE)]
    came = []
    if registry == "zookeeper":
        cluster.registry.client.ChildrenWatch(cluster.registry.full("/nodes/worker"), came.append)
    for more in (["--dry-run"], []):
        with cluster.nothing_changes():
            result = cluster.run("failover-worker", ALIVE, *more, code=4)
        assert f"failover-master {ALIVE}" in result["errors"][0]
        worker = result["worker"]
        assert (worker["outcome"], worker["announced"], worker["mark"]) == ("refused", False, None)
    assert not any(came) and cluster.registry.marks() == {}
    cluster.alive.leave()
    result = cluster.failover_master(address=ALIVE, code=0)
    cluster.assert_failed_over_once(workflows)
    assert result.workflows["skipped"] == {}


def test_a_living_worker_s_address_given_to_failover_master(make_cluster):
    cluster = make_cluster(database="postgresql")
    cluster.register(DEAD_WORKER, worker=True)
    for more in (["--dry-run"], [], ["--startup-time", ago(5 * HOUR), "--process-id", 9], ["--fence"]):
        with cluster.nothing_changes():
            result = cluster.failover_master(*more, address=DEAD_WORKER, code=4)
        assert f"failover-worker {DEAD_WORKER}" in result["errors"][0]
        assert result.master["outcome"] == "refused"


@pytest.mark.parametrize("database", ["postgresql", "mariadb", "sqlite"])
@pytest.mark.parametrize("state", [1, 7])
def test_what_the_rows_say_of_an_address_that_is_gone(make_cluster, database, state):
    cluster = make_cluster(database=database)
    workflow = cluster.workflow(state=state)
    cluster.task(workflow, state=state)
    for address, command in ((DEAD, "failover-worker"), (DEAD_WORKER, "failover-master")):
        for more in ([], ["--dry-run"], ["--startup-time", ago(5 * HOUR), "--process-id", 9]):
            with cluster.nothing_changes():
                result = cluster.run(command, address, *more, code=4)
            assert f"{KINDS[command]} {address}" in result["errors"][0]
    assert cluster.failover_master("--dry-run").code == 0
    assert cluster.run("failover-worker", DEAD_WORKER, "--dry-run").code == 0


def test_a_master_that_is_the_host_of_tasks_as_well(cluster):
    """Those that masters run themselves."""
    workflow = cluster.workflow()
    cluster.task(workflow, host=DEAD)
    cluster.task(workflow, host=SURVIVOR)
    cluster.failover_master(code=0)
    cluster.run("failover-worker", DEAD, code=4)
    cluster.register(SURVIVOR, startup_time=ago(HOUR))
    process = ("--startup-time", ago(5 * HOUR), "--process-id", 9)
    assert cluster.failover_master(*process, address=SURVIVOR).code != 4


@pytest.mark.parametrize("registry, database", PAIRS)
@pytest.mark.parametrize("command", KINDS)
def test_an_address_that_nothing_knows(make_cluster, registry, database, command):
    cluster = make_cluster(registry, database)
    cluster.task(cluster.workflow())
    cluster.registry.mark("127.0.1.14:5678-1-2", ago(HOUR))
    cluster.registry.put("/dsfailover/stamps/127.0.1.41:5678", str(ago(HOUR)))
    cluster.registry.mark("another-host.invalid:5678-1-2", ago(HOUR))
    for more in (["--dry-run"], [], ["--fence"], ["--event-time", ago(HOUR)]):
        with cluster.nothing_changes():
            result = cluster.run(command, "127.0.1.11:5678", *more, code=3)
        error, = result["errors"]
        assert "nothing knows 127.0.1.11:5678" in error and "--startup-time" in error
        for alike in (DEAD, f"{ALIVE} (living master)", "127.0.1.14:5678", "127.0.1.41:5678"):
            assert alike in error, alike
        assert "another-host" not in error and DEAD_WORKER not in error


@pytest.mark.parametrize("command", KINDS)
def test_what_makes_an_address_known(make_cluster, command):
    cluster = make_cluster(database="postgresql")
    cluster.run(command, OTHER_DEAD, code=3)
    # A name that is a process's, too: who gives it does not slip.
    cluster.run(command, OTHER_DEAD, "--startup-time", ago(5 * HOUR), "--process-id", 9, "--dry-run", code=0)
    cluster.registry.mark(f"{OTHER_DEAD}-unknown-unknown", ago(HOUR))
    cluster.run(command, OTHER_DEAD, code=0)
    stamped = "127.0.1.77:5678"
    cluster.registry.put(f"/dsfailover/stamps/{stamped}", str(ago(HOUR)))
    cluster.run(command, stamped, code=0)


def test_the_leftover_node_of_a_dead_master(make_cluster):
    """In tables it stays until somebody purges it: of a master all the same."""
    cluster = make_cluster("jdbc")
    session = cluster.registry.session()
    session.put_ephemeral(f"/nodes/master/{OTHER_DEAD}", "{}")
    cluster.db.execute("DELETE FROM t_ds_jdbc_registry_client_heartbeat WHERE id = ?", session.id)
    cluster.db.execute("UPDATE t_ds_jdbc_registry_data SET last_update_time = '2026-01-01 00:00:00.000'"
                       " WHERE client_id = ?", session.id)
    cluster.run("failover-worker", OTHER_DEAD, code=4)
    cluster.failover_master(address=OTHER_DEAD, code=0)
