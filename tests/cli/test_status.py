"""status sees what is wrong with a cluster, and touches nothing."""

import time

import pytest

from support import databases
from support.cluster import (ALIVE, DAY, DEAD, DEAD_WORKER, HOUR, MINUTE, OTHER_DEAD, ago,
                             command_param, now_ms, until)
from support.registries import LOCKS, heartbeat

pytestmark = pytest.mark.usefixtures("normal_master")

COORDINATOR = "/nodes/master-coordinator"
ALERT_SERVERS = "/nodes/alert-server"
ALERT_LEADER = "/nodes/alert-server-ha-leader"
PAIRS = [("zookeeper", "sqlite"), ("zookeeper", "postgresql"), ("jdbc", "mariadb"),
         ("jdbc", "sqlite"), ("etcd", "postgresql")]


def command(cluster, workflow, updated, state=1, kind=2):
    row = cluster.instance(workflow)
    return cluster.db.insert(
        "t_ds_command", command_type=kind, workflow_instance_id=workflow,
        workflow_definition_code=row["workflow_definition_code"], workflow_definition_version=3,
        command_param=command_param(state), update_time=databases.to_text(updated))


def failed_command(cluster, workflow, message, number, state=1):
    cluster.db.insert("t_ds_error_command", id=number, command_type=2,
                      workflow_definition_code=1, workflow_instance_id=workflow,
                      command_param=command_param(state), message=message)


def duplicate_tasks(cluster, workflow):
    for _ in range(2):
        cluster.task(workflow, state=7, name="twice")


def relate(cluster, parent, child):
    cluster.db.insert("t_ds_relation_workflow_instance", parent_workflow_instance_id=parent,
                      parent_task_instance_id=1, workflow_instance_id=child)


def failing(result):
    return [each["name"] for each in result["checks"] if not each["ok"]]


def of(result, address):
    return next(each for each in result["needs_failover"] if each["address"] == address)


@pytest.mark.parametrize("registry, database", PAIRS)
def test_it_shows_the_whole_cluster_and_changes_nothing(make_cluster, registry, database):
    cluster = make_cluster(registry, database)
    busy = cluster.register("127.0.2.2:1234", worker=True, status="BUSY", process_id=77)
    cluster.workflows(3, start=ago(2 * HOUR))
    stuck = cluster.workflow(state=18)
    waiting = cluster.workflow(state=18)
    updated = ago(5 * MINUTE) // 1000 * 1000
    command(cluster, waiting, updated)
    cluster.registry.mark(f"{OTHER_DEAD}-unknown-unknown", ago(8 * DAY))
    cluster.registry.mark(f"{OTHER_DEAD}-1-2", ago(DAY))
    cluster.registry.mark("broken", "no number")
    with cluster.nothing_changes():
        result = cluster.run("status", code=0)
    master, = result["masters"]
    assert (master["address"], master["alive"], master["server_status"]) == (ALIVE, True, "NORMAL")
    assert master["startup_time"] == cluster.alive.startup_time
    assert master["process_id"] == cluster.alive.process_id
    assert now_ms() - MINUTE < master["report_time"] <= now_ms()
    worker, = result["workers"]
    assert (worker["address"], worker["server_status"], worker["process_id"]) == (
        busy.address, "BUSY", 77)
    assert result["coordinator"] is None and result["alert_leader"] is None
    dead, = result["needs_failover"]
    assert (dead["address"], dead["alive"], dead["workflows"], dead["in_doubt"]) == (DEAD, False, 3, 0)
    assert abs(dead["oldest_start_time"] - ago(2 * HOUR)) < 2 * MINUTE
    assert [(each["id"], each["cause"]) for each in result["stuck"]] == [(stuck, "none")]
    assert result["stuck"][0]["name"] == cluster.instance(stuck)["name"]
    its = {"oldest_update_time": updated, "unclaimed": 1}
    assert result["commands"] == {"by_type": {"2": {"count": 1, **its}}, "pending": 1, **its}
    assert (result["workers_gone"], result["ownerless_items"], result["idle"]["total"]) == ([], [], 0)
    assert result["serial_wait"] == {"count": 0, "oldest_start_time": None}
    assert result["waiting_tasks"] == {"no_worker_group": 0, "lost_task_group": None}
    assert worker["worker_group"] == "default" and master["worker_group"] is None
    assert result["marks"] == {"count": 3, "expired": 1, "unreadable": 1, "fences": [], "fences_omitted": 0}
    assert abs(result["clock_skew_ms"]) < 5000
    assert failing(result) == ["needs_failover", "stuck", "unclaimed_commands", "coordinator", "marks"]
    assert result["database"]["schema_version"] == "3.3.0"
    assert result["locks"] == [] and result["outcome"] == "completed"


