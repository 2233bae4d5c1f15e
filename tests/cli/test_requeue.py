"""requeue gives workflows stuck in FAILOVER a command again, and never a second one."""

import contextlib
import json
import threading
import time

import pytest

from support import audit, databases
from support.cluster import (ALIVE, DEAD, HOUR, MINUTE, OTHER_DEAD, SimulatedMaster, ago,
                             command_param, now_ms, until)
from support.proxy import COMMIT, Proxy
from support.registries import STAMPS

pytestmark = pytest.mark.usefixtures("normal_master")

DATABASES = ["postgresql", "mariadb", "sqlite"]
SERVERS = ["postgresql", "mariadb"]


@pytest.fixture(params=DATABASES)
def cluster(request, make_cluster):
    """Every kind of database, on ZooKeeper or in its own JDBC registry."""
    return make_cluster("zookeeper" if request.param != "sqlite" else "jdbc", request.param)


_numbers = iter(range(1_000_000, 2_000_000))


def failed_command(cluster, workflow, state=None, param=None, message="java.lang.Exception: no"):
    cluster.db.insert("t_ds_error_command", id=next(_numbers), command_type=2,
                      workflow_definition_code=1, workflow_instance_id=workflow,
                      command_param=param or command_param(state), message=message)


def waiting_command(cluster, workflow, state=1, updated=None, **columns):
    row = cluster.instance(workflow)
    return cluster.db.insert("t_ds_command", **{
        "command_type": 2, "workflow_instance_id": workflow,
        "workflow_definition_code": row["workflow_definition_code"],
        "workflow_definition_version": row["workflow_definition_version"], "executor_id": 0,
        "task_depend_type": 2, "failure_strategy": 1, "dry_run": 0,
        "command_param": command_param(state),
        "update_time": databases.to_text(updated or ago(10 * MINUTE)),
        **({"test_flag": 0} if cluster.has_test_flag() else {}), **columns})


def unclaimed(cluster, count, **options):
    return {workflow: waiting_command(cluster, workflow, **options)
            for workflow in cluster.workflows(count, state=18)}


def states_of_commands(cluster):
    return {row["workflow_instance_id"]: json.loads(row["command_param"])["workflowExecutionStatus"]
            for row in cluster.commands()}


def items(result):
    return {item["id"]: item for item in result["workflows"]["items"]}


# -- without a command


def test_each_cause_and_exactly_the_curable_ones(cluster):
    told = {cluster.workflow(state=18): state for state in (1, 2, 4)}
    for workflow, state in told.items():
        failed_command(cluster, workflow, 1 if state != 1 else 4, message="an older failure")
        failed_command(cluster, workflow, state)
    killed, paused, silent, damaged = cluster.workflows(4, state=18)
    cluster.task(killed, state=9, name="a")
    cluster.task(killed, state=3, name="b")
    cluster.task(paused, state=3)
    cluster.task(silent, state=9, flag=0)  # not valid: says nothing
    failed_command(cluster, damaged, param="no JSON")
    duplicated = cluster.workflow(state=18)
    failed_command(cluster, duplicated, 1)
    for _ in range(2):
        cluster.task(duplicated, state=7, name="twice")
    waiting = cluster.workflow(state=18)
    waiting_command(cluster, waiting, updated=now_ms())
    rows = cluster.instances()

    result = cluster.run("requeue", code=3)
    names = {1: "RUNNING_EXECUTION", 2: "READY_PAUSE", 4: "READY_STOP"}
    given = {**{workflow: names[state] for workflow, state in told.items()},
             killed: "READY_STOP", paused: "READY_PAUSE", silent: "RUNNING_EXECUTION",
             damaged: "RUNNING_EXECUTION"}
    assert states_of_commands(cluster) == {**given, waiting: "RUNNING_EXECUTION"}
    assert set(cluster.commands_per_workflow().values()) == {1}
    stamp, = cluster.registry.stamps(DEAD)
    assert {w: cluster.restart_ms(w) for w in given} == {w: stamp for w in given}
    for workflow in given:  # nothing else of an instance changes
        rows[workflow]["restart_time"] = cluster.instance(workflow)["restart_time"]
    assert cluster.instances() == rows
    assert result["workflows"]["selected"] == result["workflows"]["requeued"] == len(given)
    assert result["workflows"]["skipped"] == {"duplicate_tasks": 1, "command_pending": 1}
    assert result["workflows"]["left"] == 0 and result["outcome"] == "partial"
    for workflow in given:
        command, = (each for each in cluster.commands() if each["workflow_instance_id"] == workflow)
        item = items(result)[workflow]
        assert item["command_id"] == command["id"] and item["outcome"] == "requeued"
        assert item["name"] == rows[workflow]["name"] and item["previous_state"] == "FAILOVER"
        assert given[workflow] in item["reason"]
    assert str(silent) in result.said and "RUNNING_EXECUTION is taken" in result.said
    assert str(duplicated) in "\n".join(result["errors"])


