"""Announcing a worker's departure: what the masters of each registry get to see, and what follows."""

import json
import struct
import subprocess
import threading
import time

import pytest
from kazoo.recipe.cache import TreeCache, TreeEvent

from support import databases
from support.cluster import ALIVE, DEAD_WORKER, HOUR, MINUTE, ago, until
from support.proxy import COMMIT, Proxy

PATH = f"/nodes/worker/{DEAD_WORKER}"


def announced_task(cluster):
    """A task of the dead worker, in a workflow that the living master runs."""
    return cluster.task(cluster.workflow(host=ALIVE))


def failover_worker(cluster, *arguments, **options):
    return cluster.run("failover-worker", DEAD_WORKER, *arguments, **options)


@pytest.mark.parametrize("database", ["sqlite", "postgresql", "mariadb"])
def test_on_jdbc_it_is_one_add_and_one_delete_event(make_cluster, database):
    cluster = make_cluster("jdbc", database)
    announced_task(cluster)
    started = ago(5 * HOUR)
    result = failover_worker(cluster, "--startup-time", started, "--process-id", 99, "--wait", "0s", code=3)
    assert result["worker"]["announced"] is True and result["worker"]["acknowledged"] is False
    assert result["worker"]["outcome"] == "partial" and result["worker"]["mark"] is None
    assert "do not notice" in " ".join(result.report["errors"])
    events = [(row["event_type"], json.loads(row["jdbc_registry_data"])) for row in cluster.db.rows(
        "SELECT event_type, jdbc_registry_data FROM t_ds_jdbc_registry_data_change_event ORDER BY id")]
    ours = [(kind, data) for kind, data in events if data["dataKey"] == PATH]
    assert [kind for kind, _ in ours] == ["ADD", "DELETE"]
    for _, data in ours:
        assert data["dataType"] == "EPHEMERAL"
        heartbeat = json.loads(data["dataValue"])
        assert (heartbeat["serverStatus"], heartbeat["startupTime"]) == ("BUSY", started)
    assert cluster.registry.get(PATH) is None


def test_on_etcd_it_is_one_put_with_a_lease_and_one_delete(make_cluster, etcd):
    cluster = make_cluster("etcd")
    announced_task(cluster)
    key = cluster.registry.full(PATH)
    with subprocess.Popen(["etcdctl", f"--endpoints={etcd.address}", "watch", key, "-w", "json"],
                          env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/bin"},
                          stdout=subprocess.PIPE, text=True) as watch:
        try:
            time.sleep(1)
            result = failover_worker(cluster, "--wait", "0s", code=3)
            assert result["worker"]["announced"] is True
            events = []
            while len(events) < 2:
                events += json.loads(watch.stdout.readline())["Events"]
        finally:
            watch.kill()
    assert [event.get("type", 0) for event in events] == [0, 1]  # PUT, DELETE
    assert events[0]["kv"]["lease"] != 0
    assert cluster.registry.get(PATH) is None


def departure(cluster):
    """Waits for the worker to come and go; returns the heartbeat that it came with."""
    if cluster.registry.type != "zookeeper":
        heartbeat = json.loads(until(lambda: cluster.registry.get(PATH)))
        until(lambda: cluster.registry.get(PATH) is None)
        return heartbeat
    came, went = [], threading.Event()

    def changed(event):
        if event.event_data is None or not event.event_data.path.endswith(PATH):
            return
        if event.event_type == TreeEvent.NODE_ADDED:
            came.append(json.loads(event.event_data.data))
        elif event.event_type == TreeEvent.NODE_REMOVED:
            went.set()

    watching = TreeCache(cluster.registry.client, cluster.registry.full("/nodes/worker"))
    watching.listen(changed)
    watching.start()
    try:
        assert went.wait(20), "it did not go"
        heartbeat, = came
        return heartbeat
    finally:
        watching.close()


class ActingMaster(threading.Thread):
    """Reacts to the worker's departure as a living master does: takes its tasks up anew, then writes the mark.

    On ZooKeeper it learns of it as a master does, from a TreeCache.
    """

    def __init__(self, cluster, tasks, acknowledges=True):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.db = cluster.db.clone()
        self.tasks = tasks
        self.acknowledges = acknowledges

    def run(self):
        heartbeat = departure(self.cluster)
        for task in self.tasks:
            self.db.execute("UPDATE t_ds_task_instance SET flag = 0, state = 8 WHERE id = ?", task)
        if not self.acknowledges:
            return
        time.sleep(2)  # so that the tasks are seen to have moved on before there is a mark
        self.cluster.registry.mark(
            f"{DEAD_WORKER}-{heartbeat['startupTime']}-{heartbeat['processId']}", ago(0))