def test_host_by_host_what_global_would_do(cluster):
    cluster.register(OTHER_DEAD, startup_time=ago(20 * MINUTE))  # lives again
    old = cluster.workflow(host=OTHER_DEAD, start=ago(3 * HOUR))
    cluster.task(old, submit=ago(2 * HOUR))
    cluster.workflow(host=OTHER_DEAD, start=ago(MINUTE))  # its own
    cluster.workflows(2, start=ago(5 * HOUR))
    cluster.workflow(host=None)
    result = cluster.run("status", code=0)
    assert {(each["address"], each["alive"], each["workflows"])
            for each in result["needs_failover"]} == {(DEAD, False, 2), (OTHER_DEAD, True, 1)}
    assert abs(of(result, OTHER_DEAD)["oldest_start_time"] - ago(3 * HOUR)) < MINUTE
    assert result["ownerless"] == 1
    planned = cluster.run("global", "--dry-run")
    assert {each["address"]: each["workflows"]["selected"] for each in planned["masters"]} == \
        {each["address"]: each["workflows"] for each in result["needs_failover"]}


def test_doubtful_workflows_with_their_last_activity(cluster):
    cluster.registry.mark(f"{DEAD}-unknown-unknown", ago(HOUR))
    doubtful = cluster.workflow(start=ago(2 * HOUR))
    running = cluster.workflow(start=ago(2 * HOUR))
    seen = ago(10 * MINUTE)
    cluster.task(running, state=7, submit=ago(3 * HOUR), end=seen)
    result = cluster.run("status", "--check", code=7)
    assert {each["id"]: each["reason"] for each in result["uncertain"]["items"]} == {
        doubtful: "in_doubt", running: "running_elsewhere"}
    note = next(each for each in result["uncertain"]["items"] if each["id"] == running)
    assert note["last_task_activity"] == seen and note["host"] == DEAD
    dead = of(result, DEAD)
    assert (dead["workflows"], dead["in_doubt"], dead["running_elsewhere"]) == (0, 1, 1)


@pytest.mark.parametrize("database", ["postgresql", "mariadb", "sqlite"])
def test_every_cause_of_being_stuck(make_cluster, database):
    cluster = make_cluster("jdbc", database)
    failed, duplicated, both, unknown, taken = cluster.workflows(5, state=18)
    failed_command(cluster, failed, "an older failure", 100)
    failed_command(cluster, failed, "java.lang.IllegalStateException: no\n\tat com.example", 101)
    duplicate_tasks(cluster, duplicated)
    duplicate_tasks(cluster, both)
    failed_command(cluster, both, "Duplicate key twice", 102)
    command(cluster, taken, now_ms(), kind=0)  # any command at all: not stuck
    cluster.db.execute("UPDATE t_ds_command SET workflow_instance_id = ?", taken)
    result = cluster.run("status", "--check", code=7)
    assert {each["id"]: each["cause"] for each in result["stuck"]} == {
        failed: "java.lang.IllegalStateException: no",
        duplicated: "duplicate valid tasks",
        both: "Duplicate key twice (duplicate valid tasks)",
        unknown: "none"}


def test_more_stuck_than_are_listed_are_counted(cluster):
    cluster.workflows(7, state=18)
    result = cluster.run("status", "--items", 2, code=0)
    assert len(result["stuck"]) == 2 and result["stuck_omitted"] == 5


def test_servers_and_locks_beyond_the_limit_are_counted(cluster):
    cluster.register("127.0.1.7:5678")
    held = [cluster.registry.lock(f"127.0.1.{i}:5678").wait() for i in (1, 3, 4)]
    result = cluster.run("status", "--items", 1, code=0)
    assert len(result["masters"]) == 1 and result["masters_omitted"] == 1
    assert len(result["locks"]) == 1 and result["locks_omitted"] == 2
    assert "masters: none" not in cluster.run("status", "--items", 0, "--format", "table", code=0).stdout
    for lock in held:
        lock.release()