def test_the_command_is_the_reference_s_byte_for_byte(cluster):
    workflow = cluster.workflow(state=18)
    failed_command(cluster, workflow, 4)
    before = now_ms()
    cluster.run("requeue", code=0)
    row, = cluster.commands()
    instance = cluster.instance(workflow)
    updated = databases.to_epoch_ms(row.pop("update_time"))
    assert before - 1000 <= updated <= now_ms() + 1000
    del row["id"]
    assert row == {
        "command_type": 2, "command_param": command_param(4), "workflow_instance_id": workflow,
        "workflow_definition_code": instance["workflow_definition_code"],
        "workflow_definition_version": instance["workflow_definition_version"], "executor_id": 0,
        "task_depend_type": 2, "failure_strategy": 1, "dry_run": 0, "test_flag": 0,
        "warning_type": 0, "warning_group_id": None, "schedule_time": None, "start_time": None,
        "workflow_instance_priority": 2, "worker_group": None, "tenant_code": "default",
        "environment_code": -1}


def test_without_test_flag_columns(make_cluster):
    cluster = make_cluster(database="postgresql", release="3.3.1")
    workflow = cluster.workflow(state=18)
    cluster.task(workflow, state=3)
    cluster.run("requeue", code=0)
    assert states_of_commands(cluster) == {workflow: "READY_PAUSE"}


def test_run_twice(cluster):
    workflows = cluster.workflows(30, state=18)
    assert cluster.run("requeue", code=0)["workflows"]["requeued"] == 30
    again = cluster.run("requeue", code=0)
    assert again["workflows"]["requeued"] == 0 and again["outcome"] == "nothing_to_do"
    assert again["workflows"]["skipped"] == {"command_pending": 30}
    cluster.assert_failed_over_once(workflows)


def test_several_runs_at_once_give_one_command(cluster):
    workflows = cluster.workflows(1500, state=18)
    runs = [cluster.start("requeue") for _ in range(3)]
    results = [run.finish(0) for run in runs]
    cluster.assert_failed_over_once(workflows)
    assert sum(each["workflows"]["requeued"] for each in results) == 1500


def test_beside_a_master_that_consumes_at_once(cluster):
    workflows = cluster.workflows(1200, state=18)
    with SimulatedMaster(cluster) as master:
        results = [run.finish(0) for run in [cluster.start("requeue") for _ in range(2)]]
        until(lambda: not cluster.commands())
    assert sorted(master.consumed) == sorted(workflows) and master.problems == []
    assert sum(each["workflows"]["requeued"] for each in results) == 1200


def test_as_says_the_state_where_no_lost_command_does(cluster):
    told, silent, killed = cluster.workflows(3, state=18)
    failed_command(cluster, told, 2)
    cluster.task(killed, state=9)
    result = cluster.run("requeue", "--as", "stop", code=0)
    assert states_of_commands(cluster) == {told: "READY_PAUSE", silent: "READY_STOP",
                                           killed: "READY_STOP"}
    warning, = (each for each in result["warnings"] if "--as" in each)
    assert "was not used for 1" in warning and str(told) in warning


