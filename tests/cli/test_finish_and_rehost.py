"""finish and rehost against stand-ins of masters and workers: what is written, and what is asked before.

The rules are in tests/coordinator; here is what servers, sockets and databases have to do with it."""


import pytest

from support import audit
from support.cluster import DEAD, HOUR, MINUTE, ago
from support.databases import to_epoch_ms
from support.stand_ins import stand_ins

ASK = ("--ask-timeout", "2s")


@pytest.fixture
def stand_in():
    with stand_ins() as make:
        yield make


def master(cluster, stand_in, host="127.0.1.2"):
    """A living master that holds the workflow which it must hold."""
    server = stand_in(host=host)
    cluster.register(server.address, startup_time=ago(2 * HOUR))
    control = cluster.workflow(host=server.address, start=ago(30 * MINUTE))
    cluster.task(control, state=7, submit=ago(MINUTE))
    server.holds.add(control)
    return server


def items(result):
    return {item["id"]: item for item in result["workflows"]["items"]}


def test_finish_ends_what_nobody_holds(make_cluster, stand_in, tmp_path):
    cluster = make_cluster("zookeeper", "postgresql", living=False)
    holder, worker = master(cluster, stand_in), stand_in(host="127.0.2.2", worker=True)
    cluster.register(worker.address, worker=True)
    abandoned, held, at_work = cluster.workflows(3, start=ago(HOUR))
    holder.holds.add(held)
    seen = ago(20 * MINUTE)
    tasks = [cluster.task(abandoned, state=1, submit=ago(HOUR), start=seen),
             cluster.task(abandoned, state=0, host=None, name="next", submit=ago(HOUR))]
    ended = cluster.task(abandoned, state=7, name="first", submit=ago(HOUR), end=ago(50 * MINUTE))
    alive = cluster.task(at_work, host=worker.address, pid=4711, app_link="application_1")
    worker.holds.add(alive)
    before, rows = cluster.instances(), {row["id"]: row for row in cluster.db.rows("SELECT * FROM t_ds_task_instance")}
    log = tmp_path / "audit.jsonl"

    result = cluster.run("finish", abandoned, held, at_work, "--as", "failure", "--audit-log", log, *ASK, code=4)
    assert result["outcome"] == "partial"
    assert {id_: (item["outcome"], item["reason"]) for id_, item in items(result).items()} == {
        abandoned: ("finished", None), held: ("refused", "held"), at_work: ("refused", "task_alive")}
    item = items(result)[abandoned]
    assert item["tasks_ended"] == tasks and item["end_time"] == item["last_task_activity"] == seen
    assert items(result)[held]["holder"] == holder.address and holder.address in result.said
    assert items(result)[at_work]["tasks_alive"] == [
        {"id": alive, "name": "task", "worker": worker.address, "answer": "alive", "process_id": 4711,
         "applications": "application_1"}]
    after = cluster.instances()
    assert after[abandoned]["state"] == 6 and to_epoch_ms(after[abandoned]["end_time"]) == seen
    assert after == {**before, abandoned: {**before[abandoned], "state": 6,
                                           "end_time": after[abandoned]["end_time"]}}
    for row in cluster.db.rows("SELECT * FROM t_ds_task_instance"):
        if row["id"] in tasks:
            assert row == {**rows[row["id"]], "state": 6, "end_time": after[abandoned]["end_time"]}
        else:
            assert row == rows[row["id"]]
    assert rows[ended]["state"] == 7
    assert holder.asked.count(abandoned) == 3 and worker.asked == [alive]
    assert [(line["kind"], line["action"], line["id"]) for line in audit.changes(log)] == [
        ("task", "finished", tasks[0]), ("task", "finished", tasks[1]), ("workflow", "finished", abandoned)]


def test_finish_in_failover_as_stop(make_cluster, stand_in):
    cluster = make_cluster("etcd", "mariadb", living=False)
    holder = master(cluster, stand_in)
    lost, waiting = cluster.workflows(2, state=18)
    task = cluster.task(lost, state=8)
    command, others = cluster.command(waiting), cluster.command(holder.holds.copy().pop())
    before = cluster.instances()
    result = cluster.run("finish", lost, waiting, "--as", "stop", "--tasks", "--format", "json", *ASK, code=0)
    assert result["workflows"]["finished"] == 2 and result.seconds < 8  # no second round
    assert items(result)[waiting]["commands_deleted"] == [command]
    assert [row["id"] for row in cluster.commands()] == [others]
    after = cluster.instances()
    assert after == {**before, **{id_: {**before[id_], "state": 5, "end_time": after[id_]["end_time"]}
                                  for id_ in (lost, waiting)}}
    assert after[waiting]["end_time"] == before[waiting]["start_time"]
    assert cluster.db.value("SELECT state FROM t_ds_task_instance WHERE id = ?", task) == 9
    with cluster.nothing_changes():
        again = cluster.run("finish", lost, "--as", "stop", *ASK, code=3)
    assert items(again)[lost]["reason"] == "not_unfinished"