@pytest.mark.parametrize("wait", [[], ["--wait", "60s"]])
@pytest.mark.parametrize("registry", ["zookeeper", "jdbc", "etcd"])
def test_waiting_sees_the_masters_act(make_cluster, registry, wait):
    cluster = make_cluster(registry)
    task = announced_task(cluster)
    master = ActingMaster(cluster, [task])
    master.start()
    result = failover_worker(cluster, *wait, code=0)
    master.join(10)
    assert result["worker"]["acknowledged"] is True and result["worker"]["outcome"] == "completed"
    assert [item["outcome"] for item in result["worker"]["tasks"]["items"]] == ["moved_on"]
    assert cluster.mark_value(f"{DEAD_WORKER}-unknown-unknown") == str(result["worker"]["deadline"])


def test_a_task_that_does_not_move_on_is_reported(make_cluster):
    cluster = make_cluster("zookeeper")
    moving, stuck = announced_task(cluster), announced_task(cluster)
    master = ActingMaster(cluster, [moving])
    master.start()
    result = failover_worker(cluster, "--wait", "5s", code=3)
    master.join(10)
    outcomes = {item["id"]: item["outcome"] for item in result["worker"]["tasks"]["items"]}
    assert outcomes == {moving: "moved_on", stuck: "announced"}
    assert_no_mark(cluster, result)


def assert_no_mark(cluster, result):
    assert result["worker"]["outcome"] == result["outcome"] == "partial" and result["worker"]["mark"] is None
    assert f"{DEAD_WORKER}-unknown-unknown" not in cluster.registry.marks()


def test_acknowledged_is_not_moved_on(make_cluster):
    """Of two masters one acts, and holds none of the tasks. Without --wait nobody waits for the other for long."""
    cluster = make_cluster("zookeeper")
    stuck = announced_task(cluster)
    master = ActingMaster(cluster, [])
    master.start()
    result = failover_worker(cluster, code=3)
    master.join(10)
    assert result["worker"]["acknowledged"] is True and result.seconds < 20
    assert [item["id"] for item in result["worker"]["tasks"]["items"] if item["outcome"] == "announced"] == [stuck]
    assert "although a master acknowledged" in result.said
    assert_no_mark(cluster, result)


@pytest.mark.parametrize("registry", ["zookeeper", "jdbc"])
def test_moved_on_without_an_acknowledgement_is_never_exit_0(make_cluster, registry):
    cluster = make_cluster(registry)
    master = ActingMaster(cluster, [announced_task(cluster)], acknowledges=False)
    master.start()
    result = failover_worker(cluster, "--wait", "5s", code=3)
    master.join(10)
    assert [item["outcome"] for item in result["worker"]["tasks"]["items"]] == ["moved_on"]
    assert "no master acknowledged" in result.said and "--wait 2m" in result.said
    assert_no_mark(cluster, result)
    with cluster.nothing_changes():
        failover_worker(cluster, code=0)


def test_not_waiting_at_all_leaves_it_open(make_cluster):
    cluster = make_cluster("zookeeper")
    tasks = [announced_task(cluster) for _ in range(6)]
    result = failover_worker(cluster, "--wait", "0s", code=3)
    assert result.seconds < 10 and len(result["worker"]["tasks"]["items"]) == len(tasks)
    assert_no_mark(cluster, result)


def test_progress_is_a_line_every_ten_seconds(make_cluster):
    cluster = make_cluster("zookeeper")
    announced_task(cluster)
    result = failover_worker(cluster, "--wait", "4s", code=3)
    assert result.stderr.count("have not moved on yet") == 1


@pytest.mark.slow
def test_without_wait_the_masters_get_45_seconds(make_cluster):
    cluster = make_cluster("zookeeper")
    announced_task(cluster)
    result = failover_worker(cluster, code=3)
    assert 44 <= result.seconds < 60 and "--wait" not in result.said
    assert_no_mark(cluster, result)


def test_a_task_left_open_by_masters_that_acted_is_not_put_down_to_deafness(make_cluster):
    cluster = make_cluster("jdbc")
    moving, stuck = announced_task(cluster), announced_task(cluster)
    master = ActingMaster(cluster, [moving])
    master.start()
    result = failover_worker(cluster, "--wait", "6s", code=3)
    master.join(10)
    assert result["worker"]["acknowledged"] is True
    assert "not seen to move on in time" in result.said and "do not notice" not in result.said
    assert {item["id"]: item["outcome"] for item in result["worker"]["tasks"]["items"]}[stuck] == "announced"