def test_a_second_command_is_for_a_person(cluster):
    workflow, other = cluster.workflows(2, state=18)
    numbers = {waiting_command(cluster, workflow) for _ in range(2)}
    result = cluster.run("requeue", workflow, code=3)
    assert {row["id"] for row in cluster.commands()} == numbers
    assert result["workflows"]["skipped"] == {"several_commands": 1}
    assert str(workflow) in "\n".join(result["errors"])


def test_only_the_ids_named(cluster):
    named, other = cluster.workflows(2, state=18)
    running = cluster.workflow(host=ALIVE)
    result = cluster.run("requeue", named, running, code=3)
    assert f"instance {running}: it is not in state FAILOVER" in result.said
    assert set(cluster.commands_per_workflow()) == {named}
    assert result["workflows"]["skipped"] == {"not_in_failover": 1}
    assert cluster.state(running) == 1 and cluster.state(other) == 18


def test_an_unknown_id_needs_a_person(cluster):
    result = cluster.run("requeue", 999_999, code=3)
    assert result["workflows"]["skipped"] == {"unknown": 1} and "999999" in result.said


@pytest.mark.parametrize("arguments", [["17,x"], ["-3"], ["x"], ["0"], ["1", "--as", "failed"],
                                       ["1", "--unclaimed-after", "2"], ["--limit", "0"]])
def test_bad_arguments(make_cluster, arguments):
    make_cluster("jdbc").run("requeue", *arguments, code=2)


def test_a_limit_leaves_the_rest(cluster):
    cluster.workflows(5, state=18)
    result = cluster.run("requeue", "--limit", 2, code=3)
    assert (result["workflows"]["selected"], result["workflows"]["requeued"],
            result["workflows"]["left"]) == (5, 2, 3)
    assert len(cluster.commands()) == 2
    assert {item["reason"] for item in result["workflows"]["items"]
            if item["outcome"] == "left"} == {"limit"}


def test_a_dry_run_says_all_and_does_nothing(cluster):
    stuck = cluster.workflow(state=18)
    failed_command(cluster, stuck, 4)
    old, = unclaimed(cluster, 1)
    with cluster.nothing_changes():
        result = cluster.run("requeue", "--dry-run", code=0)
    assert result["outcome"] == "planned" and result.seconds < 10
    assert {each["id"]: each["outcome"] for each in result["workflows"]["items"]} == {
        stuck: "planned", old: "planned"}
    assert "READY_STOP" in items(result)[stuck]["reason"]


def test_the_audit_log(cluster, tmp_path):
    workflows = cluster.workflows(3, state=18)
    log = tmp_path / "audit.log"
    cluster.run("requeue", "--as", "pause", "--audit-log", log, code=0)
    stamp, *entries = audit.changes(log)
    assert {entry["id"] for entry in entries} == set(workflows)
    assert {(entry["action"], entry["value"]) for entry in entries} == {("requeued", "READY_PAUSE")}
    assert (stamp["kind"], stamp["action"], stamp["address"], stamp["path"]) == (
        "stamp", "written", DEAD, f"{STAMPS}/{DEAD}")
    assert int(stamp["value"]) == cluster.restart_ms(workflows[0])


def test_an_audit_log_that_takes_nothing_stops_before_the_first_transaction(cluster):
    cluster.workflow(state=18)
    result = cluster.run("requeue", "--audit-log", "/dev/full", code=1)
    assert result["workflows"]["requeued"] == 0 and cluster.commands() == []