def test_finish_by_the_tasks_alone(make_cluster):
    cluster = make_cluster("jdbc", "sqlite")
    quiet, moving = cluster.workflows(2, start=ago(HOUR))
    cluster.task(quiet, submit=ago(20 * MINUTE))
    cluster.task(moving, submit=ago(5 * MINUTE))
    with cluster.nothing_changes():
        plan = cluster.run("finish", quiet, moving, "--as", "failure", "--dry-run", code=4)
        assert plan["outcome"] == "planned" and items(plan)[quiet]["outcome"] == "planned"
        cluster.run("finish", quiet, code=2)
        cluster.run("finish", "--as", "failure", code=2)
        cluster.run("finish", quiet, "--as", "running", code=2)
    # What is said of --idle elsewhere is not meant for this.
    result = cluster.run("finish", quiet, moving, "--as", "failure", "--format", "table",
                         environment={"DSFAILOVER_IDLE": "1m"}, code=4)
    assert "active" in result.stdout and "1 finished" in result.stdout
    assert cluster.state(quiet) == 6 and cluster.state(moving) == 1
    cluster.run("finish", moving, "--as", "failure", "--idle", "1m", code=0)
    # Asked with the whole file locked, in which the registry is, too: nobody listens at this master's port.
    lost = cluster.workflow(state=18, start=ago(HOUR))
    asked = cluster.run("finish", lost, "--as", "stop", *ASK, code=0)
    assert asked["masters_asked"][0]["unanswered"] == 2 and cluster.state(lost) == 5
    assert cluster.instance(moving)["host"] == DEAD


def test_rehost(make_cluster, stand_in, tmp_path):
    cluster = make_cluster("zookeeper", "mariadb", living=False)
    one, two = master(cluster, stand_in), master(cluster, stand_in, "127.0.1.3")
    recovered, ownerless, at_other = (cluster.workflow(host=host, start=ago(HOUR), state=state)
                                      for host, state in ((DEAD, 1), (None, 2), (two.address, 4)))
    nobodys = cluster.workflow(start=ago(HOUR))
    one.holds.update([recovered, ownerless, at_other])
    before, log = cluster.instances(), tmp_path / "audit.jsonl"
    with cluster.nothing_changes():
        plan = cluster.run("rehost", "--dry-run", *ASK, code=0)
        assert {item["outcome"] for item in plan["workflows"]["items"]} == {"planned"}
        cluster.run("rehost", code=2)  # DSFAILOVER_ASK=none
    result = cluster.run("rehost", "--audit-log", log, *ASK, code=0)
    assert {(item["id"], item["host"], item["holder"], item["outcome"]) for item in result["workflows"]["items"]} == {
        (recovered, DEAD, one.address, "rehosted"), (ownerless, None, one.address, "rehosted"),
        (at_other, two.address, one.address, "rehosted")}
    stamp, = cluster.registry.stamps(one.address)
    after = cluster.instances()
    for workflow in (recovered, ownerless, at_other):
        assert cluster.restart_ms(workflow) == stamp
        before[workflow].update(host=one.address, restart_time=after[workflow]["restart_time"])
    assert after == before and nobodys in one.asked
    assert [line["action"] for line in audit.changes(log)] == ["written"] + 3 * ["rehosted"]
    with cluster.nothing_changes():
        again = cluster.run("rehost", "--dry-run", *ASK, code=0)
    assert again["workflows"]["selected"] == 0


def test_rehost_is_for_releases_that_leave_the_host_alone(make_cluster, stand_in):
    cluster = make_cluster("jdbc", "postgresql", release="3.3.1", living=False)
    server = master(cluster, stand_in)
    server.holds.add(cluster.workflow(start=ago(HOUR)))
    with cluster.nothing_changes():
        result = cluster.run("rehost", "--dry-run", *ASK, code=0)
    assert result["workflows"]["items"] == [] and "nothing to rehost" in result.said