def test_parents_whose_child_is_unfinished_too(cluster):
    parent, finished_child, child = (cluster.workflow(), cluster.workflow(state=7),
                                     cluster.workflow(host=ALIVE, is_sub_workflow=1))
    healthy = cluster.workflow(host=ALIVE)
    for child_of_it in (finished_child, child):
        relate(cluster, parent, child_of_it)
    relate(cluster, healthy, child)  # nobody fails that one over
    note, = cluster.run("status", code=0)["parents"]["items"]
    assert note == {"id": parent, "name": cluster.instance(parent)["name"], "host": DEAD,
                    "child_id": child, "child_host": ALIVE, "child_state": "RUNNING_EXECUTION"}


def test_a_database_without_the_relation_table(cluster):
    cluster.db.execute("DROP TABLE t_ds_relation_workflow_instance")
    cluster.workflow()
    assert cluster.run("status", code=0)["parents"]["total"] == 0


def test_workflows_that_wait_for_a_lost_kill(cluster):
    gone, idle, healthy = (cluster.workflow(state=4), cluster.workflow(state=4),
                           cluster.workflow(state=4, host=ALIVE))
    cluster.task(gone, state=1)
    cluster.task(idle, state=9)
    cluster.task(healthy, state=1)
    cluster.registry.mark(f"{OTHER_DEAD}-unknown-unknown", ago(HOUR))
    recovered = cluster.workflow(state=4, host=OTHER_DEAD, start=ago(2 * HOUR))
    cluster.task(recovered, state=17, submit=ago(10 * MINUTE))
    notes = cluster.run("status", code=0)["waiting_for_kill"]["items"]
    assert {each["id"] for each in notes} == {gone, recovered}
    assert all("stop it again" in each["reason"] for each in notes)


def test_a_kill_that_recovery_lost_on_later_releases(make_cluster):
    cluster = make_cluster(release="3.3.1")  # recovery sets host and restart_time
    recovered = cluster.workflow(state=4, host=ALIVE, start=ago(2 * HOUR), restart=ago(MINUTE))
    stopping = cluster.workflow(state=4, host=ALIVE, start=ago(MINUTE))
    for workflow in (recovered, stopping):
        cluster.task(workflow, state=1)
    result = cluster.run("status", code=0)
    note, = result["waiting_for_kill"]["items"]
    assert note["id"] == recovered and "it was recovered" in note["reason"]
    assert result["needs_failover"] == []


def test_a_host_that_is_no_address(cluster):
    cluster.workflow(host="localhost")
    result = cluster.run("status", code=0)
    assert '"localhost"' in result.said
    cluster.run("status", "--check", code=7)


def test_a_clock_that_cannot_be_right_is_reported_with_all_the_rest(cluster):
    cluster.workflow()
    cluster.register("127.0.1.4:5678", value=heartbeat("127.0.1.4:5678", ago(HOUR), 7,
                                                      report_time=now_ms() + 2 * MINUTE))
    result = cluster.run("status", "--check", code=6)
    assert of(result, DEAD)["workflows"] == 1 and "127.0.1.4:5678" in result["errors"][0]
    clocks, = [each for each in result["checks"] if each["name"] == "clocks"]
    assert clocks["ok"] is False and "127.0.1.4:5678" in clocks["detail"]


def test_commands_are_unclaimed_only_while_masters_live(make_cluster):
    cluster = make_cluster(living=False)
    workflow = cluster.workflow(state=18)
    command(cluster, workflow, ago(HOUR))
    assert cluster.run("status", code=0)["commands"]["unclaimed"] == 0
    cluster.register(ALIVE)
    assert cluster.run("status", code=0)["commands"]["unclaimed"] == 1
    command(cluster, cluster.workflow(state=18), ago(MINUTE))
    assert cluster.run("status", code=0)["commands"]["unclaimed"] == 1


