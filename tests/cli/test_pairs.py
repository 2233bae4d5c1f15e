"""The same scenario on every registry with every database gives the same report and the same rows.

psql and mariadb, the servers' own clients, read what was written.
"""

import os
import subprocess

import pytest

from support import databases, servers
from support.cluster import (ALIVE, DEAD, HOUR, MINUTE, OTHER_DEAD, STATES, SimulatedMaster, ago, command_param, now_ms)
from support.registries import LOCKS, MARKS, MASTERS

PAIRS = [("zookeeper", "postgresql"), ("zookeeper", "mariadb"), ("etcd", "postgresql"), ("etcd", "mariadb"),
         ("jdbc", "postgresql"), ("jdbc", "mariadb"), ("jdbc", "sqlite"), ("etcd", "sqlite")]
EVENT_AGE = 10 * MINUTE


@pytest.fixture(params=PAIRS, ids="-".join)
def cluster(request, make_cluster):
    return make_cluster(*request.param)


def twenty(cluster, event_time):
    """Twenty instances, some of each kind; returns {kind: [ids]}."""
    second = 1000  # MySQL keeps whole seconds: stay clear of its rounding
    workflows = {
        "running": [cluster.workflow(state=1, start=event_time - (n + 1) * second) for n in range(5)],
        "ready_pause": [cluster.workflow(state=2) for _ in range(2)],
        "ready_stop": [cluster.workflow(state=4) for _ in range(2)],
        "restarted_before": [cluster.workflow(start=ago(5 * HOUR), restart=event_time - 2 * second)],
        "started_after": [cluster.workflow(start=event_time + (n + 1) * second) for n in range(2)],
        "restarted_after": [cluster.workflow(start=ago(5 * HOUR), restart=event_time + 2 * second)],
        "resumed": [cluster.workflow(command_type=3)],
        "finished": [cluster.workflow(state=state) for state in (3, 5, 6, 7)],
        "others": [cluster.workflow(host=OTHER_DEAD), cluster.workflow(host=ALIVE)],
    }
    assert sum(map(len, workflows.values())) == 20
    return workflows


FAILED_OVER = ("running", "ready_pause", "ready_stop", "restarted_before")


def comparable(report):
    """The report without what two clusters cannot share: endpoints, times, ids in messages."""
    def strip(value):
        if isinstance(value, dict):
            return {key: strip(each) for key, each in value.items()
                    if key not in ("started_at", "finished_at", "duration_ms", "endpoint", "namespace", "waited_ms",
                                   "type", "event_time", "deadline", "stamp", "value", "last_task_activity",
                                   "id", "name", "command_id", "path", "warnings", "holder",
                                   "replica")}
        if isinstance(value, list):
            return [strip(each) for each in value]
        return value
    return strip(report)


EXPECTED = {}


def test_twenty_instances(cluster):
    event_time = ago(EVENT_AGE) // 1000 * 1000
    workflows = twenty(cluster, event_time)
    before = cluster.instances()
    result = cluster.failover_master("--event-time", event_time, code=3)
    done = [w for kind in FAILED_OVER for w in workflows[kind]]
    cluster.assert_failed_over_once(done, stamp=result.master["stamp"])
    assert len(cluster.commands()) == 10
    after = cluster.instances()
    for workflow, row in before.items():
        changed = {column for column in row if after[workflow][column] != row[column]}
        # MySQL's update_time changes by itself; it is kept.
        assert changed == ({"state", "restart_time"} if workflow in done else set()), (workflow, changed)
    assert result.workflows["skipped"] == {"started_after_deadline": 3, "in_doubt": 1}
    assert cluster.mark_value() == str(event_time)
    assert cluster.registry.stamps(DEAD) == [result.master["stamp"]]
    assert not cluster.registry.locked(DEAD)

    # Everywhere the same report.
    seen = comparable(result.report)
    assert seen == EXPECTED.setdefault("report", seen)

    again = cluster.failover_master("--event-time", event_time, code=3)
    assert again.workflows["failed_over"] == 0 and len(cluster.commands()) == 10