def test_a_failing_audit_log_stops_before_the_next_transaction(cluster, tmp_path):
    cluster.workflows(2_500, state=18, host=None)  # of a host, the stamp's line is the first
    log = audit.BreakingLog(tmp_path)
    run = cluster.start("requeue", "--audit-log", log.path)
    log.break_behind("run")
    result = run.finish(1)
    under_way = 1_000 if cluster.db.type == "sqlite" else 2_000  # two transactions, but on SQLite
    assert result["workflows"]["requeued"] == len(cluster.commands()) == under_way
    assert result["workflows"]["left"] == 2_500 - under_way and len(result["errors"]) == 1


# -- stamps


def test_a_failover_knows_what_was_requeued(make_cluster):
    """The cluster left it in FAILOVER on 3.3.0, without mark or stamp, and a master takes it now."""
    cluster = make_cluster(database="postgresql")
    lost = cluster.workflow(state=18)
    (waiting, number), = unclaimed(cluster, 1).items()
    with SimulatedMaster(cluster, takes=lambda each: each != number) as master:
        cluster.run("requeue", "--wait", "40s", code=0)
    assert sorted(master.consumed) == [lost, waiting]
    for workflow in (lost, waiting):
        cluster.task(workflow, submit=ago(1000), host="127.0.2.9:1234")
    result = cluster.failover_master(code=0)
    assert result.workflows["failed_over"] == 0
    assert result.workflows["skipped"] == {"running_elsewhere": 2}
    assert cluster.commands() == [] and set(cluster.states([lost, waiting]).values()) == {1}


def test_the_stamp_says_its_zone_and_who_lived(cluster):
    workflow = cluster.workflow(state=18)
    old = now_ms() + HOUR
    cluster.registry.put(f"{STAMPS}/{DEAD}", str(old))
    cluster.run("requeue", code=0, environment={"DSFAILOVER_TIME_ZONE": "GMT"})
    first, stamp = cluster.registry.get(f"{STAMPS}/{DEAD}").split(",")
    value, zone, master = stamp.split("|")
    assert first == str(old) < value  # later than all before, and of 0.1 nothing is lost
    assert (zone, master) == ("GMT", f"{ALIVE}@{cluster.alive.startup_time}")
    assert int(value) == cluster.restart_ms(workflow) == cluster.db.stored(int(value))


def test_without_a_host_the_row_is_written_all_the_same(cluster):
    nobodys = cluster.workflow(state=18, host=None)
    odd = cluster.workflow(state=18, host="NULL")
    before = cluster.db.stored(now_ms()) - 1000
    cluster.run("requeue", code=0)
    cluster.assert_failed_over_once([nobodys, odd])
    assert before <= cluster.restart_ms(nobodys) == cluster.restart_ms(odd)
    assert cluster.registry.folder(STAMPS) == {}


def test_stamps_that_cannot_be_read_stop_the_workflows_of_their_host(cluster):
    workflows = cluster.workflows(2, state=18)
    other = cluster.workflow(state=18, host=OTHER_DEAD)
    cluster.registry.put(f"{STAMPS}/{DEAD}", "rubbish")
    result = cluster.run("requeue", code=1)
    assert set(cluster.commands_per_workflow()) == {other}
    assert {items(result)[w]["outcome"] for w in workflows} == {"failed"}
    error, = result["errors"]
    assert f"{STAMPS}/{DEAD}" in error and "rubbish" in error
    assert result["workflows"]["requeued"] == 1 and result["workflows"]["left"] == 2


@pytest.mark.parametrize("database", SERVERS)
def test_a_row_that_changed_since_it_was_read_is_left_alone(make_cluster, database):
    cluster = make_cluster(database=database)
    changed, other = cluster.workflows(2, state=18)
    with contextlib.closing(cluster.db.clone()) as somebody:
        somebody.execute("BEGIN")
        somebody.execute("UPDATE t_ds_workflow_instance SET restart_time = ? WHERE id = ?",
                         databases.to_text(ago(HOUR)), changed)
        run = cluster.start("requeue")
        until(lambda: waits_for_a_row(cluster), timeout=60)
        somebody.execute("COMMIT")
    result = run.finish(0)
    assert result["workflows"]["skipped"] == {"state_changed": 1}
    assert cluster.commands_per_workflow() == {other: 1}