def test_a_leaked_lock_names_its_holder_and_the_masters_that_wait(cluster):
    lock = cluster.registry.lock(DEAD, session=cluster.alive.session).wait()
    assert cluster.run("status", code=0)["locks"][0]["leaked"] is False
    cluster.registry.mark(f"{DEAD}-unknown-unknown", ago(MINUTE))
    other = cluster.register(OTHER_DEAD)
    queued = cluster.registry.lock(DEAD, session=other.session)
    result = cluster.run("status", code=0)
    note, = result["locks"]
    assert note["path"] == f"{LOCKS}/{DEAD}" and note["leaked"] is True
    assert ALIVE in note["holder"] and abs(note["held_since"] - now_ms()) < MINUTE
    assert len(note["waiters"]) == 1 and OTHER_DEAD in note["waiters"][0]
    warning = next(each for each in result["warnings"] if "leaked" in each)
    assert ALIVE in warning and f"The master {OTHER_DEAD} waits" in warning
    assert "cannot fail anything over" in warning and "--no-lock" in warning
    queued.release()
    lock.release()


@pytest.mark.parametrize("registry", ["jdbc", "etcd"])
def test_a_leaked_lock_elsewhere(make_cluster, registry):
    cluster = make_cluster(registry)
    lock = cluster.registry.lock(DEAD, session=cluster.alive.session).wait()
    time.sleep(1.1)
    cluster.registry.mark(f"{DEAD}-unknown-unknown", now_ms())
    note, = cluster.run("status", code=0)["locks"]
    assert note["leaked"] is True and ALIVE in note["holder"] and note["waiters"] == []
    lock.release()


@pytest.mark.parametrize("registry", ["zookeeper", "jdbc", "etcd"])
def test_leaders_that_are_gone(make_cluster, registry):
    cluster = make_cluster(registry)
    alert = cluster.registry.session()
    alert.put_ephemeral(f"{ALERT_SERVERS}/127.0.3.1:50052", "{}")
    cluster.alive.session.put_ephemeral(COORDINATOR, ALIVE)
    alert.put_ephemeral(ALERT_LEADER, "127.0.3.1:50052")
    result = cluster.run("status", code=0)
    assert (result["coordinator"], result["coordinator_alive"]) == (ALIVE, True)
    assert (result["alert_leader"], result["alert_leader_alive"]) == ("127.0.3.1:50052", True)
    alert.end()
    cluster.registry.delete(COORDINATOR)
    cluster.registry.put(COORDINATOR, DEAD)
    cluster.registry.put(ALERT_LEADER, "127.0.3.1:50052")
    result = cluster.run("status", code=0)
    assert (result["coordinator"], result["coordinator_alive"]) == (DEAD, False)
    assert result["alert_leader_alive"] is False
    assert sum("is gone" in each for each in result["warnings"]) == 2


@pytest.mark.parametrize("registry", ["zookeeper", "jdbc", "etcd"])
def test_a_leader_that_is_gone_has_no_node(make_cluster, registry):
    cluster = make_cluster(registry, living=False)
    assert not any("is registered" in each for each in cluster.run("status", code=0)["warnings"])
    cluster.register(ALIVE)
    cluster.registry.session().put_ephemeral(f"{ALERT_SERVERS}/127.0.3.1:50052", "{}")
    warnings = [each for each in cluster.run("status", code=0)["warnings"] if "is registered" in each]
    assert [each.split(" is registered")[0] for each in warnings] == [
        "No coordinator of the masters", "No leader of the alert servers"]
    assert all(("no other one is elected" in each) is (registry != "zookeeper") for each in warnings)


def test_a_zone_that_cannot_be_right_is_reported_with_all_the_rest(cluster):
    stuck = cluster.workflow(state=18)
    cluster.workflow(start=now_ms() + 2 * HOUR)
    result = cluster.run("status", code=0)
    assert "--time-zone" in "\n".join(result["warnings"])
    assert [each["address"] for each in result["masters"]] == [ALIVE]
    assert [each["id"] for each in result["stuck"]] == [stuck]
    assert "clocks" in failing(result)


@pytest.mark.parametrize("what", ["impossible", "unreadable"])
def test_check_counts_what_global_would_leave_to_a_person(cluster, what):
    if what == "impossible":
        cluster.workflow(start=now_ms() + 40_000)
    else:
        cluster.register(OTHER_DEAD, value="no JSON")
        cluster.workflow(host=OTHER_DEAD)
    assert cluster.run("global", "--dry-run").code == 3
    cluster.run("status", "--check", code=7)


