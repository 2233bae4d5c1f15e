"""status --ask against stand-ins of masters: what no master holds, and what another master holds."""

import json

import pytest

from support import program
from support.cluster import HOUR, MINUTE, ago
from support.databases import Sqlite
from support.stand_ins import stand_ins

GONE = "127.0.1.9:5678"


class Asked:
    """A cluster whose masters answer. Each of `masters` has a workflow that it must hold."""

    def __init__(self, cluster, masters, known=True):
        self.cluster, self.masters = cluster, masters
        for master in masters:
            cluster.register(master.address, startup_time=ago(2 * HOUR))
            self.control = cluster.workflow(host=master.address, start=ago(30 * MINUTE))
            cluster.task(self.control, state=7, submit=ago(MINUTE))
            if known:
                master.holds.add(self.control)

    def run(self, *arguments, **options):
        with self.cluster.nothing_changes():
            return self.cluster.run("status", "--ask", *arguments, **options)


@pytest.fixture
def stand_in():
    with stand_ins() as make:
        yield make


@pytest.fixture(params=[("zookeeper", "postgresql"), ("jdbc", "sqlite")], ids="-".join)
def cluster(request, make_cluster):
    return make_cluster(*request.param, living=False)


def no_loopback_address_of(server):
    """One that reaches it all the same: "0" stands for every address of this machine."""
    return f"0:{server.port}"


def asked(result, of):
    return next(each for each in result["masters_asked"] if each["address"] == of.address)


def test_abandoned_and_misplaced_workflows(cluster, stand_in):
    one, two = stand_in(host="127.0.1.2"), stand_in(host="127.0.1.3")
    its = Asked(cluster, [one, two])
    abandoned = cluster.workflow(host=GONE, start=ago(HOUR))
    seen = ago(20 * MINUTE) // 1000 * 1000
    cluster.task(abandoned, state=7, submit=ago(HOUR), end=seen)
    lost = cluster.workflow(host=None, state=0, start=ago(HOUR))
    at_living = cluster.workflow(host=one.address, start=ago(20 * MINUTE), state=4)
    recovered = cluster.workflow(host=GONE, start=ago(HOUR))
    two.holds.add(recovered)
    waiting = cluster.workflow(host=GONE, start=ago(HOUR))
    cluster.command(waiting)
    result = its.run("--check", code=7)
    assert [(each["id"], each["state"], each["host"]) for each in result["abandoned"]] == [
        (abandoned, "RUNNING_EXECUTION", GONE), (lost, "SUBMITTED_SUCCESS", None),
        (at_living, "READY_STOP", one.address)]
    assert result["abandoned"][0]["since"] == seen
    assert result["abandoned"][0]["name"] == cluster.instance(abandoned)["name"]
    assert result["misplaced"] == [{"id": recovered, "name": cluster.instance(recovered)["name"],
                                    "host": GONE, "holder": two.address}]
    assert {each["address"]: each["control"] for each in result["masters_asked"]} == {
        one.address: "passed", two.address: "passed"}
    assert asked(result, two) == {
        "address": two.address, "peer": two.address, "questions": 6, "held": 2, "not_held": 4,
        "unanswered": 0, "control": "passed", "problem": None}
    check, = [each for each in result["checks"] if each["name"] == "abandoned"]
    assert not check["ok"] and "3 unfinished workflows" in check["detail"]
    assert waiting not in one.asked and len(one.asked) == 12  # twice
    assert result["duration_ms"] > 10_000
    assert "abandoned: no master holds them" in its.run("--format", "table", code=0).stdout


def test_where_all_is_held_they_are_asked_once(cluster, stand_in):
    master = stand_in(host="127.0.1.2")
    result = Asked(cluster, [master]).run("--check", "abandoned,held_idle", code=0)
    assert result["abandoned"] == [] and result["misplaced"] == [] and len(master.asked) == 1
    assert result["duration_ms"] < 8000


@pytest.mark.parametrize("manner", ["silent", "closes", "garbage", "unknown_method", "endless", "flood"])
def test_one_that_does_not_answer_leaves_nothing_abandoned(cluster, stand_in, manner):
    good, bad = stand_in(host="127.0.1.2"), stand_in(host="127.0.1.3", manner=manner)
    its = Asked(cluster, [good, bad])
    workflow = cluster.workflow(host=GONE, start=ago(HOUR))
    result = its.run("--check", "--ask-timeout", "500ms")
    assert result["abandoned"] == [] and asked(result, bad)["unanswered"] == 3
    assert asked(result, bad)["problem"] in result.said and str(workflow) in result.said
    assert asked(result, good)["not_held"] == 2


def test_a_master_that_is_gone_but_still_registered(cluster, stand_in):
    master = stand_in(host="127.0.1.2")
    its = Asked(cluster, [master])
    cluster.workflow(host=GONE, start=ago(HOUR))
    master.close()
    result = its.run(code=0)
    assert result["abandoned"] == [] and asked(result, master)["peer"] is None
    assert "Connection refused" in asked(result, master)["problem"]