# -- with a command that no master takes


def test_a_master_that_takes_only_odd_ids_gets_every_one(cluster):
    commands = unclaimed(cluster, 24)
    fresh = cluster.workflow(state=18)
    waiting_command(cluster, fresh, updated=now_ms() + 30_000)
    untouched = {row["id"] for row in cluster.commands() if row["workflow_instance_id"] == fresh}
    odd = {workflow for workflow, number in commands.items() if number % 2}
    with SimulatedMaster(cluster, takes=lambda number: number % 2 and number not in untouched) as master:
        # What it takes while the queue is watched says of the last commands that their turn may come.
        until(lambda: not any(row["id"] % 2 and row["id"] not in untouched for row in cluster.commands()))
        result = cluster.run("requeue", "--wait", "60s", code=0)
    assert sorted(master.consumed) == sorted(commands) and master.problems == []
    assert set(cluster.states(commands).values()) == {1}
    assert {row["id"] for row in cluster.commands()} == untouched
    recovery = result["recovery"]
    assert recovery["pending"] == recovery["errored"] == 0
    # Those with an odd id may have been taken before, or while, they were looked at.
    assert len(commands) - len(odd) <= recovery["recovered"] == result["workflows"]["requeued"]


def test_the_exchanged_command_is_equal_but_for_id_and_time(cluster):
    workflow = cluster.workflow(state=18)
    number = waiting_command(cluster, workflow, state=4, workflow_instance_priority=0,
                             worker_group="täglich ☃", tenant_code="t'\"\\", warning_group_id=5,
                             schedule_time="2026-01-01 00:00:00")
    before, instance = cluster.commands()[0], cluster.instance(workflow)
    cluster.run("requeue", code=0)
    after, = cluster.commands()
    assert after["id"] > number
    assert databases.to_epoch_ms(after["update_time"]) > ago(MINUTE)
    for row in (before, after):
        del row["id"], row["update_time"]
    stamped = cluster.instance(workflow)
    assert cluster.registry.stamps(DEAD) == [databases.to_epoch_ms(stamped["restart_time"])]
    assert after == before and stamped == {**instance, "restart_time": stamped["restart_time"]}


@pytest.mark.parametrize("database", SERVERS)
def test_a_master_takes_it_in_the_very_moment_of_the_exchange(make_cluster, database):
    cluster = make_cluster(database=database)
    workflow, = commands = unclaimed(cluster, 1)
    with a_master_taking(cluster, commands[workflow]) as master:
        run = cluster.start("requeue")
        until(lambda: waits_for_a_row(cluster), timeout=60)
        master.execute("UPDATE t_ds_workflow_instance SET state = 1 WHERE id = ? AND state = 18",
                       workflow)
        master.execute("COMMIT")
    result = run.finish(0)
    assert cluster.commands() == [] and cluster.state(workflow) == 1
    assert result["workflows"]["skipped"] == {"taken": 1} and result["workflows"]["requeued"] == 0


@pytest.mark.parametrize("database", SERVERS)
def test_a_master_that_fails_to_take_it_leaves_it_to_us(make_cluster, database):
    cluster = make_cluster(database=database)
    workflow, = commands = unclaimed(cluster, 1)
    with a_master_taking(cluster, commands[workflow]) as master:
        run = cluster.start("requeue")
        until(lambda: waits_for_a_row(cluster), timeout=60)
        master.execute("ROLLBACK")
    assert run.finish(0)["workflows"]["requeued"] == 1
    command, = cluster.commands()
    assert command["id"] != commands[workflow]


@contextlib.contextmanager
def a_master_taking(cluster, number):
    """In the middle of its transaction: the command deleted, the instance not yet touched."""
    with contextlib.closing(cluster.db.clone()) as master:
        master.execute("BEGIN")
        assert master.execute("DELETE FROM t_ds_command WHERE id = ?", number) == 1
        yield master