def test_check_is_quiet_about_a_healthy_cluster(cluster):
    cluster.complete()
    cluster.registry.mark(f"{ALIVE}-1-2", ago(9 * DAY))  # evidence while its host has workflows
    result = cluster.run("status", "--check", code=0)
    assert result["marks"]["expired"] == 1


def test_a_fence_that_a_killed_run_left_behind(cluster):
    cluster.complete()
    hung = cluster.register(OTHER_DEAD)
    run = cluster.start("failover-master", OTHER_DEAD, "--fence")
    until(lambda: cluster.registry.marks())
    run.kill()
    name, = cluster.registry.marks()
    # Kept for seven days after the start of its process, cleaned then.
    old, nobody_s = f"{DEAD}-{ago(8 * DAY)}-2", "127.0.1.9:5678-unknown-unknown"
    result = cluster.run("status", "--check", code=0)
    fence, = result["marks"]["fences"]
    assert (fence["name"], fence["address"], fence["alive"]) == (name, OTHER_DEAD, True)
    assert abs(fence["age_ms"] - (now_ms() - hung.startup_time)) < MINUTE
    assert (result["marks"]["count"], result["marks"]["expired"]) == (1, 0)
    hung.leave()
    assert cluster.run("status", "--check", code=0)["marks"]["fences"][0]["alive"] is False
    for mark in (old, nobody_s):
        cluster.registry.mark(mark, 0)
    result = cluster.run("status", "--check", code=7)
    assert {each["name"] for each in result["marks"]["fences"]} == {name, old, nobody_s}
    assert result["marks"]["expired"] == 2
    cut = cluster.run("status", "--items", 1, code=0)["marks"]
    assert (len(cut["fences"]), cut["fences_omitted"]) == (1, 2)
    text = cluster.run("status", "--format", "table", code=0).stdout
    assert "3 fences" in text and name in text
    cluster.run("clean-marks", code=0)
    assert list(cluster.registry.marks()) == [name]
    cluster.run("status", "--check", code=0)


def freshly_started(make_cluster):
    """Workflows of a dead master alone, none of the living one that just came."""
    cluster = make_cluster(living=False)
    cluster.task(cluster.workflow(), host=DEAD_WORKER)
    cluster.register(ALIVE)
    return cluster


@pytest.mark.parametrize("sign", [None, "worker", "mark", "stamp", "lock", "own lock"])
def test_two_clusters_are_suspected_only_where_nothing_shows_that_it_is_one(make_cluster, sign):
    cluster = freshly_started(make_cluster)
    held = None
    if sign == "worker":
        cluster.register(DEAD_WORKER, worker=True)
    elif sign == "mark":
        cluster.registry.mark(f"{DEAD}-1-2", ago(DAY))
    elif sign == "stamp":
        cluster.registry.put(f"/dsfailover/stamps/{DEAD}", str(ago(DAY)))
    elif sign == "lock":  # as a starting master leaves it
        held = cluster.registry.lock(DEAD, session=cluster.servers[-1].session).wait()
    elif sign == "own lock":
        held = cluster.registry.lock(DEAD).wait()
    for command in (["status"], ["global", "--dry-run"], ["failover-master", DEAD, "--dry-run"]):
        said = cluster.run(*command).said
        assert ("are the two of two clusters?" in said) is (sign in (None, "own lock")), command
    if held:
        held.release()


def test_nor_by_a_run_that_holds_the_lock_itself(make_cluster):
    cluster = freshly_started(make_cluster)
    assert "are the two of two clusters?" in cluster.failover_master(code=0).said


@pytest.mark.parametrize("what", ["failover", "stuck", "unclaimed", "marks"])
def test_check_exits_7_for_each_reason(cluster, what):
    cluster.complete()
    cluster.run("status", "--check", code=0)
    if what == "failover":
        cluster.workflow()
    elif what == "stuck":
        cluster.workflow(state=18)
    elif what == "unclaimed":
        command(cluster, cluster.workflow(state=18), ago(3 * MINUTE))
    else:
        cluster.registry.mark(f"{DEAD}-1-2", ago(8 * DAY))
    assert cluster.run("status", code=0)["exit_code"] == 0
    result = cluster.run("status", "--check", code=7)
    assert sum(each.startswith("--check: ") for each in result["warnings"]) == 1


def test_a_wrong_namespace_is_exit_6_without_a_status(cluster):
    cluster.registry.delete("/nodes")
    result = cluster.run("status", "--check", code=6)
    assert result["masters"] is None and result["commands"] is None
    assert result["errors"]