def test_the_servers_own_client_reads_what_the_reference_writes(cluster):
    workflow = cluster.workflow(state=4)
    begun = now_ms()
    result = cluster.failover_master(code=0)
    sql = ("SELECT command_type, workflow_definition_version, command_param, task_depend_type, failure_strategy, "
           "warning_type, executor_id, workflow_instance_priority, tenant_code, environment_code, dry_run, test_flag, "
           f"workflow_instance_id FROM t_ds_command")
    row = own_client(cluster, sql)
    assert row == f"2|3|{command_param(4)}|2|1|0|0|2|default|-1|0|0|{workflow}"
    nulls = own_client(cluster, "SELECT count(*) FROM t_ds_command WHERE warning_group_id IS NULL AND schedule_time IS NULL"
                                " AND start_time IS NULL AND worker_group IS NULL")
    assert nulls == "1"
    state = own_client(cluster, f"SELECT state FROM t_ds_workflow_instance WHERE id = {workflow}")
    assert state == "18"
    precision = cluster.db.precision_ms
    [command] = cluster.commands()
    assert begun - precision <= cluster.db_ms(command["update_time"]) <= now_ms() + precision
    assert cluster.restart_ms(workflow) == result.master["stamp"]
    assert result.master["stamp"] % precision == 0 and result.master["stamp"] >= result.master["deadline"]


def own_client(cluster, sql):
    db = cluster.db
    if db.type == "sqlite":
        command, environment = ["sqlite3", db.path, sql], {}
    elif db.type == "postgresql":
        command = ["psql", "-h", "127.0.0.1", "-p", str(db.server.port), "-U", "ds", "-At", "-c", sql, db.database]
        environment = {"PGPASSWORD": servers.PASSWORD}
    else:
        command = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{db.server.port}", "-uds", "-N", "-B", "-r", "-e", sql,
                   db.database]
        environment = {"MYSQL_PWD": servers.PASSWORD}
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return done.stdout.strip().replace("\t", "|")


def test_a_living_master_is_refused(cluster):
    cluster.workflow(host=ALIVE)
    with cluster.nothing_changes():
        cluster.failover_master(address=ALIVE, code=4)


def test_a_dry_run_writes_nothing(cluster):
    cluster.workflows(3)
    with cluster.nothing_changes():
        assert cluster.run("global", "--dry-run", code=0)["outcome"] == "planned"


def test_a_master_s_lock_makes_us_wait(cluster):
    workflow = cluster.workflow()
    lock = cluster.registry.lock(DEAD).wait()
    result = cluster.failover_master("--lock-timeout", "2s", code=5)
    assert cluster.state(workflow) == 1 and result.master["lock"]["holder"]
    run = cluster.start("failover-master", DEAD)
    import time
    time.sleep(1.5)
    assert run.running() and cluster.state(workflow) == 1
    lock.release()
    run.finish(0)
    cluster.assert_failed_over_once([workflow])


def test_the_holder_is_named_when_it_is_a_living_master(cluster):
    cluster.workflow()
    cluster.registry.lock(DEAD, session=cluster.alive.session).wait()
    result = cluster.failover_master("--lock-timeout", "1s", code=5)
    assert ALIVE in result.said


def test_a_leaked_lock_is_passed_with_no_lock(cluster):
    cluster.registry.lock(DEAD, session=cluster.alive.session).wait()
    cluster.registry.mark(f"{DEAD}-{ago(9 * HOUR)}-1", ago(6 * HOUR))
    workflow = cluster.workflow()
    refused = cluster.failover_master("--lock-timeout", "1s", code=5)
    assert "leaked" in refused.said
    cluster.failover_master("--no-lock", "--lock-timeout", "2s", code=0)
    cluster.assert_failed_over_once([workflow])


def test_recovered_the_old_way_it_is_not_done_twice(cluster):
    workflows = cluster.workflows(5)
    cluster.failover_master(code=0)
    master = SimulatedMaster(cluster)
    assert master.consume_all() == 5 and not master.problems
    master.db.close()
    result = cluster.run("global", code=3)
    assert result.master_of(DEAD)["workflows"]["skipped"] == {"settling": 5}
    assert set(cluster.states(workflows).values()) == {1}


def test_many_and_two_runs_at_once(cluster):
    workflows = cluster.workflows(2000)
    runs = [cluster.start("failover-master", DEAD, "--lock-timeout", "60s") for _ in range(2)]
    results = [run.finish(0) for run in runs]
    cluster.assert_failed_over_once(workflows)
    assert sum(result.workflows["failed_over"] for result in results) == 2000
    assert list(cluster.registry.marks()) == [f"{DEAD}-unknown-unknown"]