def test_a_master_of_another_cluster_does_not_count(cluster, stand_in):
    master = stand_in(host="127.0.1.2")
    its = Asked(cluster, [master], known=False)
    cluster.workflow(host=GONE, start=ago(HOUR))
    result = its.run(code=0)
    assert result["abandoned"] == [] and asked(result, master)["control"] == "failed"
    assert "another cluster's master" in result.said and str(its.control) in result.said


def test_beyond_the_limit_nothing_is_asked(make_cluster, stand_in):
    cluster = make_cluster("zookeeper", "postgresql", living=False)
    master = stand_in(host="127.0.1.2")
    its = Asked(cluster, [master])
    workflows = cluster.workflows(5, host=GONE, start=ago(HOUR))
    master.holds.update(workflows)
    result = its.run("--ask-limit", 3, code=0)
    assert set(master.asked) == {its.control, *workflows[:2]}
    assert "3 unfinished workflows were not asked about" in result.said


def test_nobody_is_asked_without_it(make_cluster, stand_in):
    cluster = make_cluster("zookeeper", "postgresql", living=False)
    master = stand_in(host="127.0.1.2")
    its = Asked(cluster, [master])
    cluster.workflow(host=GONE, start=ago(HOUR))
    for arguments, environment in ((["status"], {}), (["status", "--check"], {}),
                                   (["status"], {"DSFAILOVER_ASK": "all"}), (["requeue", "--dry-run"], {})):
        result = cluster.run(*arguments, environment=environment)
        assert result.report.get("masters_asked") is None
    result = its.run(environment={"DSFAILOVER_ASK": "none"}, code=0)
    assert result["masters_asked"] is None and result["abandoned"] is None
    assert "DSFAILOVER_ASK=none" in result.said
    assert master.connections == 0


def test_only_loopback_addresses_where_that_is_wished(make_cluster, stand_in):
    cluster = make_cluster("zookeeper", "postgresql", living=False)
    server = stand_in()
    address = no_loopback_address_of(server)
    cluster.register(address)
    cluster.task(cluster.workflow(host=address), submit=ago(MINUTE))
    result = cluster.run("status", "--ask", environment={"DSFAILOVER_ASK_ONLY": "loopback"}, code=0)
    master, = result["masters_asked"]
    assert master["peer"] is None and "not a loopback address" in master["problem"]
    assert "DSFAILOVER_ASK_ONLY" not in result.said  # it is known
    assert server.connections == 0
    cluster.run("status", "--ask", environment={"DSFAILOVER_ASK_ONLY": "lo"}, code=2)


@pytest.fixture
def sandbox(tmp_path):
    path = tmp_path / "sandbox.db"
    program.run("sandbox", "create", path, code=0)
    return path


def status_of(path):
    return program.run("status", "--ask", "--database", f"sqlite:{path}", "--registry", "jdbc", code=0)


def move_living_master(path, address):
    """Everything in the sandbox that names its living master names `address` instead."""
    db = Sqlite(path)
    heartbeat = db.row("SELECT d.data_key, d.data_value FROM t_ds_jdbc_registry_data d"
                       " JOIN t_ds_jdbc_registry_client_heartbeat c ON c.id = d.client_id"
                       " WHERE d.data_key LIKE '/nodes/master/%' AND d.data_type = 'EPHEMERAL'")
    old = heartbeat["data_key"].rpartition("/")[2]
    host, _, port = address.rpartition(":")
    value = {**json.loads(heartbeat["data_value"]), "host": host, "port": int(port)}
    db.execute("UPDATE t_ds_jdbc_registry_data SET data_key = ?, data_value = ? WHERE data_key = ?",
               f"/nodes/master/{address}", json.dumps(value), heartbeat["data_key"])
    db.execute("UPDATE t_ds_workflow_instance SET host = ? WHERE host = ?", address, old)
    db.close()


def test_a_sandbox_asks_its_stand_ins(sandbox, stand_in):
    master = stand_in(host="127.0.1.2", holds=[1, 13, 14])
    move_living_master(sandbox, master.address)
    result = status_of(sandbox)
    its, = result["masters_asked"]
    assert its["peer"] == master.address and its["unanswered"] == 0
    assert [each["id"] for each in result["misplaced"]] == [1]
    assert {8, 9, 10, 11, 12, 18, 20} <= {each["id"] for each in result["abandoned"]}
    assert not {1, 13, 14, 15, 16, 17} & {each["id"] for each in result["abandoned"]}


def test_a_sandbox_contacts_nobody_elsewhere(sandbox, stand_in):
    server = stand_in()
    move_living_master(sandbox, no_loopback_address_of(server))
    result = status_of(sandbox)
    assert result["abandoned"] == []
    its, = result["masters_asked"]
    assert its["peer"] is None and "not a loopback address" in its["problem"]
    assert server.connections == 0