def test_a_table_for_people(cluster):
    cluster.workflows(2)
    cluster.task(cluster.workflow(), host=DEAD_WORKER)
    text = cluster.run("status", "--format", "table", code=0).stdout
    assert "needs failover" in text and DEAD in text and ALIVE in text


def test_the_workflow_table_is_read_once(make_cluster):
    cluster = make_cluster(database="postgresql")
    sql = cluster.db
    # No living master has any: looked for at length, that would be a second scan.
    sql.execute("UPDATE t_ds_workflow_instance SET host = ?", OTHER_DEAD)
    for count, state, host in ((1_000_000, 7, DEAD), (9_000, 1, DEAD), (1_000, 4, OTHER_DEAD),
                               (500, 18, DEAD)):
        sql.execute(
            "INSERT INTO t_ds_workflow_instance (name, workflow_definition_code,"
            " workflow_definition_version, state, host, start_time, executor_id)"
            f" SELECT 'w', 1, 1, {state}, '{host}', now() AT TIME ZONE 'utc' - interval '1 hour', 1"
            f" FROM generate_series(1, {count})")
    sql.execute("ANALYZE")
    table = "t_ds_workflow_instance"

    def scans():
        time.sleep(1.5)  # the server's counters lag behind
        return sql.row("SELECT seq_scan, seq_tup_read FROM pg_stat_user_tables WHERE relname = ?",
                       table)

    before = scans()
    result = cluster.run("status", code=0)
    after = scans()
    assert after["seq_scan"] - before["seq_scan"] <= 3  # one, by up to three parallel workers
    # No row twice, however many processes shared the scan.
    rows = sql.value(f"SELECT count(*) FROM {table}")
    assert after["seq_tup_read"] - before["seq_tup_read"] <= rows
    assert of(result, DEAD)["workflows"] == 9_000 and "of two clusters?" in result.said
    assert len(result["stuck"]) + result["stuck_omitted"] == 500
    assert result.seconds < 20


@pytest.mark.parametrize("database", ["postgresql", "mariadb", "sqlite"])
def test_what_stands_still(make_cluster, database):
    cluster = make_cluster("jdbc", database, living=False)
    cluster.alive = cluster.register(ALIVE, startup_time=ago(20 * DAY))
    cluster.complete()
    code = {"workflow_definition_code": 15_000_000_000_000}
    idle = cluster.workflow(host=ALIVE, start=ago(9 * DAY), **code)
    cluster.task(idle, state=7, submit=ago(5 * DAY))
    cluster.task(idle, state=0, host=None, submit=ago(5 * DAY), worker_group="gpu")
    waits = cluster.workflow(state=14, host=None, start=ago(HOUR))
    result = cluster.run("status", "--check", code=7)
    note, = result["idle"]["items"]
    assert (note["id"], note["overtaken"], note["blocked"]) == (idle, False, True)
    assert abs(note["since"] - ago(5 * DAY)) < MINUTE
    assert result["waiting_tasks"]["no_worker_group"] == 1 and result["serial_wait"]["count"] == 1
    assert failing(result) == ["idle", "serial_wait"]
    cluster.workflow(state=7, host=ALIVE, start=ago(4 * DAY), end_time=databases.to_text(ago(2 * DAY)), **code)
    result = cluster.run("status", "--check", "idle", code=7)
    assert result["idle"]["items"][0]["overtaken"] is True
    serial, = [each for each in result["checks"] if each["name"] == "serial_wait"]
    assert serial["hint"] == f"dsfailover explain {waits}"
    cluster.run("status", "--check", "--skip-check", "idle serial_wait", code=0)
    refused = cluster.run("status", "--check", "idle", "--skip-check", "idle,serial_wait", code=2)
    assert "--skip-check leaves out every check that --check names" in refused.said
    every = ",".join(each["name"] for each in result["checks"]) + ",abandoned,held_idle"
    refused = cluster.run("status", "--check", environment={"DSFAILOVER_SKIP_CHECK": every}, code=2)
    assert "DSFAILOVER_SKIP_CHECK (--skip-check) leaves out every check" in refused.said
    assert "there is no check 'idel'; did you mean 'idle'?" in cluster.run("status", "--check", "idel", code=2).said