def waits_for_a_row(cluster):
    if cluster.db.type == "postgresql":
        return cluster.db.value("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0
    # Not information_schema.innodb_trx: it shows nothing new to who asks more often than every 0.1 s.
    return cluster.db.row("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")["Value"] != "0"


def test_two_runs_at_once_leave_one_command_each(cluster):
    commands = unclaimed(cluster, 20)
    results = [run.finish(0) for run in [cluster.start("requeue") for _ in range(2)]]
    cluster.assert_failed_over_once(commands)
    assert sum(each["workflows"]["requeued"] for each in results) == 20


def test_a_command_consumed_meanwhile_is_no_failure(cluster):
    commands = unclaimed(cluster, 3)
    run = cluster.start("requeue")
    time.sleep(6)
    master = SimulatedMaster(cluster)
    master.consume_all()
    master.db.close()
    result = run.finish(0)
    assert cluster.commands() == [] and set(cluster.states(commands).values()) == {1}
    assert result["workflows"]["skipped"] == {"taken": 3}


@pytest.mark.parametrize("living", ["BUSY", None])
def test_without_a_master_that_takes_commands_nothing_is_exchanged(make_cluster, living):
    cluster = make_cluster(living=False)
    if living:
        cluster.register(ALIVE, status=living)
    commands = unclaimed(cluster, 2)
    result = cluster.run("requeue", code=3)
    assert {row["id"] for row in cluster.commands()} == set(commands.values())
    assert result["workflows"]["left"] == 2 and result.seconds < 12
    assert ("BUSY" if living else "No master lives") in "\n".join(result["errors"])


def test_commands_of_schedules_get_to_a_master_too(make_cluster):
    """One that takes odd ids alone, beside what nobody takes for another reason."""
    cluster = make_cluster("jdbc", "mariadb")
    scheduled = [cluster.workflow(state=0, host=None, command_type=6) for _ in range(6)]
    param = '{"commandType":"SCHEDULER","timeZone":"täglich"}'
    numbers = {workflow: waiting_command(cluster, workflow, command_type=6, command_param=param)
               for workflow in scheduled}
    rows = {row["workflow_instance_id"]: row for row in cluster.commands()}
    even = [workflow for workflow, number in numbers.items() if number % 2 == 0]
    upgraded = cluster.workflow(state=18, command_param='{"schedule_timezone":"Asia/Shanghai"}')
    taken = {}

    def take_odd_ones(stop):
        db = cluster.db.clone()
        while not stop.is_set():
            for row in db.rows("SELECT * FROM t_ds_command WHERE id % 2 = 1"):
                db.execute("UPDATE t_ds_workflow_instance SET state = 1, host = ? WHERE id = ?",
                           ALIVE, row["workflow_instance_id"])
                db.execute("DELETE FROM t_ds_command WHERE id = ?", row["id"])
                taken[row["workflow_instance_id"]] = row
            time.sleep(0.2)
        db.close()

    stop = threading.Event()
    master = threading.Thread(target=take_odd_ones, args=[stop])
    master.start()
    try:
        result = cluster.run("requeue", "--commands", "--wait", "60s", code=3)
    finally:
        stop.set()
        master.join()
    assert set(taken) == set(scheduled) and cluster.commands() == []
    assert result["recovery"]["recovered"] == result["workflows"]["requeued"] >= len(even)
    assert items(result)[upgraded]["reason"] == "unreadable_command_param"
    for workflow in scheduled:  # the equal row
        for row in (taken[workflow], rows[workflow]):
            row.pop("id"), row.pop("update_time")
        assert taken[workflow] == rows[workflow]
        assert cluster.instance(workflow)["restart_time"] is None


def test_unclaimed_after_says_how_old(make_cluster):
    cluster = make_cluster()
    unclaimed(cluster, 2, updated=ago(20_000))
    assert cluster.run("requeue", "--dry-run", code=0)["workflows"]["selected"] == 0
    result = cluster.run("requeue", "--dry-run", "--unclaimed-after", "10s", code=0)
    assert result["workflows"]["selected"] == 2


def test_interrupted_while_it_watches(make_cluster):
    cluster = make_cluster()
    commands = unclaimed(cluster, 2)
    cured = cluster.workflow(state=18)
    run = cluster.start("requeue")
    until(lambda: "watching" in run.stderr_so_far())
    run.interrupt()
    result = run.finish(130)
    assert cluster.commands_per_workflow()[cured] == 1
    assert result["workflows"]["requeued"] == 1 and result["workflows"]["left"] == 2
    assert set(commands.values()) < {row["id"] for row in cluster.commands()}
    assert items(result)[cured]["name"] == cluster.instance(cured)["name"]


def test_an_instance_that_is_not_in_failover_any_more_keeps_its_command(make_cluster):
    cluster = make_cluster()
    workflow, = commands = unclaimed(cluster, 1)
    run = cluster.start("requeue")
    until(lambda: "watching" in run.stderr_so_far())
    cluster.db.execute("UPDATE t_ds_workflow_instance SET state = 5 WHERE id = ?", workflow)
    result = run.finish(0)
    assert result["workflows"]["skipped"] == {"state_changed": 1}
    assert [row["id"] for row in cluster.commands()] == list(commands.values())


@pytest.mark.parametrize("database", SERVERS)
@pytest.mark.parametrize("reaches_server", [True, False], ids=["after", "before"])
def test_a_connection_cut_during_commit(make_cluster, database, reaches_server):
    cluster = make_cluster(database=database)
    workflows = cluster.workflows(20, state=18)
    db = cluster.db
    with Proxy("127.0.0.1", db.server.port) as proxy:
        (proxy.cut_after if reaches_server else proxy.cut_before)(COMMIT[database])
        result = cluster.run("requeue", code=0, options=[
            "--registry", cluster.registry.url, "--database", f"{db.server.scheme}://ds@{proxy.address}/{db.database}"])
        assert proxy.fired.is_set()
    cluster.assert_failed_over_once(workflows)
    assert result["workflows"]["requeued"] == 20


# -- --wait


def test_wait_tells_recovered_failed_and_pending_apart(cluster):
    recovered, errored, pending = cluster.workflows(3, state=18)

    def act():
        master = SimulatedMaster(cluster)
        end = time.monotonic() + 20
        while len(cluster_commands := master.db.rows("SELECT * FROM t_ds_command")) < 3:
            assert time.monotonic() < end
            time.sleep(0.05)
        for row in cluster_commands:
            if row["workflow_instance_id"] == recovered:
                master._consume(row)
            elif row["workflow_instance_id"] == errored:
                with master.db.transaction():
                    master.db.execute("DELETE FROM t_ds_command WHERE id = ?", row["id"])
                    master.db.insert("t_ds_error_command", **row, message="java.lang.Boom\n\tat x")
        master.db.close()

    acting = threading.Thread(target=act)
    acting.start()
    result = cluster.run("requeue", "--as", "running", "--wait", "6s", code=3)
    acting.join()
    assert result["recovery"] == {"recovered": 1, "pending": 1, "errored": 1, "unproven": 1, "lost": 0,
                                        "rehosted": 0}
    assert "java.lang.Boom" in result.said and "\tat x" not in result.said
    untaken, = (each for each in result["errors"] if "not taken" in each)
    assert "BUSY" in untaken and "use requeue" not in untaken
    assert cluster.state(pending) == cluster.state(errored) == 18


def test_a_workflow_of_a_dead_master_is_requeued_whatever_its_host(cluster):
    workflow = cluster.workflow(state=18, host=DEAD, start=ago(3 * HOUR))
    cluster.run("requeue", workflow, code=0)
    cluster.assert_failed_over_once([workflow])