def test_a_mark_from_before_the_announcement_acknowledges_nothing(make_cluster):
    cluster = make_cluster("zookeeper")
    announced_task(cluster)
    started = ago(5 * HOUR)
    cluster.registry.mark(f"{DEAD_WORKER}-{started}-99", ago(MINUTE))
    result = failover_worker(cluster, "--startup-time", started, "--process-id", 99, "--wait", "1s", code=3)
    assert result["worker"]["announced"] is True and result["worker"]["acknowledged"] is False


def test_the_row_of_the_dead_worker_bars_its_announcement(make_cluster):
    cluster = make_cluster("jdbc")
    announced_task(cluster)
    session = cluster.registry.session()
    session.put_ephemeral(PATH, "{}")
    cluster.db.execute("DELETE FROM t_ds_jdbc_registry_client_heartbeat WHERE id = ?", session.id)
    cluster.db.execute("UPDATE t_ds_jdbc_registry_data SET last_update_time = ? WHERE data_key = ?",
                       databases.to_text(ago(MINUTE)), PATH)
    result = failover_worker(cluster, code=3)
    assert result["worker"]["announced"] is False and "still stands" in result.said
    assert [item["outcome"] for item in result["worker"]["tasks"]["items"]] == ["left"]
    assert cluster.registry.get(PATH) == "{}"


@pytest.mark.parametrize("database", ["postgresql", "mariadb"])
def test_an_announcement_whose_commit_nobody_confirmed_is_withdrawn_too(make_cluster, database):
    cluster = make_cluster("jdbc", database)
    announced_task(cluster)
    db = cluster.db
    with Proxy("127.0.0.1", db.server.port) as proxy:
        proxy.cut_after(COMMIT[database], skip=1)  # the first is our client's row
        result = failover_worker(cluster, "--wait", "0s", code=3, options=[
            "--database", db.url, "--registry", f"{db.server.scheme}://ds@{proxy.address}/{db.database}"],
            environment={"DSFAILOVER_REGISTRY_PASSWORD": db.password})
        assert proxy.fired.is_set()
    assert result["worker"]["announced"] is True and cluster.registry.get(PATH) is None
    assert [event["type"] for event in cluster.registry.events() if event["dataKey"] == PATH] == ["ADD", "DELETE"]


def test_a_worker_that_registers_into_our_node_loses_nothing(make_cluster):
    """On ZooKeeper it writes into our very node; that goes with our session, and its next heartbeat makes its own."""
    cluster = make_cluster("zookeeper")
    announced_task(cluster)
    client, path = cluster.registry.client, cluster.registry.full(PATH)
    run = cluster.start("failover-worker", DEAD_WORKER)
    until(lambda: client.exists(path))
    theirs = client.get(path)[0].replace(b"BUSY", b"NORMAL")
    client.set(path, theirs)
    until(lambda: client.exists(path) is None)
    client.create(path, theirs, ephemeral=True)
    result = run.finish(4)
    assert client.get(path)[0] == theirs
    assert "registered" in " ".join(result.report["errors"])
    assert f"{DEAD_WORKER}-unknown-unknown" not in cluster.registry.marks()


def test_a_withdrawal_without_an_answer_is_not_repeated_on_another_s_node(make_cluster):
    cluster = make_cluster("zookeeper")
    announced_task(cluster)
    client, path = cluster.registry.client, cluster.registry.full(PATH)
    server = cluster.registry.server
    host, port = server.address.rsplit(":", 1)
    with Proxy(host, int(port)) as proxy:
        # A delete request: its type, and the path after its length.
        proxy.cut_after(struct.pack(">ii", 2, len(path)) + path.encode(), for_good=True)
        run = cluster.start("failover-worker", DEAD_WORKER, options=[
            "--database", cluster.db.url, "--registry", f"zookeeper://{proxy.address}{cluster.registry.namespace}"])
        until(lambda: client.exists(path))
        theirs = client.get(path)[0].replace(b"BUSY", b"NORMAL")
        until(lambda: client.exists(path) is None)
        client.create(path, theirs, ephemeral=True)
        proxy.refuse(False)
        run.finish(4)
        assert proxy.fired.is_set()
    assert client.get(path)[0] == theirs


def test_no_announce_leaves_the_tasks_and_says_so(make_cluster):
    cluster = make_cluster("zookeeper")
    announced_task(cluster)
    seen = []
    cluster.registry.client.ChildrenWatch(cluster.registry.full("/nodes/worker"), seen.append)
    result = failover_worker(cluster, "--no-announce", code=3)
    assert result["worker"]["announced"] is False
    assert [item["outcome"] for item in result["worker"]["tasks"]["items"]] == ["left"]
    assert not any(DEAD_WORKER in children for children in seen)
