"""explain against stand-ins of masters and workers: what it asks, what it says, what it shows a terminal."""

import pytest

from support.cluster import HOUR, MINUTE, ago
from support.stand_ins import stand_ins

GONE = "127.0.1.9:5678"
HOSTILE = "a\x1b[31m\x07b\nc"


@pytest.fixture
def cluster(make_cluster):
    return make_cluster("zookeeper", "postgresql", living=False)


@pytest.fixture
def master(cluster):
    """One that lives, and holds a workflow that it must hold."""
    with stand_ins() as make:
        master, worker = make(host="127.0.1.2"), make(host="127.0.2.2", worker=True)
        cluster.register(master.address, startup_time=ago(2 * HOUR))
        cluster.register(worker.address, worker=True)
        master.held = cluster.workflow(host=master.address, start=ago(30 * MINUTE))
        cluster.task(master.held, state=7, submit=ago(MINUTE))
        master.holds.add(master.held)
        master.its_worker = worker
        yield master


def test_workflows_are_explained(cluster, master):
    worker = master.its_worker
    left = cluster.workflow(host=GONE, start=ago(HOUR))
    task = cluster.task(left, state=1, submit=ago(HOUR), host=worker.address)
    worker.holds.add(task)
    stuck = cluster.workflow(host=GONE, start=ago(HOUR), state=18)
    with cluster.nothing_changes():
        result = cluster.run("explain", "--ask", "all", master.held, left, stuck, 4711)
    assert result.code == 3 and "There is no workflow instance 4711" in result.said
    held, abandoned, lost = result["explained"]
    assert (held["row"], held["answer"], held["held_by"], held["next"]) == (3, "held", master.address, None)
    assert (abandoned["row"], abandoned["verdict"], abandoned["answer"]) == (16, "selected", "not_held")
    assert abandoned["next"] == f"dsfailover failover-master {GONE}" and abandoned["host_alive"] is False
    assert [(each["id"], each["life"]) for each in abandoned["tasks"]] == [(task, "alive")]
    assert (lost["row"], lost["verdict"], lost["next"]) == (None, "stuck", f"dsfailover requeue {stuck}")
    assert result["masters_asked"][0]["control"] == "passed"
    assert result["workers_asked"][0]["alive"] == 1 and worker.asked == [task]
    assert master.asked.count(left) == 2 and result["duration_ms"] > 10_000, "not_held needs 10 s"


def test_nobody_is_asked_where_that_is_not_wished(cluster, master):
    for arguments, environment in ((["--ask", "none"], {}), ([], {"DSFAILOVER_ASK": "none"})):
        result = cluster.run("explain", *arguments, master.held, environment=environment, code=0)
        assert result["masters_asked"] is None and result["workers_asked"] is None
        assert result["explained"][0]["answer"] == "not_asked"
    assert master.connections == 0 and master.its_worker.connections == 0


def test_hostile_names_stay_harmless(cluster, master):
    cluster.db.execute("UPDATE t_ds_workflow_instance SET name = ? WHERE id = ?", HOSTILE, master.held)
    cluster.task(master.held, state=1, name=HOSTILE, host=HOSTILE)
    result = cluster.run("explain", "--ask", "all", master.held, "--format", "table", code=0)
    assert f"workflow {master.held} (a?[31m?b?c): It runs: {master.address} holds it." in result.stdout
    assert "\x1b" not in result.stdout and "\x07" not in result.stdout