def test_two_runs_at_once_past_each_other_s_lock(cluster):
    workflows = cluster.workflows(2000)
    runs = [cluster.start("failover-master", DEAD, "--no-lock", "--lock-timeout", "5s") for _ in range(3)]
    for run in runs:
        run.finish((0, 3, 5))
    cluster.failover_master("--lock-timeout", "60s", code=0)
    cluster.assert_failed_over_once(workflows)


def test_killed_and_run_again(cluster):
    from support.cluster import until
    workflows = cluster.workflows(20_000)
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") > 0 or not run.running(), 60)
    run.kill()
    master = SimulatedMaster(cluster, takes=lambda command: command % 50 == 0)
    master.consume_all()
    master.db.close()
    cluster.failover_master("--lock-timeout", "90s", code=(0, 3), timeout=120)
    counts = cluster.commands_per_workflow()
    taken = set(master.consumed)
    assert all(counts.get(w, 0) == (0 if w in taken else 1) for w in workflows)


def test_marks_are_cleaned_one_by_one(cluster):
    day = 24 * HOUR
    for name, value in {"127.9.0.1:1-1-123": ago(9 * day), "127.9.0.1:1-1-1234": ago(day),
                        "127.9.0.2:1-unknown-unknown": ago(8 * day), "127.9.0.3:1-1-1": "rubbish"}.items():
        cluster.registry.mark(name, value)
    result = cluster.run("clean-marks", code=3)
    assert set(cluster.registry.marks()) == {"127.9.0.1:1-1-1234", "127.9.0.3:1-1-1"}
    assert (result["marks"]["examined"], result["marks"]["removed"]) == (4, 2)
    assert cluster.run("list-marks", code=(0, 3))["marks"]["examined"] == 2


def test_all_masters_dead(make_cluster, cluster):
    workflows = cluster.workflows(2) + [cluster.quiet]
    cluster.alive.leave()
    assert ALIVE not in cluster.registry.folder(MASTERS)
    result = cluster.run("global", code=0)
    cluster.assert_failed_over_once(workflows)
    assert {m["address"] for m in result["masters"]} >= {DEAD, ALIVE}


def test_a_schema_without_test_flag(request, make_cluster):
    for registry, database in (("zookeeper", "postgresql"), ("jdbc", "mariadb")):
        cluster = make_cluster(registry, database, release="3.3.1")
        cluster.registry.mark(f"{DEAD}-1-5", ago(MINUTE))  # raises no doubt there
        workflows = [cluster.workflow(), cluster.workflow(command_type=3)]
        cluster.failover_master(code=0)
        cluster.assert_failed_over_once(workflows)


class TestWholeSeconds:
    """MySQL's datetime keeps whole seconds and rounds what it is given, also up."""

    @pytest.fixture
    def cluster(self, make_cluster):
        return make_cluster("zookeeper", "mariadb")

    @pytest.mark.parametrize("fraction", [1, 400, 499, 500, 501, 999])
    def test_started_in_the_second_of_the_deadline_it_is_never_lost(self, cluster, fraction):
        event_time = ago(EVENT_AGE) // 1000 * 1000 + fraction
        workflow = cluster.workflow(start=event_time - 1)  # stored rounded, maybe past the deadline
        cluster.failover_master("--event-time", event_time)
        cluster.assert_failed_over_once([workflow])

    def test_nor_taken_twice(self, cluster):
        workflow = cluster.workflow(start=ago(0))
        import time
        time.sleep(0.3)
        cluster.failover_master(code=0)
        master = SimulatedMaster(cluster)
        assert master.consume_all() == 1
        master.db.close()
        for _ in range(3):
            cluster.failover_master(code=3)
            assert cluster.state(workflow) == 1 and not cluster.commands()

    def test_update_time_is_kept(self, cluster):
        workflow = cluster.workflow()
        before = cluster.instance(workflow)["update_time"]
        cluster.failover_master(code=0)
        assert cluster.instance(workflow)["update_time"] == before

    def test_the_stamp_is_a_whole_second_not_before_the_deadline(self, cluster):
        workflow = cluster.workflow()
        result = cluster.failover_master(code=0)
        stamp = result.master["stamp"]
        assert stamp % 1000 == 0 and stamp >= result.master["deadline"]
        assert cluster.restart_ms(workflow) == stamp
        assert cluster.registry.stamps(DEAD) == [stamp]
